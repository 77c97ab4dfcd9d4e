/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qvm-volume list has learned: volumes, each with the qubes that use it. */
#pragma once

#include "cli/select.h"
#include "volume.h"

/* A qube's volume, by its name there. */
struct use {
	const char *qube; /* borrowed from the selection */
	char *name;
	struct volume_info info;
	size_t order; /* of the qube, then of the volume: as the daemon lists them */
};

/* One volume of one pool. Qubes may share it. */
struct volume {
	const struct use *uses; /* in the order to print; borrowed from the listing */
	size_t n;
	struct strv revisions; /* oldest first */
};

struct listing {
	struct ctx *c;
	struct selection qubes;
	struct use *uses;
	size_t n_uses, cap_uses;
	struct volume *volumes;
	size_t n_volumes;
	int status; /* failed calls do not hide the rest */
};

/* What a volume is, the same for all who use it. */
static inline const struct volume_info *volume_facts(const struct volume *v)
{
	return &v->uses[0].info;
}

/* Reports a failed call about WHAT; the listing goes on and fails in the end. */
void listing_complain(struct listing *l, const struct call *call, const char *what);

/* ---- usage.c ---- */

/* The table or records of --usage, with the totals of the pools. */
void print_usage(struct listing *l);
