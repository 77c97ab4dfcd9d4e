/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far long work is: one line on stderr, on a terminal only unless it is wanted, gone when the work is done. */
#pragma once

#include "cli/tool.h"

struct progress {
	struct ctx *c;
	const char *what; /* borrowed; may change on the way */
	uint64_t total;   /* bytes; 0 when not known */
	uint64_t start_ns, shown_ns;
	bool wanted; /* by default when there is somebody to look at it */
	bool shown;
};

/* Shows nothing yet. what names the work: "work:private". */
void progress_begin(struct progress *p, struct ctx *c, const char *what, uint64_t total);
/*
 * So many bytes are done. Draws the line, at most five times a second and not within the first half second:
 * part, amount, rate and time left, or what can be told of them; with done 0 only the time that has passed.
 */
void progress_step(struct progress *p, uint64_t done);
/* Takes the line off the screen: before anything else is written to stderr. */
void progress_end(struct progress *p);
/* True when there is somebody to look at it. */
bool progress_wanted(const struct ctx *c);

/* What tools with the option --progress (line, json, none) show. */
enum progress_kind { PROGRESS_NONE, PROGRESS_LINE, PROGRESS_JSON };
enum progress_kind progress_choice(const struct ctx *c);
