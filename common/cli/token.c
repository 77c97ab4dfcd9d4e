/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one word of a command line is, and walks through the option tables (tools-config 1.1). */
#include "cli/opt.h"

#include <strings.h>

#include "base/attr.h"

bool names_next(const char **p, char sep, const char **ret_name, size_t *ret_len)
{
	while (**p == sep)
		(*p)++;
	if (!**p)
		return false;
	*ret_name = *p;
	*ret_len = (size_t)(strchrnul(*p, sep) - *p);
	*p += *ret_len;
	return true;
}

static bool names_have(const char *names, const char *s, size_t len)
{
	const char *name;
	size_t n;

	while (names_next(&names, '/', &name, &n))
		if (n == len && memcmp(name, s, n) == 0)
			return true;
	return false;
}

bool opt_is(const struct opt *o, const char *spelling)
{
	return names_have(o->names, spelling, strlen(spelling));
}

static bool table_has(const struct opt *o, const char *name, size_t len)
{
	for (; o && o->names; o++)
		if (names_have(o->names, name, len))
			return true;
	return false;
}

bool grammar_has_opt(const struct grammar *g, const char *name)
{
	size_t len = strlen(name);

	if (table_has(g->opts, name, len))
		return true;
	for (const struct opt *const *t = g->shared; t && *t; t++)
		if (table_has(*t, name, len))
			return true;
	for (const struct sub *s = g->subs; s && s->names; s++)
		if (table_has(s->opts, name, len))
			return true;
	return false;
}

const struct opt *opt_each_here(const struct grammar *g, const struct sub *sub, size_t *i)
{
	size_t at = (*i)++;

	for (const struct opt *const *t = g->shared; t && *t; t++)
		for (const struct opt *o = *t; o->names; o++)
			if (at-- == 0)
				return o;
	for (const struct opt *o = sub ? sub->opts : g->opts; o && o->names; o++)
		if (at-- == 0)
			return o;
	return NULL;
}

const struct opt *opt_find(const struct grammar *g, const struct sub *sub, const char *spelling, size_t len)
{
	const struct opt *found = NULL;

	/* The last one wins: the tool's own option goes before a shared one of the same spelling. */
	for (size_t i = 0; true;) {
		const struct opt *o = opt_each_here(g, sub, &i);

		if (!o)
			return found;
		if (names_have(o->names, spelling, len))
			found = o;
	}
}

const struct sub *sub_find(const struct grammar *g, const char *name)
{
	for (const struct sub *s = g->subs; s && s->names; s++)
		if (names_have(s->names, name, strlen(name)))
			return s;
	return NULL;
}

size_t grammar_words(const struct grammar *g, const char **ret_command)
{
	size_t n = 0;

	while (g->pos && g->pos[n].name)
		n++;
	*ret_command = "command";
	if (g->subs && n && strcasecmp(g->pos[n - 1].name, "command") == 0)
		*ret_command = g->pos[--n].name;
	return n;
}

bool comp_is_qube(enum comp comp)
{
	return comp >= COMP_QUBE && comp <= COMP_NETVM;
}

bool opt_stands_for_qube(const struct grammar *g, const struct opt *o)
{
	if (!g->pos || !g->pos->name || g->pos->count != POS_ONE || !comp_is_qube(g->pos->comp))
		return false;
	if (o->flags & OPT_NO_QUBE)
		return true;
	return (o->flags & OPT_OURS) && (opt_is(o, "--where") || opt_is(o, "--all"));
}

/* -1, -.5, -1.5: Python's ^-\d+$|^-\d*\.\d+$ */
static bool is_negative_number(const char *s)
{
	size_t whole = strspn(s + 1, "0123456789");
	const char *dot = s + 1 + whole;

	if (!*dot)
		return whole > 0;
	return *dot == '.' && dot[1] && dot[1 + strspn(dot + 1, "0123456789")] == '\0';
}

/* Kinds 5, 6 and 7: one option that the word abbreviates, or begins with. */
static struct token read_abbreviated(const struct grammar *g, const struct sub *sub, const char *word)
{
	size_t len = strcspn(word, "=");
	struct token ret = {TOKEN_UNKNOWN};

	if (word[1] != '-') {
		ret.opt = opt_find(g, sub, word, 2);
		if (ret.opt) {
			ret.kind = TOKEN_OPTION;
			ret.value = word + 2;
			ret.cluster = true;
		}
		return ret;
	}
	for (size_t i = 0; sub || !g->no_prefix;) {
		const struct opt *o = opt_each_here(g, sub, &i);
		const char *names, *name;
		size_t n;

		if (!o)
			return ret;
		if (o->flags & (OPT_HIDDEN | OPT_OURS))
			continue;
		for (names = o->names; names_next(&names, '/', &name, &n);) {
			if (n <= len || strncmp(name, word, len) != 0 || ret.opt == o)
				continue;
			ret.kind = ret.opt ? TOKEN_AMBIGUOUS : TOKEN_OPTION;
			ret.opt = o;
			ret.value = word[len] == '=' ? word + len + 1 : NULL;
			if (ret.kind == TOKEN_AMBIGUOUS)
				return ret;
		}
	}
	return ret;
}

struct token token_read(const struct grammar *g, const struct sub *sub, const char *word)
{
	struct token ret = {TOKEN_WORD};
	const char *eq;

	if (word[0] != '-')
		return ret;
	ret.opt = opt_find(g, sub, word, strlen(word));
	if (ret.opt) {
		ret.kind = TOKEN_OPTION;
		return ret;
	}
	if (!word[1])
		return ret;
	eq = strchr(word, '=');
	if (eq)
		ret.opt = opt_find(g, sub, word, (size_t)(eq - word));
	if (ret.opt) {
		ret.kind = TOKEN_OPTION;
		ret.value = eq + 1;
		return ret;
	}
	ret = read_abbreviated(g, sub, word);
	if (ret.kind == TOKEN_UNKNOWN && (is_negative_number(word) || strchr(word, ' ')))
		ret.kind = TOKEN_WORD;
	return ret;
}

static size_t pos_min(const struct pos *p)
{
	return p->count == POS_ONE || p->count == POS_SOME;
}

size_t pos_deal(const struct pos *pos, size_t npos, size_t n, size_t *ret_count)
{
	size_t reached = 0, least = 0;

	/* The longest row of positionals that these words can satisfy... */
	while (reached < npos && least + pos_min(&pos[reached]) <= n)
		least += pos_min(&pos[reached++]);
	/* ...in which each one takes what the later ones do not need. */
	for (size_t i = 0; i < npos; i++) {
		size_t spare;

		ret_count[i] = 0;
		if (i >= reached)
			continue;
		least -= pos_min(&pos[i]);
		spare = n - least;
		if (pos[i].count == POS_ONE || pos[i].count == POS_OPTIONAL)
			spare = spare > 1 ? 1 : spare;
		ret_count[i] = spare;
		n -= spare;
	}
	return reached;
}
