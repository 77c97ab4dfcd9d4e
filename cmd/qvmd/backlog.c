/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues of shared chunks. */
#include "qvmd/backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/mem.h"

#define CHUNKS_PER_SEND 64
#define CAP_KEPT 64 /* an empty queue of more gives its memory back */

struct chunk {
	size_t refs, len;
	char data[];
};

struct chunk *chunk_new(const void *data, size_t len)
{
	struct chunk *k = xmalloc(sizeof *k + len);

	k->refs = 1;
	k->len = len;
	memcpy(k->data, data, len);
	return k;
}

bool chunk_is(const struct chunk *k, const void *data, size_t len)
{
	return k && k->len == len && memcmp(k->data, data, len) == 0;
}

void chunk_unref(struct chunk *k)
{
	if (k && --k->refs == 0)
		free(k);
}

void backlog_release(struct backlog *b)
{
	for (size_t i = b->head; i < b->n; i++)
		chunk_unref(b->v[i]);
	free(b->v);
	*b = (struct backlog){0};
}

/* Moves what waits to the front, so that the room of what has left is used again. */
static void pack(struct backlog *b)
{
	if (b->head == b->n && b->cap > CAP_KEPT) {
		free(b->v);
		b->v = NULL;
		b->cap = 0;
	} else if (b->head) {
		memmove(b->v, b->v + b->head, (b->n - b->head) * sizeof *b->v);
	}
	b->n -= b->head;
	b->safe -= b->head;
	b->head = 0;
}

void backlog_add(struct backlog *b, struct chunk *k)
{
	if (b->n == b->cap && b->head > b->n / 2)
		pack(b);
	GROW(b->v, b->n, b->cap);
	b->v[b->n++] = k;
	k->refs++;
	b->bytes += k->len;
}

void backlog_keep(struct backlog *b)
{
	b->safe = b->n;
}

void backlog_cut(struct backlog *b)
{
	while (b->n > b->safe) {
		struct chunk *k = b->v[--b->n];

		b->bytes -= k->len;
		chunk_unref(k);
	}
}

/* n bytes have left. */
static void consume(struct backlog *b, size_t n)
{
	b->bytes -= n;
	n += b->sent;
	while (b->head < b->safe && n >= b->v[b->head]->len) {
		n -= b->v[b->head]->len;
		chunk_unref(b->v[b->head++]);
	}
	b->sent = n;
}

int backlog_send(struct backlog *b, int fd)
{
	while (b->head < b->safe) {
		struct iovec iov[CHUNKS_PER_SEND];
		struct msghdr msg = { .msg_iov = iov };

		for (size_t i = b->head; i < b->safe && msg.msg_iovlen < CHUNKS_PER_SEND; i++)
			iov[msg.msg_iovlen++] = (struct iovec){ b->v[i]->data, b->v[i]->len };
		iov[0].iov_base = (char *)iov[0].iov_base + b->sent;
		iov[0].iov_len -= b->sent;

		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (n >= 0)
			consume(b, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
	pack(b);
	return 1;
}
