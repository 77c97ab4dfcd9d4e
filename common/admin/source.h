/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import reads: a pipe, a device or a file, of which the holes are not read. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

struct source {
	int fd;       /* not owned */
	bool is_file; /* with holes, maybe */
	off_t at;     /* where the next bytes come from; of files only */
	off_t data;   /* bytes before this are data ... */
	off_t hole;   /* ... and if there are none, those before this are zeros */
};

/* From where fd stands. */
void source_begin(struct source *s, int fd);
/*
 * The next bytes, at most n: *ret is buf, which they were read into, or zeros that lie elsewhere. Their number,
 * 0 at the end, or a negative errno.
 */
ssize_t source_read(struct source *s, char *buf, size_t n, const char **ret);
/*
 * Another descriptor of a file, with a position of its own, which stands where the reading begins: for a server
 * that would rather read it by itself. -1 when there is none.
 */
int source_reopen(const struct source *s);
