/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of requests, replies and events, both directions (admin-api 1.2-1.6). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* Header, NUL and payload of one request together (admin-api 1.3). */
#define FRAME_REQUEST_MAX 65536

struct request {
	const char *method;
	const char *arg; /* "" when absent; never NULL */
	const char *source;
	const char *dest; /* "keyword adminvm" is decoded as "dom0" */
	const char *payload; /* payload_len bytes, then a NUL that is not part of it */
	size_t payload_len;
};

/* Appends the whole request with destination type "name". arg may be NULL. */
void request_encode(struct buf *b, const char *method, const char *arg, const char *source,
		    const char *dest, const void *payload, size_t payload_len);
/*
 * Splits data (len bytes and one NUL behind them) in place; ret borrows from it. -EBADMSG when
 * framing or ASCII rules are broken (the daemon then closes without a byte). The limit
 * FRAME_REQUEST_MAX is the reader's to check.
 */
int request_decode(char *data, size_t len, struct request *ret);

/* Appends OK and the body. */
void reply_encode_ok(struct buf *b, const void *body, size_t len);
/* Appends EXCEPTION without fields. traceback may be NULL. */
void reply_encode_exception(struct buf *b, const char *type, const char *traceback, const char *text);
/*
 * Takes a whole reply apart (admin-api 3.3). data has len bytes and one NUL behind them.
 * 0: OK, the body is data + *ret_off: text without a NUL in it, as the body of every call is. Otherwise a negative
 * errno and err: the exception of the server (its fields filled into the format), an empty reply, or a reply that
 * is none.
 */
int reply_decode(const char *data, size_t len, size_t *ret_off, struct err *err);

/* Fills printf-like %s and %d with fields as admin-api 3.3 says; the caller frees. */
char *reply_format(const char *format, const struct strv *fields);

struct event {
	char *subject; /* "" for the system */
	char *name;
	struct strv keys;   /* keys.v[i] goes with values.v[i] */
	struct strv values;
};

void event_release(struct event *e);
#define CLEANUP_EVENT CLEANUP(event_release)
/* The value of a key, or NULL. Borrowed. */
const char *event_get(const struct event *e, const char *key);

/* Appends one event; kv is a NULL-terminated list key, value, key, value... */
void event_encode(struct buf *b, const char *subject, const char *name, const char *const *kv);
/*
 * Reads one event from the front of data. 1: *ret is filled (the caller releases it) and *ret_used
 * bytes belong to it; 0: more bytes are needed; -EBADMSG: not an event.
 */
int event_decode(const char *data, size_t len, struct event *ret, size_t *ret_used);
