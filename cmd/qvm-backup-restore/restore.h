/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qvm-backup-restore share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "archive/reader.h"
#include "cli/ask.h"
#include "cli/progress.h"
#include "os/spawn.h"
#include "qvm-backup-restore/plan.h"

#define LOGGER "qubesadmin.backup" /* of log lines */

/* ---- origin.c: where the archive comes from ---- */

struct origin {
	int fd;                 /* its bytes; -1: none (any more) */
	bool qfile;             /* they come as what qubes.Restore sends */
	uint64_t size;          /* of a file; 0: not known */
	struct child child;     /* the service or the command; pid -1: none */
	struct buf said;        /* on its stderr; not read by others before origin_close */
	/* A thread that collects that, and sees signals while they are held. */
	pthread_t guard, reader;
	bool wakes;              /* a signal wakes the reader; before is what it did before */
	struct sigaction before;
	bool guarded;
	int stop;               /* an eventfd that ends the thread; -1 */
	atomic_bool interrupted;
};

/* ---- the job ---- */

struct restore {
	struct ctx *c;
	struct signals signals;
	struct origin origin;
	char *passphrase;
	struct archive_reader *reader;
	const struct backup_qubes *qubes; /* borrowed from the reader */
	struct plan plan;
	char *home;            /* where dom0's is unpacked */
	int lock;              /* -1: not held */
	bool disconnected;     /* the daemon is gone */
	/* How far it is. */
	enum progress_kind progress_kind;
	struct progress progress;
	uint64_t size_limit;   /* bytes that may come from a qube; 0: any number */
	bool too_large;        /* more came */
	uint64_t shown_ns;
	const char *now;       /* the qube whose data are read; borrowed from qubes, may be NULL */
};

/* An exit status. */
int origin_open(struct restore *r);
/* From now on signals end the work in order. An exit status. */
int origin_hold_signals(struct restore *r);
/* The archive was read, or is not wanted any more: what the other side has to say about that. An exit status. */
int origin_close(struct restore *r, bool whole);
void origin_release(struct origin *o);
/* True when a signal came. */
bool is_interrupted(struct restore *r);

/* ---- progress.c ---- */

/* The work is at this qube (borrowed) now: false when it was before. */
bool now_at(struct restore *r, const char *qube);
/* For the reader: shows how far it is; not 0 when the work has to end. */
int on_progress(void *data, uint64_t bytes);
/* Says why the reading of the archive was ended before its end. An exit status. */
int run_ended(struct restore *r, const struct err *err);

/* ---- list.c ---- */

/* What the archive holds: a table, or records. An exit status. */
int list_archive(struct restore *r);

/* ---- verify.c ---- */

/* Reads everything of the qubes that are not excluded, and says of each whether it is whole. An exit status. */
int verify(struct restore *r);
/* The names of the qubes whose data are wanted. */
void wanted_names(const struct plan *p, struct strv *ret);

/* ---- table.c ---- */

/* The summary (backup-policy-clock 3.3). */
void print_table(struct restore *r);
/* What the summary says of the qube's template and its netvm. Borrowed. */
const char *shown_template(const struct backup_qube *q);
const char *shown_netvm(const struct backup_qube *q);
/* Warnings, and whether to go on (3.5). An exit status. */
int print_problems(struct restore *r);

/* ---- apply.c ---- */

/* Everything from the first qube that is made to the last that is whole (3.7). An exit status. */
int restore_qubes(struct restore *r);
