/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of server.c, conn.c, libuv, the disk and chance: see inmem.h. The linker leads calls to __wrap functions. */
#include "lib/inmem.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "lib/keystore.h"
#include "qvmd/job.h"
#include "qvmd/publish.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

#define TIMERS_MAX 4096

struct conn {
	struct sys *sys;
	struct conn *next;
	struct buf out;
	struct req *kept;
	bool replied, is_stream;
	size_t safe; /* of a stream: what stays when the changes of the turn fail */
};

struct timer {
	uv_timer_t *handle;
	uv_timer_cb cb;
	uint64_t due;
};

/* One world at a time: libFuzzer calls again and again. */
static struct {
	struct conn *conns;
	struct timer timers[TIMERS_MAX];
	size_t n_timers;
	uv_handle_t *closing[TIMERS_MAX];
	uv_close_cb closing_cb[TIMERS_MAX];
	size_t n_closing;
	uint64_t now_ms;
	uint64_t chance;
	bool fail;    /* the next commit */
	bool settled; /* something was committed before the turn's end */
	const char *yaml;
	size_t yaml_len;
	unsigned char *image; /* the database of inmem_open_again() */
	sqlite3_int64 image_len;
	bool from_image;
} world;

/* ---- libuv ---- */

int uv_timer_init(uv_loop_t *loop, uv_timer_t *handle)
{
	*handle = (uv_timer_t){0};
	return 0;
}

static void timer_forget(const uv_timer_t *handle)
{
	for (size_t i = 0; i < world.n_timers; i++)
		if (world.timers[i].handle == handle) {
			memmove(&world.timers[i], &world.timers[i + 1],
				(--world.n_timers - i) * sizeof world.timers[0]);
			return;
		}
}

int uv_timer_start(uv_timer_t *handle, uv_timer_cb cb, uint64_t timeout, uint64_t repeat)
{
	timer_forget(handle);
	if (world.n_timers == TIMERS_MAX)
		abort();
	world.timers[world.n_timers++] = (struct timer){ handle, cb, world.now_ms + timeout };
	return 0;
}

/* As in libuv, the memory is given back in a later turn. */
void uv_close(uv_handle_t *handle, uv_close_cb cb)
{
	timer_forget((uv_timer_t *)handle);
	if (world.n_closing == TIMERS_MAX)
		abort();
	for (size_t i = 0; i < world.n_closing; i++)
		if (world.closing[i] == handle)
			abort();
	world.closing[world.n_closing] = handle;
	world.closing_cb[world.n_closing++] = cb;
}

uint64_t uv_hrtime(void)
{
	return (world.now_ms + 1) * 1000000;
}

static void close_handles(void)
{
	for (size_t i = 0; i < world.n_closing; i++)
		world.closing_cb[i](world.closing[i]);
	world.n_closing = 0;
}

/* ---- time ---- */

bool inmem_tick(struct sys *s)
{
	struct timer *first = NULL;

	if (inmem_job_run())
		return true;

	for (size_t i = 0; i < world.n_timers; i++)
		if (!first || world.timers[i].due < first->due)
			first = &world.timers[i];
	if (!first)
		return false;

	struct timer t = *first;

	world.now_ms = t.due;
	timer_forget(t.handle);
	t.cb(t.handle);
	return true;
}

/* ---- the system ---- */

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs);
int __real_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_step(sqlite3_stmt *stmt);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs)
{
	int r = __real_sqlite3_open_v2(":memory:", ret, flags, vfs);
	unsigned char *copy;

	if (r != SQLITE_OK || !world.from_image)
		return r;
	copy = sqlite3_malloc64((sqlite3_uint64)world.image_len);
	memcpy(copy, world.image, (size_t)world.image_len);
	return sqlite3_deserialize(*ret, "main", copy, world.image_len, world.image_len,
				   SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
}

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	if (world.fail && streq(sqlite3_sql(stmt), "COMMIT"))
		return SQLITE_FULL;
	return __real_sqlite3_step(stmt);
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	for (size_t i = 0; i < n; i++) {
		world.chance = world.chance * 6364136223846793005u + 1442695040888963407u;
		((unsigned char *)p)[i] = (unsigned char)(world.chance >> 56);
	}
	return (ssize_t)n;
}

/* A fixture, and any fixture that it is based on, is the same text. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
	size_t n = strlen(path);

	if (n < 5 || !streq(path + n - 5, ".yaml"))
		return __real_fopen(path, mode); /* of the measurement of coverage */
	return world.yaml_len ? fmemopen((void *)world.yaml, world.yaml_len, "r") : NULL;
}

/* ---- connections ---- */

static struct conn *conn_new(struct sys *s)
{
	struct conn *c = xcalloc(1, sizeof *c);
	struct conn **at = &world.conns;

	while (*at)
		at = &(*at)->next;
	c->sys = s;
	*at = c;
	return c;
}

static void conn_free(struct conn *c)
{
	struct conn **at = &world.conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->is_stream)
		hub_forget(c->sys, c);
	req_free(c->kept);
	buf_release(&c->out);
	free(c);
}

void conn_reply(struct conn *c, const void *head, size_t head_len, const void *body, size_t body_len)
{
	if (c->replied || c->is_stream)
		abort();
	buf_add(&c->out, head, head_len);
	buf_add(&c->out, body, body_len);
	c->replied = true;
}

void conn_refuse(struct conn *c)
{
	conn_reply(c, NULL, 0, NULL, 0);
}

void conn_keep(struct conn *c, struct req *r)
{
	if (c->kept)
		abort();
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

void conn_stream_add(struct conn *c, const void *data, size_t len)
{
	if (!c->is_stream)
		abort();
	buf_add(&c->out, data, len);
}

void conn_stream(struct conn *c, const void *first, size_t len)
{
	if (c->replied)
		abort();
	c->is_stream = true;
	conn_stream_add(c, first, len);
	c->safe = c->out.len;
}

size_t inmem_waiting(void)
{
	size_t n = 0;

	for (const struct conn *c = world.conns; c; c = c->next)
		n += !c->replied && !c->is_stream;
	return n;
}

/* A reply is OK, an exception, nothing at all, or the events of a stream that was refused behind its start. */
static void check_reply(const struct conn *c)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	size_t off = 0;

	if (c->out.len == 0 || c->out.data[0] == '1')
		return;
	if (c->out.len < 2 || c->out.data[1])
		abort();
	if (c->out.data[0] == '0')
		return;
	if (c->out.data[0] != '2' || reply_decode(c->out.data, c->out.len, &off, &e) == 0 || !e.type || !*e.type)
		abort();
}

/* Whole events and nothing else. */
static void check_stream(struct conn *c)
{
	const char *p = buf_str(&c->out);
	size_t left = c->out.len;

	while (left) {
		CLEANUP_EVENT struct event e = {0};
		size_t used = 0;

		if (event_decode(p, left, &e, &used) != 1 || !used || used > left || !*e.name)
			abort();
		p += used;
		left -= used;
	}
	buf_reset(&c->out);
	c->safe = 0;
}

/* Events of changes that failed are not heard. */
static void cut_streams(void)
{
	for (struct conn *c = world.conns; c; c = c->next)
		if (c->is_stream)
			c->out.len = c->safe;
}

static void commit(struct sys *s)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	int r = store_commit(s, &e);

	world.fail = false;
	if (r == -ENOTRECOVERABLE || store_is_dirty(s))
		abort();
	if (r < 0) {
		publish_forget(s);
		cut_streams();
	}
	publish_flush(s);
	for (struct conn *c = world.conns, *next; c; c = next) {
		next = c->next;
		if (c->is_stream) {
			check_stream(c);
		} else if (c->replied) {
			check_reply(c);
			conn_free(c);
		}
	}
}

bool server_settle(struct sys *s)
{
	if (store_is_dirty(s)) {
		world.settled = true;
		commit(s);
	}
	return true;
}

void server_stand(struct sys *s)
{
	for (struct conn *c = world.conns; c && !store_is_dirty(s); c = c->next)
		c->safe = c->out.len;
}

void inmem_fail(void)
{
	world.fail = true;
}

bool inmem_settled(void)
{
	return world.settled;
}

bool inmem_turn_end(struct sys *s)
{
	bool changed = world.settled || store_is_dirty(s);

	commit(s);
	close_handles();
	world.settled = false;
	return changed;
}

void inmem_end_streams(struct sys *s)
{
	for (struct conn *c = world.conns, *next; c; c = next) {
		next = c->next;
		if (c->is_stream)
			conn_free(c);
	}
	close_handles();
}

/* ---- requests ---- */

void inmem_request(struct sys *s, const char *data, size_t len)
{
	CLEANUP_FREE char *copy = xmemdup0(data, len);

	dispatch(s, conn_new(s), copy, len);
}

char *inmem_ask(struct sys *s, const char *dest, const char *method, const char *arg, size_t *ret_len)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err e = ERR_INIT;
	struct conn *c = conn_new(s);
	char *body = NULL;
	size_t off = 0;

	request_encode(&b, method, arg, "dom0", dest, NULL, 0);
	dispatch(s, c, b.data, b.len);
	if (!c->replied)
		abort();
	if (c->out.len && reply_decode(c->out.data, c->out.len, &off, &e) == 0) {
		*ret_len = c->out.len - off;
		body = xmemdup0(c->out.data + off, *ret_len);
	}
	conn_free(c);
	return body;
}

/* ---- the whole ---- */

static void open_store(struct sys *s, bool from_image)
{
	CLEANUP_ERR struct err e = ERR_INIT;

	world.now_ms = 0;
	world.chance = from_image ? 2 : 1; /* no uuid of the image comes again */
	world.from_image = from_image;
	s->opt.state_dir = s->opt.profile_dir = inmem_dir();
	s->opt.scrypt_logn = 10; /* quick */
	s->next_xid = 1;
	if (store_open(s, &e) < 0 || store_is_new(s) == from_image)
		abort();
}

int inmem_open(struct sys *s, const char *yaml, size_t len, struct err *err)
{
	open_store(s, false);
	world.yaml = yaml;
	world.yaml_len = len;
	sys_seed(s);

	int r = fixture_load(s, "fuzz.yaml", err);

	if (r == 0)
		keystore_open(s);
	return r;
}

void inmem_open_again(struct sys *s, const char *yaml, size_t len)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	struct sys first = { .opt = s->opt };

	if (!world.image) {
		if (inmem_open(&first, yaml, len, &e) < 0 || store_commit(&first, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			abort();
		}
		world.image = sqlite3_serialize(store_db(&first), "main", &world.image_len, 0);
		inmem_close(&first);
	}
	open_store(s, true);
	firewall_start(s);
	/* What the one before has left goes here. */
	if (storage_open(s, &e) < 0)
		abort();
	keystore_open(s);
}

void inmem_close(struct sys *s)
{
	inmem_end_streams(s);
	jobs_stop(s);
	for (size_t i = 0; i < s->n_vms; i++)
		lifecycle_forget(s->vms[i]);
	firewall_stop(s);
	while (world.conns)
		conn_free(world.conns);
	close_handles();
	if (world.n_timers)
		abort();
	publish_close(s);
	hub_free(s);
	sys_free(s);
	store_close(s);
	storage_close(s);
}
