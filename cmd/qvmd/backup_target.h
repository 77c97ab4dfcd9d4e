/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a backup goes: a file here, which appears when it is whole, or a service of a qube. Not for others. */
#pragma once

#include <time.h>

#include "qvmd/backup_run.h"

struct target_file {
	int fd;
	char *path;      /* the final name; NULL: the descriptor itself is it, a device or a pipe */
	char *temporary; /* NULL: there is none (any more) */
	char *dir;       /* path is a name of ours in it, made of this time; NULL: it was asked for */
	time_t when;
};
#define TARGET_FILE_INIT ((struct target_file){ .fd = -1 })

/* The profile's directory or file (backup-policy-clock 1.5). A pipe's descriptor does not block. */
int target_file_open(struct target_file *t, struct run *r, struct err *err);
/* Synced and renamed into place. A name of ours that another backup has got meanwhile is left to it. */
int target_file_keep(struct target_file *t, struct err *err);
/* What was not kept is removed. */
void target_file_release(struct target_file *t);
#define CLEANUP_TARGET_FILE CLEANUP(target_file_release)

/* Starts qubes.Backup and gives it its line. NULL with err. */
struct service *target_service_open(struct run *r, struct err *err);
/* The end of the archive: 0 when the service says that it has it; why is what writing said, it fills err then. */
int target_service_close(struct run *r, struct service *sv, int failed, struct err *err);

/* Asks a qube for the passphrase (1.6). */
int passphrase_ask(struct run *r, struct err *err);
