/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for a member until all of it is authenticated: memory, or an unlinked file when it is large. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

#define SPOOL_MEMORY (128u << 20) /* a usual chunk fits */

struct spool {
	uint8_t *data;
	size_t size;
	int fd; /* -1: memory */
};

/* dir NULL: $TMPDIR or /var/tmp. 0 or negative errno with err. */
int spool_init(struct spool *s, size_t size, const char *dir, struct err *err);
/* Puts n bytes at an offset. -ENOSPC with err. */
int spool_put(struct spool *s, size_t at, const void *p, size_t n, struct err *err);
void spool_release(struct spool *s);
