/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections. Most requests are read, run and answered in one go, without a trip through the loop; only what
 * would block waits in it.
 */
#include "qvmd/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/store.h"

/* ---- connections come and go ---- */

static void conn_closed(uv_handle_t *h)
{
	free(h->data);
}

static void conns_drop(struct conns *list, const struct conn *c)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == c)
			list->v[i] = NULL;
}

void conn_free(struct conn *c)
{
	struct server *sv = c->sys->server;

	if (c->state == CONN_STREAM)
		hub_forget(c->sys, c);
	if (c->state == CONN_HELD)
		conns_drop(&sv->held, c);
	if (c->pending)
		conns_drop(&sv->streams, c);
	if (c->prev)
		c->prev->next = c->next;
	else
		sv->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	sv->n_conns--;
	buf_release(&c->in);
	buf_release(&c->out);
	backlog_release(&c->backlog);
	req_free(STEAL(c->kept));
	if (c->in_loop)
		uv_close((uv_handle_t *)&c->poll, conn_closed);
	close(c->fd);
	if (!c->in_loop)
		free(c);
	server_listen_again(sv);
}

/* ---- patience ---- */

#define SWEEP_MS 20 /* deadlines so near to each other are kept together */

static void on_idle(uv_timer_t *h);

/* The peer has something to do: from now on it has so much time. */
static void conn_hurry(struct conn *c)
{
	struct server *sv = c->sys->server;
	uint64_t patience = (uint64_t)c->sys->opt.idle_timeout * 1000;

	if (!patience)
		return;
	c->deadline = uv_now(c->sys->loop) + patience;
	/* All get the same time: one that comes later is never the first to run out of it. */
	if (!uv_is_active((uv_handle_t *)&sv->idle))
		uv_timer_start(&sv->idle, on_idle, patience, 0);
}

static void on_idle(uv_timer_t *h)
{
	struct sys *s = h->data;
	uint64_t now = uv_now(s->loop), first = UINT64_MAX;
	struct conn *next;

	for (struct conn *c = s->server->first; c; c = next) {
		next = c->next;
		if (c->state != CONN_READ && c->state != CONN_WRITE)
			continue;
		if (c->deadline <= now) {
			log_line(s, c->state == CONN_READ ? "gave up a request that does not end" :
							    "gave up a reply that nobody reads");
			conn_free(c);
		} else if (c->deadline < first) {
			first = c->deadline;
		}
	}
	if (first != UINT64_MAX)
		uv_timer_start(h, on_idle, first - now + SWEEP_MS, 0);
}

/* Waits in the loop for events, or hands the connection back when the loop cannot take it. */
static bool conn_wait(struct conn *c, int events, uv_poll_cb cb)
{
	if (!c->in_loop) {
		if (uv_poll_init(c->sys->loop, &c->poll, c->fd) < 0) {
			conn_free(c);
			return false;
		}
		c->poll.data = c;
		c->in_loop = true;
	}
	if (uv_poll_start(&c->poll, events, cb) < 0) {
		conn_free(c);
		return false;
	}
	return true;
}

/* ---- writing ---- */

static void on_writable(uv_poll_t *h, int status, int events);

/* Sends what is in out. 1: all of it, 0: the peer is slow, negative: the peer is gone. */
static int conn_flush(struct conn *c)
{
	while (c->out_done < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out_done, c->out.len - c->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			c->out_done += (size_t)n;
			conn_hurry(c);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return 0;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 1;
}

/* What is left of a payload: bytes that nobody has read would turn the end of our reply into an error. */
static void conn_deafen(struct conn *c)
{
	char bin[4096];

	shutdown(c->fd, SHUT_RD);
	while (recv(c->fd, bin, sizeof bin, MSG_DONTWAIT) > 0)
		;
	c->unread = false;
}

void conn_finish(struct conn *c)
{
	if (c->state != CONN_WRITE)
		conn_hurry(c);
	c->state = CONN_WRITE;
	if (c->unread)
		conn_deafen(c);
	if (conn_flush(c) != 0)
		conn_free(c);
	else
		conn_wait(c, UV_WRITABLE, on_writable);
}

/*
 * A stream also waits for the end of its peer. UV_PRIORITIZED never comes on a unix socket by itself; asking
 * for it makes the hang-up, which is always reported, reach us, while the peer's half-close does not.
 */
static void stream_flush(struct conn *c)
{
	int r = backlog_send(&c->backlog, c->fd);

	if (r == 0 && c->backlog.bytes > c->sys->opt.max_backlog) {
		log_line(c->sys, "gave up a subscriber that lags %zu bytes behind", c->backlog.bytes);
		r = -ENOBUFS;
	}
	if (r < 0)
		conn_free(c);
	else
		conn_wait(c, UV_PRIORITIZED | (r == 0 ? UV_WRITABLE : 0), on_writable);
}

static void on_writable(uv_poll_t *h, int status, int events)
{
	struct conn *c = h->data;

	if (status < 0 || (c->state == CONN_STREAM && (events & UV_PRIORITIZED)))
		conn_free(c);
	else if (c->state == CONN_STREAM)
		stream_flush(c);
	else
		conn_finish(c);
}

void streams_flush(struct server *sv)
{
	for (size_t i = 0; i < sv->streams.n; i++) {
		struct conn *c = sv->streams.v[i];

		if (!c)
			continue;
		c->pending = false;
		backlog_keep(&c->backlog);
		stream_flush(c);
	}
	sv->streams.n = 0;
	chunk_unref(STEAL(sv->latest));
}

void conn_reply(struct conn *c, const void *head, size_t head_len, const void *body, size_t body_len)
{
	struct server *sv = c->sys->server;
	struct iovec iov[2] = { { (void *)head, head_len }, { (void *)body, body_len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t done = 0;

	if (store_is_dirty(c->sys)) {
		buf_add(&c->out, head, head_len);
		buf_add(&c->out, body, body_len);
		c->state = CONN_HELD;
		GROW(sv->held.v, sv->held.n, sv->held.cap);
		sv->held.v[sv->held.n++] = c;
		return;
	}
	/* The events of a call come before its reply (admin-api 11.1). */
	if (sv->streams.n)
		streams_flush(sv);
	if (c->unread)
		conn_deafen(c);

	ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		conn_free(c);
		return;
	}
	if (n > 0)
		done = (size_t)n;
	if (done == head_len + body_len) {
		conn_free(c);
		return;
	}
	if (done < head_len)
		buf_add(&c->out, (const char *)head + done, head_len - done);
	done -= done < head_len ? done : head_len;
	buf_add(&c->out, (const char *)body + done, body_len - done);
	conn_finish(c);
}

void conn_refuse(struct conn *c)
{
	conn_reply(c, NULL, 0, NULL, 0);
}

void conn_keep(struct conn *c, struct req *r)
{
	c->kept = r;
}

struct req *conn_kept(const struct conn *c)
{
	return c->kept;
}

void conn_unkeep(struct conn *c)
{
	c->kept = NULL;
}

int conn_input(struct conn *c)
{
	struct timeval patience = { .tv_sec = c->sys->opt.idle_timeout };
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Ours too: from now on only MSG_DONTWAIT keeps the loop from waiting. */
	set_nonblock(fd, false);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

void conn_stream_add(struct conn *c, const void *data, size_t len)
{
	struct server *sv = c->sys->server;

	if (!chunk_is(sv->latest, data, len)) {
		chunk_unref(sv->latest);
		sv->latest = chunk_new(data, len);
	}
	backlog_add(&c->backlog, sv->latest);
	if (c->pending)
		return;
	c->pending = true;
	GROW(sv->streams.v, sv->streams.n, sv->streams.cap);
	sv->streams.v[sv->streams.n++] = c;
}

void conn_stream(struct conn *c, const void *first, size_t len)
{
	c->state = CONN_STREAM;
	conn_stream_add(c, first, len);
	backlog_keep(&c->backlog);
}

/* ---- reading ---- */

static void on_readable(uv_poll_t *h, int status, int events);

/* Runs what has come in earlier pieces and now: so many bytes in scratch. */
static void conn_run(struct conn *c, size_t have)
{
	struct server *sv = c->sys->server;

	c->state = CONN_BUSY;
	if (c->in_loop)
		uv_poll_stop(&c->poll);
	if (c->in.len) {
		struct buf in = c->in;

		buf_add(&in, sv->scratch, have);
		c->in = BUF_INIT;
		dispatch(c->sys, c, in.data, in.len);
		buf_release(&in);
		return;
	}
	sv->scratch[have] = '\0';
	dispatch(c->sys, c, sv->scratch, have);
}

/* Runs a request whose payload is for its handler to read, if this is one and enough of it has come. */
static bool conn_run_early(struct conn *c)
{
	bool ready = c->in.len && dispatch_is_ready(c->in.data, c->in.len);

	c->unread = ready;
	if (ready)
		conn_run(c, 0);
	return ready;
}

void conn_read(struct conn *c)
{
	struct server *sv = c->sys->server;
	size_t have = 0; /* bytes in scratch */

	if (sv->broken) {
		conn_free(c);
		return;
	}
	for (;;) {
		size_t room = FRAME_REQUEST_MAX + 1 - c->in.len - have;
		ssize_t n = recv(c->fd, sv->scratch + have, room, 0);

		if (n > 0) {
			have += (size_t)n;
			if (c->in.len + have <= FRAME_REQUEST_MAX)
				continue;
			buf_add(&c->in, sv->scratch, have);
			if (!conn_run_early(c)) {
				log_line(c->sys, "request longer than %d bytes", FRAME_REQUEST_MAX);
				conn_free(c);
			}
			return;
		}
		if (n == 0) {
			conn_run(c, have);
			return;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			buf_add(&c->in, sv->scratch, have);
			if (!conn_run_early(c) && !c->in_loop) {
				conn_hurry(c);
				conn_wait(c, UV_READABLE, on_readable);
			}
			return;
		}
		if (errno != EINTR) {
			conn_free(c);
			return;
		}
	}
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	/* An error shows itself in the read. */
	conn_read(h->data);
}
