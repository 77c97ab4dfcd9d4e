/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event stream that comes in pieces: the first byte is the length of the pieces, the rest what the server sends
 * before it closes. The tool sees the events that the bytes hold, each as soon as its last byte is there, and then
 * the end or the error that is left over.
 */
#include <errno.h>
#include <sys/socket.h>

#include "admin/stream.h"
#include "base/mem.h"
#include "os/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_sock_connect(const char *path, bool nonblock);

static int server = -1; /* our end; libFuzzer calls again and again */

int __wrap_sock_connect(const char *path, bool nonblock)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	server = pair[1];
	return pair[0];
}

/* What the stream gives is what stands at data; returns its length. */
static size_t check_event(const struct event *got, const char *data, size_t len)
{
	CLEANUP_EVENT struct event want = {0};
	size_t used = 0;

	if (event_decode(data, len, &want, &used) != 1 || !streq(got->name, want.name) ||
	    !streq(got->subject, want.subject) || got->keys.n != want.keys.n || got->values.n != want.keys.n)
		abort();
	for (size_t i = 0; i < want.keys.n; i++)
		if (!streq(got->keys.v[i], want.keys.v[i]) || !streq(got->values.v[i], want.values.v[i]))
			abort();
	return used;
}

/* Behind the last event stands the start of one, an exception, or what is neither. */
static void check_end(int result, const struct err *err, const char *left, size_t len)
{
	CLEANUP_FREE char *copy = xmemdup0(left, len);
	CLEANUP_ERR struct err want = ERR_INIT;
	CLEANUP_EVENT struct event ev = {0};
	size_t off;

	if (result == -EBADMSG) {
		/* Told at once, of what can become neither an event nor an exception. */
		if (event_decode(left, len, &ev, &off) != -EBADMSG || (len >= 2 && memcmp(left, "2", 2) == 0) ||
		    !streq(err->text, "Invalid response format"))
			abort();
		return;
	}
	if (len && reply_decode(copy, len, &off, &want) < 0) {
		if (result != -EREMOTEIO || !streq(err->text, want.text))
			abort();
	} else if (result != -EPIPE) {
		abort();
	}
}

static void follow(struct stream *s, const char *data, size_t size, size_t piece)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t sent = 0, seen = 0;

	for (;;) {
		CLEANUP_EVENT struct event ev = {0}, more = {0};
		size_t used;
		int r = stream_next(s, 0, &ev, &err);

		if (r < 0) {
			check_end(r, &err, data + seen, size - seen);
			return;
		}
		if (r == 1) {
			seen += check_event(&ev, data + seen, sent - seen);
		} else if (sent < size) {
			/* A whole event was held back? */
			if (event_decode(data + seen, sent - seen, &more, &used) == 1)
				abort();
			piece = piece < size - sent ? piece : size - sent;
			if (write_all(server, data + sent, piece) < 0)
				abort();
			sent += piece;
		} else {
			shutdown(server, SHUT_WR);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STREAM struct stream *s = NULL;
	struct admin a;

	if (size < 2)
		return -1;
	setenv("QVM_ENDPOINT", "unix:/nonexistent", 1);
	if (admin_init(&a, &err) < 0 || stream_open(&a, "dom0", "admin.Events", &s, &err) < 0)
		abort();
	follow(s, (const char *)data + 1, size - 1, (size_t)data[0] + 1);
	closep(&server);
	admin_release(&a);
	return 0;
}
