/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, usage and --version texts, made from the option table. */
#pragma once

#include "cli/opt.h"
#include "base/buf.h"

/* "usage: TOOL ..." wrapped at width columns, newline at the end. sub may be NULL. */
void help_usage(struct buf *b, const struct grammar *g, const struct sub *sub, const char *prog,
		unsigned width);
/* The whole help. With commands, a "Command 'x':" block with the usage of each follows (tools-config 1.2). */
void help_full(struct buf *b, const struct grammar *g, const struct sub *sub, const char *prog,
	       unsigned width);
/* Machine-readable dump of the table for lint: one line per option/positional:
 * KIND<TAB>NAMES<TAB>METAVAR<TAB>COMP<TAB>SUB<TAB>hidden|shown; KIND is flag value list optvalue pos sub;
 * "-" for what is empty. */
void help_dump(struct buf *b, const struct grammar *g);
