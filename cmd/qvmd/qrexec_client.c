/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of those who call services. What a qube sends there may be anything: a descriptor whose last copy is
 * closed can make that wait for a file system or a connection of the qube's, be it by close(), by the end of a socket
 * in which it lies, by a recvmsg() that has no room for it, or by the start of a program. So all that is done aside. A
 * qube has but so many calls, and one counts until its socket and what came over it are closed.
 */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/aside.h"
#include "qvmd/qrexec_impl.h"
#include "qvmd/server.h"

#define DOM0_CALLS 1024
#define QUBE_CALLS 64 /* of one qube, under way */

struct listener {
	struct sys *sys;
	char source[37];
	bool is_dom0; /* whoever calls there is no qube */
	int fd;
	uv_poll_t poll;
	unsigned n, most; /* calls */
	unsigned refs;    /* of calls, and its own until it is closed */
	bool paused, ends;
};

const char *listener_source(const struct listener *l)
{
	return l->source;
}

/* ---- closing ---- */

static void on_listener(uv_poll_t *h, int status, int events);

/* Something that counted as a call is closed. */
static void release(struct listener *l, unsigned n)
{
	l->n -= n;
	if (l->paused && !l->ends && l->n < l->most) {
		l->paused = false;
		uv_poll_start(&l->poll, UV_READABLE, on_listener);
	}
	if (--l->refs == 0)
		free(l);
}

struct closing {
	struct aside aside;
	struct listener *l;
	int fd;
	unsigned n;
};

static void close_it(struct aside *a)
{
	close(((struct closing *)a)->fd);
}

static void closed(struct aside *a)
{
	struct closing *k = (struct closing *)a;

	release(k->l, k->n);
	free(k);
}

static void start_closing(struct listener *l, int fd, unsigned n)
{
	struct closing *k = xmalloc(sizeof *k);

	*k = (struct closing){ { .work = close_it, .done = closed }, l, fd, n };
	if (!l->is_dom0)
		return aside_start(l->sys, &k->aside);
	close_it(&k->aside);
	closed(&k->aside);
}

static void on_client_closed(uv_handle_t *h)
{
	struct call *c = h->data;

	start_closing(c->from, c->sock, 1);
	free(c);
}

void client_close(struct call *c)
{
	/* What is received is not wanted any more, but it has to come first. */
	if (c->state == CALL_RECEIVES)
		c->gone = true;
	else
		uv_close((uv_handle_t *)&c->poll, on_client_closed);
}

/* ---- what it says ---- */

struct reception {
	struct call *call; /* NULL: it has heard of it */
	struct listener *l;
	uv_poll_t poll;
	int sock;
	int back[2]; /* ours, the thread's */
	int result;
	bool plain;
	struct call_msg msg;
	char buffer[CALL_MESSAGE_MAX];
};

static void on_client(uv_poll_t *h, int status, int events);

/* Takes over fds, none unless they are good. */
static void received(struct reception *r, struct fdset *fds)
{
	struct call *c = STEAL(r->call);

	c->state = CALL_READS;
	if (c->gone) {
		client_close(c);
	} else if (r->result == -EAGAIN) {
		uv_poll_start(&c->poll, UV_READABLE, on_client);
	} else if (r->result <= 0 || !server_settle(c->sys)) {
		call_abandon(c);
	} else if (!r->plain) {
		call_end(c, CALL_STATUS_PROBLEM, "only pipes can be passed");
	} else {
		uv_poll_start(&c->poll, UV_READABLE, on_client);
		call_begin(c, &r->msg, fds);
	}
	fdset_release(fds);
}

/* A table of descriptors of our own, with two of them. */
static int leave_table(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (unshare(CLONE_FILES) < 0)
		return -errno;
	if (low > 0)
		close_range(0, (unsigned)low - 1, 0);
	if (high - low > 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
	return 0;
}

/* What a qube has sent must not even be a descriptor of the daemon's: each process that it starts would close it. */
static void *receive(void *data)
{
	struct reception *r = data;
	struct fdset fds = FDSET_INIT;
	int sock = r->sock, back = r->back[1], left = leave_table(sock, back);

	r->result = left < 0 ? left : call_recv(sock, r->buffer, &r->msg, &fds);
	for (size_t i = 0; i < fds.n; i++)
		r->plain = r->plain && fd_is_pipe(fds.fd[i]);
	fdpass_send(back, "", 1, fds.fd, r->result > 0 && r->plain ? fds.n : 0);
	if (left < 0)
		return NULL;
	fdset_release(&fds);
	close(sock);
	/* By this the loop knows that nothing is left, and frees r. */
	close(back);
	return NULL;
}

static void on_back_closed(uv_handle_t *h)
{
	struct reception *r = h->data;

	close(r->back[0]);
	aside_ended(r->l->sys);
	release(r->l, 1);
	free(r);
}

static void on_back(uv_poll_t *h, int status, int events)
{
	struct reception *r = h->data;
	struct fdset fds;
	char c;
	ssize_t n = fdpass_recv(r->back[0], &c, sizeof c, &fds);

	if (n > 0) {
		/* The thread has its own copy. */
		closep(&r->back[1]);
		return received(r, &fds);
	}
	if (n != -EAGAIN)
		uv_close((uv_handle_t *)h, on_back_closed);
}

/* Counts like a call until its descriptors are closed. */
static int start_receiving(struct reception *r)
{
	struct listener *l = r->l;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->back) < 0)
		return -errno;
	set_nonblock(r->back[0], true);
	if (uv_poll_init(l->sys->loop, &r->poll, r->back[0]) < 0) {
		close(r->back[0]);
		close(r->back[1]);
		return -EAGAIN;
	}
	r->poll.data = r;
	l->n++;
	l->refs++;
	uv_poll_start(&r->poll, UV_READABLE, on_back);
	if (aside_begin(l->sys, receive, r) < 0) {
		/* As if it had come to its end. */
		r->result = -ENOMEM;
		received(r, &(struct fdset){0});
		closep(&r->back[1]);
	}
	return 0;
}

static void on_client(uv_poll_t *h, int status, int events)
{
	struct call *c = h->data;
	struct fdset fds = FDSET_INIT;
	struct reception *r;

	/* It says one thing; whatever comes then is its end. */
	if (c->state != CALL_READS)
		return call_abandon(c);
	uv_poll_stop(&c->poll);
	r = xcalloc(1, sizeof *r);
	r->call = c;
	r->l = c->from;
	r->sock = c->sock;
	r->plain = true;
	if (!c->from->is_dom0) {
		c->state = CALL_RECEIVES;
		if (start_receiving(r) == 0)
			return;
		c->state = CALL_READS;
		call_abandon(c);
	} else {
		r->result = call_recv(r->sock, r->buffer, &r->msg, &fds);
		received(r, &fds);
	}
	free(r);
}

/* ---- listeners ---- */

static void client_new(struct listener *l, int sock)
{
	struct qrexec *q = l->sys->qrexec;
	struct call *c = xcalloc(1, sizeof *c);

	c->sys = l->sys;
	c->from = l;
	c->sock = sock;
	if (uv_poll_init(l->sys->loop, &c->poll, sock) < 0) {
		close(sock);
		free(c);
		return;
	}
	c->poll.data = c;
	c->next = q->first;
	if (q->first)
		q->first->prev = c;
	q->first = c;
	l->n++;
	l->refs++;
	uv_poll_start(&c->poll, UV_READABLE, on_client);
}

static void on_listener(uv_poll_t *h, int status, int events)
{
	struct listener *l = h->data;
	int sock;

	while (l->n < l->most && (sock = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		client_new(l, sock);
	if (l->n >= l->most) {
		/* The rest waits in the kernel's queue. */
		l->paused = true;
		uv_poll_stop(&l->poll);
	}
}

struct listener *listener_new(struct sys *s, const char *source, int fd)
{
	struct listener *l = xcalloc(1, sizeof *l);

	l->sys = s;
	memcpy(l->source, source, sizeof l->source);
	l->is_dom0 = streq(source, s->dom0->uuid);
	l->fd = fd;
	l->most = l->is_dom0 ? DOM0_CALLS : QUBE_CALLS;
	set_nonblock(fd, true);
	if (uv_poll_init(s->loop, &l->poll, fd) < 0) {
		close(fd);
		free(l);
		return NULL;
	}
	l->poll.data = l;
	l->refs = 1;
	uv_poll_start(&l->poll, UV_READABLE, on_listener);
	return l;
}

static void on_listener_closed(uv_handle_t *h)
{
	struct listener *l = h->data;

	/* Clients that were not accepted yet hear of it. */
	start_closing(l, l->fd, 0);
}

void listener_free(struct listener *l)
{
	struct call *next;

	if (!l)
		return;
	l->ends = true;
	for (struct call *c = l->sys->qrexec->first; c; c = next) {
		next = c->next;
		if (c->from == l)
			call_abandon(c);
	}
	uv_close((uv_handle_t *)&l->poll, on_listener_closed);
}
