/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of bytes: what is read from and what is written to, in layers. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct source {
	/* At most n bytes (n > 0); 0 at the end; negative errno with err. */
	ssize_t (*read)(void *data, void *p, size_t n, struct err *err);
	void *data;
};

struct sink {
	/* All n bytes, or a negative errno with err. */
	int (*write)(void *data, const void *p, size_t n, struct err *err);
	void *data;
};

/* As many bytes as there are, at most n; fewer than n only at the end. */
ssize_t source_fill(struct source *s, void *p, size_t n, struct err *err);
/* Everything up to the end; -EFBIG when that is more than max. */
int source_read_all(struct source *s, struct buf *b, size_t max, struct err *err);

/* A descriptor (borrowed by address) as source; name is what messages call it. */
struct fd_stream {
	int fd;
	const char *name;
};
struct source source_of_fd(struct fd_stream *f);
