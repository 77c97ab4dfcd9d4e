/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: an SQLite file, one transaction for each turn of the loop, synced before any reply leaves. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/device.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

#define APPLICATION_ID 0x51564d44 /* QVMD */
#define DISPID_REST (INT64_C(7) * 24 * 3600) /* seconds */

enum stmt {
	BEGIN, COMMIT, VM_ADD, VM_DROP, VM_NOTES,
	PROP_PUT, FEATURE_PUT, /* in the order of enum store_kv */
	PROP_DEL, FEATURE_DEL, /* the same */
	TAG_PUT, TAG_DEL, GLOBAL_PUT, GLOBAL_DEL, LABEL_PUT, LABEL_DROP,
	POOL_PUT, POOL_DROP, POOL_CONFIG_DEL, POOL_CONFIG_PUT, VOLUME_PUT, REVISION_PUT, REVISION_DEL,
	KERNEL_PUT, DISPID_GONE, DISPID_RECENT, ASSIGNMENT_PUT, ASSIGNMENT_DROP, LAB_DEVICE_PUT,
	FIREWALL_PUT, STMT_COUNT
};

static const char *const sql[STMT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[VM_ADD] = "INSERT INTO vm(qid, name, class, uuid, dispid) VALUES(?, ?, ?, ?, ?)",
	[VM_DROP] = "DELETE FROM vm WHERE qid = ?",
	[VM_NOTES] = "UPDATE vm SET notes = ?2 WHERE qid = ?1",
	[PROP_PUT] = "INSERT INTO prop(vm, key, value) VALUES(?, ?, ?)"
		     " ON CONFLICT(vm, key) DO UPDATE SET value = excluded.value",
	[FEATURE_PUT] = "INSERT INTO feature(vm, key, value) VALUES(?, ?, ?)"
			" ON CONFLICT(vm, key) DO UPDATE SET value = excluded.value",
	[PROP_DEL] = "DELETE FROM prop WHERE vm = ? AND key = ?",
	[FEATURE_DEL] = "DELETE FROM feature WHERE vm = ? AND key = ?",
	[TAG_PUT] = "INSERT OR IGNORE INTO tag(vm, tag) VALUES(?, ?)",
	[TAG_DEL] = "DELETE FROM tag WHERE vm = ? AND tag = ?",
	[GLOBAL_PUT] = "INSERT INTO global(key, value) VALUES(?, ?)"
		       " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	[GLOBAL_DEL] = "DELETE FROM global WHERE key = ?",
	[LABEL_PUT] = "INSERT INTO label(idx, name, color) VALUES(?, ?, ?)"
		      " ON CONFLICT(idx) DO UPDATE SET name = excluded.name, color = excluded.color",
	[LABEL_DROP] = "DELETE FROM label WHERE name = ?",
	[POOL_PUT] = "INSERT INTO pool(id, name, driver) VALUES(?, ?, ?)"
		     " ON CONFLICT(id) DO UPDATE SET driver = excluded.driver",
	[POOL_DROP] = "DELETE FROM pool WHERE id = ?",
	[POOL_CONFIG_DEL] = "DELETE FROM pool_config WHERE pool = ?",
	[POOL_CONFIG_PUT] = "INSERT INTO pool_config(pool, key, value) VALUES(?, ?, ?)",
	[VOLUME_PUT] = "INSERT INTO volume(vm, volume, pool, rw, ephemeral, keep, gen, size, valid)"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(vm, volume) DO UPDATE SET"
		       " pool = excluded.pool, rw = excluded.rw, ephemeral = excluded.ephemeral,"
		       " keep = excluded.keep, gen = excluded.gen, size = excluded.size, valid = excluded.valid",
	[REVISION_PUT] = "INSERT INTO revision(vm, volume, name, gen, size, valid, time)"
			 " VALUES(?, ?, ?, ?, ?, ?, ?)",
	[REVISION_DEL] = "DELETE FROM revision WHERE vm = ? AND volume = ? AND name = ?",
	[KERNEL_PUT] = "INSERT OR IGNORE INTO kernel(version) VALUES(?)",
	[DISPID_GONE] = "INSERT OR REPLACE INTO dispid(dispid, gone) VALUES(?, ?)",
	[DISPID_RECENT] = "SELECT 1 FROM dispid WHERE dispid = ? AND gone > ?",
	[ASSIGNMENT_PUT] = "INSERT INTO assignment(vm, class, backend, port, device, mode, frontend, options)"
			   " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
			   " ON CONFLICT(vm, class, backend, port, device) DO UPDATE SET mode = excluded.mode",
	[ASSIGNMENT_DROP] = "DELETE FROM assignment"
			    " WHERE vm = ? AND class = ? AND backend = ? AND port = ? AND device = ?",
	[LAB_DEVICE_PUT] = "INSERT INTO lab_device(vm, entry) VALUES(?, ?)",
	[FIREWALL_PUT] = "INSERT INTO firewall(vm, rules) VALUES(?, ?)"
			 " ON CONFLICT(vm) DO UPDATE SET rules = excluded.rules",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT]; /* prepared when first used */
	int lock_fd;
	bool open;      /* a transaction is */
	char *failure;  /* the first thing that went wrong in it */
};

struct sqlite3 *store_db(const struct sys *s)
{
	return s->store->db;
}

bool store_is_dirty(const struct sys *s)
{
	return s->store->open;
}

bool store_is_new(const struct sys *s)
{
	return s->n_vms == 0;
}

/* ---- statements ---- */

static void note_failure(struct store *st)
{
	if (!st->failure)
		st->failure = xstrdup(sqlite3_errmsg(st->db));
}

/* Binds by letters (i for int64_t, s for text or NULL), runs, resets. Returns the result of the step. */
static int exec(struct sys *s, enum stmt which, const char *types, ...)
{
	struct store *st = s->store;
	sqlite3_stmt *stmt = st->stmts[which];
	va_list ap;

	if (st->failure)
		return SQLITE_ERROR;
	if (!stmt) {
		if (sqlite3_prepare_v3(st->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)) {
			note_failure(st);
			return SQLITE_ERROR;
		}
		st->stmts[which] = stmt;
	}
	va_start(ap, types);
	for (int i = 0; types[i]; i++)
		if (types[i] == 'i')
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		else
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
	va_end(ap);

	int r = sqlite3_step(stmt);

	if (r != SQLITE_DONE && r != SQLITE_ROW)
		note_failure(st);
	sqlite3_reset(stmt);
	return r;
}

void store_touch(struct sys *s)
{
	if (s->store->open)
		return;
	/* Even when it cannot begin: the turn's end then learns of the failure. */
	s->store->open = true;
	exec(s, BEGIN, "");
}

int store_commit(struct sys *s, struct err *err)
{
	struct store *st = s->store;

	if (!st->open)
		return 0;
	exec(s, COMMIT, "");
	st->open = false;
	if (!st->failure) {
		storage_committed(s);
		return 0;
	}
	if (!sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	storage_rolled_back(s);

	CLEANUP_FREE char *failure = STEAL(st->failure);
	CLEANUP_ERR struct err load_err = ERR_INIT;

	/* Memory went ahead of the store: take it back. */
	if (store_load(s, &load_err) < 0)
		return err_set(err, -ENOTRECOVERABLE, "QubesException",
			       "cannot save the change: %s; then: %s", failure, load_err.text);
	return err_set(err, -EIO, "QubesException", "cannot save the change: %s", failure);
}

/* ---- changes ---- */

void store_vm_add(struct vm *v)
{
	store_touch(v->sys);
	exec(v->sys, VM_ADD, "isssi", v->qid, v->name, class_names[v->class], v->uuid, v->dispid);
}

void store_vm_drop(struct vm *v)
{
	store_touch(v->sys);
	exec(v->sys, VM_DROP, "i", v->qid);
	if (v->class == CLASS_DISP)
		exec(v->sys, DISPID_GONE, "ii", v->dispid, (int64_t)time(NULL));
}

void store_vm_notes(struct vm *v)
{
	store_touch(v->sys);
	exec(v->sys, VM_NOTES, "is", v->qid, v->notes);
}

void store_vm_kv(struct vm *v, enum store_kv kind, const char *key, const char *value)
{
	store_touch(v->sys);
	if (value)
		exec(v->sys, PROP_PUT + kind, "iss", v->qid, key, value);
	else
		exec(v->sys, PROP_DEL + kind, "is", v->qid, key);
}

void store_vm_tag(struct vm *v, const char *tag, bool on)
{
	store_touch(v->sys);
	exec(v->sys, on ? TAG_PUT : TAG_DEL, "is", v->qid, tag);
}

void store_global(struct sys *s, const char *key, const char *value)
{
	store_touch(s);
	if (value)
		exec(s, GLOBAL_PUT, "ss", key, value);
	else
		exec(s, GLOBAL_DEL, "s", key);
}

void store_label(struct sys *s, int64_t index, const char *name, const char *color)
{
	store_touch(s);
	exec(s, LABEL_PUT, "iss", index, name, color);
}

void store_label_drop(struct sys *s, const char *name)
{
	store_touch(s);
	exec(s, LABEL_DROP, "s", name);
}

void store_pool(const struct pool *p)
{
	struct sys *s = p->sys;

	store_touch(s);
	exec(s, POOL_PUT, "iss", p->id, p->name, p->driver);
	exec(s, POOL_CONFIG_DEL, "s", p->name);
	for (size_t i = 0; i < p->config.n; i++)
		exec(s, POOL_CONFIG_PUT, "sss", p->name, p->config.v[i].key, p->config.v[i].value);
}

void store_pool_drop(const struct pool *p)
{
	store_touch(p->sys);
	exec(p->sys, POOL_DROP, "i", p->id);
}

void store_volume(const struct volume *v)
{
	struct sys *s = v->vm->sys;

	store_touch(s);
	exec(s, VOLUME_PUT, "iiiiiiiii", v->vm->qid, (int64_t)v->id, v->pool->id, (int64_t)v->rw,
	     (int64_t)v->ephemeral, v->keep, v->now.gen, (int64_t)v->now.size, (int64_t)v->now.valid);
}

void store_revision(const struct volume *v, const struct revision *r)
{
	struct sys *s = v->vm->sys;

	store_touch(s);
	exec(s, REVISION_PUT, "iisiiii", v->vm->qid, (int64_t)v->id, r->name, r->content.gen,
	     (int64_t)r->content.size, (int64_t)r->content.valid, r->time);
}

void store_revision_drop(const struct volume *v, const char *name)
{
	store_touch(v->vm->sys);
	exec(v->vm->sys, REVISION_DEL, "iis", v->vm->qid, (int64_t)v->id, name);
}

void store_kernel(struct sys *s, const char *version)
{
	store_touch(s);
	exec(s, KERNEL_PUT, "s", version);
}

void store_assignment(struct vm *v, const struct devuse *u)
{
	CLEANUP_BUF struct buf options = BUF_INIT;

	for (size_t i = 0; i < u->options.n; i++)
		device_prop_add(&options, u->options.v[i].key, u->options.v[i].value);
	store_touch(v->sys);
	exec(v->sys, ASSIGNMENT_PUT, "isssssss", v->qid, devclass_names[u->class], u->ref.backend, u->ref.port,
	     u->ref.id, devmode_names[u->mode], u->frontend, buf_str(&options));
}

void store_assignment_drop(struct vm *v, const struct devuse *u)
{
	store_touch(v->sys);
	exec(v->sys, ASSIGNMENT_DROP, "issss", v->qid, devclass_names[u->class], u->ref.backend, u->ref.port,
	     u->ref.id);
}

void store_lab_device(struct vm *v, const char *entry)
{
	store_touch(v->sys);
	exec(v->sys, LAB_DEVICE_PUT, "is", v->qid, entry);
}

void store_firewall(struct vm *v, const char *rules)
{
	store_touch(v->sys);
	exec(v->sys, FIREWALL_PUT, "is", v->qid, rules);
}

bool store_dispid_is_recent(struct sys *s, int64_t dispid)
{
	return exec(s, DISPID_RECENT, "ii", dispid, (int64_t)time(NULL) - DISPID_REST) == SQLITE_ROW;
}

/* ---- opening and closing ---- */

/* The lock proves that no other daemon has this state: the kernel drops it whatever way a daemon ends. */
static int lock_state(struct sys *s, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/lock", s->opt.state_dir);
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	CLEANUP_FREE char *pid = xasprintf("%ld\n", (long)getpid());

	if (fd < 0)
		return err_set(err, -errno, "", "cannot open '%s': %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		CLEANUP_BUF struct buf b = BUF_INIT;

		if (errno != EWOULDBLOCK)
			return err_set(err, -errno, "", "cannot lock '%s': %s", path, strerror(errno));
		if (read_all(fd, &b, 32) < 0 || b.len == 0)
			return err_set(err, -EBUSY, "", "'%s' is in use by another qvmd", s->opt.state_dir);
		b.data[strcspn(b.data, "\n")] = '\0';
		return err_set(err, -EBUSY, "", "'%s' is in use by another qvmd (process %s)",
			       s->opt.state_dir, b.data);
	}
	/* In this order no room is needed that was not there before: a full disk does not keep us out. */
	if (write_all(fd, pid, strlen(pid)) < 0 || ftruncate(fd, (off_t)strlen(pid)) < 0)
		return err_set(err, -EIO, "", "cannot write '%s': %s", path, strerror(errno));
	s->store->lock_fd = fd;
	fd = -1;
	return 0;
}

/* The number that a PRAGMA yields, or -1. */
static int64_t pragma(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	int64_t r = -1;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		r = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r;
}

static int run_sql(sqlite3 *db, const char *path, const char *text, struct err *err)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return err_set(err, -EIO, "", "cannot use '%s': %s", path, sqlite3_errmsg(db));
}

/* Whether closing leaves the log beside the file, instead of moving it in. */
static void leave_log(sqlite3 *db, bool on)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)on, NULL);
}

/* Looks whose file it is, before anything in it is touched: the version of its schema, 0 for an empty file. */
static int whose(sqlite3 *db, const char *path, struct err *err)
{
	int64_t tables = pragma(db, "SELECT count(*) FROM sqlite_schema");

	if (tables < 0)
		return err_set(err, -EIO, "", "cannot use '%s': %s", path, sqlite3_errmsg(db));

	int64_t version = pragma(db, "PRAGMA user_version");
	int64_t id = pragma(db, "PRAGMA application_id");

	if (tables == 0 && version == 0 && id == 0)
		return 0;
	if (id != APPLICATION_ID)
		return err_set(err, -EINVAL, "", "'%s' is not a store of qvmd", path);
	if (version < 1 || version > STORE_VERSION)
		return err_set(err, -EINVAL, "",
			       "'%s' was written by %s qvmd: it has schema version %lld, this one knows %d", path,
			       version < 1 ? "an older" : "a newer", (long long)version, STORE_VERSION);
	/* Half a system is worse than none: what is left of a damaged file is not served. */
	if (pragma(db, "SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check = 'ok'") != 1)
		return err_set(err, -EIO, "", "'%s' is damaged", path);
	return (int)version;
}

/* From version on to the present one, all or nothing. */
static int upgrade(sqlite3 *db, const char *path, int64_t version, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;

	buf_addstr(&text, "BEGIN;");
	for (int64_t i = version; i < STORE_VERSION; i++)
		buf_addstr(&text, store_schema[i]);
	buf_addf(&text, "PRAGMA user_version=%d; PRAGMA application_id=%d; COMMIT", STORE_VERSION, APPLICATION_ID);
	return run_sql(db, path, buf_str(&text), err);
}

static int open_db(struct sys *s, const char *path, struct err *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	sqlite3 **db = &s->store->db;
	int r, version;

	if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK)
		return err_set(err, -EIO, "", "cannot open '%s': %s", path, sqlite3_errmsg(*db));
	leave_log(*db, true);
	r = run_sql(*db, path, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF", err);
	if (r == 0)
		r = whose(*db, path, err);
	version = r;
	if (r >= 0)
		r = run_sql(*db, path,
			    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			    "PRAGMA foreign_keys=ON; PRAGMA cache_size=-2048", err);
	return r < 0 || version == STORE_VERSION ? r : upgrade(*db, path, version, err);
}

int store_open(struct sys *s, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/qvmd.sqlite", s->opt.state_dir);
	int r;

	s->store = xcalloc(1, sizeof *s->store);
	s->store->lock_fd = -1;
	r = lock_state(s, err);
	if (r == 0)
		r = open_db(s, path, err);
	if (r == 0)
		r = store_load(s, err);
	if (r == 0)
		r = store_complete(s, err);
	/* What cannot be read stays as it is, for whoever repairs it. */
	if (r == 0)
		leave_log(s->store->db, false);
	else
		store_close(s);
	return r;
}

void store_close(struct sys *s)
{
	struct store *st = s->store;

	if (!st)
		return;
	for (size_t i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(st->stmts[i]);
	/* Closing moves the log into the file; an open transaction is rolled back. */
	sqlite3_close(st->db);
	closep(&st->lock_fd);
	free(st->failure);
	free(st);
	s->store = NULL;
}
