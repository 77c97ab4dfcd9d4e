/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion: the tool itself answers the hidden request
 *     TOOL --complete-words INDEX WORD...
 * (words of the line, the tool's name first; INDEX of the word to complete) with one candidate per line.
 */
#pragma once

#include "cli/tool.h"

/* argv[1] is "--complete-words". Never writes to stderr; gives up silently after 200 ms. */
int complete(struct ctx *c, const struct grammar *g, int argc, char *const argv[]);
