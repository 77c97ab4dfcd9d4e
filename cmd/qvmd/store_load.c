/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the store into memory: when the daemon starts, and after a change that could not be saved. */
#include <errno.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

struct loader {
	struct sys *sys;
	struct vm **old; /* what was in memory; entries that were found in the store become NULL */
	size_t n_old;
	struct vm **by_qid;
	size_t n_by_qid;
};

static const char *text(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

typedef int row_fn(struct loader *l, sqlite3_stmt *st);

/* Calls row for each row of a query. */
static int each(struct loader *l, const char *query, row_fn *row, struct err *err)
{
	sqlite3 *db = store_db(l->sys);
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, query, -1, &st, NULL);

	while (r == SQLITE_OK || r == SQLITE_ROW) {
		r = sqlite3_step(st);
		if (r == SQLITE_ROW && row(l, st) < 0) {
			r = SQLITE_CORRUPT;
			break;
		}
	}

	const char *why = r == SQLITE_CORRUPT ? "it holds something that cannot be" : sqlite3_errmsg(db);
	int code = r == SQLITE_DONE ? 0 : err_set(err, -EIO, "", "cannot read the store: %s", why);

	sqlite3_finalize(st);
	return code;
}

static int row_label(struct loader *l, sqlite3_stmt *st)
{
	struct sys *s = l->sys;

	GROW(s->labels, s->n_labels, s->cap_labels);
	s->labels[s->n_labels++] = (struct label){ sqlite3_column_int64(st, 0), xstrdup(text(st, 1)),
						   xstrdup(text(st, 2)) };
	return 0;
}

static int row_pool(struct loader *l, sqlite3_stmt *st)
{
	if (!driver_find(text(st, 2)))
		return -EINVAL;
	pool_append(l->sys, sqlite3_column_int64(st, 0), text(st, 1), text(st, 2));
	return 0;
}

static int row_pool_config(struct loader *l, sqlite3_stmt *st)
{
	struct pool *p = pool_find(l->sys, text(st, 0));

	if (!p)
		return -EINVAL;
	kvs_put(&p->config, text(st, 1), text(st, 2), true);
	return 0;
}

static int row_global(struct loader *l, sqlite3_stmt *st)
{
	kvs_put(&l->sys->globals, text(st, 0), text(st, 1), true);
	return 0;
}

static int row_kernel(struct loader *l, sqlite3_stmt *st)
{
	strv_add(&l->sys->kernels, text(st, 0));
	return 0;
}

/* The qube of this uuid that was in memory before, emptied; or NULL. */
static struct vm *take_old(struct loader *l, const char *uuid)
{
	for (size_t i = 0; i < l->n_old; i++)
		if (l->old[i] && streq(l->old[i]->uuid, uuid)) {
			vm_clear(l->old[i]);
			return STEAL(l->old[i]);
		}
	return NULL;
}

static int row_vm(struct loader *l, sqlite3_stmt *st)
{
	int64_t qid = sqlite3_column_int64(st, 0);
	int class = class_from_name(text(st, 2));
	const char *uuid = text(st, 3);

	if (class < 0 || strlen(uuid) != 36 || qid < 0 || qid > 10000000)
		return -EINVAL;

	struct vm *v = take_old(l, uuid);

	if (v) {
		free(v->name);
		v->name = xstrdup(text(st, 1));
	} else {
		v = vm_new(l->sys, class, text(st, 1), qid, sqlite3_column_int64(st, 4));
		memcpy(v->uuid, uuid, sizeof v->uuid);
	}
	if (sqlite3_column_type(st, 5) != SQLITE_NULL)
		v->notes = xstrdup(text(st, 5));
	model_insert(l->sys, v);
	if ((size_t)qid >= l->n_by_qid) {
		size_t n = (size_t)qid * 2 + 64;

		l->by_qid = xreallocarray(l->by_qid, n, sizeof *l->by_qid);
		memset(l->by_qid + l->n_by_qid, 0, (n - l->n_by_qid) * sizeof *l->by_qid);
		l->n_by_qid = n;
	}
	l->by_qid[qid] = v;
	return 0;
}

static struct vm *row_owner(struct loader *l, sqlite3_stmt *st)
{
	int64_t qid = sqlite3_column_int64(st, 0);

	return qid >= 0 && (size_t)qid < l->n_by_qid ? l->by_qid[qid] : NULL;
}

static int row_prop(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);

	if (!v)
		return -EINVAL;
	kvs_put(&v->props, text(st, 1), text(st, 2), true);
	return 0;
}

static int row_feature(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);

	if (!v)
		return -EINVAL;
	kvs_put(&v->features, text(st, 1), text(st, 2), false);
	return 0;
}

static struct volume *row_its_volume(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);
	int64_t id = sqlite3_column_int64(st, 1);

	return v && id >= 0 && id < VOLUME_COUNT ? &volumes_alloc(v)[id] : NULL;
}

/* gen, size and valid, from this column on. */
static int row_content(struct loader *l, sqlite3_stmt *st, int column, struct content *ret)
{
	int64_t gen = sqlite3_column_int64(st, column), size = sqlite3_column_int64(st, column + 1);
	int64_t valid = sqlite3_column_int64(st, column + 2);

	if (gen < 0 || size < 0 || valid < 0 || valid > size)
		return -EINVAL;
	storage_saw(l->sys, gen);
	*ret = (struct content){ gen, (uint64_t)size, (uint64_t)valid };
	return 0;
}

static int row_volume(struct loader *l, sqlite3_stmt *st)
{
	struct volume *v = row_its_volume(l, st);
	int64_t pool = sqlite3_column_int64(st, 2);

	if (!v)
		return -EINVAL;
	v->pool = NULL;
	for (size_t i = 0; i < l->sys->n_pools; i++)
		if (l->sys->pools[i]->id == pool)
			v->pool = l->sys->pools[i];
	v->rw = sqlite3_column_int(st, 3);
	v->ephemeral = (int8_t)sqlite3_column_int(st, 4);
	v->keep = sqlite3_column_int64(st, 5);
	return v->pool ? row_content(l, st, 6, &v->now) : -EINVAL;
}

static int row_revision(struct loader *l, sqlite3_stmt *st)
{
	struct volume *v = row_its_volume(l, st);
	struct revision *r;

	if (!v)
		return -EINVAL;
	GROW(v->revs, v->n_revs, v->cap_revs);
	r = &v->revs[v->n_revs++];
	*r = (struct revision){ .name = xstrdup(text(st, 2)), .time = sqlite3_column_int64(st, 6) };
	return row_content(l, st, 3, &r->content);
}

static int row_tag(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);

	if (!v)
		return -EINVAL;
	strv_add(&v->tags, text(st, 1));
	return 0;
}

static int row_assignment(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);
	int class = devclass_from_name(text(st, 1)), mode = devmode_from_name(text(st, 5));
	CLEANUP_DEVICE_PROPS struct device_props options = {0};
	CLEANUP_DEVUSE struct devuse u = {0};

	if (!v || class < 0 || mode < 0 || device_props_parse(&options, text(st, 7), NULL) < 0)
		return -EINVAL;
	u.class = (enum devclass)class;
	u.mode = (enum devmode)mode;
	u.ref = device_ref_new(text(st, 2), text(st, 3), text(st, 4));
	if (sqlite3_column_type(st, 6) != SQLITE_NULL)
		u.frontend = xstrdup(text(st, 6));
	for (size_t i = 0; i < options.keys.n; i++)
		kvs_put(&u.options, options.keys.v[i], options.values.v[i], false);
	devuses_add(&devices_of(v)->assigned, &u);
	return 0;
}

static int row_lab_device(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);

	if (!v)
		return -EINVAL;
	strv_add(&devices_of(v)->lab, text(st, 1));
	return 0;
}

static int row_firewall(struct loader *l, sqlite3_stmt *st)
{
	struct vm *v = row_owner(l, st);

	return v ? firewall_load(v, text(st, 1)) : -EINVAL;
}

int store_load(struct sys *s, struct err *err)
{
	static const struct {
		const char *query;
		row_fn *row;
	} tables[] = {
		{"SELECT idx, name, color FROM label ORDER BY idx", row_label},
		{"SELECT id, name, driver FROM pool ORDER BY id", row_pool},
		{"SELECT pool, key, value FROM pool_config", row_pool_config},
		{"SELECT key, value FROM global", row_global},
		{"SELECT version FROM kernel ORDER BY version", row_kernel},
		{"SELECT qid, name, class, uuid, dispid, notes FROM vm ORDER BY name", row_vm},
		{"SELECT vm, key, value FROM prop", row_prop},
		{"SELECT vm, key, value FROM feature ORDER BY id", row_feature},
		{"SELECT vm, tag FROM tag ORDER BY vm, tag", row_tag},
		{"SELECT vm, class, backend, port, device, mode, frontend, options FROM assignment ORDER BY id",
		 row_assignment},
		{"SELECT vm, entry FROM lab_device ORDER BY id", row_lab_device},
		{"SELECT vm, rules FROM firewall", row_firewall},
		{"SELECT vm, volume, pool, rw, ephemeral, keep, gen, size, valid FROM volume", row_volume},
		{"SELECT vm, volume, name, gen, size, valid, time FROM revision ORDER BY id", row_revision},
	};
	struct loader l = { .sys = s, .old = STEAL(s->vms), .n_old = s->n_vms };
	int r = 0;

	sys_clear(s);
	free(STEAL(s->by_uuid));
	free(STEAL(s->qids));
	s->n_vms = s->cap_vms = s->n_qids = 0;
	s->dom0 = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tables) && r == 0; i++)
		r = each(&l, tables[i].query, tables[i].row, err);
	for (size_t i = 0; i < l.n_old; i++)
		if (l.old[i])
			vm_free(l.old[i]);
	free(l.old);
	free(l.by_qid);
	return r;
}
