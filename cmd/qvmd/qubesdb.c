/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QubesDB as a store: for each qube a database, two sockets, and whoever has connected to them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "qvmd/device.h"
#include "qvmd/publish.h"
#include "qvmd/server.h"
#include "vmif/qdbserver.h"

#define PEERS_MAX 256 /* of one database; others wait until one goes */
#define READ_SIZE 65536
#define ACCEPT_RETRY_MS 50
#define SOCKET_MODE 0666
#define LIST_MAX 8192 /* keys of a list of devices */

struct host;

struct listener {
	struct host *host;
	bool read_only, paused;
	int fd;
	uv_poll_t poll;
};

struct peer {
	struct host *host;
	struct peer *prev, *next;
	struct qdb_peer *qp;
	int fd;
	bool ends;   /* when its output has left */
	bool lags;   /* it was given up */
	uv_poll_t poll;
};

/* A qube's database. */
struct host {
	struct databases *store;
	struct host *next;
	char uuid[37];
	char *name;
	struct qdb *db;
	struct listener rw, ro;
	struct peer *peers;
	unsigned n_peers;
	unsigned lists;    /* of devices that have changed: bits of device_dirs */
	unsigned handles;  /* the last to be closed frees it */
};

struct databases {
	struct key_sink sink;
	struct sys *sys;
	int dir_fd;        /* paths of sockets are short, a directory's may be long */
	struct host *hosts;
	uv_timer_t *retry; /* when we were out of descriptors */
	uv_timer_t *lists; /* a list of devices has changed */
	char scratch[READ_SIZE];
};

/* ---- ends ---- */

static void listeners_resume(struct databases *st);

static void host_unref(struct host *h)
{
	if (--h->handles)
		return;
	qdb_free(h->db);
	free(h->name);
	free(h);
}

static void peer_closed(uv_handle_t *handle)
{
	struct peer *p = handle->data;
	struct host *h = p->host;

	free(p);
	host_unref(h);
}

static void peer_drop(struct peer *p)
{
	struct host *h = p->host;

	if (p->prev)
		p->prev->next = p->next;
	else
		h->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	h->n_peers--;
	qdb_peer_free(STEAL(p->qp));
	uv_close((uv_handle_t *)&p->poll, peer_closed);
	closep(&p->fd);
	listeners_resume(h->store);
}

/* ---- talking ---- */

static void on_peer(uv_poll_t *poll, int status, int events);

/* Sends what can be sent, and lets the peer's next request make more of it. False: the peer is gone. */
static bool peer_pump(struct peer *p)
{
	struct buf *out = qdb_peer_out(p->qp);

	for (;;) {
		ssize_t n = out->len ? send(p->fd, out->data, out->len, MSG_NOSIGNAL) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		buf_consume(out, (size_t)n);
		if (!qdb_peer_waits(p->qp))
			break;
		if (qdb_peer_feed(p->qp, NULL, 0) < 0)
			p->ends = true;
	}
	return !p->ends || out->len;
}

static void peer_go_on(struct peer *p)
{
	const struct buf *out = qdb_peer_out(p->qp);

	if (!peer_pump(p))
		return peer_drop(p);
	/* Who does not take its answers is not asked for more. */
	uv_poll_start(&p->poll, out->len ? UV_WRITABLE : UV_READABLE, on_peer);
}

static void peer_read(struct peer *p)
{
	struct databases *st = p->host->store;
	ssize_t n;

	do
		n = recv(p->fd, st->scratch, sizeof st->scratch, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		return peer_drop(p);
	if (qdb_peer_feed(p->qp, st->scratch, (size_t)n) < 0)
		p->ends = true;
	peer_go_on(p);
}

static void on_peer(uv_poll_t *poll, int status, int events)
{
	struct peer *p = poll->data;

	if (status < 0 || p->lags)
		peer_drop(p);
	else if (events & UV_READABLE)
		peer_read(p);
	else
		peer_go_on(p);
}

/* An event has come for a peer: it leaves with the loop's next turn. */
static void on_wake(void *data, struct qdb_peer *qp)
{
	struct peer *p = qdb_peer_user(qp);
	struct sys *s = p->host->store->sys;

	uv_poll_start(&p->poll, UV_WRITABLE, on_peer);
	if (p->lags || qdb_peer_out(qp)->len <= s->opt.max_backlog)
		return;
	log_line(s, "%s: gave up a listener to QubesDB that lags behind", p->host->name);
	p->lags = true;
	/* makes the loop call us */
	shutdown(p->fd, SHUT_RDWR);
}

/* The empty root of a list is written when the list is complete (vm-interface 5.2). */
static const struct {
	const char *path, *dir;
	enum devclass class;
} device_dirs[] = {
	{ "/qubes-block-devices", "/qubes-block-devices/", DEV_BLOCK },
	{ "/qubes-usb-devices", "/qubes-usb-devices/", DEV_USB },
};

static void read_list(struct host *h, size_t i)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
	struct vm *v = vm_find_uuid(h->store->sys, h->uuid);

	/* too much is as good as nothing */
	if (qdb_below(h->db, device_dirs[i].dir, LIST_MAX, &l) < 0)
		key_values_release(&l);
	if (v)
		devices_told(v, device_dirs[i].class, &l, true);
}

/* Lists are read once in a turn of the loop, however often a qube says that they have changed. */
static void on_lists(uv_timer_t *t)
{
	struct databases *st = t->data;

	for (struct host *h = st->hosts; h; h = h->next) {
		unsigned lists = h->lists;

		h->lists = 0;
		for (size_t i = 0; i < ARRAY_SIZE(device_dirs); i++)
			if (lists & (1U << i))
				read_list(h, i);
	}
}

static void on_changed(void *data, const char *path)
{
	struct host *h = data;
	struct vm *v = vm_find_uuid(h->store->sys, h->uuid);
	size_t len = 0;
	const char *value = qdb_get(h->db, path, &len);

	for (size_t i = 0; i < ARRAY_SIZE(device_dirs); i++)
		if (streq(path, device_dirs[i].path)) {
			h->lists |= 1U << i;
			uv_timer_start(h->store->lists, on_lists, 0, 0);
		}
	if (v)
		publish_heard(v, path + 1, value, len);
}

/* ---- listening ---- */

static void on_retry(uv_timer_t *t)
{
	listeners_resume(t->data);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct host *h = l->host;
	struct databases *st = h->store;

	while (h->n_peers < PEERS_MAX) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct peer *p;

		if (fd < 0) {
			if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
				return;
			uv_timer_start(st->retry, on_retry, ACCEPT_RETRY_MS, 0);
			break;
		}
		p = xcalloc(1, sizeof *p);
		p->host = h;
		p->fd = fd;
		p->poll.data = p;
		if (uv_poll_init(st->sys->loop, &p->poll, fd) < 0) {
			close(fd);
			free(p);
			break;
		}
		p->qp = qdb_peer_new(h->db, l->read_only, p);
		p->next = h->peers;
		if (p->next)
			p->next->prev = p;
		h->peers = p;
		h->n_peers++;
		h->handles++;
		uv_poll_start(&p->poll, UV_READABLE, on_peer);
	}
	l->paused = true;
	uv_poll_stop(poll);
}

static void listener_resume(struct listener *l)
{
	if (!l->paused || l->fd < 0)
		return;
	l->paused = false;
	uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

static void listeners_resume(struct databases *st)
{
	for (struct host *h = st->hosts; h; h = h->next) {
		listener_resume(&h->rw);
		listener_resume(&h->ro);
	}
}

static char *socket_name(const struct host *h, bool read_only)
{
	return xasprintf("qubesdb.%s.%ssock", h->name, read_only ? "ro." : "");
}

static void listener_closed(uv_handle_t *handle)
{
	host_unref(((struct listener *)handle->data)->host);
}

static void listener_close(struct listener *l)
{
	CLEANUP_FREE char *name = socket_name(l->host, l->read_only);

	if (l->fd < 0)
		return;
	unlinkat(l->host->store->dir_fd, name, 0);
	uv_close((uv_handle_t *)&l->poll, listener_closed);
	closep(&l->fd);
}

static int listener_open(struct listener *l, struct host *h, bool read_only, struct err *err)
{
	struct databases *st = h->store;
	CLEANUP_FREE char *name = socket_name(h, read_only);
	CLEANUP_FREE char *path = xasprintf("/proc/self/fd/%d/%s", st->dir_fd, name);
	int r;

	*l = (struct listener){ .host = h, .read_only = read_only, .fd = -1 };
	r = sock_listen_again(path, SOCKET_MODE, SOCK_STREAM);
	if (r < 0)
		return err_set(err, r, "", "cannot listen at '%s/%s': %s", st->sys->opt.qubesdb_dir, name,
			       strerror(-r));
	l->fd = r;
	set_nonblock(l->fd, true);
	l->poll.data = l;
	uv_poll_init(st->sys->loop, &l->poll, l->fd);
	h->handles++;
	uv_poll_start(&l->poll, UV_READABLE, on_listener);
	return 0;
}

/* ---- databases ---- */

static void host_close(struct host *h)
{
	struct host **at = &h->store->hosts;

	while (*at && *at != h)
		at = &(*at)->next;
	if (*at)
		*at = h->next;
	while (h->peers)
		peer_drop(h->peers);
	listener_close(&h->rw);
	listener_close(&h->ro);
	host_unref(h);
}

static int host_open(struct databases *st, const struct vm *v, struct err *err)
{
	struct host *h = xcalloc(1, sizeof *h);
	int r;

	h->store = st;
	h->handles = 1; /* our own hand on it */
	h->name = xstrdup(v->name);
	memcpy(h->uuid, v->uuid, sizeof h->uuid);
	h->db = qdb_new(&(struct qdb_hooks){ h, on_wake, on_changed });
	h->ro.fd = -1;
	r = listener_open(&h->rw, h, false, err);
	if (r == 0)
		r = listener_open(&h->ro, h, true, err);
	if (r < 0) {
		host_close(h);
		return r;
	}
	h->next = st->hosts;
	st->hosts = h;
	return 0;
}

static struct host *host_find(struct databases *st, const struct vm *v)
{
	for (struct host *h = st->hosts; h; h = h->next)
		if (streq(h->uuid, v->uuid))
			return h;
	return NULL;
}

/* ---- the store ---- */

static int op_apply(struct databases *st, const struct key_op *op, struct err *err)
{
	struct host *h = host_find(st, op->vm);
	char path[QDB_PATH];

	if (op->kind == KEY_OP_CREATE)
		return h ? 0 : host_open(st, op->vm, err);
	/* It could not be made; that was told. */
	if (!h)
		return 0;
	if (op->kind == KEY_OP_DESTROY) {
		host_close(h);
		return 0;
	}
	if (op->kind == KEY_OP_PERMIT)
		return 0;
	snprintf(path, sizeof path, "/%s", op->key);
	if (op->kind == KEY_OP_REMOVE)
		qdb_remove(h->db, path);
	else if (qdb_put(h->db, path, op->value, op->len) < 0)
		return err_set(err, -EINVAL, "", "%s: cannot hold '%s'", op->vm->name, op->key);
	return 0;
}

static int sink_apply(struct key_sink *k, const struct key_op *ops, size_t n, struct err *err)
{
	struct databases *st = (struct databases *)k;
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		int r = op_apply(st, &ops[i], err);

		if (r < 0)
			result = r;
	}
	return result;
}

#define OWN_SOCKET "qubesdb.sock"
#define OWN_RO_SOCKET "qubesdb.ro.sock"

/* dom0's own database by the names under which a qube finds its own. */
static void link_own(struct databases *st)
{
	unlinkat(st->dir_fd, OWN_SOCKET, 0);
	unlinkat(st->dir_fd, OWN_RO_SOCKET, 0);
	if (symlinkat("qubesdb.dom0.sock", st->dir_fd, OWN_SOCKET) < 0 ||
	    symlinkat("qubesdb.dom0.ro.sock", st->dir_fd, OWN_RO_SOCKET) < 0)
		log_line(st->sys, "cannot link '" OWN_SOCKET "': %s", strerror(errno));
}

static void timer_closed(uv_handle_t *h)
{
	free(h);
}

static void sink_close(struct key_sink *k)
{
	struct databases *st = (struct databases *)k;

	if (st->hosts) {
		unlinkat(st->dir_fd, OWN_SOCKET, 0);
		unlinkat(st->dir_fd, OWN_RO_SOCKET, 0);
	}
	while (st->hosts)
		host_close(st->hosts);
	uv_close((uv_handle_t *)st->retry, timer_closed);
	uv_close((uv_handle_t *)st->lists, timer_closed);
	closep(&st->dir_fd);
	free(st);
}

static uv_timer_t *timer_new(struct databases *st)
{
	uv_timer_t *t = xcalloc(1, sizeof *t);

	uv_timer_init(st->sys->loop, t);
	t->data = st;
	return t;
}

struct key_sink *qubesdb_sink(struct sys *s, struct err *err)
{
	const char *dir = s->opt.qubesdb_dir;
	struct databases *st;
	int fd;

	/* the mode is that of the real one, whatever our mask is */
	if (mkdir(dir, 0775) == 0 ? chmod(dir, 0775) < 0 : errno != EEXIST) {
		err_set(err, -errno, "", "cannot make directory '%s': %s", dir, strerror(errno));
		return NULL;
	}
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err_set(err, -errno, "", "cannot use '%s': %s", dir, strerror(errno));
		return NULL;
	}
	st = xcalloc(1, sizeof *st);
	st->sink = (struct key_sink){ .store = KEY_QUBESDB, .apply = sink_apply, .close = sink_close };
	st->sys = s;
	st->dir_fd = fd;
	st->retry = timer_new(st);
	st->lists = timer_new(st);
	if (host_open(st, s->dom0, err) < 0) {
		sink_close(&st->sink);
		return NULL;
	}
	link_own(st);
	return &st->sink;
}
