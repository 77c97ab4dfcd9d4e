/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenstore with our errors and bounds. */
#include "vmif/xenstore.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#if __has_include(<xenstore.h>)
#include <xenstore.h>
#else
#include "vmif/xenstore_none.h"
#endif

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"

#define ATTEMPTS 32
#define DUMP_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct xenstore {
	struct xs_handle *h;
	xs_transaction_t tx; /* XBT_NULL: none is open */

	/* libxenstore wakes nobody when xenstored goes: a connection that says nothing ends then. -1: there is none */
	int lifeline;
	int fd; /* epoll: the library's and this one; -1: the library's alone */
};

/* What errno of libxenstore means for a path (or domain, or "xenstored"). */
static int failed(const char *what, struct err *err)
{
	switch (errno) {
	case EACCES: case EPERM:
		return err_set(err, -EPERM, "", "XenStore: %s: permission denied", what);
	case E2BIG:
		return err_set(err, -E2BIG, "", "XenStore: %s: too long for a message", what);
	case ENOSPC: case EDQUOT:
		return err_set(err, -ENOSPC, "", "XenStore: %s: no more is allowed to this domain", what);
	case 0:
		return err_set(err, -EIO, "", "XenStore: %s: no answer", what);
	default:
		return err_set(err, -errno, "", "XenStore: %s: %s", what, strerror(errno));
	}
}

/* ---- connection ---- */

int xenstore_open(struct xenstore **ret, struct err *err)
{
	struct xs_handle *h = xs_open(0);

	if (!h && errno == EOPNOTSUPP)
		return err_set(err, -EOPNOTSUPP, "", "this program was built without XenStore");
	if (!h)
		return err_set(err, -errno, "", "cannot connect to xenstored: %s", strerror(errno));
	*ret = xcalloc(1, sizeof(**ret));
	**ret = (struct xenstore){ .h = h, .tx = XBT_NULL, .lifeline = -1, .fd = -1 };
	return 0;
}

void xenstore_close(struct xenstore *x)
{
	if (!x)
		return;
	xs_close(x->h);
	closep(&x->lifeline);
	closep(&x->fd);
	free(x);
}

/* ---- nodes ---- */

int xenstore_read(struct xenstore *x, const char *path, struct buf *ret, struct err *err)
{
	unsigned len = 0;
	CLEANUP_FREE char *value = xs_read(x->h, x->tx, path, &len);

	if (!value)
		return failed(path, err);
	buf_add(ret, value, len);
	return 0;
}

int xenstore_write(struct xenstore *x, const char *path, const void *value, size_t len, struct err *err)
{
	if (len > XS_PAYLOAD_MAX)
		errno = E2BIG;
	else if (xs_write(x->h, x->tx, path, value, (unsigned)len))
		return 0;
	return failed(path, err);
}

int xenstore_rm(struct xenstore *x, const char *path, struct err *err)
{
	unsigned len;
	CLEANUP_FREE char *value = xs_read(x->h, x->tx, path, &len);

	/* xenstored says nothing of a missing node whose parent is there. */
	if (!value || !xs_rm(x->h, x->tx, path))
		return failed(path, err);
	return 0;
}

int xenstore_children(struct xenstore *x, const char *path, struct strv *ret, struct err *err)
{
	unsigned n = 0;
	CLEANUP_FREE char **names = xs_directory(x->h, x->tx, path, &n);

	if (!names)
		return failed(path, err);
	for (unsigned i = 0; i < n; i++)
		strv_add(ret, names[i]);
	return 0;
}

int xenstore_permit(struct xenstore *x, const char *path, int64_t owner, const int64_t *readers, size_t n,
		    struct err *err)
{
	CLEANUP_FREE struct xs_permissions *p = xcalloc(n + 1, sizeof *p);

	p[0] = (struct xs_permissions){ (unsigned)owner, XS_PERM_NONE };
	for (size_t i = 0; i < n; i++)
		p[1 + i] = (struct xs_permissions){ (unsigned)readers[i], XS_PERM_READ };
	return xs_set_permissions(x->h, x->tx, path, p, (unsigned)n + 1) ? 0 : failed(path, err);
}

/* ---- dump ---- */

/* Nodes that are still to be looked at, and what was found. */
struct dump {
	struct xenstore *x;
	const char *root, *prefix;
	size_t root_len, max, bytes;
	struct strv todo;
	struct key_values *ret;
};

/* Whether a path behind the root may be, or lead to, one that is asked for. */
static bool is_asked_for(const char *key, const char *prefix)
{
	size_t n = strlen(key), p = strlen(prefix);

	return n >= p ? strncmp(key, prefix, p) == 0 : strncmp(key, prefix, n) == 0 && (n == 0 || prefix[n] == '/');
}

/* A node that vanishes in the meantime, or is not for us, is not there. */
static int absent_is_fine(int r)
{
	return r == -ENOENT || r == -EPERM ? 0 : r;
}

static int look_at(struct dump *d, const char *path, struct err *err)
{
	const char *key = path[d->root_len] ? path + d->root_len + 1 : "";
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_BUF struct buf value = BUF_INIT;
	int r = xenstore_children(d->x, path, &names, err);

	if (r < 0)
		return absent_is_fine(r);
	for (size_t i = names.n; i > 0; i--) {
		CLEANUP_FREE char *child = xasprintf("%s/%s", path, names.v[i - 1]);

		if (is_asked_for(child + d->root_len + 1, d->prefix))
			strv_take(&d->todo, STEAL(child));
	}
	if (d->todo.n + d->ret->n > d->max)
		return err_set(err, -EOVERFLOW, "", "XenStore: %s: too many nodes", d->root);
	if (!*key || !skip_prefix(key, d->prefix))
		return 0;
	r = xenstore_read(d->x, path, &value, err);
	if (r < 0)
		return absent_is_fine(r);
	if (names.n && !value.len && !key_find(key))
		return 0;
	d->bytes += strlen(key) + value.len;
	if (d->bytes > DUMP_BYTES_MAX)
		return err_set(err, -EOVERFLOW, "", "XenStore: %s: too much", d->root);
	key_values_add(d->ret, key, buf_str(&value), value.len);
	return 0;
}

int xenstore_dump(struct xenstore *x, const char *root, const char *prefix, size_t max, struct key_values *ret,
		  struct err *err)
{
	struct dump d = { .x = x, .root = root, .prefix = prefix, .root_len = strlen(root), .max = max, .ret = ret };
	const char *slash = strrchr(prefix, '/');
	int r = 0;

	/* The lowest node that has all of it below. */
	strv_addf(&d.todo, "%s%s%.*s", root, slash ? "/" : "", slash ? (int)(slash - prefix) : 0, prefix);
	while (r == 0 && d.todo.n > 0) {
		CLEANUP_FREE char *path = STEAL(d.todo.v[d.todo.n - 1]);

		d.todo.n--;
		r = look_at(&d, path, err);
	}
	strv_release(&d.todo);
	return r;
}

/* ---- transactions ---- */

int xenstore_begin(struct xenstore *x, struct err *err)
{
	xenstore_abort(x);
	x->tx = xs_transaction_start(x->h);
	return x->tx == XBT_NULL ? failed("transaction", err) : 0;
}

int xenstore_commit(struct xenstore *x, struct err *err)
{
	xs_transaction_t tx = x->tx;

	x->tx = XBT_NULL;
	return xs_transaction_end(x->h, tx, false) ? 0 : failed("transaction", err);
}

void xenstore_abort(struct xenstore *x)
{
	if (x->tx != XBT_NULL)
		xs_transaction_end(x->h, x->tx, true);
	x->tx = XBT_NULL;
}

int xenstore_transact(struct xenstore *x, int (*work)(struct xenstore *x, void *data, struct err *err), void *data,
		      struct err *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
		r = xenstore_begin(x, err);
		if (r == 0)
			r = work(x, data, err);
		if (r == 0)
			r = xenstore_commit(x, err);
		else
			xenstore_abort(x);
	}
	return r;
}

/* ---- watches ---- */

static void add_to(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Through the kernel's device there is no such connection, and xenstored no process that could end. */
static void watch_its_life(struct xenstore *x)
{
	if (x->fd >= 0)
		return;
	x->lifeline = sock_connect(xs_daemon_socket(), true);
	if (x->lifeline < 0)
		return;
	x->fd = epoll_create1(EPOLL_CLOEXEC);
	add_to(x->fd, xs_fileno(x->h));
	add_to(x->fd, x->lifeline);
}

static bool has_gone(const struct xenstore *x)
{
	struct pollfd p = { .fd = x->lifeline, .events = POLLIN };

	return x->lifeline >= 0 && poll(&p, 1, 0) > 0;
}

int xenstore_watch(struct xenstore *x, const char *path, const char *token, struct err *err)
{
	return xs_watch(x->h, path, token) || errno == EEXIST ? 0 : failed(path, err);
}

int xenstore_unwatch(struct xenstore *x, const char *path, const char *token, struct err *err)
{
	return xs_unwatch(x->h, path, token) ? 0 : failed(path, err);
}

int xenstore_event(struct xenstore *x, char **ret_path, char **ret_token, struct err *err)
{
	CLEANUP_FREE char **event = NULL;

	errno = 0;
	event = xs_check_watch(x->h);
	if (!event && (errno != EAGAIN || has_gone(x)))
		return err_set(err, -ECONNRESET, "", "xenstored has gone");
	if (!event)
		return 0;
	*ret_path = xstrdup(event[0]);
	*ret_token = xstrdup(event[1]);
	return 1;
}

int xenstore_fd(struct xenstore *x)
{
	watch_its_life(x);
	return x->fd >= 0 ? x->fd : xs_fileno(x->h);
}

/* ---- domains ---- */

int xenstore_introduce(struct xenstore *x, int64_t domid, struct err *err)
{
	/* Where its page is and on which port it listens is between the hypervisor and those who build domains. */
	return xs_introduce_domain(x->h, (unsigned)domid, 1, 1) ? 0 : failed("introducing a domain", err);
}

int xenstore_release(struct xenstore *x, int64_t domid, struct err *err)
{
	return xs_release_domain(x->h, (unsigned)domid) ? 0 : failed("releasing a domain", err);
}
