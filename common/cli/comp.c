/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion: reads the line up to the word in question, leniently, and prints what may stand there. */
#include "cli/comp.h"

#include <ctype.h>
#include <strings.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/compval.h"
#include "model/names.h"

/* The first line of the answer that makes the shell offer names of files, or of commands. */
#define ANSWER_FILES "\001files"
#define ANSWER_COMMANDS "\001commands"

/* The line as far as it is known. */
struct line {
	const struct grammar *g;
	const struct sub *sub;
	int n; /* words, the program's name included */
	char *const *words;
	int at;           /* the word in question; may be n */
	const char *word; /* as far as it is typed */
	bool literal;     /* behind "--" */
	bool no_qube;     /* the grammar's first positional is left out */
	const struct opt *wants; /* the option that a word here would be a value of */
	size_t had;              /* values that it has already */
	struct strv before;      /* positionals before the command, or all */
	struct strv behind;      /* positionals behind the command */
	struct strv values;      /* of options, as "FIRST-SPELLING VALUE"; VALUE is left out for flags */
	struct comp_asker ask;
};

/* An option with its value for l->values. */
static void note_option(struct line *l, const struct opt *o, const char *value)
{
	strv_addf(&l->values, "%.*s%s%s", (int)strcspn(o->names, "/"), o->names, value ? " " : "",
		  value ? value : "");
	if (opt_stands_for_qube(l->g, o))
		l->no_qube = true;
}

static bool is_noted(const struct line *l, const struct opt *o)
{
	size_t n = strcspn(o->names, "/");

	for (size_t i = 0; i < l->values.n; i++) {
		const char *v = l->values.v[i];

		if (strncmp(v, o->names, n) == 0 && (!v[n] || v[n] == ' '))
			return true;
	}
	return false;
}

static void read_option(struct line *l, const struct token *t)
{
	const struct opt *o = t->opt;
	const char *rest = t->value;

	for (; t->cluster && o && rest && o->kind == OPT_FLAG; rest = rest[1] ? rest + 1 : NULL) {
		note_option(l, o, NULL);
		o = opt_find(l->g, l->sub, (const char[]){'-', *rest}, 2);
	}
	if (!o)
		return;
	if (rest || o->kind == OPT_FLAG) {
		note_option(l, o, rest);
		return;
	}
	l->wants = o;
	l->had = 0;
}

static void read_positional(struct line *l, const char *word)
{
	const char *command;
	size_t before = grammar_words(l->g, &command);

	if (l->sub) {
		strv_add(&l->behind, word);
		return;
	}
	if (l->g->subs && l->before.n == before - (l->no_qube && before))
		l->sub = sub_find(l->g, word);
	else
		strv_add(&l->before, word);
}

static void read_word(struct line *l, const char *word)
{
	struct token t = token_read(l->g, l->sub, word);

	if (l->literal) {
		read_positional(l, word);
	} else if (streq(word, "--")) {
		l->literal = true;
		l->wants = NULL;
	} else if (t.kind == TOKEN_WORD && l->wants) {
		note_option(l, l->wants, word);
		if (l->wants->kind != OPT_LIST && (l->wants->kind != OPT_PAIR || ++l->had == 2))
			l->wants = NULL;
	} else if (t.kind == TOKEN_WORD) {
		read_positional(l, word);
	} else {
		l->wants = NULL;
		if (t.kind == TOKEN_OPTION)
			read_option(l, &t);
	}
}

/* Also behind the word: which words mean what depends on --where and --all wherever they are. */
static void look_for_stand_ins(struct line *l)
{
	for (int i = 1; i < l->n && !streq(l->words[i], "--"); i++) {
		struct token t = token_read(l->g, NULL, l->words[i]);

		if (i != l->at && t.kind == TOKEN_OPTION && opt_stands_for_qube(l->g, t.opt))
			l->no_qube = true;
	}
}

/* The positional that word number i of n belongs to; NULL when it is one too many. */
static const struct pos *pos_of(const struct pos *pos, size_t npos, size_t i, size_t n)
{
	size_t *counts CLEANUP_FREE = xcalloc(npos + 1, sizeof *counts);

	pos_deal(pos, npos, n, counts);
	for (size_t k = 0; k < npos; k++) {
		if (i < counts[k])
			return &pos[k];
		i -= counts[k];
	}
	return NULL;
}

/* Which positional comes next; with *ret_words the words that stand where it does. */
static const struct pos *next_pos(const struct line *l, const struct strv **ret_words)
{
	const char *command;
	const struct pos *pos = l->g->pos;
	size_t npos = grammar_words(l->g, &command);

	*ret_words = l->sub ? &l->behind : &l->before;
	if (l->sub) {
		for (pos = l->sub->pos, npos = 0; pos && pos[npos].name;)
			npos++;
	} else if (l->no_qube && npos) {
		pos++;
		npos--;
	}
	return pos_of(pos, npos, (*ret_words)->n, (*ret_words)->n + 1);
}

/* What candidates depend on, from words that stand at npos positionals. */
static void look_at(struct line *l, const struct pos *pos, size_t npos, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		const struct pos *p = pos_of(pos, npos, i, words->n + 1);

		if (p && comp_is_qube(p->comp) && p->count == POS_ONE)
			l->ask.qube = words->v[i];
		else if (p && (p->comp == COMP_PROPERTY || p->comp == COMP_GPROPERTY))
			l->ask.property = words->v[i];
		else if (p && p->comp == COMP_DEVCLASS)
			l->ask.devclass = words->v[i];
		else if (p && p->comp == COMP_VOLUME)
			l->ask.volume = words->v[i];
	}
}

/* The qube, the property, the class of devices named before. */
static void find_context(struct line *l)
{
	const char *command;
	const struct pos *pos = l->g->pos;
	size_t npos = grammar_words(l->g, &command), nsub = 0;

	l->ask.command = l->sub;
	if (l->no_qube && npos) {
		pos++;
		npos--;
	}
	look_at(l, pos, npos, &l->before);
	while (l->sub && l->sub->pos && l->sub->pos[nsub].name)
		nsub++;
	if (nsub)
		look_at(l, l->sub->pos, nsub, &l->behind);
	for (size_t i = 0; i < l->values.n; i++)
		if (strstr(l->values.v[i], " DispVM"))
			l->ask.disposable = true;
}

/* ---- output ---- */

/* Candidates go into a shell's line as they are: only those that mean nothing to a shell. */
static bool is_plain(const char *s)
{
	return *s && chars_all(s, "A-Za-z0-9_.@+:,=/!%-");
}

/* Candidates that begin as the word does, each once, with what stands before them in the same word. */
static void print(FILE *out, const char *head, size_t head_len, const char *typed, struct strv *candidates,
		  const struct strv *used)
{
	size_t n = strlen(typed);

	strv_sort(candidates);
	for (size_t i = 0; i < candidates->n; i++) {
		const char *c = candidates->v[i];

		if (strncasecmp(c, typed, n) != 0 || !is_plain(c) || (i && streq(c, candidates->v[i - 1])))
			continue;
		if (used && strv_has(used, c))
			continue;
		fprintf(out, "%.*s%s\n", (int)head_len, head, c);
	}
}

/* Drops those that do not begin exactly as typed, so that only kinds that say so ignore the case. */
static void keep_exact(struct strv *v, const char *typed)
{
	for (size_t i = v->n; i-- > 0;)
		if (!skip_prefix(v->v[i], typed))
			strv_remove(v, i);
}

static void change_case(struct strv *v, int (*change)(int))
{
	for (size_t i = 0; i < v->n; i++)
		for (char *c = v->v[i]; *c; c++)
			*c = (char)change((unsigned char)*c);
}

/* "a,b,PART": the columns before the last comma are used up; case as the user writes it. */
static void print_columns(struct line *l, FILE *out, const char *word, const char *start, const char *choices)
{
	struct strv v CLEANUP_STRV = STRV_INIT, used CLEANUP_STRV = STRV_INIT;
	const char *comma = strrchr(start, ','), *part = comma ? comma + 1 : start;
	char *earlier CLEANUP_FREE = xstrndup(start, (size_t)(part - start));
	int (*change)(int) = isupper((unsigned char)*part) ? toupper : tolower;

	comp_ask(&l->ask, COMP_COLUMN, choices, &v);
	strv_split(&used, earlier, ',');
	change_case(&v, change);
	change_case(&used, change);
	print(out, word, (size_t)(part - word), part, &v, &used);
}

/* The key of --where, or behind '=' its value. */
static void print_where(struct line *l, FILE *out, const char *word, const char *start)
{
	struct strv v CLEANUP_STRV = STRV_INIT;
	const char *eq = strchr(start, '='), *part = eq ? eq + 1 : start;

	if (eq) {
		bool negated = eq > start && eq[-1] == '!';
		char *key CLEANUP_FREE = xstrndup(start, (size_t)(eq - start) - negated);

		comp_ask_where(&l->ask, key, &v);
	} else if (skip_prefix(start, "feature:")) {
		part = start + strlen("feature:");
		comp_ask(&l->ask, COMP_FEATURE, NULL, &v);
		for (size_t i = 0; i < v.n; i++) {
			char *with = xasprintf("%s=", v.v[i]);

			free(v.v[i]);
			v.v[i] = with;
		}
	} else {
		comp_ask(&l->ask, COMP_WHERE, NULL, &v);
	}
	keep_exact(&v, part);
	print(out, word, (size_t)(part - word), part, &v, NULL);
}

/* QUBE:, or behind the colon one of its volumes. */
static void print_volumes(struct line *l, FILE *out, const char *word, const char *start)
{
	struct strv v CLEANUP_STRV = STRV_INIT;
	const char *colon = strchr(start, ':'), *part = colon ? colon + 1 : start;
	char *qube CLEANUP_FREE = xstrndup(start, colon ? (size_t)(colon - start) : 0);

	if (colon) {
		l->ask.qube = qube;
		comp_ask(&l->ask, COMP_VOLUME, NULL, &v);
		l->ask.qube = NULL;
	} else {
		struct strv qubes CLEANUP_STRV = STRV_INIT;

		comp_ask(&l->ask, COMP_QUBE_NODOM0, NULL, &qubes);
		for (size_t i = 0; i < qubes.n; i++)
			strv_addf(&v, "%s:", qubes.v[i]);
	}
	keep_exact(&v, part);
	print(out, word, (size_t)(part - word), part, &v, NULL);
}

/* NAME=VALUE where the metavar says so: first the name, behind '=' its value. */
static void print_pair(struct line *l, FILE *out, const char *word, const char *start, const struct opt *o)
{
	struct strv v CLEANUP_STRV = STRV_INIT;
	const char *eq = strchr(start, '='), *part = eq ? eq + 1 : start;
	char *name CLEANUP_FREE = xstrndup(start, eq ? (size_t)(eq - start) : 0);
	bool property = o->comp == COMP_PROPERTY;

	if (eq) {
		l->ask.property = name;
		if (o->comp != COMP_FEATURE)
			comp_ask(&l->ask, property ? COMP_PROPVALUE : o->comp, NULL, &v);
	} else {
		struct strv names CLEANUP_STRV = STRV_INIT;

		/* Pools are given to volumes. */
		comp_ask(&l->ask, o->comp == COMP_POOL ? COMP_WORDS : o->comp, "kernel private root volatile",
			 &names);
		for (size_t i = 0; i < names.n; i++)
			strv_addf(&v, "%s=", names.v[i]);
	}
	keep_exact(&v, part);
	print(out, word, (size_t)(part - word), part, &v, NULL);
}

/* Everything from here on belongs to another program. */
static bool in_rest(const struct line *l)
{
	const struct pos *pos = l->sub ? l->sub->pos : l->g->pos;
	size_t words = l->sub ? l->behind.n : l->before.n + l->no_qube;

	for (size_t k = 0; pos && pos[k].name; k++)
		if (pos[k].count == POS_REST)
			return words > k;
	return false;
}

/* A value of one kind whose text begins at start, within the word. */
static void print_values(struct line *l, FILE *out, const char *word, const char *start, enum comp comp,
			 const char *choices, const struct strv *used)
{
	struct strv v CLEANUP_STRV = STRV_INIT;
	char *typed CLEANUP_FREE = xstrdup(start);

	if (comp == COMP_COLUMN) {
		print_columns(l, out, word, start, choices);
		return;
	}
	if (comp == COMP_WHERE) {
		print_where(l, out, word, start);
		return;
	}
	if (comp == COMP_VOLUME) {
		print_volumes(l, out, word, start);
		return;
	}
	if (comp == COMP_FILE || comp == COMP_COMMAND) {
		/* Behind a command's name stand its arguments: most likely files. */
		fputs(comp == COMP_FILE || in_rest(l) ? ANSWER_FILES "\n" : ANSWER_COMMANDS "\n", out);
		return;
	}
	/* The tools take a property's name with '-' as well. */
	if (comp == COMP_PROPERTY || comp == COMP_GPROPERTY)
		chars_replace(typed, '-', '_');
	comp_ask(&l->ask, comp, choices, &v);
	keep_exact(&v, typed);
	print(out, word, (size_t)(start - word), typed, &v, used);
}

static void print_option_values(struct line *l, FILE *out, const struct opt *o, const char *start)
{
	struct strv used CLEANUP_STRV = STRV_INIT;
	char *first CLEANUP_FREE = xasprintf("%.*s ", (int)strcspn(o->names, "/"), o->names);

	for (size_t i = 0; i < l->values.n; i++) {
		const char *value = skip_prefix(l->values.v[i], first);

		if (value)
			strv_add(&used, value);
	}
	if (o->metavar && strchr(o->metavar, '=') && o->comp != COMP_WHERE)
		print_pair(l, out, l->word, start, o);
	else
		print_values(l, out, l->word, start, o->comp, o->choices, &used);
}

static void print_options(struct line *l, FILE *out)
{
	struct strv v CLEANUP_STRV = STRV_INIT;
	const struct opt *o;

	for (size_t i = 0; (o = opt_each_here(l->g, l->sub, &i));) {
		const char *names = o->names, *name;
		size_t n;

		/* What can be given once only and is there already is no candidate. */
		if ((o->flags & OPT_HIDDEN) || (!(o->flags & OPT_REPEAT) && is_noted(l, o)))
			continue;
		while (names_next(&names, '/', &name, &n))
			strv_addn(&v, name, n);
	}
	keep_exact(&v, l->word);
	print(out, "", 0, l->word, &v, NULL);
}

static void print_commands(struct line *l, FILE *out)
{
	struct strv v CLEANUP_STRV = STRV_INIT;

	for (const struct sub *s = l->g->subs; s->names; s++) {
		const char *names = s->names, *name;
		size_t n;

		/* Aliases are for fingers, not for the list. */
		if (names_next(&names, '/', &name, &n))
			strv_addn(&v, name, n);
	}
	keep_exact(&v, l->word);
	print(out, "", 0, l->word, &v, NULL);
}

static void print_positional(struct line *l, FILE *out)
{
	const struct strv *words;
	const struct pos *pos = next_pos(l, &words);

	if (pos) {
		struct strv used CLEANUP_STRV = STRV_INIT;

		/* Where several may stand none is offered again, those behind the word included. */
		if (pos->count != POS_ONE && pos->count != POS_OPTIONAL) {
			for (size_t i = 0; i < words->n; i++)
				strv_add(&used, words->v[i]);
			for (int i = l->at + 1; i < l->n && pos->count != POS_REST; i++)
				strv_add(&used, l->words[i]);
		}
		print_values(l, out, l->word, l->word, pos->comp, pos->choices, &used);
	} else if (l->g->subs && !l->sub) {
		print_commands(l, out);
	}
}

static void print_candidates(struct line *l, FILE *out)
{
	bool dash = l->word[0] == '-' && !l->literal;
	struct token t = token_read(l->g, l->sub, l->word);

	if (dash && t.kind == TOKEN_OPTION && t.value && t.opt->kind != OPT_FLAG) {
		print_option_values(l, out, t.opt, t.value);
	} else if (dash) {
		print_options(l, out);
	} else if (l->wants) {
		/* A pair begins with a name that is new. */
		if (l->wants->kind != OPT_PAIR || l->had)
			print_option_values(l, out, l->wants, l->word);
	} else {
		print_positional(l, out);
	}
}

int complete(struct ctx *c, const struct grammar *g, int argc, char *const argv[])
{
	struct line l = {.g = g, .n = argc - 3, .words = argv + 3};
	uint64_t at;

	if (argc < 4 || num_u64(argv[2], &at) < 0 || at < 1 || at > (uint64_t)l.n)
		return STATUS_USAGE;
	l.at = (int)at;
	l.word = l.at < l.n ? l.words[l.at] : "";
	comp_ask_begin(&l.ask, c);
	look_for_stand_ins(&l);
	for (int i = 1; i < l.at; i++) {
		if (!l.literal && in_rest(&l))
			l.literal = true;
		read_word(&l, l.words[i]);
	}
	if (in_rest(&l))
		l.literal = true;
	find_context(&l);
	print_candidates(&l, c->out);
	strv_release(&l.before);
	strv_release(&l.behind);
	strv_release(&l.values);
	comp_ask_end(&l.ask);
	return STATUS_OK;
}
