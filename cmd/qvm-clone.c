/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-clone: a new qube with the settings and data of another (tools-config 11). */
#include "base/mem.h"
#include "cli/clone.h"
#include "cli/select.h"

#define POOLS 1

static const struct opt options[] = {
	{"--class/-C", OPT_VALUE, 0, "CLASS", "class of the new qube (default: that of the source)", NULL, COMP_CLASS},
	{"--ignore-errors", OPT_FLAG, 0, NULL, "go on when a setting cannot be copied"},
	{"-P", OPT_VALUE, 0, "POOL", "pool for all volumes", NULL, COMP_POOL, POOLS},
	{"-p/--pool", OPT_VALUE, OPT_REPEAT, "VOLUME=POOL", "pool for one volume; may repeat", NULL, COMP_POOL, POOLS},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "name of the qube to copy"},
	{"NEWVM", POS_ONE, COMP_NONE, NULL, "name of the new qube"},
	POS_END,
};

static int run(struct ctx *c)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *pools = NULL;
	struct clone clone = {
		.name = arg_pos(&c->args, "NEWVM"),
		.class = arg_value(&c->args, "--class"),
		.ignore_errors = arg_has(&c->args, "--ignore-errors"),
	};
	const struct qube *source;
	int status = create_pools(c, &pools);

	if (!status)
		status = list_qubes(c, &all);
	if (!status)
		status = select_one(c, &all, arg_pos(&c->args, "VMNAME"), &source);
	if (status)
		return status;
	clone.pools = pools;
	clone.source = source->name;
	return clone_qube(c, &clone, &err) < 0 ? fail_err(c, &err, clone.source, NULL) : STATUS_OK;
}

const struct tool tool = {
	.name = "qvm-clone",
	.summary = "Clone a qube.",
	.opts = options,
	.pos = positionals,
	.run = run,
};
