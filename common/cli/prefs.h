/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine of qvm-prefs and qubes-prefs (tools-config 3 and 4). */
#pragma once

#include "cli/tool.h"

struct prefs_kind {
	const char *list, *get_all, *get, *set, *reset, *help; /* methods */
	const char *const *none; /* NULL-terminated: properties for which "none" means no qube at all */
	bool global;             /* of the system: destination dom0, no qube to choose */
};

/* The options of both; the positionals PROPERTY and VALUE are the tool's own. */
extern const struct opt prefs_opts[];

int prefs_run(struct ctx *c, const struct prefs_kind *kind);
