/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of qvm-volume (tools-runtime 8). */
#pragma once

#include "cli/record.h"
#include "model/volume.h"

/* What info shows, in this order; list --json has the same keys. */
#define INFO_KEYS \
	"pool vid rw source save_on_stop snap_on_start size usage revisions_to_keep ephemeral is_outdated"
#define N_INFO_KEYS 11
#define CONFIG_KEYS "rw revisions_to_keep ephemeral"

/* One volume as the command line names it, VM:VOLUME. */
struct target {
	const char *word; /* borrowed */
	char *qube, *volume;
};

/* ---- target.c ---- */

void target_release(struct target *t);
#define CLEANUP_TARGET CLEANUP(target_release)
/* Takes the words of n targets apart and asks whether there are such volumes. Prints errors; exit status. */
int targets_find(struct ctx *c, struct target *targets, size_t n);
/* What a failed Info means when it was made to learn `key`: an empty reply names the key (admin-api 3.3). */
void info_error(struct err *err, const char *key);
/* Info of one volume. Prints errors; exit status. */
int target_info(struct ctx *c, const struct target *t, const char *key, struct volume_info *ret);

/* ---- info.c ---- */

/* The N_INFO_KEYS values in the order of INFO_KEYS; they borrow from v. */
void info_vals(const struct volume_info *v, struct val *ret);

/* ---- change.c ---- */

/* Asks; *ret tells whether to go on. When not, says "WHAT cancelled."; the result is then the exit status. */
int confirm(struct ctx *c, const char *prompt, const char *what, bool *ret);

/* ---- the commands; each prints its errors and returns the exit status ---- */

int list_volumes(struct ctx *c);
int info_volume(struct ctx *c);
int config_volume(struct ctx *c);
int resize_volume(struct ctx *c);
/* qvm-grow-private, qvm-grow-root: resize of the volume that the name tells. */
int grow_private(struct ctx *c);
int grow_root(struct ctx *c);
int revert_volume(struct ctx *c);
int import_volume(struct ctx *c);
int clone_volume(struct ctx *c);
int clear_volume(struct ctx *c);
