/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores that an older qvmd wrote. */
#include <errno.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

/* What versions 1 and 2 of the schema knew of a qube's volumes: the pools that were chosen for it. */
static int wishes(struct sys *s, int64_t qid, struct kvs *ret)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(store_db(s), "SELECT key, value FROM volume_pool WHERE vm = ?", -1, &st, NULL);

	sqlite3_bind_int64(st, 1, qid);
	while (r == SQLITE_OK || r == SQLITE_ROW) {
		r = sqlite3_step(st);
		if (r == SQLITE_ROW)
			kvs_put(ret, (const char *)sqlite3_column_text(st, 0),
				(const char *)sqlite3_column_text(st, 1), false);
	}
	sqlite3_finalize(st);
	return r == SQLITE_DONE ? 0 : -EIO;
}

static int create_volumes(struct vm *v, struct err *err)
{
	struct kvs wish = {0};
	int r = wishes(v->sys, v->qid, &wish);

	if (r < 0)
		err_set(err, r, "", "cannot read the store: %s", sqlite3_errmsg(store_db(v->sys)));
	else
		r = volumes_check(v->sys, v->class, &wish, err);
	if (r == 0)
		volumes_create(v, &wish);
	kvs_release(&wish);
	return r;
}

/* Every qube that can have volumes has them. */
static int complete_vm(struct vm *v, struct err *err)
{
	return v->volumes || v->class == CLASS_ADMIN || v->class == CLASS_REMOTE ? 0 : create_volumes(v, err);
}

static void complete_pool(struct pool *p)
{
	size_t n = p->config.n;

	pool_complete(&p->config, pool_driver(p));
	if (p->config.n != n)
		store_pool(p);
}

int store_complete(struct sys *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->n_pools; i++)
		complete_pool(s->pools[i]);
	for (size_t i = 0; r == 0 && i < s->n_vms; i++)
		r = complete_vm(s->vms[i], err);
	return r < 0 ? r : store_commit(s, err);
}
