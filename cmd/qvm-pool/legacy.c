/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-pool-legacy: the interface of old releases, options in place of commands (tools-runtime 10). */
#include <errno.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/options.h"
#include "pool.h"

#define ACTION 1

static const struct opt options[] = {
	{"-o", OPT_VALUE, OPT_REPEAT, "KEY=VALUE,...", "options for --add and --set", NULL, COMP_NONE},
	{"-a/--add", OPT_PAIR, 0, "NAME DRIVER", "add a pool", NULL, COMP_DRIVER, ACTION},
	{"-i/--info", OPT_VALUE, OPT_REPEAT, "POOLNAME", "show what is known of a pool; may repeat", NULL, COMP_POOL,
	 ACTION},
	{"-l/--list", OPT_FLAG, 0, NULL, "list pools and their drivers (default)", .exclusive = ACTION},
	{"-r/--remove", OPT_VALUE, 0, "NAME", "remove a pool", NULL, COMP_POOL, ACTION},
	{"-s/--set", OPT_VALUE, 0, "POOLNAME", "change options of a pool", NULL, COMP_POOL, ACTION},
	{"--help-drivers", OPT_FLAG, 0, NULL, "list drivers and their options", .exclusive = ACTION},
	OPT_END,
};

bool is_legacy(int argc, char *const argv[])
{
	struct tool_grammar tg;

	grammar_of(legacy_tools, &tg);
	for (int i = 1; i < argc && !streq(argv[i], "--"); i++) {
		struct token t = token_read(&tg.g, NULL, argv[i]);

		if (t.kind == TOKEN_OPTION && t.opt->exclusive == ACTION)
			return true;
	}
	return false;
}

/* Pairs separated by commas. */
static int read_options(struct ctx *c, struct strv *ret)
{
	CLEANUP_STRV struct strv lists = STRV_INIT;

	arg_values(&c->args, "-o", &lists);
	for (size_t i = 0; i < lists.n; i++)
		strv_split(ret, lists.v[i], ',');
	for (size_t i = 0; i < ret->n; i++) {
		if (!strchr(ret->v[i], '=') || strchr(ret->v[i], '\n')) {
			CLEANUP_FREE char *quoted = quote_py(ret->v[i]);

			return fail(c, "invalid option %s", quoted);
		}
	}
	return STATUS_OK;
}

static int add(struct ctx *c, const struct strv *values, const struct strv *pairs)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_CONFIG struct config config = {0};

	for (size_t i = 0; i < pairs->n; i++)
		config_add(&config, pairs->v[i]);
	if (pool_add(c, values->v[0], values->v[1], &config, &err) < 0)
		return fail_usage(c, "failed to add pool %s: %s", values->v[0], err.text);
	return STATUS_OK;
}

static int remove_pool(struct ctx *c, const char *name)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (pool_remove(c, name, &err) == 0)
		return STATUS_OK;
	if (err_is_key(&err))
		return fail_plain(c, "no such pool %s", name);
	return fail_usage(c, "failed to remove pool %s: %s", name, err.text);
}

static int set(struct ctx *c, const struct strv *names, const struct strv *pairs)
{
	int status = pools_exist(c, names);

	for (size_t i = 0; i < pairs->n && !status; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		CLEANUP_CONFIG struct config one = {0};
		int r;

		config_add(&one, pairs->v[i]);
		r = pool_set(c, names->v[0], &one.v[0], &err);
		if (r == -ENOTSUP)
			status = fail_usage(c, "setting pool option %s is not supported", one.v[0].key);
		else if (r < 0)
			status = fail_usage(c, "failed to set pool %s option %s: %s", names->v[0], one.v[0].key,
					    err.text);
	}
	return status;
}

static int run(struct ctx *c)
{
	CLEANUP_STRV struct strv values = STRV_INIT, pairs = STRV_INIT;
	int status = read_options(c, &pairs);

	if (status)
		return status;
	if (arg_has(&c->args, "--add")) {
		arg_values(&c->args, "--add", &values);
		return add(c, &values, &pairs);
	}
	if (arg_has(&c->args, "--info")) {
		arg_values(&c->args, "--info", &values);
		return show_pools(c, &values);
	}
	if (arg_has(&c->args, "--remove"))
		return remove_pool(c, arg_value(&c->args, "--remove"));
	if (arg_has(&c->args, "--set")) {
		strv_add(&values, arg_value(&c->args, "--set"));
		return set(c, &values, &pairs);
	}
	return arg_has(&c->args, "--help-drivers") ? list_drivers(c) : list_pools(c);
}

const struct tool legacy_tools[] = {
	{
		.name = "qvm-pool-legacy",
		.summary = "List, add, remove and change storage pools: the options of old releases.",
		.flags = TOOL_JSON,
		.opts = options,
		.run = run,
	},
	{},
};
