/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option tables that tools share, and how a tool's descriptor becomes a grammar. */
#pragma once

#include "cli/tool.h"

/* The rows of many_options, for the one command of a tool that takes several qubes. */
#define MANY_OPTIONS                                                                                         \
	{"--all", OPT_FLAG, .help = "act on all qubes except dom0"},                                         \
	{"--exclude", OPT_VALUE, OPT_REPEAT, "EXCLUDE", "leave this qube out of --all or --where",           \
	 .comp = COMP_QUBE},                                                                                 \
	{"--where", OPT_VALUE, OPT_OURS | OPT_REPEAT, "KEY=GLOB", WHERE_HELP, .comp = COMP_WHERE}
#define WHERE_HELP                                                                                           \
	"act on the qubes that match; may repeat (all must match); keys: name class state label template "   \
	"netvm tag feature:NAME; KEY!=GLOB negates"

extern const struct opt common_options[]; /* every tool */
extern const struct opt json_options[];   /* TOOL_JSON */
extern const struct opt many_options[];   /* TOOL_QUBES */
extern const struct opt one_options[];    /* TOOL_QUBE */

struct tool_grammar {
	struct grammar g;
	const struct opt *shared[5];
};

/* Fills ret, which g points into: it must not be moved. */
void grammar_of(const struct tool *t, struct tool_grammar *ret);

/* Columns of the terminal behind f: COLUMNS, else what the terminal says, else 80. */
unsigned terminal_width(FILE *f);
