/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume: lists, resizes, reverts, imports, clones and clears the volumes of qubes (tools-runtime 8). */
#include "volume.h"

#include "base/mem.h"
#include "cli/options.h"

static const struct opt list_options[] = {
	{"-p/--pool", OPT_VALUE, OPT_REPEAT, "POOL", "only volumes in this pool; may repeat", NULL, COMP_POOL},
	{"--full", OPT_FLAG, 0, NULL, "print the volume in every line, on a terminal too"},
	MANY_OPTIONS,
	{"--usage", OPT_FLAG, OPT_OURS, NULL, "print sizes, space used, revisions, and totals of the pools"},
	{"--sort", OPT_VALUE, OPT_OURS, "KEY", "order by this: volume, or size, usage, revisions, largest first",
	 "volume size usage revisions", COMP_WORDS},
	OPT_END,
};

static const struct opt resize_options[] = {
	{"-f/--force", OPT_FLAG, 0, NULL, "make it smaller, too"},
	OPT_END,
};

static const struct opt import_options[] = {
	{"--size", OPT_VALUE, 0, "BYTES", "size of the new data (default: that of the file)", NULL, COMP_NONE},
	{"--no-resize", OPT_FLAG, 0, NULL, "keep the size of the volume, which the data must have"},
	OPT_END,
};

static const struct opt force_options[] = {
	{"-f/--force", OPT_FLAG, 0, NULL, "do not ask"},
	OPT_END,
};

static const struct pos list_pos[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "names or patterns of qubes (default: all)"},
	POS_END,
};

static const struct pos info_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	{"PROPERTY", POS_OPTIONAL, COMP_NONE, INFO_KEYS " revisions", "print only this"},
	POS_END,
};

static const struct pos config_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	{"PROPERTY", POS_ONE, COMP_NONE, CONFIG_KEYS, "what to change: rw, revisions_to_keep or ephemeral"},
	{"VALUE", POS_ONE, COMP_NONE, NULL, "its new value"},
	POS_END,
};

static const struct pos resize_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	{"SIZE", POS_ONE, COMP_NONE, NULL, "bytes, or a number with K M G (powers of 1000), Ki Mi Gi (of 1024)"},
	POS_END,
};

static const struct pos revert_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	{"REVISION", POS_OPTIONAL, COMP_REVISION, NULL, "the revision (default: the latest)"},
	POS_END,
};

static const struct pos import_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	{"PATH", POS_ONE, COMP_FILE, NULL, "file with the data, '-' for standard input"},
	POS_END,
};

static const struct pos clone_pos[] = {
	{"SVM:SVOL", POS_ONE, COMP_VOLUME, NULL, "the volume to take the data from"},
	{"DVM:DVOL", POS_ONE, COMP_VOLUME, NULL, "the volume that gets them"},
	POS_END,
};

static const struct pos clear_pos[] = {
	{"VM:VOLUME", POS_ONE, COMP_VOLUME, NULL, "the volume"},
	POS_END,
};

static const struct sub commands[] = {
	{"list/ls/l", "list volumes", list_options, list_pos, list_volumes},
	{"info/i", "show what is known of a volume", NULL, info_pos, info_volume},
	{"config/c/set/s", "change a setting of a volume", NULL, config_pos, config_volume},
	{"resize/extend", "change the size of a volume", resize_options, resize_pos, resize_volume},
	{"revert/rv/r", "put the data of a revision back", NULL, revert_pos, revert_volume},
	{"import", "fill a volume from a file", import_options, import_pos, import_volume},
	{"clone", "copy the data of a volume into another", force_options, clone_pos, clone_volume},
	{"clear", "empty a volume", force_options, clear_pos, clear_volume},
	SUB_END,
};

static int run(struct ctx *c)
{
	return c->args.sub ? c->args.sub->run(c) : list_volumes(c);
}

/* Names of old releases, where these were programs of their own. */
static const struct pos grow_pos[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "name of the qube"},
	{"SIZE", POS_ONE, COMP_NONE, NULL, "bytes, or a number with K M G (powers of 1000), Ki Mi Gi (of 1024)"},
	POS_END,
};

static const struct tool aliases[] = {
	{
		.name = "qvm-grow-private",
		.summary = "Make the private volume of a qube larger.",
		.flags = TOOL_PLAIN_ERROR,
		.pos = grow_pos,
		.run = grow_private,
	},
	{
		.name = "qvm-grow-root",
		.summary = "Make the root volume of a qube larger.",
		.flags = TOOL_PLAIN_ERROR,
		.pos = grow_pos,
		.run = grow_root,
	},
	{},
};

const struct tool tool = {
	.name = "qvm-volume",
	.summary = "List, resize, revert, import, clone and clear volumes of qubes.",
	.flags = TOOL_JSON | TOOL_PLAIN_ERROR,
	.subs = commands,
	.sub_optional = true,
	.run = run,
	.aliases = aliases,
};
