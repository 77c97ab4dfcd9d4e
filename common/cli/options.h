/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option tables that tools share, and how a tool's descriptor becomes a grammar. */
#pragma once

#include "cli/tool.h"

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
