/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls about pools, but for Add (admin-api 2.9). */
#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"
#include "qvmd/pool.h"
#include "qvmd/storage_call.h"
#include "qvmd/tree.h"

/* ---- looking ---- */

static void handle_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->sys->n_pools; i++)
		buf_addf(&b, "%s\n", r->sys->pools[i]->name);
	req_ok_buf(r, &b);
}

static void handle_drivers(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (const struct driver *d = drivers; d->name; d++)
		buf_addf(&b, "%s %s\n", d->name, d->options);
	req_ok_buf(r, &b);
}

/* Calls fn for each volume that lies in a pool, until it returns false. */
static void each_volume(const struct pool *p, bool (*fn)(struct volume *v, void *data), void *data)
{
	const struct sys *s = p->sys;

	for (size_t i = 0; i < s->n_vms; i++)
		for (int id = 0; s->vms[i]->volumes && id < VOLUME_COUNT; id++) {
			struct volume *v = &s->vms[i]->volumes[id];

			if (volume_pool(v) == p && !fn(v, data))
				return;
		}
}

static bool add_usage(struct volume *v, void *data)
{
	*(uint64_t *)data += volume_usage(v);
	return true;
}

struct usage {
	bool known;
	uint64_t size, used;
};

/* A pool of files has its file system to itself or shares it; a thin pool is said to be as large as the file system
 * that it lies on here, and holds what its volumes hold. */
static struct usage usage_of(const struct pool *p)
{
	struct usage u = {0};
	CLEANUP_FREE char *dir = pool_dir(p);
	struct statvfs st;

	if (pool_driver(p)->kind == DRIVER_KERNEL || tree_statvfs(storage_root(p->sys), dir, &st) < 0)
		return u;
	u.known = true;
	u.size = (uint64_t)st.f_blocks * st.f_frsize;
	if (pool_driver(p)->kind == DRIVER_THIN)
		each_volume(p, add_usage, &u.used);
	else
		u.used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
	return u;
}

static bool is_within(const char *path, const char *dir)
{
	const char *rest = skip_prefix(path, dir);

	return rest && (!*rest || *rest == '/');
}

/* Another pool whose directory this one's is in: the nearest. */
static const struct pool *pool_around(const struct pool *p)
{
	const char *dir = kvs_get(&p->config, "dir_path");
	const struct pool *found = NULL;
	size_t longest = 0;

	for (size_t i = 0; dir && i < p->sys->n_pools; i++) {
		const struct pool *other = p->sys->pools[i];
		const char *its = kvs_get(&other->config, "dir_path");

		if (other == p || !its || !is_within(dir, its) || strlen(its) <= longest)
			continue;
		found = other;
		longest = strlen(its);
	}
	return found;
}

static void handle_info(struct req *r)
{
	struct pool *p = pool_of(r);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct kvs lines = {0};
	const struct pool *around;
	struct usage u;

	if (!p)
		return;
	kvs_put(&lines, "driver", p->driver, true);
	kvs_put(&lines, "name", p->name, true);
	for (size_t i = 0; i < p->config.n; i++)
		kvs_put(&lines, p->config.v[i].key, p->config.v[i].value, true);
	for (size_t i = 0; i < lines.n; i++)
		buf_addf(&b, "%s=%s\n", lines.v[i].key, lines.v[i].value);
	kvs_release(&lines);
	u = usage_of(p);
	if (u.known)
		buf_addf(&b, "size=%llu\nusage=%llu\n", (unsigned long long)u.size, (unsigned long long)u.used);
	around = pool_around(p);
	if (around)
		buf_addf(&b, "included_in=%s\n", around->name);
	req_ok_buf(r, &b);
}

/* A thin pool keeps 64 bytes on each piece of 64 KiB. */
#define THIN_METADATA 1024

static void handle_usage(struct req *r)
{
	struct pool *p = pool_of(r);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct usage u;

	if (!p)
		return;
	u = usage_of(p);
	if (u.known)
		buf_addf(&b, "data_size=%llu\ndata_usage=%llu\n", (unsigned long long)u.size,
			 (unsigned long long)u.used);
	if (u.known && pool_driver(p)->kind == DRIVER_THIN)
		buf_addf(&b, "metadata_size=%llu\nmetadata_usage=%llu\n",
			 (unsigned long long)u.size / THIN_METADATA, (unsigned long long)u.used / THIN_METADATA);
	req_ok_buf(r, &b);
}

static bool add_vid(struct volume *v, void *data)
{
	CLEANUP_FREE char *vid = volume_vid(v);

	buf_addf(data, "%s\n", vid);
	return true;
}

static void handle_volumes(struct req *r)
{
	struct pool *p = pool_of(r);
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!p)
		return;
	if (pool_driver(p)->kind != DRIVER_KERNEL)
		each_volume(p, add_vid, &b);
	else
		for (size_t i = 0; i < r->sys->kernels.n; i++)
			buf_addf(&b, "%s\n", r->sys->kernels.v[i]);
	req_ok_buf(r, &b);
}

/* ---- changing ---- */

static void set_option(struct pool *p, const char *key, const char *value)
{
	kvs_put(&p->config, key, value, true);
	pool_put(p->sys, p->name, p->driver, &p->config);
}

int pool_check_keep(const struct driver *d, int64_t n, int compat, struct err *err)
{
	int64_t least = compat == 42 ? 0 : -1;

	if (n < least)
		return err_set(err, -EINVAL, "ProtocolError", "Value can't be lower than %lld", (long long)least);
	if (n > d->most_kept || (d->kind == DRIVER_KERNEL && n))
		return err_set(err, -EINVAL, "QubesValueError", "%s", d->too_many);
	return 0;
}

static void handle_set_keep(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	int64_t n = 0;
	struct pool *p;

	if (payload_number("Revisions to keep", r->payload, r->payload_len, true, &n, &err) < 0)
		return req_fail_err(r, &err);
	p = pool_of(r);
	if (!p)
		return;
	if (pool_check_keep(pool_driver(p), n, r->sys->opt.compat, &err) < 0)
		return req_fail_err(r, &err);
	text = xasprintf("%lld", (long long)n);
	if (pool_driver(p)->kind != DRIVER_KERNEL)
		set_option(p, "revisions_to_keep", text);
	req_ok(r, "");
}

static void handle_set_ephemeral(struct req *r)
{
	int truth = payload_bool(r->payload, r->payload_len);
	struct pool *p;

	if (truth < 0)
		return req_fail(r, "ProtocolError", "Payload is not boolean ASCII");
	p = pool_of(r);
	if (!p)
		return;
	/* A pool of kernels takes it, and has no use for it. */
	if (pool_driver(p)->kind != DRIVER_KERNEL)
		set_option(p, "ephemeral_volatile", truth ? "True" : "False");
	req_ok(r, "");
}

static bool is_there(struct volume *v, void *data)
{
	*(bool *)data = true;
	return false;
}

/* The property of the system that names it, by its default too; NULL when there is none. */
static const char *default_for(const struct pool *p)
{
	static const char *const props[] = { "default_pool", "default_pool_kernel", "default_pool_private",
					     "default_pool_root", "default_pool_volatile" };

	for (size_t i = 0; i < ARRAY_SIZE(props); i++) {
		CLEANUP_FREE char *value = global_get(p->sys, props[i], NULL);

		if (streq(value, p->name))
			return props[i];
	}
	return NULL;
}

static void handle_remove(struct req *r)
{
	struct pool *p = pool_of(r);
	CLEANUP_FREE char *name = NULL;
	const char *prop;
	bool used = false;

	if (!p)
		return;
	each_volume(p, is_there, &used);
	if (used)
		return req_fail(r, "QubesPoolInUseError", "Storage pool is in use: '%s'", p->name);
	prop = default_for(p);
	if (prop)
		return req_fail(r, "QubesPoolInUseError", "Storage pool is in use: set as %s", prop);
	name = xstrdup(p->name);
	fire(r->sys, NULL, "pool-pre-delete", "pool", name, NULL);
	pool_drop(p);
	fire(r->sys, NULL, "pool-delete", "pool", name, NULL);
	req_ok(r, "");
}

#define CALL(name, versions_, arg_, payload_, access_, handle_) \
	{ "admin.pool." name, versions_, DEST_DOM0, arg_, payload_, access_, handle_ }

const struct method methods_pool[] = {
	CALL("List", "S23N", PART_NONE, PART_NONE, ACCESS_READ, handle_list),
	CALL("ListDrivers", "S23N", PART_NONE, PART_NONE, ACCESS_READ, handle_drivers),
	CALL("Info", "S23N", PART_NEEDED, PART_NONE, ACCESS_READ, handle_info),
	CALL("UsageDetails", "-23N", PART_NEEDED, PART_NONE, ACCESS_READ, handle_usage),
	CALL("Add", "S23N", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_pool_add),
	CALL("Set.revisions_to_keep", "S23N", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_set_keep),
	CALL("Set.ephemeral_volatile", "-23N", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_set_ephemeral),
	CALL("Remove", "S23N", PART_NEEDED, PART_NONE, ACCESS_WRITE, handle_remove),
	CALL("volume.List", "S23N", PART_NEEDED, PART_NONE, ACCESS_READ, handle_volumes),
	METHOD_END,
};
