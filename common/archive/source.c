/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of bytes. */
#include "archive/source.h"

#include <errno.h>
#include <unistd.h>

ssize_t source_fill(struct source *s, void *p, size_t n, struct err *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = s->read(s->data, (char *)p + got, n - got, err);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int source_read_all(struct source *s, struct buf *b, size_t max, struct err *err)
{
	for (;;) {
		char *to = buf_reserve(b, 4096);
		ssize_t r = s->read(s->data, to, b->cap - b->len - 1, err);

		if (r <= 0)
			return (int)r;
		b->len += (size_t)r;
		b->data[b->len] = '\0';
		if (b->len > max)
			return err_set(err, -EFBIG, "", "longer than %zu bytes", max);
	}
}

static ssize_t fd_read(void *data, void *p, size_t n, struct err *err)
{
	const struct fd_stream *f = data;
	ssize_t r;

	do
		r = read(f->fd, p, n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_set(err, -errno, "", "cannot read %s: %s", f->name, strerror(errno));
	return r;
}

struct source source_of_fd(struct fd_stream *f)
{
	return (struct source){ fd_read, f };
}
