/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QubesDB as a channel. The server may be the qube's own daemon: nothing that it says is believed unseen. */
#include <errno.h>

#include "base/mem.h"
#include "model/names.h"
#include "os/io.h"
#include "os/sock.h"
#include "vmif/qdblink.h"

#define BYTES_MAX ((size_t)64 * 1024 * 1024) /* of one dump */

struct client {
	struct channel base;
	struct qdb_link link;
	bool read_only;
	char *path;          /* of the socket, without ".sock"; NULL: it cannot be connected again */
	struct strv watches; /* paths */
	/* a dump under way */
	char prefix[QDB_PATH];
	size_t dump_bytes, dump_keys;
};

static struct client *client_of(const struct channel *c)
{
	return (struct client *)c;
}

/* ---- names ---- */

/* The path of a logical name, of a prefix, or of a directory. */
static int path_of(const char *key, char ret[static QDB_PATH], struct err *err)
{
	if (strlen(key) + 1 > QDB_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "", "the name is too long for QubesDB");
	snprintf(ret, QDB_PATH, "/%s", key);
	return qdb_path_chars(ret) ? 0 : err_set(err, -EINVAL, "", "QubesDB cannot hold this name");
}

/* ---- connecting ---- */

static int connect_any(struct client *c, struct err *err)
{
	CLEANUP_FREE char *rw = xasprintf("%s.sock", c->path), *ro = xasprintf("%s.ro.sock", c->path);
	int fd = sock_connect(rw, true), first = fd;

	c->read_only = fd < 0;
	if (fd < 0)
		fd = sock_connect(ro, true);
	if (fd < 0)
		return err_set(err, first, "", "cannot connect to '%s': %s", rw, strerror(-first));
	qdb_link_use(&c->link, fd);
	return 0;
}

/* ---- requests ---- */

static int exchange(struct client *c, const struct buf *request, struct qdb_msg *ret, const char **ret_data,
		    struct err *err)
{
	int r = qdb_link_send(&c->link, request, err);

	return r < 0 ? r : qdb_link_receive(&c->link, ret, ret_data, err);
}

/* The server went away: connects to the one that stands in its place, with all watches. */
static int reconnect(struct client *c, struct err *err)
{
	int r = connect_any(c, err);

	for (size_t i = 0; r == 0 && i < c->watches.n; i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct qdb_msg m;
		const char *data;

		qdb_encode(&b, QDB_WATCH, c->watches.v[i], NULL, 0);
		r = exchange(c, &b, &m, &data, err);
		if (r == 0 && m.type != QDB_OK)
			r = qdb_broken(err);
	}
	return r;
}

static int ask(struct client *c, const struct buf *request, struct err *err)
{
	int r = qdb_link_send(&c->link, request, err);

	if ((r != -EPIPE && r != -ECONNRESET) || !c->path)
		return r;
	r = reconnect(c, err);
	return r < 0 ? r : qdb_link_send(&c->link, request, err);
}

/* One request with one answer; *ret_data may be NULL. The answer is for this path, and of a type the caller knows. */
static int call(struct client *c, enum qdb_type type, const char *path, const void *data, size_t len,
		struct qdb_msg *ret, const char **ret_data, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *answer;
	int r;

	qdb_encode(&b, type, path, data, len);
	r = ask(c, &b, err);
	if (r == 0)
		r = qdb_link_receive(&c->link, ret, &answer, err);
	if (r == 0 && !streq(ret->path, path))
		r = qdb_broken(err);
	if (r == 0 && ret_data)
		*ret_data = answer;
	return r;
}

static int absent(const char *key, struct err *err)
{
	return err_set(err, -ENOENT, "", "there is no key '%s'", key);
}

static int refused(const struct client *c, const char *key, struct err *err)
{
	if (c->read_only)
		return err_set(err, -EPERM, "", "QubesDB can only be read here");
	return err_set(err, -EINVAL, "", "QubesDB refuses '%s'", key);
}

static int client_read(struct channel *base, const char *key, struct buf *ret, struct err *err)
{
	char path[QDB_PATH];
	struct qdb_msg m = {0};
	const char *data = NULL;
	int r = path_of(key, path, err);

	if (r == 0)
		r = call(client_of(base), QDB_READ, path, NULL, 0, &m, &data, err);
	if (r < 0)
		return r;
	if (m.type == QDB_NOENT)
		return absent(key, err);
	if (m.type != QDB_VALUE)
		return qdb_broken(err);
	buf_add(ret, data, m.data_len);
	return 0;
}

static int client_write(struct channel *base, const char *key, const void *value, size_t len, struct err *err)
{
	char path[QDB_PATH];
	struct qdb_msg m = {0};
	int r = key_fits(KEY_QUBESDB, 0, key, len, err);

	if (r == 0)
		r = path_of(key, path, err);
	if (r == 0)
		r = call(client_of(base), QDB_WRITE, path, value, len, &m, NULL, err);
	if (r < 0)
		return r;
	return m.type == QDB_OK ? 0 : m.type == QDB_ERROR ? refused(client_of(base), key, err) : qdb_broken(err);
}

static int client_rm(struct channel *base, const char *key, struct err *err)
{
	char path[QDB_PATH];
	struct qdb_msg m = {0};
	int r = path_of(key, path, err);

	if (r == 0)
		r = call(client_of(base), QDB_RM, path, NULL, 0, &m, NULL, err);
	if (r < 0)
		return r;
	switch (m.type) {
	case QDB_OK: return 0;
	case QDB_NOENT: return absent(key, err);
	case QDB_ERROR: return refused(client_of(base), key, err);
	default: return qdb_broken(err);
	}
}

/* ---- many at once ---- */

static int dump_start(struct client *c, enum qdb_type type, const char *prefix, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r = path_of(prefix, c->prefix, err);

	if (r < 0)
		return r;
	c->dump_bytes = c->dump_keys = 0;
	qdb_encode(&b, type, c->prefix, NULL, 0);
	return ask(c, &b, err);
}

/* An entry of a dump, or its end (1), or what may not be. */
static int dump_check(struct client *c, const struct qdb_msg *m, enum qdb_type type, struct err *err)
{
	if (m->type != type)
		return qdb_broken(err);
	if (!*m->path)
		return 1;
	if (!skip_prefix(m->path, c->prefix) || m->path[strlen(m->path) - 1] == '/')
		return qdb_broken(err);
	c->dump_bytes += QDB_HEADER + m->data_len;
	if (++c->dump_keys > CHANNEL_KEYS_MAX || c->dump_bytes > BYTES_MAX)
		return err_set(err, -EOVERFLOW, "", "there is too much in QubesDB");
	return 0;
}

static int client_dump_begin(struct channel *base, const char *prefix, struct err *err)
{
	return dump_start(client_of(base), QDB_MULTIREAD, prefix, err);
}

static int client_dump_step(struct channel *base, struct key_values *ret, struct err *err)
{
	struct client *c = client_of(base);
	struct qdb_msg m;
	const char *data;

	for (;;) {
		int r = qdb_link_next(&c->link, &m, &data, err);

		if (r == 0) {
			r = qdb_link_fill(&c->link, err);
			if (r <= 0)
				return r;
			continue;
		}
		if (r > 0)
			r = dump_check(c, &m, QDB_MULTI, err);
		if (r < 0)
			return r;
		if (r > 0) {
			key_values_settle(ret);
			return 1;
		}
		key_values_add(ret, m.path + 1, data, m.data_len);
	}
}

static int client_list(struct channel *base, const char *prefix, struct strv *ret, struct err *err)
{
	struct client *c = client_of(base);
	int r = dump_start(c, QDB_LIST, prefix, err);

	while (r == 0) {
		struct qdb_msg m;
		const char *data;

		r = qdb_link_receive(&c->link, &m, &data, err);
		if (r == 0)
			r = dump_check(c, &m, QDB_NAME, err);
		if (r == 0)
			strv_add(ret, m.path + 1);
	}
	if (r < 0)
		return r;
	strv_sort(ret);
	return 0;
}

/* ---- events ---- */

static int client_watch(struct channel *base, const char *key, struct err *err)
{
	struct client *c = client_of(base);
	char path[QDB_PATH];
	struct qdb_msg m = {0};
	int r = path_of(key, path, err);

	if (r == 0)
		r = call(c, QDB_WATCH, path, NULL, 0, &m, NULL, err);
	if (r < 0)
		return r;
	if (m.type != QDB_OK)
		return qdb_broken(err);
	strv_add(&c->watches, path);
	return 0;
}

static int client_unwatch(struct channel *base, const char *key, struct err *err)
{
	struct client *c = client_of(base);
	char path[QDB_PATH];
	struct qdb_msg m = {0};
	int r = path_of(key, path, err);

	if (r == 0)
		r = call(c, QDB_UNWATCH, path, NULL, 0, &m, NULL, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->watches.n; i++)
		if (streq(c->watches.v[i], path)) {
			strv_remove(&c->watches, i);
			break;
		}
	return m.type == QDB_OK ? 0 : m.type == QDB_NOENT ? absent(key, err) : qdb_broken(err);
}

static int client_event(struct channel *base, char **ret_key, struct err *err)
{
	struct client *c = client_of(base);
	struct qdb_msg m;
	const char *data;

	for (;;) {
		int r = qdb_link_next(&c->link, &m, &data, err);

		/* nothing but events is owed to us */
		if (r > 0)
			return qdb_broken(err);
		if (r == 0 && qdb_link_event(&c->link, ret_key))
			return 1;
		if (r == 0)
			r = qdb_link_fill(&c->link, err);
		if (r <= 0)
			return r;
	}
}

/* ---- the channel ---- */

static int client_fd(const struct channel *base)
{
	return client_of(base)->link.fd;
}

static void client_close(struct channel *base)
{
	struct client *c = client_of(base);

	qdb_link_release(&c->link);
	strv_release(&c->watches);
	free(c->path);
	free(c);
}

static const struct channel_ops ops = {
	.store = KEY_QUBESDB,
	.read = client_read, .write = client_write, .rm = client_rm, .list = client_list,
	.dump_begin = client_dump_begin, .dump_step = client_dump_step,
	.watch = client_watch, .unwatch = client_unwatch, .event = client_event,
	.fd = client_fd, .close = client_close,
};

struct channel *qubesdb_of_fd(int fd)
{
	struct client *c = xcalloc(1, sizeof *c);

	c->base.ops = &ops;
	c->link.fd = fd;
	if (fd >= 0)
		set_nonblock(fd, true);
	return &c->base;
}

int qubesdb_open(const char *qube, struct channel **ret, struct err *err)
{
	const char *dir = getenv("QVM_QUBESDB_DIR");
	struct channel *base = qubesdb_of_fd(-1);
	struct client *c = client_of(base);
	int r = qube ? name_check_qube(qube, err) : 0;

	if (!dir || !*dir)
		dir = QDB_DIR;
	c->path = xasprintf("%s/qubesdb%s%s", dir, qube ? "." : "", qube ? qube : "");
	if (r == 0)
		r = connect_any(c, err);
	if (r < 0)
		channel_close(base);
	else
		*ret = base;
	return r;
}
