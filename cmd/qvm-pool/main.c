/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-pool: lists, adds, removes and changes storage pools (tools-runtime 9). */
#include "pool.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/pools.h"

static const struct opt option_options[] = {
	{"-o/--option", OPT_VALUE, OPT_REPEAT, "KEY=VALUE", "option of the pool; may repeat", NULL, COMP_NONE},
	OPT_END,
};

static const struct pos pool_pos[] = {
	{"POOL_NAME", POS_ONE, COMP_POOL, NULL, "name of the pool"},
	POS_END,
};

static const struct pos pools_pos[] = {
	{"POOL_NAME", POS_SOME, COMP_POOL, NULL, "names of pools"},
	POS_END,
};

static const struct pos add_pos[] = {
	{"POOL_NAME", POS_ONE, COMP_NONE, NULL, "name of the new pool"},
	{"DRIVER", POS_ONE, COMP_DRIVER, NULL, "its driver"},
	POS_END,
};

/* -o of the command line, in its order (which set follows) and by key (which add sends). */
static int read_options(struct ctx *c, bool adding, struct strv *ret)
{
	arg_values(&c->args, "--option", ret);
	for (size_t i = 0; i < ret->n; i++) {
		const char *s = ret->v[i];
		bool reserved = skip_prefix(s, "name=") || skip_prefix(s, "driver=");

		if (!strchr(s, '=') || strchr(s, '\n') || (adding && reserved)) {
			CLEANUP_FREE char *quoted = quote_py(s);

			return fail(c, "invalid option %s", quoted);
		}
	}
	return STATUS_OK;
}

static int add(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv pairs = STRV_INIT;
	CLEANUP_CONFIG struct config options = {0};
	const char *name = arg_pos(&c->args, "POOL_NAME");
	int status = read_options(c, true, &pairs);

	if (status)
		return status;
	for (size_t i = 0; i < pairs.n; i++)
		config_add(&options, pairs.v[i]);
	if (pool_add(c, name, arg_pos(&c->args, "DRIVER"), &options, &err) < 0)
		return fail(c, "Failed to add pool %s: %s", name, err.text);
	return STATUS_OK;
}

/* Each is tried; all failures make one message. */
static int remove_pools(struct ctx *c)
{
	CLEANUP_STRV struct strv names = STRV_INIT, failures = STRV_INIT;
	CLEANUP_FREE char *text = NULL;

	arg_poses(&c->args, "POOL_NAME", &names);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		if (pool_remove(c, names.v[i], &err) == 0)
			continue;
		if (err_is_key(&err))
			strv_addf(&failures, "No such pool %s", names.v[i]);
		else
			strv_addf(&failures, "Failed to remove pool %s: %s", names.v[i], err.text);
	}
	text = strv_join(&failures, "\n");
	return failures.n ? fail(c, "%s", text) : STATUS_OK;
}

/* The option in a message: its key. */
static int set_one(struct ctx *c, const char *name, const char *pair)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_CONFIG struct config one = {0};
	int r;

	config_add(&one, pair);
	r = pool_set(c, name, &one.v[0], &err);
	if (r == -ENOTSUP)
		return fail(c, "Setting option %s is not supported for pool %s", one.v[0].key, name);
	if (r < 0)
		return fail(c, "Failed to set option %s for pool %s: %s", one.v[0].key, name, err.text);
	return STATUS_OK;
}

static int set(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv pairs = STRV_INIT, known = STRV_INIT;
	const char *name = arg_pos(&c->args, "POOL_NAME");
	int status = read_options(c, false, &pairs);

	if (status)
		return status;
	if (pool_names(c, &known, &err) < 0)
		return fail_err(c, &err, "dom0", "admin.pool.List");
	if (!strv_has(&known, name))
		return fail(c, "No such pool %s", name);
	for (size_t i = 0; i < pairs.n && !status; i++)
		status = set_one(c, name, pairs.v[i]);
	return status;
}

static int info(struct ctx *c)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	strv_add(&names, arg_pos(&c->args, "POOL_NAME"));
	return show_pools(c, &names);
}

static const struct sub commands[] = {
	{"list/l/ls", "list pools and their drivers", NULL, NULL, list_pools},
	{"info/i", "show what is known of a pool", NULL, pool_pos, info},
	{"drivers/d", "list drivers and their options", NULL, NULL, list_drivers},
	{"add/a", "add a pool", option_options, add_pos, add},
	{"remove/r/rm", "remove pools", NULL, pools_pos, remove_pools},
	{"set/s", "change options of a pool", option_options, pool_pos, set},
	SUB_END,
};

static int run(struct ctx *c)
{
	return c->args.sub ? c->args.sub->run(c) : list_pools(c);
}

static const struct tool *reads(const struct tool *t, int argc, char *const argv[])
{
	return is_legacy(argc, argv) ? legacy_tools : t;
}

const struct tool tool = {
	.name = "qvm-pool",
	.summary = "List, add, remove and change storage pools.",
	.flags = TOOL_JSON,
	.subs = commands,
	.sub_optional = true,
	.run = run,
	.aliases = legacy_tools,
	.reads = reads,
};
