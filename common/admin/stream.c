/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event stream. */
#include "admin/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"

#define RECONNECT_MS 1000 /* admin-api 1.13 */
#define EVENT_MAX (1u << 20) /* far more than any event; a server that never ends one does not fill the memory */

struct stream {
	int fd;
	struct child child;
	struct buf in;
	size_t used; /* bytes at the front of in that were handed out already */
};

static int open_unix(struct admin *a, struct stream *s, const char *dest, const char *method)
{
	struct buf request = BUF_INIT;
	int r;

	s->fd = sock_connect(a->endpoint.path, false);
	if (s->fd < 0)
		return s->fd;
	request_encode(&request, method, NULL, "dom0", dest, NULL, 0);
	r = send(s->fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len ? 0 : -EPIPE;
	buf_release(&request);
	if (r == 0 && shutdown(s->fd, SHUT_WR) < 0)
		r = -errno;
	return r;
}

static int open_qrexec(struct admin *a, struct stream *s, const char *dest, const char *method)
{
	char *argv[] = {a->endpoint.path, (char *)dest, (char *)method, NULL};
	int r = spawn(&s->child, argv, SPAWN_NULL_STDIN | SPAWN_STDOUT);

	if (r == 0) {
		s->fd = s->child.out;
		s->child.out = -1;
	}
	return r;
}

int stream_open(struct admin *a, const char *dest, const char *method, struct stream **ret, struct err *err)
{
	CLEANUP_CALL struct call c = {.dest = dest, .method = method};
	struct stream *s;
	int r = call_check(a, &c);

	if (r == 0)
		r = call_endpoint(a, &c);
	if (r < 0) {
		err_move(err, &c.err);
		return r;
	}
	call_note(a, &c);
	s = xcalloc(1, sizeof *s);
	s->fd = -1;
	s->child = CHILD_INIT;
	r = a->endpoint.kind == ENDPOINT_UNIX ? open_unix(a, s, dest, method) : open_qrexec(a, s, dest, method);
	if (r < 0) {
		stream_close(s);
		return err_set(err, r, EXC_COMMUNICATION, "Failed to connect to qubesd service: [Errno %d] %s",
			       -r, strerror(-r));
	}
	set_nonblock(s->fd, true);
	*ret = s;
	return 0;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	closep(&s->fd);
	child_release(&s->child);
	buf_release(&s->in);
	free(s);
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}

/* More bytes into the buffer. 1: some came; 0: time is over; -EPIPE: the end. */
static int fill(struct stream *s, int timeout_ms)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLIN};
	int r = poll(&pfd, 1, timeout_ms);

	if (r == 0 || (r < 0 && errno == EINTR))
		return 0;
	if (r < 0)
		return -errno;

	char *to = buf_reserve(&s->in, 4096);
	ssize_t n = read(s->fd, to, s->in.cap - s->in.len - 1);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	s->in.len += (size_t)n;
	s->in.data[s->in.len] = '\0';
	return 1;
}

/* The stream has ended: an exception or an empty reply may be what is left of it. */
static int ended(struct stream *s, struct err *err)
{
	size_t off;

	if (s->in.len == 0)
		return -EPIPE;
	return reply_decode(s->in.data, s->in.len, &off, err) < 0 ? -EREMOTEIO : -EPIPE;
}

/* An exception is complete when the stream ends, and not before. */
static bool may_be_reply(const struct stream *s)
{
	return s->in.data[0] == '2' && (s->in.len == 1 || s->in.data[1] == '\0');
}

int stream_next(struct stream *s, int timeout_ms, struct event *ret, struct err *err)
{
	uint64_t deadline = timeout_ms >= 0 ? now_ns() + (uint64_t)timeout_ms * 1000000 : 0;

	for (;;) {
		size_t used = 0;
		int r, left = -1;

		buf_consume(&s->in, s->used);
		s->used = 0;
		r = s->in.len ? event_decode(s->in.data, s->in.len, ret, &used) : 0;
		if (r > 0) {
			s->used = used;
			return 1;
		}
		if (r < 0 && !may_be_reply(s))
			return err_set(err, r, EXC_COMMUNICATION, "Invalid response format");
		if (timeout_ms >= 0) {
			uint64_t now = now_ns();

			left = now >= deadline ? 0 : (int)((deadline - now) / 1000000 + 1);
		}
		int more = fill(s, left);

		if (more == -EPIPE)
			return ended(s, err);
		if (more > 0 && s->in.len > EVENT_MAX)
			more = -EMSGSIZE;
		if (more < 0)
			return err_set(err, more, EXC_COMMUNICATION, "%s", strerror(-more));
		if (more == 0 && left == 0)
			return 0;
	}
}

/* Milliseconds until a deadline, rounded up; 0 when it has passed, -1 without one. */
static int ms_until(uint64_t deadline_ns)
{
	uint64_t now = now_ns(), ms;

	if (!deadline_ns)
		return -1;
	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now) / 1000000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int stream_begin(struct admin *a, const char *dest, const char *method, struct stream **ret, uint64_t deadline_ns,
		 struct event *ret_first, struct err *err)
{
	uint64_t patience_ns = a->timeout_ns ? now_ns() + a->timeout_ns : 0;
	bool patient = deadline_ns && (!patience_ns || deadline_ns <= patience_ns);
	int r = stream_open(a, dest, method, ret, err);

	if (r == 0)
		r = stream_next(*ret, ms_until(patient ? deadline_ns : patience_ns), ret_first, err);
	if (r == -EPIPE && (!err || !err->text))
		err_set(err, r, "", "the daemon closed the connection");
	return r != 0 || patient ? r : no_answer(a, err);
}

int stream_follow(struct admin *a, const char *dest, const char *method, struct stream **s, uint64_t deadline_ns,
		  void (*lost)(void *data, const struct err *why), void *data, struct event *ret)
{
	for (;;) {
		CLEANUP_ERR struct err err = ERR_INIT;
		int left = ms_until(deadline_ns), r = 0;

		if (!left)
			return 0;
		if (!*s)
			r = stream_open(a, dest, method, s, &err);
		if (r == 0)
			r = stream_next(*s, left, ret, &err);
		if (r >= 0)
			return r;
		stream_close(*s);
		*s = NULL;
		if (lost)
			lost(data, &err);
		left = ms_until(deadline_ns);
		poll(NULL, 0, left >= 0 && left < RECONNECT_MS ? left : RECONNECT_MS);
	}
}
