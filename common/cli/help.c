/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Usage and help, laid out from the option table. */
#include "cli/help.h"

#include "base/mem.h"

#define INDENT 2
#define HELP_COLUMN 24
#define NARROWEST 40

/* "--format, -o FORMAT": all spellings, then the value; or only the first spelling for usage. */
static void opt_text(struct buf *b, const struct opt *o, bool all)
{
	const char *names = o->names, *name, *metavar = o->metavar ? o->metavar : "VALUE";
	size_t n;

	for (bool first = true; names_next(&names, '/', &name, &n) && (first || all); first = false) {
		if (!first)
			buf_addstr(b, ", ");
		buf_add(b, name, n);
	}
	switch (o->kind) {
	case OPT_FLAG:
		break;
	case OPT_VALUE:
	case OPT_PAIR: /* whose metavar names both */
		buf_addf(b, " %s", metavar);
		break;
	case OPT_LIST:
		buf_addf(b, " %s [%s ...]", metavar, metavar);
		break;
	case OPT_OPTVALUE:
		buf_addf(b, " [%s]", metavar);
		break;
	}
}

static void pos_text(struct buf *b, const struct pos *p)
{
	switch (p->count) {
	case POS_ONE:
		buf_addstr(b, p->name);
		break;
	case POS_OPTIONAL:
		buf_addf(b, "[%s]", p->name);
		break;
	case POS_ANY:
		buf_addf(b, "[%s ...]", p->name);
		break;
	case POS_SOME:
		buf_addf(b, "%s [%s ...]", p->name, p->name);
		break;
	case POS_REST:
		buf_addf(b, "[%s ...]", p->name);
		break;
	}
}

/* A paragraph being wrapped: words go to the next line when they do not fit. */
struct wrap {
	struct buf *b;
	unsigned width;
	unsigned indent; /* of lines behind the first */
	unsigned column;
};

static void wrap_piece(struct wrap *w, const char *s, size_t n)
{
	if (w->column > w->indent && w->column + 1 + n > w->width) {
		buf_addf(w->b, "\n%*s", (int)w->indent, "");
		w->column = w->indent;
	} else if (w->column > w->indent) {
		buf_addch(w->b, ' ');
		w->column++;
	}
	buf_add(w->b, s, n);
	w->column += (unsigned)n;
}

static void wrap_text(struct wrap *w, const char *text)
{
	const char *word;
	size_t n;

	while (names_next(&text, ' ', &word, &n))
		wrap_piece(w, word, n);
}

static bool same_group(const struct opt *o, const struct opt *next)
{
	return o->exclusive && next->names && next->exclusive == o->exclusive && !(next->flags & OPT_HIDDEN);
}

static void usage_opts(struct wrap *w, const struct opt *opts)
{
	bool inside = false;

	/* Those that exclude each other stand within one pair of brackets. */
	for (const struct opt *o = opts; o && o->names; o++) {
		struct buf piece CLEANUP_BUF = BUF_INIT;
		bool more = same_group(o, o + 1);

		if (o->flags & OPT_HIDDEN)
			continue;
		buf_addstr(&piece, inside ? "" : "[");
		opt_text(&piece, o, false);
		buf_addstr(&piece, more ? " |" : "]");
		wrap_piece(w, buf_str(&piece), piece.len);
		inside = more;
	}
}

static void usage_pos(struct wrap *w, const struct pos *pos, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf piece CLEANUP_BUF = BUF_INIT;

		pos_text(&piece, &pos[i]);
		wrap_piece(w, buf_str(&piece), piece.len);
	}
}

static size_t count_pos(const struct pos *pos)
{
	size_t n = 0;

	while (pos && pos[n].name)
		n++;
	return n;
}

/* The name of a command without its aliases. */
static char *sub_name(const struct sub *sub)
{
	return xstrndup(sub->names, strcspn(sub->names, "/"));
}

/* Behind "usage: ", at column. */
static void usage_body(struct buf *b, const struct grammar *g, const struct sub *sub, const char *prog,
		       unsigned width, unsigned column)
{
	struct wrap w = {.b = b, .width = width < NARROWEST ? NARROWEST : width};
	const char *command;
	size_t n = grammar_words(g, &command);

	buf_addstr(b, prog);
	/* Lines that follow stand below the first word behind the program's name. */
	w.indent = column + (unsigned)strlen(prog);
	w.column = w.indent;
	buf_addch(b, ' ');
	w.indent++;
	w.column++;
	if (sub) {
		char *name CLEANUP_FREE = sub_name(sub);

		usage_pos(&w, g->pos, n);
		wrap_piece(&w, name, strlen(name));
		for (const struct opt *const *t = g->shared; t && *t; t++)
			usage_opts(&w, *t);
		usage_opts(&w, sub->opts);
		usage_pos(&w, sub->pos, count_pos(sub->pos));
	} else {
		for (const struct opt *const *t = g->shared; t && *t; t++)
			usage_opts(&w, *t);
		usage_opts(&w, g->opts);
		usage_pos(&w, g->pos, n);
		if (g->subs) {
			struct buf piece CLEANUP_BUF = BUF_INIT;

			buf_addf(&piece, g->sub_optional ? "[%s ...]" : "%s ...", command);
			wrap_piece(&w, buf_str(&piece), piece.len);
		}
	}
	buf_addch(b, '\n');
}

void help_usage(struct buf *b, const struct grammar *g, const struct sub *sub, const char *prog,
		unsigned width)
{
	buf_addstr(b, "usage: ");
	usage_body(b, g, sub, prog, width, (unsigned)strlen("usage: "));
}

/* One line of a list: what on the left, and its description in the column beside it. */
static void entry(struct buf *b, const char *left, const char *text, const char *more, unsigned width)
{
	struct wrap w = {.b = b, .width = width, .indent = HELP_COLUMN, .column = HELP_COLUMN};
	size_t n = strlen(left);

	buf_addf(b, "%*s%s", INDENT, "", left);
	if ((text && *text) || (more && *more)) {
		if (INDENT + n + 2 > HELP_COLUMN)
			buf_addf(b, "\n%*s", HELP_COLUMN, "");
		else
			buf_addf(b, "%*s", (int)(HELP_COLUMN - INDENT - n), "");
		wrap_text(&w, text ? text : "");
		if (more && *more)
			wrap_text(&w, more);
	}
	buf_addch(b, '\n');
}

static void list_pos(struct buf *b, const struct pos *pos, size_t n, unsigned width)
{
	for (size_t i = 0; i < n; i++)
		entry(b, pos[i].name, pos[i].help, NULL, width);
}

static void list_opts(struct buf *b, const struct opt *opts, unsigned width)
{
	for (const struct opt *o = opts; o && o->names; o++) {
		struct buf left CLEANUP_BUF = BUF_INIT, more CLEANUP_BUF = BUF_INIT;

		if (o->flags & OPT_HIDDEN)
			continue;
		opt_text(&left, o, true);
		if (o->choices && o->comp != COMP_COLUMN) {
			const char *choices = o->choices, *word;
			size_t n;

			while (names_next(&choices, ' ', &word, &n))
				buf_addf(&more, "%s%.*s", more.len ? ", " : "(", (int)n, word);
			buf_addch(&more, ')');
		}
		entry(b, buf_str(&left), o->help, buf_str(&more), width);
	}
}

static void paragraph(struct buf *b, const char *text, unsigned width)
{
	struct wrap w = {.b = b, .width = width};

	if (!text || !*text)
		return;
	buf_addch(b, '\n');
	/* A text with lines of its own is laid out already. */
	if (strchr(text, '\n'))
		buf_addstr(b, text);
	else
		wrap_text(&w, text);
	if (b->data[b->len - 1] != '\n')
		buf_addch(b, '\n');
}

static void list_subs(struct buf *b, const struct grammar *g, unsigned width)
{
	for (const struct sub *s = g->subs; s->names; s++) {
		struct buf left CLEANUP_BUF = BUF_INIT;
		const char *names = s->names, *name;
		size_t n;

		while (names_next(&names, '/', &name, &n))
			buf_addf(&left, "%s%.*s", left.len ? ", " : "", (int)n, name);
		entry(b, buf_str(&left), s->summary, NULL, width);
	}
}

/* "Command 'x':" and its usage, for each (tools-config 1.2, tools-runtime 1.3). */
static void sub_blocks(struct buf *b, const struct grammar *g, const char *prog, unsigned width)
{
	for (const struct sub *s = g->subs; s->names; s++) {
		char *name CLEANUP_FREE = sub_name(s);

		buf_addf(b, "\nCommand '%s':\n%*susage: ", name, INDENT, "");
		usage_body(b, g, s, prog, width, INDENT + (unsigned)strlen("usage: "));
		buf_addch(b, '\n');
	}
}

void help_full(struct buf *b, const struct grammar *g, const struct sub *sub, const char *prog,
	       unsigned width)
{
	const char *command;
	size_t n = grammar_words(g, &command), own = sub ? count_pos(sub->pos) : 0;

	if (width < NARROWEST)
		width = NARROWEST;
	help_usage(b, g, sub, prog, width);
	paragraph(b, sub && sub->summary ? sub->summary : g->summary, width);
	if (n || own) {
		buf_addstr(b, "\npositional arguments:\n");
		list_pos(b, g->pos, n, width);
		list_pos(b, sub ? sub->pos : NULL, own, width);
	}
	if (g->subs && !sub) {
		buf_addstr(b, "\ncommands:\n");
		list_subs(b, g, width);
	}
	buf_addstr(b, "\noptions:\n");
	list_opts(b, sub ? sub->opts : g->opts, width);
	for (const struct opt *const *t = g->shared; t && *t; t++)
		list_opts(b, *t, width);
	if (g->subs && !sub)
		sub_blocks(b, g, prog, width);
	paragraph(b, g->epilog, width);
}

/* ---- for lint ---- */

static const char *comp_name(enum comp comp)
{
	static const char *const names[] = {
		"unset", "none", "file", "words", "qube", "qube-nodom0", "qube-running", "qube-halted",
		"qube-paused", "template", "dispvm", "netvm", "class", "label", "tag", "feature", "service", "property",
		"propvalue", "gproperty", "gpropvalue", "pool", "driver", "volume", "revision", "column", "method",
		"where", "devclass", "device", "attached", "assigned", "hint", "command", "own",
	};

	_Static_assert(ARRAY_SIZE(names) == COMP_OWN + 1, "a name for each kind");
	return names[comp];
}

static const char *or_dash(const char *s)
{
	return s && *s ? s : "-";
}

static void dump_opts(struct buf *b, const struct opt *opts, const char *sub)
{
	static const char *const kinds[] = {"flag", "value", "list", "pair", "optvalue"};

	for (const struct opt *o = opts; o && o->names; o++)
		buf_addf(b, "%s\t%s\t%s\t%s\t%s\t%s\n", kinds[o->kind], o->names, or_dash(o->metavar),
			 o->kind == OPT_FLAG ? "-" : comp_name(o->comp), sub,
			 o->flags & OPT_HIDDEN ? "hidden" : "shown");
}

static void dump_pos(struct buf *b, const struct pos *pos, size_t n, const char *sub)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "pos\t%s\t-\t%s\t%s\tshown\n", pos[i].name, comp_name(pos[i].comp), sub);
}

void help_dump(struct buf *b, const struct grammar *g)
{
	const char *command;
	size_t n = grammar_words(g, &command);

	dump_opts(b, g->opts, "-");
	for (const struct opt *const *t = g->shared; t && *t; t++)
		dump_opts(b, *t, "-");
	dump_pos(b, g->pos, n, "-");
	for (const struct sub *s = g->subs; s && s->names; s++) {
		char *name CLEANUP_FREE = sub_name(s);

		buf_addf(b, "sub\t%s\t-\t-\t%s\tshown\n", s->names, name);
		dump_opts(b, s->opts, name);
		dump_pos(b, s->pos, count_pos(s->pos), name);
	}
}
