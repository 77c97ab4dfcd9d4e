/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system as the Admin API tells of it, as a source of keys (vmif/derive.h). What is looked for and not known yet
 * is noted and answered as if it were not there; world_ask() makes all noted calls in flight together, then what was
 * derived is derived again.
 */
#pragma once

#include "cli/select.h"
#include "model/propval.h"
#include "vmif/derive.h"

enum known { UNASKED, NOTED, KNOWN, FAILED };

struct feature {
	char *name;
	char *value; /* NULL until it is known, and when it has gone since */
	enum known state;
};

/* What is known of one qube. */
struct entry {
	const struct qube *qube;
	enum known props_state, features_state, rules_state;
	struct props props;
	struct feature *features; /* sorted by name */
	size_t n_features;
	char *rules;
};

struct world {
	struct ctx *c;
	struct entry *v; /* in the order of the list, by name */
	size_t n;
	struct strv names;
	struct key_source src;
	bool noted;      /* something was looked for that is not known yet */
	bool failed;     /* something was looked for that could not be asked for */
};

/* qubes is borrowed; zone (may be NULL) too. */
void world_init(struct world *w, struct ctx *c, const struct qubes *qubes, const char *zone);
void world_release(struct world *w);
#define CLEANUP_WORLD CLEANUP(world_release)
/* Makes the calls that were noted. Prints each refusal; returns an exit status. */
int world_ask(struct world *w);
