/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event stream: admin.Events, and any call that answers with events (admin-api 1.6, 1.13). */
#pragma once

#include "admin/call.h"
#include "admin/frame.h"

struct stream;

/*
 * Asks for a stream. *ret is the caller's to close. Nothing is known to be connected before the first
 * event, connection-established, was read.
 */
int stream_open(struct admin *a, const char *dest, const char *method, struct stream **ret, struct err *err);
void stream_close(struct stream *s); /* NULL accepted */
static inline void stream_closep(struct stream **s)
{
	stream_close(*s);
}
#define CLEANUP_STREAM CLEANUP(stream_closep)
/* The descriptor to poll for reading. */
int stream_fd(const struct stream *s);
/*
 * Waits up to timeout_ms (-1 = for ever) for the next event. 1: *ret is filled, the caller releases it;
 * 0: time is over; -EPIPE: the stream ended; other: err tells (an exception on the stream included; -EMSGSIZE: an
 * event of more than a mebibyte).
 */
int stream_next(struct stream *s, int timeout_ms, struct event *ret, struct err *err);

/*
 * Opens a stream and waits for its first event, until deadline_ns (monotonic; 0 = none). 1: *ret_first is filled, the
 * caller releases it; 0: the deadline has passed; otherwise what hindered it is in err: somebody who begins wants to
 * hear that there is no daemon, and not to wait for one. QVM_TIMEOUT limits this wait (-ETIMEDOUT), and not the one
 * for the events that follow, which may be a long time coming.
 */
int stream_begin(struct admin *a, const char *dest, const char *method, struct stream **ret, uint64_t deadline_ns,
		 struct event *ret_first, struct err *err);

/*
 * The next event of a stream that is kept up for ever: opened when *s is NULL, and opened again one second after it
 * was lost (admin-api 1.13); what connection-established announces anew, the caller must ask for anew. lost, if not
 * NULL, is called with the reason before each wait. deadline_ns is monotonic; 0 = none.
 * 1: *ret is filled, the caller releases it; 0: the deadline has passed. *s is the caller's to close in the end.
 */
int stream_follow(struct admin *a, const char *dest, const char *method, struct stream **s, uint64_t deadline_ns,
		  void (*lost)(void *data, const struct err *why), void *data, struct event *ret);
