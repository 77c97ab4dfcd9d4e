/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket, and the turns of the loop: what changed something is answered when a turn ends, after one commit
 * for all of them.
 */
#include "qvmd/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "qvmd/publish.h"
#include "qvmd/store.h"

#define ACCEPTS_PER_TURN 128
#define ACCEPT_RETRY_MS 50
#define CONNS_PER_QUBE 64 /* a qube does not keep dom0 out */

/* ---- the end of a turn ---- */

/* Nothing of what was held may leave: memory went back to what it was before. */
static void turn_failed(struct server *sv, const struct err *e)
{
	for (size_t i = 0; i < sv->streams.n; i++)
		if (sv->streams.v[i])
			backlog_cut(&sv->streams.v[i]->backlog);
	for (size_t i = 0; i < sv->held.n; i++) {
		struct conn *c = sv->held.v[i];

		if (!c || c->out.len == 0)
			continue;
		buf_reset(&c->out);
		reply_encode_exception(&c->out, e->type, NULL, e->text);
	}
}

static void turn_end(struct sys *s)
{
	struct server *sv = s->server;
	CLEANUP_ERR struct err e = ERR_INIT;
	int r = store_is_dirty(s) ? store_commit(s, &e) : 0;

	if (r < 0) {
		log_line(s, "%s", e.text);
		publish_forget(s);
		turn_failed(sv, &e);
		if (r == -ENOTRECOVERABLE) {
			sv->broken = true;
			uv_stop(s->loop);
		}
	}
	publish_flush(s);
	if (sv->streams.n)
		streams_flush(sv);
	for (size_t i = 0; i < sv->held.n; i++)
		if (sv->held.v[i])
			conn_finish(sv->held.v[i]);
	sv->held.n = 0;
}

bool server_is_broken(const struct sys *s)
{
	return s->server->broken;
}

void server_stand(struct sys *s)
{
	struct conns *list = &s->server->streams;

	for (size_t i = 0; i < list->n && !store_is_dirty(s); i++)
		if (list->v[i])
			backlog_keep(&list->v[i]->backlog);
}

bool server_settle(struct sys *s)
{
	if (store_is_dirty(s))
		turn_end(s);
	return !server_is_broken(s);
}

static void on_prepare(uv_prepare_t *h)
{
	turn_end(h->data);
}

static void on_check(uv_check_t *h)
{
	turn_end(h->data);
}

/* ---- listening ---- */

static void on_retry(uv_timer_t *h)
{
	server_listen_again(h->data);
}

static struct conn *conn_new(struct sys *s, int fd)
{
	struct server *sv = s->server;
	struct conn *c = xcalloc(1, sizeof *c);

	c->sys = s;
	c->fd = fd;
	c->next = sv->first;
	if (sv->first)
		sv->first->prev = c;
	sv->first = c;
	sv->n_conns++;
	return c;
}

static void on_listener(uv_poll_t *h, int status, int events)
{
	struct sys *s = h->data;
	struct server *sv = s->server;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		if (sv->n_conns >= s->opt.max_connections) {
			/* The rest waits in the kernel's queue. */
			sv->paused = true;
			uv_poll_stop(&sv->listener);
			return;
		}

		int fd = accept4(sv->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				sv->paused = true;
				uv_poll_stop(&sv->listener);
				uv_timer_start(&sv->retry, on_retry, ACCEPT_RETRY_MS, 0);
			}
			return;
		}

		conn_read(conn_new(s, fd));
	}
}

int server_adopt(struct sys *s, int fd, const char *source, struct buf *head)
{
	struct server *sv = s->server;
	unsigned n = 0;
	struct conn *c;

	for (c = sv->first; c; c = c->next)
		n += streq(c->source, source);
	if (n >= CONNS_PER_QUBE || sv->n_conns >= s->opt.max_connections)
		return -EMFILE;
	c = conn_new(s, fd);
	memcpy(c->source, source, sizeof c->source);
	c->in = *head;
	*head = BUF_INIT;
	conn_read(c);
	return 0;
}

void server_listen_again(struct server *sv)
{
	if (!sv->paused || sv->fd < 0)
		return;
	sv->paused = false;
	uv_poll_start(&sv->listener, UV_READABLE, on_listener);
}

int server_start(struct sys *s, struct err *err)
{
	int fd = sock_listen_again(s->opt.socket_path, 0660, SOCK_STREAM);

	if (fd < 0)
		return err_set(err, fd, "", "cannot listen at '%s': %s", s->opt.socket_path, strerror(-fd));
	set_nonblock(fd, true);

	struct server *sv = xcalloc(1, sizeof *sv);

	s->server = sv;
	sv->fd = fd;
	uv_poll_init(s->loop, &sv->listener, fd);
	uv_timer_init(s->loop, &sv->retry);
	uv_timer_init(s->loop, &sv->idle);
	uv_prepare_init(s->loop, &sv->prepare);
	uv_check_init(s->loop, &sv->check);
	sv->listener.data = sv->idle.data = sv->prepare.data = sv->check.data = s;
	sv->retry.data = sv;
	uv_poll_start(&sv->listener, UV_READABLE, on_listener);
	uv_prepare_start(&sv->prepare, on_prepare);
	uv_check_start(&sv->check, on_check);
	return 0;
}

void server_stop(struct sys *s)
{
	struct server *sv = s->server;

	if (!sv)
		return;
	turn_end(s);
	uv_close((uv_handle_t *)&sv->listener, NULL);
	uv_close((uv_handle_t *)&sv->retry, NULL);
	uv_close((uv_handle_t *)&sv->idle, NULL);
	uv_close((uv_handle_t *)&sv->prepare, NULL);
	uv_close((uv_handle_t *)&sv->check, NULL);
	closep(&sv->fd);
	unlink(s->opt.socket_path);
	while (sv->first)
		conn_free(sv->first);
	free(sv->held.v);
	free(sv->streams.v);
	/* The handles are closed by the loop's last turns. */
	for (int i = 0; i < 1000 && uv_run(s->loop, UV_RUN_NOWAIT) != 0; i++)
		;
	free(sv);
	s->server = NULL;
}
