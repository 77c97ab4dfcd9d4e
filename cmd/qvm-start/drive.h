/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drive that a qube is started with. */
#pragma once

#include "cli/select.h"
#include "cli/tool.h"

struct drive {
	bool disk;     /* writable disk, else read-only cdrom */
	char *backend; /* NULL: no drive asked for */
	char *port;
};

void drive_release(struct drive *d);
#define CLEANUP_DRIVE CLEANUP(drive_release)
/* True when the command line names a drive. */
bool drive_wanted(const struct ctx *c);
/* Reads the options, looks the backend up, sets a loop device up for a path. 0, or -errno with err. */
int drive_resolve(struct ctx *c, const struct qubes *all, struct drive *ret, struct err *err);
/* Payload of Assign for the qube; the caller frees it. */
char *drive_payload(const struct drive *d, const char *qube);

/* losetup of path in the backend (tools-runtime 2); *ret_port is the caller's, such as "loop0". */
int loop_setup(struct ctx *c, const struct qube *backend, const char *path, char **ret_port, struct err *err);
