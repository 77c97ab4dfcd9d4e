/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paranoid mode (backup-policy-clock 3.8): a disposable qube runs this tool, so that nothing in dom0 decrypts,
 * decompresses or parses the backup. What dom0 reads of that qube is its log, and that byte by byte.
 */
#pragma once

#include "cli/ask.h"
#include "cli/qrexec.h"
#include "os/spawn.h"

#define PARANOID_QUBE "disp-backup-restore"
#define PARANOID_MGMT_TAG "backup-restore-mgmt"       /* of that qube: what it may do is allowed to the tag */
#define PARANOID_STORAGE_TAG "backup-restore-storage" /* of the one that has the backup: may be asked for it */

struct paranoid {
	struct ctx *c;
	struct signals signals;
	bool interrupted;        /* one of them came */
	int lock;                /* -1: not held */
	const char *storage;     /* the qube that has the backup; borrowed */
	const char *location;    /* of it there; borrowed */
	char *path;              /* the same in dom0, from the root */
	char *passphrase;        /* NULL: whoever sits at the terminal there is asked */
	char *template;          /* of the disposable */
	bool made;               /* it is there, through us */
	bool has_terminal;       /* xterm can open a window in it */
	struct child source;     /* qubes.RegisterBackupLocation: as long as it has an input the backup can be had */
	char *id;                /* by this */
};

/* ---- paranoid.c ---- */

/* The whole of it. An exit status. */
int restore_in_disposable(struct ctx *c);

/* ---- lock.c ---- */

/*
 * A restore in a disposable works alone, for it may change every qube that has the mark of a restore. Others need not,
 * and where there can be no lock they do without. The caller closes *ret. An exit status.
 */
int restore_lock(struct ctx *c, bool alone, int *ret);

/* ---- inner.c: what runs in the disposable, and where the backup is ---- */

/* True when a signal came: then nothing new is begun. */
bool paranoid_is_over(struct paranoid *p);
/* These return an exit status, and have said what is wrong. */
int inner_register(struct paranoid *p);      /* fills source and id */
int inner_check(struct paranoid *p);         /* it has what is needed */
int inner_put_passphrase(struct paranoid *p);
int inner_run(struct paranoid *p);           /* the tool there, and what became of it */
/* The backup cannot be had any more. */
void inner_unregister(struct paranoid *p);

/* ---- tags.c: marks of qubes ---- */

/*
 * Nobody has the tags of this mode any more. A qube that the disposable has made and that is whole is marked as
 * restored; one that is not is removed. One that another restore has left keeps its mark; with `refuse` that is an
 * error: the disposable could change it. An exit status; what could not be done was said.
 */
int tags_settle(struct paranoid *p, bool refuse);
