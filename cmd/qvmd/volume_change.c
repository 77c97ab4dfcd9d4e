/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of volumes in memory and store: new ones, revisions, another content (admin-api 7.1, 7.4). */
#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

#define GIB ((uint64_t)1 << 30)

/* ---- new volumes ---- */

/* admin-api 7.1; a copy has the size of its source. */
static uint64_t first_size(const struct volume *v)
{
	if (volume_is_copy(v) || v->id == VOLUME_KERNEL)
		return 0;
	if (v->id == VOLUME_PRIVATE)
		return 2 * GIB;
	return v->vm->class == CLASS_DISP ? 12 * GIB : 10 * GIB;
}

static struct pool *choose_pool(struct sys *s, enum volume_id id, const struct kvs *wish)
{
	const char *wished = wish ? kvs_get(wish, volume_names[id]) : NULL;
	CLEANUP_FREE char *prop = xasprintf("default_pool_%s", volume_names[id]);
	CLEANUP_FREE char *by_default = wished ? NULL : global_get(s, prop, NULL);

	return pool_find(s, wished ? wished : by_default);
}

static bool has_volumes(enum class class)
{
	return class != CLASS_ADMIN && class != CLASS_REMOTE;
}

int volumes_check(struct sys *s, enum class class, const struct kvs *wish, struct err *err)
{
	for (int id = 0; has_volumes(class) && id < VOLUME_COUNT; id++) {
		const struct pool *p = choose_pool(s, (enum volume_id)id, wish);

		if (!p)
			return err_set(err, -EINVAL, "QubesException", "There is no storage pool for volume %s",
				       volume_names[id]);
		if (id != VOLUME_KERNEL && pool_driver(p)->kind == DRIVER_KERNEL)
			return err_set(err, -EINVAL, "QubesException",
				       "Storage pool %s holds nothing but kernels, and no volume %s", p->name,
				       volume_names[id]);
	}
	return 0;
}

void volumes_create(struct vm *vm, const struct kvs *wish)
{
	if (!has_volumes(vm->class))
		return;
	volumes_alloc(vm);
	for (int id = 0; id < VOLUME_COUNT; id++) {
		struct volume *v = &vm->volumes[id];
		const struct driver *d;

		v->pool = choose_pool(vm->sys, v->id, wish);
		d = pool_driver(v->pool);
		v->rw = id != VOLUME_KERNEL;
		v->ephemeral = -1;
		v->now.size = first_size(v);
		if (volume_is_copy(v))
			v->keep = KEEP_AS_POOL;
		else if (volume_is_persistent(v) || d->kind != DRIVER_FILE)
			v->keep = pool_keep(v->pool);
		volume_save(v);
	}
}

/* ---- memory ---- */

struct volume *volumes_alloc(struct vm *vm)
{
	if (!vm->volumes) {
		vm->volumes = xcalloc(VOLUME_COUNT, sizeof *vm->volumes);
		for (int id = 0; id < VOLUME_COUNT; id++) {
			vm->volumes[id].vm = vm;
			vm->volumes[id].id = (enum volume_id)id;
		}
	}
	return vm->volumes;
}

static void revisions_release(struct volume *v)
{
	for (size_t i = 0; i < v->n_revs; i++)
		free(v->revs[i].name);
	free(STEAL(v->revs));
	v->n_revs = v->cap_revs = 0;
}

void volumes_clear(struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++)
		revisions_release(&vm->volumes[id]);
}

void volumes_free(struct vm *vm)
{
	volumes_clear(vm);
	free(STEAL(vm->volumes));
}

/* ---- content ---- */

void volume_save(struct volume *v)
{
	store_volume(v);
}

static bool is_named(const struct volume *v, int64_t gen)
{
	bool named = gen == 0 || v->now.gen == gen;

	for (size_t i = 0; i < v->n_revs && !named; i++)
		named = v->revs[i].content.gen == gen;
	return named;
}

/* The file of a generation goes with the commit, unless the volume still needs it. */
static void drop_unnamed(struct volume *v, int64_t gen)
{
	if (!is_named(v, gen))
		storage_drop_later(v->vm->sys, volume_gen_path(v, gen));
}

static void drop_oldest(struct volume *v)
{
	struct revision r = v->revs[0];

	store_revision_drop(v, r.name);
	memmove(&v->revs[0], &v->revs[1], --v->n_revs * sizeof *v->revs);
	drop_unnamed(v, r.content.gen);
	free(r.name);
}

/* admin-api 7.4 */
static char *revision_name(const struct volume *v, int64_t now)
{
	const struct revision *last = v->n_revs ? &v->revs[v->n_revs - 1] : NULL;
	int64_t n = last ? strtoll(last->name, NULL, 10) : 0;

	switch (pool_driver(volume_pool(v))->kind) {
	case DRIVER_FILE: return xstrdup("old");
	/* two within a second must differ, and so they must when the clock was set back */
	case DRIVER_THIN: return xasprintf("%lld-back", (long long)(n >= now ? n + 1 : now));
	default: return xasprintf("%lld", (long long)n + 1);
	}
}

const char *volume_keep_revision(struct volume *v)
{
	int64_t now = time(NULL);
	struct revision *r;
	char *name;

	if (!volume_is_persistent(v) || v->keep <= 0)
		return NULL;
	name = revision_name(v, now);
	while (v->n_revs && v->n_revs >= (uint64_t)v->keep)
		drop_oldest(v);
	GROW(v->revs, v->n_revs, v->cap_revs);
	r = &v->revs[v->n_revs++];
	*r = (struct revision){ name, v->now, now };
	store_revision(v, r);
	return r->name;
}

void volume_switch(struct volume *v, const struct content *c)
{
	/* c may point into a revision that goes */
	struct content new = *c;
	int64_t old = v->now.gen;

	volume_keep_revision(v);
	v->now = new;
	volume_save(v);
	drop_unnamed(v, old);
}

void volumes_drop(struct vm *vm)
{
	for (int id = 0; vm->volumes && id < VOLUME_COUNT; id++) {
		struct volume *v = &vm->volumes[id];

		for (size_t i = 0; i < v->n_revs; i++)
			if (v->revs[i].content.gen && v->revs[i].content.gen != v->now.gen)
				storage_drop_later(vm->sys, volume_gen_path(v, v->revs[i].content.gen));
		if (v->now.gen)
			storage_drop_later(vm->sys, volume_gen_path(v, v->now.gen));
		if (v->has_copy)
			storage_drop_later(vm->sys, volume_work_path(v));
	}
}
