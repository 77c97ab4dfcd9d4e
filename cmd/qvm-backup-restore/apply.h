/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a restore that makes something. */
#pragma once

#include "qvm-backup-restore/restore.h"

/* ---- apply.c ---- */

/*
 * The qube cannot be restored; the first reason is the one that counts. An error of the connection ends the whole
 * restore: what was made stays, with its mark.
 */
void entry_fail(struct restore *r, struct entry *e, const struct err *err, const char *fmt, ...) PRINTF(4, 5);
/* All of the qube is there: its mark is taken off. */
void entry_is_whole(struct restore *r, struct entry *e);
/* True when no more is to be done for any qube. */
bool is_over(struct restore *r);
/* A log line, behind which the line of progress is drawn again. */
void note(struct restore *r, const char *fmt, ...) PRINTF(2, 3);

/* ---- settings.c ---- */

/* The qube, its mark, and the property that others need. */
void make_qube(struct restore *r, struct entry *e);
/* Its properties, features, tags and devices. What cannot be set is only logged. */
void set_up_qube(struct restore *r, struct entry *e);
/* What names other qubes: netvm, default_dispvm. */
void connect_qube(struct restore *r, struct entry *e);

/* ---- data.c ---- */

/* Goes through the rest of the archive. The result of archive_reader_run, with err. */
int restore_data(struct restore *r, struct err *err);

/* ---- home.c ---- */

/* Where dom0's home will be unpacked: a new directory in the home of its user. The caller frees. */
char *home_place(void);
/* 0, or -errno with err. */
int home_begin(const char *place, struct err *err);
/* Gives it its final name, and to its user; *ret is the name, freed by the caller. why: it is not whole and goes. */
int home_end(const char *place, bool whole, char **ret, struct err *err);
