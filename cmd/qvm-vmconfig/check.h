/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-vmconfig check: reading many qubes together, and comparing. */
#pragma once

#include "qvm-vmconfig/vmconfig.h"
#include "qvm-vmconfig/world.h"

/* One qube that is checked. */
struct subject {
	const struct qube *qube;
	int64_t domid;           /* as the keys' source has it; -1: it has stopped since it was listed */
	bool derived;            /* want is whole */
	struct key_values want;  /* what the Admin API says; settled */
	struct key_values have[KEY_STORES];
	struct channel *qubesdb; /* while it is read */
	bool unreadable;         /* something could not be read, which was said */
};

/* ---- read.c ---- */

/* Sends what can be sent of reading the subjects' QubesDB. Prints errors; an exit status. */
int read_begin(struct ctx *c, const struct settings *s, struct subject *v, size_t n);
/* Fills have, all QubesDB together; before it, domid must be known. */
int read_end(struct ctx *c, const struct settings *s, struct subject *v, size_t n);

/* ---- compare.c ---- */

enum difference { DIFF_MISSING, DIFF_DIFFERS, DIFF_UNEXPECTED };
extern const char *const difference_names[]; /* missing differs unexpected */

/* A key that is not as it should be. */
struct drift {
	enum difference what;
	enum key_store store;
	const struct key_def *def;
	const struct key_value *have, *want; /* NULL: there is none, there should be none */
};

/* Calls found for each in the order of stores and names. */
void compare(const struct settings *s, const struct subject *q, void (*found)(void *data, const struct drift *d),
	     void *data);
