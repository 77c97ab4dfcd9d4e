/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command-line parser: Python's argparse, as tools-config 1.1 and tools-runtime 1.3 describe it. */
#include "cli/opt.h"

#include <errno.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"

struct parser {
	struct args *a;
	const struct grammar *g;
	struct err *err;
	int argc;
	char *const *argv;
	int at;          /* the word that comes next */
	bool dashes;     /* "--" was met and dropped */
	bool literal;    /* everything that comes is a positional */
	bool no_qube;    /* the grammar's first positional is left out */
	size_t words;    /* positionals met so far, behind the command only its own */
	bool *unknown;   /* by index in argv */
	bool any_unknown;
};

void args_blame_command(struct args *a)
{
	struct buf prog = BUF_INIT;
	const char *command;
	size_t n = grammar_words(a->grammar, &command);
	char *name CLEANUP_FREE = NULL;

	if (!a->sub || a->usage_prog)
		return;
	name = arg_sub_name(a);
	buf_addstr(&prog, a->grammar->prog);
	for (size_t i = 0; i < n; i++)
		buf_addf(&prog, " %s", a->grammar->pos[i].name);
	buf_addf(&prog, " %s", name);
	a->usage_prog = buf_steal(&prog);
}

/* err and usage_prog, as the parser of the command (when one was met) would complain. */
static int PRINTF(2, 3) complain(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(p->err, -EINVAL, "", fmt, ap);
	va_end(ap);
	args_blame_command(p->a);
	return -EINVAL;
}

/* As complain, with "NAME: TEXT 'VALUE'" */
static int complain_value(struct parser *p, const char *name, const char *text, const char *value)
{
	char *quoted CLEANUP_FREE = quote_py(value);

	return complain(p, "argument %s: %s: %s", name, text, quoted);
}

static int complain_choice(struct parser *p, const char *name, const char *value, const char *choices,
			   char sep)
{
	char *quoted CLEANUP_FREE = quote_py(value);
	struct buf list CLEANUP_BUF = BUF_INIT;
	const char *choice;
	size_t n;

	while (names_next(&choices, sep, &choice, &n)) {
		char *one CLEANUP_FREE = xstrndup(choice, n);
		char *q CLEANUP_FREE = quote_py(one);

		buf_addf(&list, "%s%s", list.len ? ", " : "", q);
	}
	return complain(p, "argument %s: invalid choice: %s (choose from %s)", name, quoted, buf_str(&list));
}

static int complain_ambiguous(struct parser *p, const char *word)
{
	size_t len = strcspn(word, "=");
	struct buf list CLEANUP_BUF = BUF_INIT;
	const struct opt *o;

	for (size_t i = 0; (o = opt_each_here(p->g, p->a->sub, &i));) {
		const char *names = o->names, *name;
		size_t n;

		if (o->flags & (OPT_HIDDEN | OPT_OURS))
			continue;
		while (names_next(&names, '/', &name, &n))
			if (n > len && strncmp(name, word, len) == 0)
				buf_addf(&list, "%s%.*s", list.len ? ", " : "", (int)n, name);
	}
	return complain(p, "ambiguous option: %.*s could match %s", (int)len, word, buf_str(&list));
}

static bool is_choice(const char *choices, const char *value)
{
	const char *choice;
	size_t n;

	while (names_next(&choices, ' ', &choice, &n))
		if (strlen(value) == n && memcmp(choice, value, n) == 0)
			return true;
	return false;
}

static int check_value(struct parser *p, const struct opt *o, const char *value)
{
	int64_t number;

	if (!value)
		return 0;
	if ((o->flags & OPT_INT) && num_i64(value + (*value == '+'), &number) < 0)
		return complain_value(p, o->names, "invalid int value", value);
	if (o->choices && o->comp != COMP_COLUMN && !is_choice(o->choices, value))
		return complain_choice(p, o->names, value, o->choices, ' ');
	return 0;
}

static bool is_shared(const struct grammar *g, const struct opt *o)
{
	for (const struct opt *const *t = g->shared; t && *t; t++)
		for (const struct opt *s = *t; s->names; s++)
			if (s == o)
				return true;
	return false;
}

static int check_exclusive(struct parser *p, const struct opt *o)
{
	bool in_sub = p->a->sub != NULL, shared = is_shared(p->g, o);

	for (size_t i = 0; o->exclusive && i < p->a->n; i++) {
		const struct arg *other = &p->a->v[i];

		if (!other->opt || other->opt == o || other->opt->exclusive != o->exclusive)
			continue;
		/* Numbers of the grammar and of a command are separate; shared options know no border. */
		if (other->in_sub == in_sub || shared || is_shared(p->g, other->opt))
			return complain(p, "argument %s: not allowed with argument %s", o->names,
					other->opt->names);
	}
	return 0;
}

static void add_arg(struct parser *p, const struct opt *o, const char *value)
{
	struct args *a = p->a;

	GROW(a->v, a->n, a->cap);
	a->v[a->n++] = (struct arg){.opt = o, .value = value, .in_sub = a->sub != NULL, .at = p->at - 1};
}

/* Where each value does not count for itself, only those of the last time do. */
static void forget(struct args *a, const struct opt *o)
{
	size_t kept = 0;

	if (o->kind == OPT_FLAG || (o->flags & OPT_REPEAT))
		return;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].opt != o)
			a->v[kept++] = a->v[i];
	a->n = kept;
}

static int take(struct parser *p, const struct opt *o, const char *value)
{
	int r = check_value(p, o, value);

	if (r == 0)
		r = check_exclusive(p, o);
	if (r < 0)
		return r;
	forget(p->a, o);
	add_arg(p, o, value);
	if (opt_stands_for_qube(p->g, o) && p->words == 0 && !p->a->sub)
		p->no_qube = true;
	if (o->flags & OPT_IMMEDIATE)
		p->a->immediate = o;
	return 0;
}

static bool value_follows(const struct parser *p)
{
	return p->at < p->argc && !(streq(p->argv[p->at], "--") && !p->dashes) &&
	       token_read(p->g, p->a->sub, p->argv[p->at]).kind == TOKEN_WORD;
}

/* What an option wants and did not get, in a message. */
static const char *expected(const struct opt *o)
{
	return o->kind == OPT_LIST ? "at least one argument" : o->kind == OPT_PAIR ? "2 arguments" : "one argument";
}

/* An option without an attached value, which may want one from the words that follow. */
static int take_detached(struct parser *p, const struct opt *o)
{
	size_t more;
	int r;

	if (o->kind == OPT_FLAG)
		return take(p, o, NULL);
	if (!value_follows(p)) {
		if (o->kind == OPT_OPTVALUE)
			return take(p, o, NULL);
		return complain(p, "argument %s: expected %s", o->names, expected(o));
	}
	p->at++;
	r = take(p, o, p->argv[p->at - 1]);
	if (r == 0 && o->kind == OPT_PAIR && !value_follows(p))
		return complain(p, "argument %s: expected %s", o->names, expected(o));
	more = o->kind == OPT_LIST ? SIZE_MAX : o->kind == OPT_PAIR;
	for (; r == 0 && more && value_follows(p); more--) {
		p->at++;
		r = check_value(p, o, p->argv[p->at - 1]);
		if (r == 0)
			add_arg(p, o, p->argv[p->at - 1]);
	}
	return r;
}

static const struct opt *short_option(const struct parser *p, char c)
{
	return opt_find(p->g, p->a->sub, (const char[]){'-', c}, 2);
}

static int take_option(struct parser *p, const struct token *t)
{
	const struct opt *o = t->opt;
	const char *rest = t->value;

	/* A cluster counts as a whole or not at all, so its flags are looked at first. */
	for (; rest && o->kind == OPT_FLAG; o = short_option(p, *rest), rest = rest[1] ? rest + 1 : NULL)
		if (!t->cluster || !short_option(p, *rest)) {
			char *quoted CLEANUP_FREE = quote_py(rest);

			return complain(p, "argument %s: ignored explicit argument %s", o->names, quoted);
		}
	o = t->opt;
	for (rest = t->value; rest && o->kind == OPT_FLAG; rest = rest[1] ? rest + 1 : NULL) {
		int r = take(p, o, NULL);

		if (r < 0 || p->a->immediate)
			return r;
		o = short_option(p, *rest);
	}
	if (!rest)
		return take_detached(p, o);
	if (o->kind == OPT_PAIR)
		return complain(p, "argument %s: expected %s", o->names, expected(o));
	return take(p, o, rest + (rest != t->value && *rest == '='));
}

/* Positionals before POS_REST where the parser stands, or SIZE_MAX when the rest is no concern here. */
static size_t words_before_rest(const struct parser *p)
{
	const struct pos *pos = p->a->sub ? p->a->sub->pos : p->g->pos;

	for (size_t i = 0; pos && pos[i].name; i++)
		if (pos[i].count == POS_REST)
			return i - (p->no_qube && !p->a->sub && i > 0);
	return SIZE_MAX;
}

static int choose_command(struct parser *p, const char *command, const char *word)
{
	struct buf names CLEANUP_BUF = BUF_INIT;

	p->a->sub = sub_find(p->g, word);
	p->words = 0;
	if (p->a->sub)
		return 0;
	for (const struct sub *s = p->g->subs; s->names; s++)
		buf_addf(&names, "/%s", s->names);
	return complain_choice(p, command, word, buf_str(&names), '/');
}

static int take_word(struct parser *p, const char *word)
{
	const char *command;
	size_t before = grammar_words(p->g, &command) - p->no_qube;

	if (p->g->subs && !p->a->sub && p->words == before)
		return choose_command(p, command, word);
	add_arg(p, NULL, word);
	p->words++;
	if (!p->dashes && p->words == words_before_rest(p) + 1) {
		p->literal = p->dashes = true;
		if (p->at < p->argc && streq(p->argv[p->at], "--"))
			p->at++;
	}
	return 0;
}

static int complain_unknown(struct parser *p)
{
	struct strv list CLEANUP_STRV = STRV_INIT;
	char *text CLEANUP_FREE = NULL;

	for (int i = 1; i < p->argc; i++)
		if (p->unknown[i])
			strv_add(&list, p->argv[i]);
	text = strv_join(&list, " ");
	/* It is always the whole program's parser that complains about these. */
	return err_set(p->err, -EINVAL, "", "unrecognized arguments: %s", text);
}

static int take_next(struct parser *p)
{
	const char *word = p->argv[p->at++];
	struct token t;

	if (p->literal)
		return take_word(p, word);
	if (streq(word, "--")) {
		p->literal = p->dashes = true;
		return 0;
	}
	t = token_read(p->g, p->a->sub, word);
	if (t.kind == TOKEN_WORD)
		return take_word(p, word);
	if (t.kind == TOKEN_AMBIGUOUS)
		return complain_ambiguous(p, word);
	if (t.kind == TOKEN_OPTION && !(p->words && words_before_rest(p) != SIZE_MAX))
		return take_option(p, &t);
	p->unknown[p->at - 1] = p->any_unknown = true;
	return 0;
}

/* Options of ours that stand for the qube count wherever they are: what a word means hangs on it. */
static bool qube_left_out(const struct parser *p)
{
	if (words_before_rest(p) != SIZE_MAX)
		return false;
	for (int i = 1; i < p->argc && !streq(p->argv[i], "--"); i++) {
		struct token t = token_read(p->g, NULL, p->argv[i]);

		if (t.kind == TOKEN_OPTION && opt_stands_for_qube(p->g, t.opt))
			return true;
	}
	return false;
}

/* Gives each word of the grammar, or of the command, its positional. Names those without one in missing. */
static int deal(struct parser *p, const struct pos *pos, size_t npos, bool in_sub, struct strv *missing)
{
	size_t *counts CLEANUP_FREE = xcalloc(npos + 1, sizeof *counts);
	size_t words = 0, reached, k = 0;

	for (size_t i = 0; i < p->a->n; i++)
		words += !p->a->v[i].opt && p->a->v[i].in_sub == in_sub;
	reached = pos_deal(pos, npos, words, counts);
	for (size_t i = 0; i < p->a->n; i++) {
		struct arg *arg = &p->a->v[i];

		if (arg->opt || arg->in_sub != in_sub)
			continue;
		while (k < npos && counts[k] == 0)
			k++;
		if (k == npos) {
			p->unknown[arg->at] = p->any_unknown = true;
			continue;
		}
		counts[k]--;
		arg->pos = &pos[k];
		if (pos[k].comp == COMP_WORDS && pos[k].choices && !is_choice(pos[k].choices, arg->value))
			return complain_choice(p, pos[k].name, arg->value, pos[k].choices, ' ');
	}
	for (size_t i = reached; i < npos; i++)
		if (pos[i].count != POS_OPTIONAL && pos[i].count != POS_ANY)
			strv_add(missing, pos[i].name);
	return 0;
}

static int deal_all(struct parser *p)
{
	struct strv missing CLEANUP_STRV = STRV_INIT;
	const char *command;
	size_t n = grammar_words(p->g, &command);
	const struct sub *sub = p->a->sub;
	int r = deal(p, p->no_qube ? p->g->pos + 1 : p->g->pos, n - p->no_qube, false, &missing);

	if (r < 0)
		return r;
	if (p->g->subs && !sub && !p->g->sub_optional)
		strv_add(&missing, command);
	if (sub) {
		for (n = 0; sub->pos && sub->pos[n].name;)
			n++;
		r = deal(p, sub->pos, n, true, &missing);
		if (r < 0)
			return r;
	}
	if (missing.n) {
		char *text CLEANUP_FREE = strv_join(&missing, ", ");

		return complain(p, "the following arguments are required: %s", text);
	}
	return p->any_unknown ? complain_unknown(p) : 0;
}

int args_parse(struct args *ret, const struct grammar *g, int argc, char *const argv[], struct err *err)
{
	bool *unknown CLEANUP_FREE = xcalloc((size_t)argc + 1, sizeof *unknown);
	struct parser p = {.a = ret, .g = g, .err = err, .argc = argc, .argv = argv, .at = 1,
			   .unknown = unknown};

	*ret = (struct args){.grammar = g};
	p.no_qube = qube_left_out(&p);
	while (p.at < argc) {
		int r = take_next(&p);

		if (r < 0 || ret->immediate)
			return r;
	}
	return deal_all(&p);
}
