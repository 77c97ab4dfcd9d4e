/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-ups in a command line that was parsed. */
#include "cli/opt.h"

#include <stdio.h>

#include "base/mem.h"

void args_release(struct args *a)
{
	free(a->v);
	free(a->usage_prog);
	*a = (struct args){0};
}

/* A look-up by a name that no table has is a slip in the tool's code, not in its input. */
static void unknown_name(const char *name)
{
	fprintf(stderr, "no table has the argument %s\n", name);
	abort();
}

static void check_opt(const struct args *a, const char *name)
{
	if (!grammar_has_opt(a->grammar, name))
		unknown_name(name);
}

static bool has_pos(const struct pos *p, const char *name)
{
	for (; p && p->name; p++)
		if (streq(p->name, name))
			return true;
	return false;
}

static void check_pos(const struct args *a, const char *name)
{
	if (has_pos(a->grammar->pos, name))
		return;
	for (const struct sub *s = a->grammar->subs; s && s->names; s++)
		if (has_pos(s->pos, name))
			return;
	unknown_name(name);
}

/* The next thing on the line that is this option, from *i on. */
static const struct arg *next_opt(const struct args *a, const char *name, size_t *i)
{
	for (; *i < a->n; (*i)++)
		if (a->v[*i].opt && opt_is(a->v[*i].opt, name))
			return &a->v[(*i)++];
	return NULL;
}

bool arg_has(const struct args *a, const char *name)
{
	return arg_count(a, name) > 0;
}

unsigned arg_count(const struct args *a, const char *name)
{
	unsigned n = 0;

	check_opt(a, name);
	for (size_t i = 0; next_opt(a, name, &i);)
		n++;
	return n;
}

const char *arg_value(const struct args *a, const char *name)
{
	const char *value = NULL;
	const struct arg *arg;

	check_opt(a, name);
	for (size_t i = 0; (arg = next_opt(a, name, &i));)
		value = arg->value;
	return value;
}

void arg_values(const struct args *a, const char *name, struct strv *ret)
{
	const struct arg *arg;

	check_opt(a, name);
	for (size_t i = 0; (arg = next_opt(a, name, &i));)
		if (arg->value)
			strv_add(ret, arg->value);
}

const struct arg *arg_last(const struct args *a, const char *name, const char *other)
{
	for (size_t i = a->n; i > 0; i--) {
		const struct opt *o = a->v[i - 1].opt;

		if (o && (opt_is(o, name) || opt_is(o, other)))
			return &a->v[i - 1];
	}
	return NULL;
}

bool arg_last_is(const struct args *a, const char *yes, const char *no, bool otherwise)
{
	const struct arg *arg = arg_last(a, yes, no);

	return arg ? opt_is(arg->opt, yes) : otherwise;
}

const char *arg_pos(const struct args *a, const char *name)
{
	check_pos(a, name);
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].pos && streq(a->v[i].pos->name, name))
			return a->v[i].value;
	return NULL;
}

void arg_poses(const struct args *a, const char *name, struct strv *ret)
{
	check_pos(a, name);
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].pos && streq(a->v[i].pos->name, name))
			strv_add(ret, a->v[i].value);
}

char *arg_sub_name(const struct args *a)
{
	return a->sub ? xstrndup(a->sub->names, strcspn(a->sub->names, "/")) : NULL;
}
