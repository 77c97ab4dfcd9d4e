/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the flows of qvm-sync-clock share (backup-policy-clock 5). */
#pragma once

#include "cli/each.h"
#include "cli/service.h"
#include "model/clock.h"

#define ANSWER_NS (30 * 1000000000ull) /* for one service */

struct sync {
	struct ctx *c;
	bool dry_run;
	char *source; /* the clock qube; "@default" in a qube */
};

/* ---- main.c ---- */

/* The clock qube, or "" when none is set: s->source. Prints errors; an exit status. */
int find_clockvm(struct sync *s);
/* power_state of it; the caller frees. NULL when it cannot be told: the error was printed. */
char *clockvm_state(struct sync *s);
/* Runs one service; with nothing usable the error is printed. An exit status. */
int ask_qube(struct sync *s, struct service_call *call);

/* ---- set.c ---- */

/*
 * The one place where a clock is set: to t, which text is the spelling of, and the hardware's after it, unless this is
 * a qube. With --set-with that program does it. Says what was done when asked. Prints errors; an exit status.
 */
int set_clock(struct sync *s, const struct timespec *t, const char *text);
/* There is no time to set a clock to, and nothing is wrong with that: what --json says of it. */
void tell_nothing(struct sync *s);

/* ---- push.c ---- */

/* qubes.SetDateTime in all that run but dom0 and the clock qube. Prints errors; an exit status. */
int push_time(struct sync *s);

/* ---- legacy.c ---- */

int sync_legacy(struct sync *s);
