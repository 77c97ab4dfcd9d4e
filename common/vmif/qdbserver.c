/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A database of QubesDB in memory and the conversation with each of its peers. */
#include "vmif/qdbserver.h"

#include <errno.h>

#include "base/mem.h"
#include "base/strv.h"

struct entry {
	char *path;
	char *value; /* NUL behind len bytes */
	size_t len;
};

struct qdb {
	struct qdb_hooks hooks;
	struct entry *v; /* sorted by path, bytes */
	size_t n, cap;
	size_t bytes;
	struct qdb_peer *peers;
};

struct qdb_peer {
	struct qdb *db;
	struct qdb_peer *prev, *next;
	void *user;
	bool read_only;
	bool running;        /* within its own feed: it need not be woken */
	struct strv watches;
	struct buf in, out;
	uint64_t discard;    /* bytes of data that nobody wants; what is refused then is in refused */
	struct qdb_msg refused;

	/* a reply of many messages under way */
	bool dumping, values, downwards;
	char prefix[QDB_PATH], last[QDB_PATH]; /* last: the entry that was sent last, "" for none yet */
};

/* ---- entries ---- */

#define ENTRY_COST 96 /* what an entry takes beside its bytes, or rather more */

/* The first entry whose path is not less than this one. */
static size_t lower_bound(const struct qdb *db, const char *path)
{
	size_t low = 0, high = db->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(db->v[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct entry *entry_find(const struct qdb *db, const char *path)
{
	size_t i = lower_bound(db, path);

	return i < db->n && streq(db->v[i].path, path) ? &db->v[i] : NULL;
}

static size_t cost(const char *path, size_t len)
{
	return ENTRY_COST + strlen(path) + len;
}

static void entry_put(struct qdb *db, const char *path, const void *value, size_t len)
{
	size_t i = lower_bound(db, path);
	char *copy = xmemdup0(value, len);

	if (i < db->n && streq(db->v[i].path, path)) {
		db->bytes -= cost(path, db->v[i].len);
		free(db->v[i].value);
	} else {
		GROW(db->v, db->n, db->cap);
		memmove(&db->v[i + 1], &db->v[i], (db->n - i) * sizeof(*db->v));
		db->v[i] = (struct entry){ .path = xstrdup(path) };
		db->n++;
	}
	db->v[i].value = copy;
	db->v[i].len = len;
	db->bytes += cost(path, len);
}

static void entries_drop(struct qdb *db, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		db->bytes -= cost(db->v[i].path, db->v[i].len);
		free(db->v[i].path);
		free(db->v[i].value);
	}
	if (to > from)
		memmove(&db->v[from], &db->v[to], (db->n - to) * sizeof(*db->v));
	db->n -= to - from;
}

static bool is_dir(const char *path)
{
	return *path && path[strlen(path) - 1] == '/';
}

/* ---- watches ---- */

static bool watch_matches(const char *watch, const char *path)
{
	return is_dir(watch) ? skip_prefix(path, watch) != NULL : *watch && streq(watch, path);
}

static void fire(struct qdb *db, const char *path)
{
	for (struct qdb_peer *p = db->peers; p; p = p->next) {
		bool any = false;

		for (size_t i = 0; i < p->watches.n; i++) {
			if (!watch_matches(p->watches.v[i], path))
				continue;
			qdb_encode(&p->out, QDB_EVENT, path, NULL, 0);
			any = true;
		}
		if (any && !p->running)
			db->hooks.wake(db->hooks.data, p);
	}
}

/* ---- the owner's hand ---- */

struct qdb *qdb_new(const struct qdb_hooks *hooks)
{
	struct qdb *db = xcalloc(1, sizeof *db);

	db->hooks = *hooks;
	return db;
}

void qdb_free(struct qdb *db)
{
	if (!db)
		return;
	entries_drop(db, 0, db->n);
	free(db->v);
	free(db);
}

static bool may_be(const char *path, const char *value, size_t len)
{
	return strlen(path) < QDB_PATH && qdb_path_chars(path) && len <= QDB_VALUE_MAX &&
	       (!len || !memchr(value, '\0', len));
}

int qdb_put(struct qdb *db, const char *path, const void *value, size_t len)
{
	if (!may_be(path, value, len) || *path != '/' || is_dir(path))
		return -EINVAL;
	entry_put(db, path, value, len);
	fire(db, path);
	return 0;
}

int qdb_remove(struct qdb *db, const char *path)
{
	size_t from = lower_bound(db, path), to = from;

	if (is_dir(path))
		while (to < db->n && skip_prefix(db->v[to].path, path))
			to++;
	else if (from < db->n && streq(db->v[from].path, path))
		to++;
	if (from == to)
		return -ENOENT;
	entries_drop(db, from, to);
	fire(db, path);
	return 0;
}

const char *qdb_get(const struct qdb *db, const char *path, size_t *ret_len)
{
	const struct entry *e = entry_find(db, path);

	if (!e)
		return NULL;
	*ret_len = e->len;
	return e->value;
}

int qdb_below(const struct qdb *db, const char *dir, size_t max, struct key_values *ret)
{
	for (size_t i = lower_bound(db, dir); i < db->n && skip_prefix(db->v[i].path, dir); i++) {
		if (ret->n >= max)
			return -EOVERFLOW;
		key_values_add(ret, db->v[i].path + 1, db->v[i].value, db->v[i].len);
	}
	return 0;
}

/* ---- peers ---- */

struct qdb_peer *qdb_peer_new(struct qdb *db, bool read_only, void *user)
{
	struct qdb_peer *p = xcalloc(1, sizeof *p);

	p->db = db;
	p->read_only = read_only;
	p->user = user;
	p->next = db->peers;
	if (p->next)
		p->next->prev = p;
	db->peers = p;
	return p;
}

void qdb_peer_free(struct qdb_peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		p->db->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	strv_release(&p->watches);
	buf_release(&p->in);
	buf_release(&p->out);
	free(p);
}

void *qdb_peer_user(const struct qdb_peer *p)
{
	return p->user;
}

struct buf *qdb_peer_out(struct qdb_peer *p)
{
	return &p->out;
}

bool qdb_peer_waits(const struct qdb_peer *p)
{
	return p->dumping || (p->in.len >= QDB_HEADER && p->out.len >= QDB_OUT_ENOUGH);
}

static int answer(struct qdb_peer *p, enum qdb_type type, const struct qdb_msg *m)
{
	qdb_encode(&p->out, type, m->path, NULL, 0);
	return 0;
}

/* ---- replies of many messages: as much at a time as the peer takes ---- */

static void dump_begin(struct qdb_peer *p, const struct qdb_msg *m)
{
	p->dumping = true;
	p->values = m->type == QDB_MULTIREAD;
	/* How one daemon asks the other for everything. */
	p->downwards = p->values && !*m->path;
	memcpy(p->prefix, m->path, QDB_PATH);
	p->last[0] = '\0';
}

/* The entry behind the one that was sent last; the database may have changed in between. */
static const struct entry *dump_next(const struct qdb_peer *p)
{
	const struct qdb *db = p->db;
	size_t i;

	if (p->downwards) {
		i = *p->last ? lower_bound(db, p->last) : db->n;
		return i ? &db->v[i - 1] : NULL;
	}
	i = lower_bound(db, *p->last ? p->last : p->prefix);
	if (*p->last && i < db->n && streq(db->v[i].path, p->last))
		i++;
	return i < db->n && skip_prefix(db->v[i].path, p->prefix) ? &db->v[i] : NULL;
}

static void dump_go_on(struct qdb_peer *p)
{
	enum qdb_type type = p->values ? QDB_MULTI : QDB_NAME;

	while (p->out.len < QDB_OUT_ENOUGH) {
		const struct entry *e = dump_next(p);

		if (!e) {
			qdb_encode(&p->out, type, "", NULL, 0);
			p->dumping = false;
			return;
		}
		qdb_encode(&p->out, type, e->path, e->value, p->values ? e->len : 0);
		memcpy(p->last, e->path, strlen(e->path) + 1);
	}
}

/* ---- requests ---- */

static int do_read(struct qdb_peer *p, const struct qdb_msg *m)
{
	const struct entry *e = entry_find(p->db, m->path);

	if (!e)
		return answer(p, QDB_NOENT, m);
	qdb_encode(&p->out, QDB_VALUE, m->path, e->value, e->len);
	return 0;
}

static int do_write(struct qdb_peer *p, const struct qdb_msg *m, const char *data)
{
	struct qdb *db = p->db;

	if (p->read_only || !may_be(m->path, data, m->data_len))
		return answer(p, QDB_ERROR, m);
	if (*m->path != '/' || is_dir(m->path)) {
		answer(p, QDB_ERROR, m);
		return -EPROTO;
	}
	if (db->bytes + cost(m->path, m->data_len) > QDB_BYTES_MAX)
		return answer(p, QDB_ERROR, m);
	entry_put(db, m->path, data, m->data_len);
	/* The answer comes before the event, to the writer too. */
	answer(p, QDB_OK, m);
	fire(db, m->path);
	db->hooks.changed(db->hooks.data, m->path);
	return 0;
}

static int do_rm(struct qdb_peer *p, const struct qdb_msg *m)
{
	struct qdb *db = p->db;
	size_t at = p->out.len;

	if (p->read_only)
		return answer(p, QDB_ERROR, m);
	answer(p, QDB_OK, m);
	if (qdb_remove(db, m->path) < 0)
		p->out.data[at] = QDB_NOENT;
	else
		db->hooks.changed(db->hooks.data, m->path);
	return 0;
}

static int do_watch(struct qdb_peer *p, const struct qdb_msg *m)
{
	if (p->watches.n >= QDB_WATCHES_MAX)
		return answer(p, QDB_ERROR, m);
	strv_add(&p->watches, m->path);
	return answer(p, QDB_OK, m);
}

static int do_unwatch(struct qdb_peer *p, const struct qdb_msg *m)
{
	for (size_t i = 0; i < p->watches.n; i++)
		if (streq(p->watches.v[i], m->path)) {
			strv_remove(&p->watches, i);
			return answer(p, QDB_OK, m);
		}
	return answer(p, QDB_NOENT, m);
}

static int serve(struct qdb_peer *p, const struct qdb_msg *m, const char *data)
{
	if (m->type != QDB_WRITE && m->data_len)
		return answer(p, QDB_ERROR, m);
	switch (m->type) {
	case QDB_READ: return do_read(p, m);
	case QDB_WRITE: return do_write(p, m, data);
	case QDB_MULTIREAD:
	case QDB_LIST: dump_begin(p, m); return 0;
	case QDB_RM: return do_rm(p, m);
	case QDB_WATCH: return do_watch(p, m);
	case QDB_UNWATCH: return do_unwatch(p, m);
	default: return answer(p, QDB_ERROR, m);
	}
}

/* ---- bytes ---- */

/* Throws away what came with a request that is refused for its length. */
static int discard(struct qdb_peer *p, size_t *at)
{
	size_t have = p->in.len - *at, n = have < p->discard ? have : (size_t)p->discard;

	*at += n;
	p->discard -= n;
	if (p->discard)
		return 0;
	answer(p, QDB_ERROR, &p->refused);
	return 1;
}

/* Takes one request from the input at *at. 1: done, 0: it is not whole yet, -EPROTO: the end. */
static int step(struct qdb_peer *p, size_t *at)
{
	size_t have = p->in.len - *at;
	struct qdb_msg m;
	const char *head;
	int r;

	if (p->discard)
		return discard(p, at);
	if (have < QDB_HEADER)
		return 0;
	head = p->in.data + *at;
	qdb_decode(&m, head);
	if (m.type == QDB_READ && m.data_len)
		return -EPROTO;
	if (m.data_len > QDB_VALUE_MAX) {
		*at += QDB_HEADER;
		p->discard = m.data_len;
		p->refused = m;
		return 1;
	}
	if (have < QDB_HEADER + m.data_len)
		return 0;
	r = serve(p, &m, head + QDB_HEADER);
	*at += QDB_HEADER + m.data_len;
	return r < 0 ? r : 1;
}

int qdb_peer_feed(struct qdb_peer *p, const char *data, size_t n)
{
	size_t at = 0;
	int r = 1;

	p->running = true;
	if (n)
		buf_add(&p->in, data, n);
	while (r > 0 && p->out.len < QDB_OUT_ENOUGH) {
		if (p->dumping)
			dump_go_on(p);
		else
			r = step(p, &at);
	}
	buf_consume(&p->in, at);
	p->running = false;
	return r < 0 ? r : 0;
}
