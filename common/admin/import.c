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
#include "admin/source.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"

#define CHUNK 262144
#define OFFER_AFTER 262144
#define REPLY_MAX (1u << 20)

struct import {
	struct admin *admin;
	struct child child;
	int in, out, errors; /* in == out for a socket; -1 when done */
	struct source source;
	int shared;         /* the file for the server to read by itself, or -1 */
	bool offered;       /* it was sent */
	off_t begin;        /* where in it the data begin */
	struct buf buffer;
	const char *next;   /* to be sent: in buffer, or zeros */
	size_t left;        /* of it */
	uint64_t total;     /* sent in all, the head too */
	bool in_pieces;     /* the caller has them; there is no source */
	bool ended;         /* nothing more will come */
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
	closep(&i->shared);
	buf_release(&i->buffer);
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

	if (i->left || i->ended || i->in_pieces)
		return 0;
	buf_reset(&i->buffer);
	n = source_read(&i->source, buf_reserve(&i->buffer, CHUNK), CHUNK, &i->next);
	if (n < 0)
		return (int)n;
	i->left = (size_t)n;
	i->ended = n == 0;
	return 0;
}

/*
 * With these bytes goes the file itself: a daemon that takes it copies what is still missing from there, and answers
 * early. The first bytes are not for this: whoever reads the head of a call may look at nothing but bytes.
 */
static ssize_t offer(struct import *i)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {(void *)i->next, i->left};
	struct msghdr msg = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &i->shared, sizeof(int));
	n = sendmsg(i->in, &msg, MSG_NOSIGNAL);
	i->offered = n > 0;
	return n;
}

static ssize_t push_some(struct import *i)
{
	if (i->in != i->out)
		return write(i->in, i->next, i->left);
	if (i->shared >= 0 && !i->offered && i->total >= OFFER_AFTER)
		return offer(i);
	return send(i->in, i->next, i->left, MSG_NOSIGNAL);
}

static int push(struct import *i)
{
	for (;;) {
		ssize_t n;
		int r = refill(i);

		if (r < 0)
			return r;
		if (!i->left && !i->ended)
			return 0; /* the next piece will come */
		if (i->ended)
			break;
		n = push_some(i);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			break; /* refused early, or not needed: the reply tells */
		i->next += n;
		i->left -= (size_t)n;
		i->total += (uint64_t)n;
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

/* What is sent, or what the server has read by itself. */
static uint64_t progress_of(const struct import *i)
{
	off_t at = i->shared >= 0 ? lseek(i->shared, 0, SEEK_CUR) - i->begin : 0;

	return at > 0 && (uint64_t)at > i->total ? (uint64_t)at : i->total;
}

/* Is there still something to do: the piece to be sent, or all up to the answer? */
static bool is_busy(const struct import *i)
{
	if (i->in_pieces && !i->ended)
		return i->left && i->in >= 0;
	return i->out >= 0 || i->errors >= 0;
}

static int pump(struct import *i, struct err *err)
{
	struct admin *a = i->admin;
	int limit = a->timeout_ns ? (int)(a->timeout_ns / 1000000 + 1) : -1;
	uint64_t moved = now_ns();

	while (is_busy(i)) {
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
		call_progress(a, progress_of(i));
		if (r > 0)
			moved = now_ns();
		else if (a->timeout_ns && now_ns() - moved >= a->timeout_ns)
			return no_answer(a, err);
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
	return 0;
}

/* Without the signal that a reader who has gone away would raise. Only now: a child must not inherit that. */
static int pump_quietly(struct import *i, struct err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int r;

	sigaction(SIGPIPE, &ignore, &before);
	r = pump(i, err);
	sigaction(SIGPIPE, &before, NULL);
	return r;
}

static int connect_socket(struct admin *a, struct import *i, const struct call *c, const char *head, size_t len,
			  struct err *err)
{
	int fd = sock_connect(a->endpoint.path, true);

	if (fd < 0)
		return err_set(err, fd, EXC_COMMUNICATION, "Failed to connect to qubesd service: [Errno %d] %s", -fd,
			       strerror(-fd));
	i->in = i->out = fd;
	request_encode(&i->buffer, c->method, c->arg, "dom0", c->dest, head, len);
	if (!i->in_pieces) {
		i->shared = source_reopen(&i->source);
		i->begin = i->source.at;
	}
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
	buf_add(&i->buffer, head, len);
	return 0;
}

/* The rest of the data, and the answer. */
static int finish(struct import *i, struct err *err)
{
	int r = pump_quietly(i, err), status;
	size_t off;

	stop_writing(i);
	if (r < 0)
		return r;
	if (i->child.pid > 0) {
		status = child_wait(&i->child);
		/* The exit status of dom0's script says nothing: its reply does (admin-api 1.9). */
		if (status != 0 && i->admin->endpoint.kind == ENDPOINT_QREXEC)
			return service_error(err, &i->text);
	}
	buf_reserve(&i->reply, 0);
	return reply_decode(i->reply.data, i->reply.len, &off, err);
}

static void import_free(struct import *i)
{
	import_release(i);
	free(i);
}

static void import_freep(struct import **i)
{
	if (*i)
		import_free(*i);
}

/* Where the data go. fd -1: they come in pieces. */
static struct import *start(struct admin *a, struct call *c, const char *head, size_t len, int fd, struct err *err)
{
	CLEANUP(import_freep) struct import *i = xcalloc(1, sizeof *i);
	int r = call_check(a, c);

	*i = (struct import){.admin = a, .child = CHILD_INIT, .in = -1, .out = -1, .errors = -1, .shared = -1,
			     .in_pieces = fd < 0};
	if (r < 0) {
		err_move(err, &c->err);
		return NULL;
	}
	call_note(a, c);
	if (fd >= 0)
		source_begin(&i->source, fd);
	if (a->endpoint.kind == ENDPOINT_UNIX && a->endpoint.explicit)
		r = connect_socket(a, i, c, head, len, err);
	else
		r = start_program(a, i, c, head, len, err);
	i->next = buf_str(&i->buffer);
	i->left = i->buffer.len;
	return r < 0 ? NULL : STEAL(i);
}

int admin_import(struct admin *a, const char *dest, const char *method, const char *volume, const char *head,
		 size_t len, int fd, struct err *err)
{
	CLEANUP_CALL struct call c = {.dest = dest, .method = method, .arg = volume, .payload_len = len};
	CLEANUP(import_freep) struct import *i = start(a, &c, head, len, fd, err);

	return i ? finish(i, err) : -EIO;
}

struct import *import_begin(struct admin *a, const char *dest, const char *method, const char *volume,
			    const char *head, size_t len, struct err *err)
{
	CLEANUP_CALL struct call c = {.dest = dest, .method = method, .arg = volume, .payload_len = len};

	return start(a, &c, head, len, -1, err);
}

int import_write(struct import *i, const void *p, size_t n, struct err *err)
{
	int r = pump_quietly(i, err); /* the head */

	i->next = p;
	i->left = n;
	if (r == 0)
		r = pump_quietly(i, err);
	i->left = 0;
	return r;
}

int import_end(struct import *i, struct err *err)
{
	int r = pump_quietly(i, err);

	i->ended = true;
	stop_writing(i);
	if (r == 0)
		r = finish(i, err);
	import_free(i);
	return r;
}
