/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of volumes: written to new files without the zeros, copied without the holes. For threads of jobs. */
#pragma once

#include <stdatomic.h>

#include "qvmd/storage.h"

/* Writes data[0..n) at off of a new file, leaving holes for its zeros. 0 or negative errno. */
int content_write(int fd, const char *data, size_t n, uint64_t off);

/* What is to be copied, readied in the loop. */
struct source {
	int fd;         /* -1: what a new volume holds */
	bool formatted; /* and that is a file system; else zeros */
	uint64_t valid; /* bytes of fd that count */
	uint64_t size;
};
#define SOURCE_INIT ((struct source){ .fd = -1 })

/* Opens what a volume holds; later changes of the volume do not matter. 0, or negative errno with err. */
int source_open(const struct volume *v, struct source *ret, struct err *err);
void source_close(struct source *s);
/* Makes the new, empty file fd that content, whole and synced. Stops when *stop is set: -ECANCELED. */
int source_write(const struct source *s, int fd, const atomic_bool *stop, struct err *err);
