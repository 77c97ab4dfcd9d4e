/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes: which there are, what is known of each, and how one is given another content (admin-api 7). */
#include "base/mem.h"
#include "qvmd/power.h"
#include "qvmd/storage.h"
#include "qvmd/tree.h"

#define MOST_SOURCES 4    /* a disposable's template has a template; there is no more */

const char *const volume_names[VOLUME_COUNT] = {
	[VOLUME_ROOT] = "root", [VOLUME_PRIVATE] = "private", [VOLUME_VOLATILE] = "volatile",
	[VOLUME_KERNEL] = "kernel",
};

int volume_from_name(const char *name)
{
	for (int i = 0; i < VOLUME_COUNT; i++)
		if (streq(volume_names[i], name))
			return i;
	return -1;
}

struct volume *volume_find(struct vm *v, const char *name)
{
	int id = volume_from_name(name);

	return id >= 0 && v->volumes ? &v->volumes[id] : NULL;
}

struct volume *volume_find_vid(struct sys *s, struct pool *p, const char *vid, struct volume *kernel)
{
	if (pool_driver(p)->kind == DRIVER_KERNEL) {
		*kernel = (struct volume){ .id = VOLUME_KERNEL, .pool = p, .version = vid };
		return strv_has(&s->kernels, vid) ? kernel : NULL;
	}
	for (size_t i = 0; i < s->n_vms; i++)
		for (int k = 0; s->vms[i]->volumes && k < VOLUME_COUNT; k++) {
			struct volume *v = &s->vms[i]->volumes[k];
			CLEANUP_FREE char *its = volume_pool(v) == p ? volume_vid(v) : NULL;

			if (its && streq(its, vid))
				return v;
		}
	return NULL;
}

/* ---- what a volume is ---- */

bool volume_is_kernel(const struct volume *v)
{
	return v->id == VOLUME_KERNEL && pool_driver(v->pool)->kind == DRIVER_KERNEL;
}

static bool is_copy(enum class class, enum volume_id id)
{
	if (id == VOLUME_ROOT)
		return class == CLASS_APP || class == CLASS_DISP;
	return id == VOLUME_PRIVATE && class == CLASS_DISP;
}

bool volume_is_copy(const struct volume *v)
{
	return v->vm && is_copy(v->vm->class, v->id);
}

bool volume_is_persistent(const struct volume *v)
{
	return (v->id == VOLUME_ROOT || v->id == VOLUME_PRIVATE) && !volume_is_copy(v);
}

bool volume_is_ephemeral(const struct volume *v)
{
	if (v->ephemeral >= 0)
		return v->ephemeral;
	return v->id == VOLUME_VOLATILE && pool_is_ephemeral(v->pool);
}

bool volume_is_running(const struct volume *v)
{
	return v->vm && (vm_is_running(v->vm) || power_is_busy(v->vm));
}

struct volume *volume_source(const struct volume *v)
{
	struct volume *source = (struct volume *)v;

	for (int i = 0; source && volume_is_copy(source); i++) {
		struct vm *template = i < MOST_SOURCES ? prop_get_vm(source->vm, "template") : NULL;

		source = template && template->volumes ? &template->volumes[v->id] : NULL;
	}
	return source == v ? NULL : source;
}

bool volume_is_outdated(const struct volume *v)
{
	const struct volume *source = volume_source(v);

	return source && v->vm->power != POWER_HALTED && v->origin != source->now.gen;
}

/* A copy lies where its source lies (admin-api 7.1). */
struct pool *volume_pool(const struct volume *v)
{
	const struct volume *source = volume_source(v);

	return source ? source->pool : v->pool;
}

int64_t volume_keep(const struct volume *v)
{
	const struct pool *p = volume_pool(v);

	if (v->keep != KEEP_AS_POOL)
		return v->keep;
	return pool_driver(p)->kind == DRIVER_FILE ? 0 : pool_keep(p);
}

uint64_t volume_size(const struct volume *v)
{
	const struct volume *source = volume_source(v);
	struct stat st;

	if (volume_is_kernel(v)) {
		CLEANUP_FREE char *path = volume_path(v);

		return *path && tree_stat(storage_root(v->pool->sys), path, &st) == 0 ? (uint64_t)st.st_size : 0;
	}
	return source && source->now.size > v->now.size ? source->now.size : v->now.size;
}

bool volume_is_formatted(const struct volume *v)
{
	return v->id == VOLUME_PRIVATE;
}

/* ---- where it lies (admin-api 7.3) ---- */

char *volume_vid(const struct volume *v)
{
	const struct pool *p = volume_pool(v);
	const char *group = kvs_get(&p->config, "volume_group");

	if (volume_is_kernel(v))
		return v->vm ? prop_get(v->vm, "kernel", NULL) : xstrdup(v->version);
	if (pool_driver(p)->kind == DRIVER_THIN)
		return xasprintf("%s/vm-%s-%s", group ? group : "", v->vm->name, volume_names[v->id]);
	return xasprintf("%s/%s/%s", v->vm->class == CLASS_TEMPLATE ? "vm-templates" : "appvms", v->vm->name,
			 volume_names[v->id]);
}

/* What the names of all its files begin with. */
static char *stem(const struct volume *v)
{
	const struct pool *p = volume_pool(v);
	CLEANUP_FREE char *vid = volume_vid(v), *dir = NULL;

	if (pool_driver(p)->kind == DRIVER_THIN)
		return xasprintf("/dev/%s", vid);
	dir = pool_dir(p);
	return xasprintf("%s/%s", dir, vid);
}

char *volume_gen_path(const struct volume *v, int64_t gen)
{
	CLEANUP_FREE char *s = stem(v);

	return xasprintf("%s.%lld.img", s, (long long)gen);
}

char *volume_work_path(const struct volume *v)
{
	CLEANUP_FREE char *s = stem(v);

	switch (pool_driver(volume_pool(v))->kind) {
	case DRIVER_THIN: return xasprintf("%s-snap", s);
	case DRIVER_FILE: return xasprintf(volume_is_copy(v) ? "%s-cow.img" : "%s.img", s);
	default: return xasprintf("%s-dirty.img", s);
	}
}

/* Upstream a thin volume that runs is a snapshot of itself, unless it makes no revisions at all. */
static bool is_snapshot(const struct volume *v)
{
	return volume_is_running(v) && (volume_is_copy(v) || (volume_is_persistent(v) && v->keep != -1));
}

char *volume_path(const struct volume *v)
{
	const struct volume *source = volume_source(v);
	CLEANUP_FREE char *s = stem(v);

	switch (pool_driver(volume_pool(v))->kind) {
	case DRIVER_KERNEL:
		return s[strlen(s) - 1] == '/' ? xstrdup("") : xasprintf("%s/modules.img", s);
	case DRIVER_THIN:
		return is_snapshot(v) ? xasprintf("%s-snap", s) : STEAL(s);
	case DRIVER_FILE:
		if (volume_is_copy(v))
			return source ? volume_path(source) : xstrdup("");
		return volume_work_path(v);
	default:
		return volume_work_path(v);
	}
}

/* ---- how much it takes ---- */

static uint64_t file_usage(const struct volume *v, char *path)
{
	CLEANUP_FREE char *owned = path;
	struct stat st;

	return tree_stat(storage_root(v->pool->sys), owned, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* Revisions may share a file with each other and with the present content. */
static bool is_counted(const struct volume *v, size_t n, int64_t gen)
{
	for (size_t i = 0; i < n; i++)
		if (v->revs[i].content.gen == gen)
			return true;
	return false;
}

uint64_t volume_usage(const struct volume *v)
{
	uint64_t sum = 0;

	if (volume_is_kernel(v)) {
		char *path = volume_path(v);

		return file_usage(v, path);
	}
	for (size_t i = 0; i < v->n_revs; i++)
		if (v->revs[i].content.gen && !is_counted(v, i, v->revs[i].content.gen))
			sum += file_usage(v, volume_gen_path(v, v->revs[i].content.gen));
	if (v->now.gen && !is_counted(v, v->n_revs, v->now.gen))
		sum += file_usage(v, volume_gen_path(v, v->now.gen));
	if (v->has_copy)
		sum += file_usage(v, volume_work_path(v));
	return sum;
}
