/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qvm-shutdown share. */
#pragma once

#include "cli/each.h"

/* Qubes that could not be shut down, and why. */
struct failure {
	const char *name; /* borrowed from the selection */
	struct err err;
};

struct failures {
	struct failure *v;
	size_t n;
	size_t cap;
};

void failures_release(struct failures *f);
#define CLEANUP_FAILURES CLEANUP(failures_release)
/* Moves err out of its place. */
void failures_add(struct failures *f, const char *name, struct err *err);
/* Moves all of from behind to, and leaves from empty. */
void failures_move(struct failures *to, struct failures *from);
/* "A, B"; the caller frees it. */
char *failures_names(const struct failures *f);
/* The same call on each, as each_call(). */
struct call *failures_call(struct ctx *c, const struct failures *of, const char *method, const char *arg);

/*
 * Shuts down the way that needs no `wait` from the daemon (tools-runtime 3, Servers): asks, listens to
 * events, kills what stays. Prints the names that are left and returns how many.
 */
size_t shutdown_by_events(struct ctx *c, const struct selection *sel, const struct failures *of, bool force);
