/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real xenstored for a lab, on a machine without Xen: with our stand-in for the hypervisor (standin/). */
#pragma once

#include "os/spawn.h"

/* The program of the newest Xen that is installed, or NULL. The caller frees. */
char *xenstored_find(void);

/*
 * Runs it with its sockets in a new directory dir; XENSTORED_PATH and XENSTORED_RUNDIR name them from now on in this
 * process. Returns when it serves. The child belongs to the caller. Otherwise negative errno, and in *ret_why what
 * is wrong, which the caller frees.
 */
int xenstored_start(const char *program, const char *dir, struct child *ret, char **ret_why);
