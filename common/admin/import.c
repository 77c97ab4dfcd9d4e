/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streaming a file into a volume. */
#include "admin/import.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/exc.h"
#include "admin/frame.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"

#define CHUNK 131072
#define REPLY_MAX (1u << 20)

struct import {
	struct child child;
	int in, out, errors; /* in == out for a socket; -1 when done */
	int source;
	struct buf pending; /* read from the source and not sent */
	size_t sent;        /* of pending */
	uint64_t total;     /* sent in all, the head too */
	bool ended;         /* nothing more to read from the source */
	struct buf reply, text;
};

static void import_release(struct import *i)
{
	if (i->out == i->in)
		i->out = -1;
	closep(&i->in);
	closep(&i->out);
	closep(&i->errors);
	child_release(&i->child);
	buf_release(&i->pending);
	buf_release(&i->reply);
	buf_release(&i->text);
}

static void stop_writing(struct import *i)
{
	if (i->in < 0)
		return;
	if (i->in == i->out)
		shutdown(i->in, SHUT_WR);
	else
		close(i->in);
	i->in = -1;
}

/* Next bytes of the source once all earlier ones are sent. */
static int refill(struct import *i)
{
	ssize_t n;

	if (i->sent < i->pending.len || i->ended)
		return 0;
	buf_reset(&i->pending);
	i->sent = 0;
	do
		n = read(i->source, buf_reserve(&i->pending, CHUNK), CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	i->pending.len = (size_t)n;
	i->ended = n == 0;
	return 0;
}

static int push(struct import *i)
{
	for (;;) {
		const char *from;
		size_t left;
		ssize_t n;
		int r = refill(i);

		if (r < 0)
			return r;
		if (i->ended)
			break;
		from = i->pending.data + i->sent;
		left = i->pending.len - i->sent;
		n = i->in == i->out ? send(i->in, from, left, MSG_NOSIGNAL) : write(i->in, from, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			break; /* refused early: the reply says why */
		i->sent += (size_t)n;
		i->total += (size_t)n;
	}
	stop_writing(i);
	return 0;
}

/* Reads what is there; closes *fd at its end. */
static void pull(struct import *i, int *fd, struct buf *b)
{
	while (b->len < REPLY_MAX) {
		ssize_t n = read(*fd, buf_reserve(b, 4096), 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
	if (*fd == i->in)
		i->in = -1;
	closep(fd);
}

static int pump(struct admin *a, struct import *i, struct err *err)
{
	int limit = a->timeout_ns ? (int)(a->timeout_ns / 1000000 + 1) : -1;
	uint64_t moved = now_ns();

	while (i->out >= 0 || i->errors >= 0) {
		struct pollfd p[3] = {
			{.fd = i->in, .events = POLLOUT},
			{.fd = i->out, .events = POLLIN},
			{.fd = i->errors, .events = POLLIN},
		};
		int r = poll(p, 3, call_patience(a, limit));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(err, -errno, "", "%s", strerror(errno));
		call_progress(a, i->total);
		if (r > 0)
			moved = now_ns();
		else if (a->timeout_ns && now_ns() - moved >= a->timeout_ns)
			return err_set(err, -ETIMEDOUT, EXC_COMMUNICATION,
				       "No answer from qubesd within %g seconds", (double)a->timeout_ns / 1e9);
		if (i->in >= 0 && p[0].revents) {
			r = push(i);
			if (r < 0)
				return err_set(err, r, "", "%s", strerror(-r));
		}
		if (i->out >= 0 && p[1].revents)
			pull(i, &i->out, &i->reply);
		if (i->errors >= 0 && p[2].revents)
			pull(i, &i->errors, &i->text);
	}
	stop_writing(i);
	return 0;
}

static int connect_socket(struct admin *a, struct import *i, const struct call *c, const char *head, size_t len,
			  struct err *err)
{
	int fd = sock_connect(a->endpoint.path, true);

	if (fd < 0)
		return err_set(err, fd, EXC_COMMUNICATION, "Failed to connect to qubesd service: [Errno %d] %s", -fd,
			       strerror(-fd));
	i->in = i->out = fd;
	request_encode(&i->pending, c->method, c->arg, "dom0", c->dest, head, len);
	return 0;
}

/* The program that takes the data on its stdin: dom0's service script, or the qrexec client. */
static int start_program(struct admin *a, struct import *i, const struct call *c, const char *head, size_t len,
			 struct err *err)
{
	bool qrexec = a->endpoint.kind == ENDPOINT_QREXEC;
	CLEANUP_FREE char *script = xasprintf("/etc/qubes-rpc/%s", c->method);
	CLEANUP_FREE char *service = xasprintf("%s+%s", c->method, c->arg);
	CLEANUP_FREE char *target = xasprintf("QREXEC_REQUESTED_TARGET=%s", c->dest);
	char *as_root[] = {"sudo", "env", "QREXEC_REMOTE_DOMAIN=dom0", target, script, (char *)c->arg, NULL};
	char *remote[] = {a->endpoint.path, (char *)c->dest, service, NULL};
	char **argv = qrexec ? remote : geteuid() == 0 ? as_root + 1 : as_root;
	int r;

	if (!qrexec && access(script, F_OK) < 0)
		return err_set(err, -ENOENT, EXC_COMMUNICATION, "%s not found", script);
	r = spawn(&i->child, argv, SPAWN_STDIN | SPAWN_STDOUT | (qrexec ? SPAWN_STDERR : 0));
	if (r < 0)
		return err_set(err, r, EXC_COMMUNICATION, "Failed to connect to qubesd service: [Errno %d] %s", -r,
			       strerror(-r));
	i->in = i->child.in;
	i->out = i->child.out;
	i->errors = i->child.err;
	i->child.in = i->child.out = i->child.err = -1;
	set_nonblock(i->in, true);
	set_nonblock(i->out, true);
	if (i->errors >= 0)
		set_nonblock(i->errors, true);
	buf_add(&i->pending, head, len);
	return 0;
}

static int transfer(struct admin *a, struct import *i, struct err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	size_t off;
	int r, status;

	/* Set after the spawn: the child must not inherit it. */
	sigaction(SIGPIPE, &ignore, &before);
	r = pump(a, i, err);
	sigaction(SIGPIPE, &before, NULL);
	if (r < 0)
		return r;
	if (i->child.pid > 0) {
		status = child_wait(&i->child);
		/* The exit status of dom0's script says nothing: its reply does (admin-api 1.9). */
		if (status != 0 && a->endpoint.kind == ENDPOINT_QREXEC)
			return service_error(err, &i->text);
	}
	buf_reserve(&i->reply, 0);
	return reply_decode(i->reply.data, i->reply.len, &off, err);
}

int admin_import(struct admin *a, const char *dest, const char *method, const char *volume, const char *head,
		 size_t len, int fd, struct err *err)
{
	CLEANUP(import_release) struct import i = {
		.child = CHILD_INIT, .in = -1, .out = -1, .errors = -1, .source = fd};
	CLEANUP_CALL struct call c = {.dest = dest, .method = method, .arg = volume, .payload_len = len};
	int r = call_check(a, &c);

	if (r < 0) {
		err_move(err, &c.err);
		return r;
	}
	call_note(a, &c);
	if (a->endpoint.kind == ENDPOINT_UNIX && a->endpoint.explicit)
		r = connect_socket(a, &i, &c, head, len, err);
	else
		r = start_program(a, &i, &c, head, len, err);
	return r < 0 ? r : transfer(a, &i, err);
}
