/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names with values, in the order in which they were added. */
#pragma once

#include "base/attr.h"
#include "base/strv.h"

struct pairs {
	struct strv names;
	struct strv values; /* values.v[i] goes with names.v[i] */
};

void pairs_release(struct pairs *p);
#define CLEANUP_PAIRS CLEANUP(pairs_release)

/* Adds copies of both; a name may be there already. */
void pairs_add(struct pairs *p, const char *name, const char *value);
/* The value of the first pair of that name, borrowed; NULL when there is none. */
const char *pairs_get(const struct pairs *p, const char *name);
