/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark of a qube whose restore is not over: the tag backup-restore-in-progress, with which it cannot be started
 * (admin-api 6.5), and a feature that says of which backup and of which qube there it is. It is set as soon as the
 * qube exists and taken off when the qube is whole; --continue finds by it what was left. The disposable of the
 * paranoid mode may not take it off: there an empty feature says that the qube is whole, and dom0 does the rest
 * (tags.c).
 */
#pragma once

#include "qvm-backup-restore/plan.h"

#define MARK_TAG "backup-restore-in-progress"
#define MARK_FEATURE "backup-restore-of"

int mark_set(struct ctx *c, const struct entry *e, const char *backup_id, struct err *err);
int mark_clear(struct ctx *c, const struct entry *e, struct err *err);
/* The name can be the one that a restore with --rename-conflicting gave: the beginning of `name` and a number. */
bool mark_could_name(const char *host, const char *name);
/*
 * The qube that is here was left by an interrupted restore of the entry: it has its mark; or there is just the qube, of
 * the same name and class, halted, without features, tags, notes or data in any volume, as it is before the mark is
 * set.
 */
bool mark_is_of(struct ctx *c, const struct qube *host, const struct entry *e, const char *backup_id);
