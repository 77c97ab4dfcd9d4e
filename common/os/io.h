/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes, time, and files. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

static inline void closep(int *fd);
#define CLEANUP_CLOSE CLEANUP(closep)

/* Monotonic nanoseconds. */
uint64_t now_ns(void);
/* Reads fd to its end, at most max bytes (-EFBIG beyond). 0 or negative errno. */
int read_all(int fd, struct buf *b, size_t max);
/* Writes all or fails. 0 or negative errno. */
int write_all(int fd, const void *p, size_t n);
/* The whole of a file, at most max bytes. 0 or negative errno. */
int read_file(const char *path, struct buf *b, size_t max);
int set_nonblock(int fd, bool on);
/* The path of the program that runs, links resolved; NULL when it cannot be told. The caller frees. */
char *program_path(void);
/* A file of the lab: in "../lib/qvm-tools" beside the program, or where an installation has it. Never NULL. The caller
 * frees. */
char *program_lib(const char *name);
/* What an installation has beside the program: "bin/../NAME". NULL as above. The caller frees. */
char *program_beside(const char *name);

#include <unistd.h>
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
