/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of qvm-pool: what both interfaces do (tools-runtime 9, 10). */
#pragma once

#include "cli/record.h"

/* Keys and values in the order of the keys. */
struct config {
	struct setting {
		char *key, *value;
	} *v;
	size_t n, cap;
};

void config_release(struct config *k);
#define CLEANUP_CONFIG CLEANUP(config_release)
/* Adds "key=value", taking the place of an earlier one of that key. False when there is no '='. */
bool config_add(struct config *k, const char *pair);
/* The value, or NULL. Borrowed. */
const char *config_get(const struct config *k, const char *key);

/* ---- show.c: each prints its errors and returns the exit status ---- */

int list_pools(struct ctx *c);
int list_drivers(struct ctx *c);
/* Each of the names in turn. */
int show_pools(struct ctx *c, const struct strv *names);
/* Are they all there? Otherwise "No such pools: [...]". */
int pools_exist(struct ctx *c, const struct strv *names);

/* ---- change.c: calls; 0 or -errno with err ---- */

int pool_add(struct ctx *c, const char *name, const char *driver, const struct config *options, struct err *err);
int pool_remove(struct ctx *c, const char *name, struct err *err);
/* -ENOTSUP without a call for an option that cannot be set. */
int pool_set(struct ctx *c, const char *name, const struct setting *option, struct err *err);

/* qvm-pool-legacy, which is also what reads a line of qvm-pool with its options. */
extern const struct tool legacy_tools[];
/* True when an option of the old interface that asks for an action is on the line. */
bool is_legacy(int argc, char *const argv[]);
