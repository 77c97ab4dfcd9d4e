/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions of --where, each ends at a NUL; behind a byte 0xff the replies, the list of qubes first. A condition
 * and its negation divide the qubes between them.
 */
#include <stdio.h>

#include "base/mem.h"
#include "cli/options.h"
#include "cli/select.h"
#include "lib/replies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(struct ctx *c)
{
	return STATUS_OK;
}

static const struct pos pos[] = {{"VMNAME", POS_ANY, COMP_QUBE}, POS_END};
static const struct tool tester = {.name = "tester", .summary = "t", .flags = TOOL_QUBES, .pos = pos, .run = run};

/* How many qubes the conditions leave of how many, or -1. */
static int choose(const struct strv *conditions, const char *replies, size_t len, size_t *ret_all)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	CLEANUP_SELECTION struct selection s = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct tool_grammar tg;
	struct ctx c = {.tool = &tester, .prog = "tester", .out = stdout};
	char *said = NULL;
	size_t n_said = 0;
	int status;

	grammar_of(&tester, &tg);
	strv_add(&words, "tester");
	for (size_t i = 0; i < conditions->n; i++) {
		strv_add(&words, "--where");
		strv_add(&words, conditions->v[i]);
	}
	c.err = open_memstream(&said, &n_said);
	replies_set(replies, len);
	if (args_parse(&c.args, &tg.g, (int)words.n, words.v, &err) < 0 || admin_init(&c.admin, &err) < 0) {
		status = STATUS_USAGE; /* a condition that looks like an option */
	} else {
		status = select_qubes(&c, "VMNAME", &s);
		fflush(c.err);
		if (status != STATUS_OK && !n_said)
			abort();
	}
	for (size_t i = 0; i < s.n && status == STATUS_OK; i++)
		if (!qubes_find(&s.all, s.v[i]->name))
			abort();
	*ret_all = s.all.n;
	fclose(c.err);
	free(said);
	args_release(&c.args);
	admin_release(&c.admin);
	return status == STATUS_OK ? (int)s.n : -1;
}

/* The list itself answers these, so both halves see the same. */
static void check_halves(const char *condition, const char *replies, size_t len)
{
	CLEANUP_STRV struct strv one = STRV_INIT, other = STRV_INIT, none = STRV_INIT;
	const char *eq = strchr(condition, '=');
	size_t n = 0;
	int yes, no, all;

	if (!eq || eq == condition || eq[-1] == '!')
		return;
	strv_add(&one, condition);
	strv_addf(&other, "%.*s!%s", (int)(eq - condition), condition, eq);
	strv_add(&none, "name=*");
	yes = choose(&one, replies, len, &n);
	no = choose(&other, replies, len, &n);
	all = choose(&none, replies, len, &n);
	if ((yes < 0) != (no < 0) || (yes >= 0 && yes + no != all)) {
		fprintf(stderr, "%s: %d, not: %d, all: %d\n", condition, yes, no, all);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STRV struct strv conditions = STRV_INIT;
	const char *p = (const char *)data;
	const char *sep = size ? memchr(p, REPLY_SEPARATOR, size) : NULL;
	size_t n = sep ? (size_t)(sep - p) : size, all;

	setenv("QVM_ENDPOINT", "unix:/nonexistent", 1);
	for (size_t i = 0; i < n && conditions.n < 8;) {
		size_t len = strnlen(p + i, n - i);

		strv_addn(&conditions, p + i, len);
		i += len + 1;
	}
	if (!conditions.n || !sep)
		return 0;
	choose(&conditions, sep + 1, size - n - 1, &all);
	if (skip_prefix(conditions.v[0], "name") || skip_prefix(conditions.v[0], "class") ||
	    skip_prefix(conditions.v[0], "state"))
		check_halves(conditions.v[0], sep + 1, size - n - 1);
	return 0;
}
