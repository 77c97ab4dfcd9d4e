/* SPDX-License-Identifier: GPL-2.0-or-later */
/* add, del, reset, load: what the line asks for, and the change of one list (tools-runtime 11.4). */
#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvm-firewall/firewall.h"

void edit_release(struct edit *e)
{
	fw_rule_release(&e->rule);
	fw_rules_release(&e->rules);
}

/* ---- what the line asks for ---- */

static int read_add(struct ctx *c, struct edit *e)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	e->number = arg_value(&c->args, "--before");
	arg_poses(&c->args, "match", &words);
	return match_read(c, &words, &e->rule, &e->has_rule);
}

static int read_del(struct ctx *c, struct edit *e)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	int status;

	e->number = arg_value(&c->args, "--rule-no");
	arg_poses(&c->args, "match", &words);
	status = match_read(c, &words, &e->rule, &e->has_rule);
	if (!status && !e->number && !e->has_rule)
		return fail_command(c, "one of the arguments --rule-no match is required");
	return status;
}

static int read_reset(struct ctx *c, struct edit *e)
{
	struct fw_rule accept = {.has_action = true};

	fw_rules_insert(&e->rules, 0, &accept);
	return STATUS_OK;
}

/* Every line that is no rule is told; then nothing is loaded. */
static int read_load(struct ctx *c, struct edit *e)
{
	const char *path = arg_pos(&c->args, "FILE");
	CLEANUP_FILE_RULES struct file_rules f = {0};
	int status;

	path = path ? path : "-";
	e->form = FW_SERVER;
	status = file_read(c, path, &f);
	for (size_t i = 0; i < f.n; i++) {
		if (f.v[i].problem)
			status = fail(c, "%s:%zu: %s", file_name(path), f.v[i].line, f.v[i].problem);
		else
			fw_rules_insert(&e->rules, e->rules.n, &f.v[i].rule);
	}
	return status;
}

int edit_read(struct ctx *c, enum edit_kind kind, struct edit *ret)
{
	static int (*const readers[])(struct ctx *c, struct edit *e) = {
		[EDIT_ADD] = read_add, [EDIT_DEL] = read_del, [EDIT_RESET] = read_reset, [EDIT_LOAD] = read_load,
	};

	*ret = (struct edit){.kind = kind, .form = FW_CLIENT};
	return readers[kind](c, ret);
}

/* ---- the change of one list ---- */

/* An index as Python's lists have it: from the end when negative. That it is a number the parser has seen to. */
static int64_t index_of(const char *number, size_t n)
{
	int64_t i = 0;

	num_i64(number + (*number == '+'), &i);
	return i < 0 ? i + (int64_t)n : i;
}

static void warn_unreachable(struct ctx *c, const char *qube, const struct fw_rules *rules)
{
	const struct fw_rule *last = rules->n ? &rules->v[rules->n - 1] : NULL;

	if (last && !last->expire && fw_rule_matches_all(last))
		log_warning(c, qube, "the new rule has no effect: rule %zu before it matches everything (see --before)",
			    rules->n - 1);
}

static int add(struct ctx *c, const char *qube, const struct edit *e, struct fw_rules *rules)
{
	int64_t at = e->number ? index_of(e->number, rules->n) : (int64_t)rules->n;
	struct fw_rule rule;

	if (!e->number)
		warn_unreachable(c, qube, rules);
	if (at < 0)
		at = 0;
	if (at > (int64_t)rules->n)
		at = (int64_t)rules->n;
	fw_rule_copy(&rule, &e->rule);
	fw_rules_insert(rules, (size_t)at, &rule);
	return 0;
}

static int del(const struct edit *e, struct fw_rules *rules, struct err *err)
{
	size_t i = 0;

	if (e->number) {
		int64_t at = index_of(e->number, rules->n);

		if (at < 0 || at >= (int64_t)rules->n)
			return err_set(err, -ENOENT, "", "no rule number %s", e->number);
		i = (size_t)at;
	} else {
		while (i < rules->n && !fw_rule_equal(&rules->v[i], &e->rule, FW_CLIENT))
			i++;
		if (i == rules->n)
			return err_set(err, -ENOENT, "", "no such rule");
	}
	fw_rules_remove(rules, i);
	return 0;
}

int edit_rules(struct ctx *c, const char *qube, const struct edit *e, struct fw_rules *rules, struct err *err)
{
	if (e->kind == EDIT_ADD)
		return add(c, qube, e, rules);
	if (e->kind == EDIT_DEL)
		return del(e, rules, err);
	fw_rules_release(rules);
	fw_rules_copy(rules, &e->rules);
	return 0;
}
