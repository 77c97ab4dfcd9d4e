/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children: start one with descriptors of its own, and reap it. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

struct child {
	pid_t pid; /* -1: none */
	int in;    /* our end of its stdin, or -1 */
	int out;   /* our end of its stdout, or -1 */
	int err;   /* our end of its stderr, or -1 */
};

#define CHILD_INIT ((struct child){-1, -1, -1, -1})

enum spawn_flags {
	SPAWN_STDIN = 1,  /* pipe; otherwise inherited */
	SPAWN_STDOUT = 2,
	SPAWN_STDERR = 4,
	SPAWN_NULL_STDIN = 8, /* /dev/null */
};

/* argv[0] is looked up on PATH unless it holds a slash. 0 or negative errno (exec failures too). */
int spawn(struct child *ret, char *const argv[], int flags);
/*
 * The same with these descriptors (borrowed) as stdin, stdout and stderr: the child has them, and we are not in the
 * way of what flows. FD_INHERIT: our own; FD_NULL: /dev/null. The child's in, out and err are -1.
 */
int spawn_fds(struct child *ret, char *const argv[], const int fds[3]);
#define FD_INHERIT (-1)
#define FD_NULL (-2)
/* Waits; exit status as the shell counts it (128+n for signal n), or negative errno. */
int child_wait(struct child *c);
/* The same without waiting: -EAGAIN while it runs. */
int child_poll(struct child *c);
/* Closes the descriptors, kills what still runs, reaps it. */
void child_release(struct child *c);
#define CLEANUP_CHILD CLEANUP(child_release)
