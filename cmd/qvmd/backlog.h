/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a stream's peer has yet to read. An event is in memory once, however many subscribers wait for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes that several queues hold. */
struct chunk;
/* A copy of data with one reference, the caller's. */
struct chunk *chunk_new(const void *data, size_t len);
bool chunk_is(const struct chunk *k, const void *data, size_t len); /* k may be NULL */
void chunk_unref(struct chunk *k);

struct backlog {
	struct chunk **v; /* v[head] is the next to leave */
	size_t head, n, cap;
	size_t safe;      /* those before it may leave; the others belong to a change that could still fail */
	size_t sent;      /* bytes of v[head] that have left */
	size_t bytes;     /* all that have not */
};

void backlog_release(struct backlog *b);
/* Takes a reference of its own. It does not leave yet. */
void backlog_add(struct backlog *b, struct chunk *k);
/* Everything may leave, whatever becomes of changes to come; or what was added since then is dropped. */
void backlog_keep(struct backlog *b);
void backlog_cut(struct backlog *b);
/* Sends what may leave. 1: all of it, 0: the peer is slow, negative: the peer is gone. */
int backlog_send(struct backlog *b, int fd);
