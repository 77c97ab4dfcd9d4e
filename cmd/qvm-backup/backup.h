/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qvm-backup share. */
#pragma once

#include "cli/ask.h"
#include "cli/progress.h"
#include "cli/tool.h"
#include "model/profile.h"

struct job {
	struct ctx *c;
	const char *name;       /* of the profile; borrowed */
	char *own_name;         /* of one that goes when the backup is over */
	struct profile profile; /* without --profile: what the command line says */
	bool is_given;          /* --profile */
	char *passphrase;       /* of --passphrase-file */
	struct signals signals; /* held once there is something to clean up */
	struct buf info;        /* the table */
};

/* ---- profile.c ---- */

/* Where the profiles are. */
const char *profile_dir(void);
/* The profile of the command line: include is expanded against the qubes there are. An exit status. */
int profile_from_args(struct job *j);
/* Writes it, under the name to save it by or one of its own; an older temporary one whose maker has died goes. */
int profile_write(struct job *j);
/* Removes the temporary one. */
void profile_drop(struct job *j);

/* ---- ask.c ---- */

/* The first line of --passphrase-file. An exit status. */
int use_passphrase_file(struct job *j, const char *path);
/* Twice from the terminal. An exit status. */
int ask_passphrase(struct job *j);

/* ---- check.c ---- */

/* Can a file be written to the destination, when it is here, and is there room? An exit status. */
int check_destination(struct job *j);

/* ---- run.c ---- */

/* Calls Execute and shows how far it is; a signal cancels it. An exit status. */
int execute(struct job *j, enum progress_kind kind);

/* ---- table.c ---- */

/* A row of the table of admin.backup.Info. */
struct row {
	char *qube;  /* escaped: it came from the daemon */
	double size; /* bytes, rounded as the table has it */
};
struct table {
	struct row *v;
	size_t n, cap;
	double total;
};
void table_parse(struct table *t, const char *text);
void table_release(struct table *t);
/* The qube that is at work when so much is done, 0 to 1; NULL when that is not known. Borrowed. */
const char *table_qube_at(const struct table *t, double part);
