/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-prefs: shows and changes the properties of a qube (tools-config 3). */
#include "cli/prefs.h"

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "name of the qube"},
	{"PROPERTY", POS_OPTIONAL, COMP_PROPERTY, NULL, "name of the property; without it all are listed"},
	{"VALUE", POS_OPTIONAL, COMP_PROPVALUE, NULL, "new value"},
	POS_END,
};

/* management_dispvm is ours: the Python tool sends the word, which the server refuses (tools-config 3.4). */
static const char *const none[] = {"default_dispvm", "netvm", "template", "guivm", "audiovm",
				   "management_dispvm", NULL};

static const struct prefs_kind kind = {
	.list = "admin.vm.property.List",
	.get_all = "admin.vm.property.GetAll",
	.get = "admin.vm.property.Get",
	.set = "admin.vm.property.Set",
	.reset = "admin.vm.property.Reset",
	.help = "admin.vm.property.Help",
	.none = none,
};

static int run(struct ctx *c)
{
	return prefs_run(c, &kind);
}

const struct tool tool = {
	.name = "qvm-prefs",
	.summary = "Show and change the properties of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON,
	.opts = prefs_opts,
	.pos = positionals,
	.run = run,
};
