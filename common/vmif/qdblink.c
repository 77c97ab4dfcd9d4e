/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's connection to a server of QubesDB that may be hostile. */
#include "vmif/qdblink.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "os/io.h"

#define PATIENCE_MS 10000 /* silence of a server that owes an answer */
#define EVENTS_MAX 65536  /* kept while other answers are waited for */
#define READ_SIZE 65536

void qdb_link_release(struct qdb_link *l)
{
	closep(&l->fd);
	buf_release(&l->in);
	strv_release(&l->events);
}

void qdb_link_use(struct qdb_link *l, int fd)
{
	closep(&l->fd);
	l->fd = fd;
	l->at = 0;
	buf_reset(&l->in);
}

/* ---- bytes ---- */

int qdb_broken(struct err *err)
{
	return err_set(err, -EPROTO, "", "QubesDB sends what is no answer");
}

static int gone(int r, struct err *err)
{
	return err_set(err, r, "", "the connection to QubesDB is lost: %s", strerror(-r));
}

static int await(struct qdb_link *l, short events, struct err *err)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int r;

	do
		r = poll(&p, 1, PATIENCE_MS);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return gone(-errno, err);
	return r ? 0 : err_set(err, -ETIMEDOUT, "", "QubesDB does not answer");
}

int qdb_link_send(struct qdb_link *l, const struct buf *b, struct err *err)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = send(l->fd, b->data + done, b->len - done, MSG_NOSIGNAL);
		int r = 0;

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			r = await(l, POLLOUT, err);
		else if (errno != EINTR)
			r = gone(-errno, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int qdb_link_fill(struct qdb_link *l, struct err *err)
{
	ssize_t n;

	buf_consume(&l->in, l->at);
	l->at = 0;
	do
		n = recv(l->fd, buf_reserve(&l->in, READ_SIZE), READ_SIZE, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : gone(-errno, err);
	if (n == 0)
		return gone(-ECONNRESET, err);
	l->in.len += (size_t)n;
	l->in.data[l->in.len] = '\0';
	return 1;
}

/* ---- messages ---- */

static bool is_sane(const struct qdb_msg *m, const char *data)
{
	bool values = m->type == QDB_VALUE || m->type == QDB_MULTI;
	bool named = m->type == QDB_MULTI || m->type == QDB_NAME || m->type == QDB_EVENT;

	if (m->type < QDB_OK || m->type >= QDB_TYPES)
		return false;
	if (m->data_len && (!values || memchr(data, '\0', m->data_len)))
		return false;
	if (!*m->path)
		return m->type != QDB_EVENT && !(named && m->data_len);
	return !named || (*m->path == '/' && m->path[1] && qdb_path_chars(m->path));
}

static int keep_event(struct qdb_link *l, const struct qdb_msg *m, struct err *err)
{
	if (l->events.n >= EVENTS_MAX)
		return err_set(err, -EOVERFLOW, "", "too many changes in QubesDB");
	strv_add(&l->events, m->path + 1);
	return 0;
}

int qdb_link_next(struct qdb_link *l, struct qdb_msg *ret, const char **ret_data, struct err *err)
{
	for (;;) {
		const char *head;
		int r;

		if (l->in.len - l->at < QDB_HEADER)
			return 0;
		head = l->in.data + l->at;
		qdb_decode(ret, head);
		if (ret->data_len > QDB_VALUE_MAX)
			return qdb_broken(err);
		if (l->in.len - l->at < QDB_HEADER + ret->data_len)
			return 0;
		*ret_data = head + QDB_HEADER;
		if (!is_sane(ret, *ret_data))
			return qdb_broken(err);
		l->at += QDB_HEADER + ret->data_len;
		if (ret->type != QDB_EVENT)
			return 1;
		r = keep_event(l, ret, err);
		if (r < 0)
			return r;
	}
}

int qdb_link_receive(struct qdb_link *l, struct qdb_msg *ret, const char **ret_data, struct err *err)
{
	for (;;) {
		int r = qdb_link_next(l, ret, ret_data, err);

		if (r != 0)
			return r < 0 ? r : 0;
		r = qdb_link_fill(l, err);
		if (r == 0)
			r = await(l, POLLIN, err);
		if (r < 0)
			return r;
	}
}

int qdb_link_event(struct qdb_link *l, char **ret_key)
{
	if (l->events_at == l->events.n)
		return 0;
	*ret_key = xstrdup(l->events.v[l->events_at++]);
	if (l->events_at == l->events.n) {
		strv_release(&l->events);
		l->events_at = 0;
	}
	return 1;
}
