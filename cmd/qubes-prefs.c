/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes-prefs: shows and changes the properties of the whole system (tools-config 4). */
#include "cli/prefs.h"

static const struct pos positionals[] = {
	{"PROPERTY", POS_OPTIONAL, COMP_GPROPERTY, NULL, "name of the property; without it all are listed"},
	{"VALUE", POS_OPTIONAL, COMP_GPROPVALUE, NULL, "new value"},
	POS_END,
};

/* The Python tool knows only the first; a script can mean nothing else by the others (tools-config 4). */
static const char *const none[] = {"default_dispvm", "netvm", "template", "guivm", "audiovm", "clockvm",
				   "updatevm", "default_netvm", "default_guivm", "default_audiovm",
				   "default_template", "management_dispvm", NULL};

static const struct prefs_kind kind = {
	.list = "admin.property.List",
	.get_all = "admin.property.GetAll",
	.get = "admin.property.Get",
	.set = "admin.property.Set",
	.reset = "admin.property.Reset",
	.help = "admin.property.Help",
	.none = none,
	.global = true,
};

static int run(struct ctx *c)
{
	return prefs_run(c, &kind);
}

const struct tool tool = {
	.name = "qubes-prefs",
	.summary = "Show and change the properties of the whole system.",
	.flags = TOOL_JSON,
	.opts = prefs_opts,
	.pos = positionals,
	.run = run,
};
