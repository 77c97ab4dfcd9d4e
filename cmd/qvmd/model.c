/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system in memory: qubes by name and by uuid, and the mutators that also write to the store. */
#include <sys/random.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/publish.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

const char *const class_names[CLASS_COUNT] = {
	[CLASS_ADMIN] = "AdminVM", [CLASS_APP] = "AppVM", [CLASS_DISP] = "DispVM",
	[CLASS_REMOTE] = "RemoteVM", [CLASS_STANDALONE] = "StandaloneVM", [CLASS_TEMPLATE] = "TemplateVM",
};

const char *const power_names[POWER_COUNT] = {
	[POWER_HALTED] = "Halted", [POWER_TRANSIENT] = "Transient", [POWER_RUNNING] = "Running",
	[POWER_PAUSED] = "Paused", [POWER_SUSPENDED] = "Suspended", [POWER_HALTING] = "Halting",
	[POWER_DYING] = "Dying", [POWER_CRASHED] = "Crashed",
};

int class_from_name(const char *name)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (streq(class_names[i], name))
			return i;
	return -1;
}

/* ---- finding ---- */

/* Where name is or belongs in the array sorted by name. */
static size_t place_name(const struct sys *s, const char *name, bool *ret_found)
{
	size_t lo = 0, hi = s->n_vms;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(s->vms[mid]->name, name);

		if (c == 0)
			*ret_found = true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t place_uuid(const struct sys *s, const char *uuid)
{
	size_t lo = 0, hi = s->n_vms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->by_uuid[mid]->uuid, uuid) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct vm *vm_find(struct sys *s, const char *name)
{
	bool found;
	size_t at = place_name(s, name, &found);

	return found ? s->vms[at] : NULL;
}

struct vm *vm_find_uuid(struct sys *s, const char *uuid)
{
	size_t at = place_uuid(s, uuid);

	return at < s->n_vms && streq(s->by_uuid[at]->uuid, uuid) ? s->by_uuid[at] : NULL;
}

const struct label *label_find(const struct sys *s, const char *name)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (streq(s->labels[i].name, name))
			return &s->labels[i];
	return NULL;
}

struct pool *pool_find(struct sys *s, const char *name)
{
	for (size_t i = 0; i < s->n_pools; i++)
		if (streq(s->pools[i]->name, name))
			return s->pools[i];
	return NULL;
}

/* ---- indexes ---- */

static void qid_mark(struct sys *s, int64_t qid, bool taken)
{
	size_t q = (size_t)qid;

	if (q >= s->n_qids) {
		size_t n = s->n_qids ? s->n_qids : 64;

		while (n <= q)
			n *= 2;
		s->qids = xreallocarray(s->qids, n, 1);
		memset(s->qids + s->n_qids, 0, n - s->n_qids);
		s->n_qids = n;
	}
	s->qids[q] = taken;
}

static int64_t qid_free(const struct sys *s)
{
	const unsigned char *p = s->n_qids > 1 ? memchr(s->qids + 1, 0, s->n_qids - 1) : NULL;

	return p ? p - s->qids : s->n_qids > 1 ? (int64_t)s->n_qids : 1;
}

void model_insert(struct sys *s, struct vm *v)
{
	bool found;

	if (s->n_vms >= s->cap_vms) {
		s->cap_vms = s->cap_vms ? s->cap_vms * 2 : 64;
		s->vms = xreallocarray(s->vms, s->cap_vms, sizeof *s->vms);
		s->by_uuid = xreallocarray(s->by_uuid, s->cap_vms, sizeof *s->by_uuid);
	}

	size_t n = place_name(s, v->name, &found);
	size_t u = place_uuid(s, v->uuid);

	memmove(&s->vms[n + 1], &s->vms[n], (s->n_vms - n) * sizeof *s->vms);
	memmove(&s->by_uuid[u + 1], &s->by_uuid[u], (s->n_vms - u) * sizeof *s->by_uuid);
	s->vms[n] = v;
	s->by_uuid[u] = v;
	s->n_vms++;
	qid_mark(s, v->qid, true);
	if (v->class == CLASS_ADMIN)
		s->dom0 = v;
}

void model_forget(struct sys *s, struct vm *v)
{
	bool found;
	size_t n = place_name(s, v->name, &found);
	size_t u = place_uuid(s, v->uuid);

	memmove(&s->vms[n], &s->vms[n + 1], (s->n_vms - n - 1) * sizeof *s->vms);
	memmove(&s->by_uuid[u], &s->by_uuid[u + 1], (s->n_vms - u - 1) * sizeof *s->by_uuid);
	s->n_vms--;
	qid_mark(s, v->qid, false);
	if (s->dom0 == v)
		s->dom0 = NULL;
}

void vm_clear(struct vm *v)
{
	kvs_release(&v->props);
	kvs_release(&v->features);
	firewall_clear(v);
	volumes_clear(v);
	strv_release(&v->tags);
	free(v->notes);
	v->notes = NULL;
	devices_clear(v);
}

void vm_free(struct vm *v)
{
	lifecycle_forget(v);
	devices_forget(v);
	vm_clear(v);
	volumes_free(v);
	free(v->name);
	free(v);
}

static void pool_free(struct pool *p)
{
	free(p->name);
	free(p->driver);
	kvs_release(&p->config);
	free(p);
}

void sys_clear(struct sys *s)
{
	for (size_t i = 0; i < s->n_labels; i++) {
		free(s->labels[i].name);
		free(s->labels[i].color);
	}
	for (size_t i = 0; i < s->n_pools; i++)
		pool_free(s->pools[i]);
	free(s->labels);
	free(s->pools);
	s->labels = NULL;
	s->pools = NULL;
	s->n_labels = s->cap_labels = s->n_pools = s->cap_pools = 0;
	kvs_release(&s->globals);
	strv_release(&s->kernels);
}

void sys_free(struct sys *s)
{
	for (size_t i = 0; i < s->n_vms; i++)
		vm_free(s->vms[i]);
	free(s->vms);
	free(s->by_uuid);
	free(s->qids);
	s->vms = s->by_uuid = NULL;
	s->qids = NULL;
	s->n_vms = s->cap_vms = s->n_qids = 0;
	s->dom0 = NULL;
	sys_clear(s);
}

/* ---- mutators ---- */

static void random_bytes(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

static void uuid_random(char ret[static 37])
{
	unsigned char b[16];

	random_bytes(b, sizeof b);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
		 b[12], b[13], b[14], b[15]);
}

/* 0-9999, not of a disposable that is there or was there within a week, while there are such. */
static int64_t dispid_random(struct sys *s)
{
	int64_t id = 0;

	for (int tries = 0; tries < 200; tries++) {
		uint32_t r;
		char name[32];
		bool taken;

		random_bytes(&r, sizeof r);
		id = r % 10000;
		snprintf(name, sizeof name, "disp%lld", (long long)id);
		taken = vm_find(s, name);
		for (size_t i = 0; i < s->n_vms && !taken; i++)
			taken = s->vms[i]->class == CLASS_DISP && s->vms[i]->dispid == id;
		if (!taken && !store_dispid_is_recent(s, id))
			break;
	}
	return id;
}

struct vm *vm_new(struct sys *s, enum class class, const char *name, int64_t qid, int64_t dispid)
{
	struct vm *v = xcalloc(1, sizeof *v);

	v->sys = s;
	v->name = name ? xstrdup(name) : xasprintf("disp%lld", (long long)dispid);
	v->class = class;
	v->qid = qid;
	v->dispid = dispid;
	v->stubdom_xid = -1;
	v->used_kib = v->swap_kib = -1;
	v->xid = class == CLASS_ADMIN ? 0 : -1;
	v->power = class == CLASS_ADMIN || class == CLASS_REMOTE ? POWER_RUNNING : POWER_HALTED;
	return v;
}

static struct vm *vm_add_full(struct vm *v, const char *label)
{
	model_insert(v->sys, v);
	store_vm_add(v);
	vm_prop_put(v, "label", label);
	return v;
}

struct vm *vm_add(struct sys *s, enum class class, const char *name, const char *label)
{
	struct vm *v = vm_new(s, class, name, qid_free(s), class == CLASS_DISP ? dispid_random(s) : -1);

	uuid_random(v->uuid);
	return vm_add_full(v, label);
}

void vm_add_dom0(struct sys *s)
{
	struct vm *v = vm_new(s, CLASS_ADMIN, "dom0", 0, -1);

	memcpy(v->uuid, "00000000-0000-0000-0000-000000000000", sizeof v->uuid);
	vm_add_full(v, "black");
}

void vm_drop(struct vm *v)
{
	model_forget(v->sys, v);
	volumes_drop(v);
	store_vm_drop(v);
	vm_free(v);
}

void vm_prop_put(struct vm *v, const char *prop, const char *value)
{
	publish_note(v->sys, v, "property", prop);
	store_vm_kv(v, STORE_PROP, prop, value);
	kvs_put(&v->props, prop, value, true);
}

void vm_prop_del(struct vm *v, const char *prop)
{
	if (!kvs_get(&v->props, prop))
		return;
	publish_note(v->sys, v, "property", prop);
	store_vm_kv(v, STORE_PROP, prop, NULL);
	kvs_del(&v->props, prop);
}

void vm_feature_put(struct vm *v, const char *feature, const char *value)
{
	publish_note(v->sys, v, "feature", feature);
	store_vm_kv(v, STORE_FEATURE, feature, value);
	kvs_put(&v->features, feature, value, false);
}

bool vm_feature_del(struct vm *v, const char *feature)
{
	if (!kvs_get(&v->features, feature))
		return false;
	publish_note(v->sys, v, "feature", feature);
	store_vm_kv(v, STORE_FEATURE, feature, NULL);
	return kvs_del(&v->features, feature);
}

bool vm_tag_put(struct vm *v, const char *tag)
{
	if (!strv_insert(&v->tags, tag))
		return false;
	store_vm_tag(v, tag, true);
	return true;
}

bool vm_tag_del(struct vm *v, const char *tag)
{
	for (size_t i = 0; i < v->tags.n; i++)
		if (streq(v->tags.v[i], tag)) {
			store_vm_tag(v, tag, false);
			strv_remove(&v->tags, i);
			return true;
		}
	return false;
}

void vm_notes_put(struct vm *v, const char *notes)
{
	char *copy = notes && *notes ? xstrdup(notes) : NULL;

	free(v->notes);
	v->notes = copy;
	store_vm_notes(v);
}

void global_put(struct sys *s, const char *prop, const char *value)
{
	publish_note(s, NULL, "property", prop);
	store_global(s, prop, value);
	kvs_put(&s->globals, prop, value, true);
}

void global_del(struct sys *s, const char *prop)
{
	if (!kvs_get(&s->globals, prop))
		return;
	publish_note(s, NULL, "property", prop);
	store_global(s, prop, NULL);
	kvs_del(&s->globals, prop);
}

void label_put(struct sys *s, int64_t index, const char *name, const char *color)
{
	struct label l = { index, xstrdup(name), xstrdup(color) };
	size_t at = 0;

	store_label(s, index, name, color);
	while (at < s->n_labels && s->labels[at].index < index)
		at++;
	if (at < s->n_labels && s->labels[at].index == index) {
		free(s->labels[at].name);
		free(s->labels[at].color);
	} else {
		GROW(s->labels, s->n_labels, s->cap_labels);
		memmove(&s->labels[at + 1], &s->labels[at], (s->n_labels - at) * sizeof *s->labels);
		s->n_labels++;
	}
	s->labels[at] = l;
}

void label_drop(struct sys *s, const char *name)
{
	struct label *l = (struct label *)label_find(s, name);

	if (!l)
		return;
	store_label_drop(s, name);
	free(l->name);
	free(l->color);
	memmove(l, l + 1, (size_t)(s->labels + s->n_labels - (l + 1)) * sizeof *l);
	s->n_labels--;
}

struct pool *pool_append(struct sys *s, int64_t id, const char *name, const char *driver)
{
	struct pool *p = xcalloc(1, sizeof *p);

	*p = (struct pool){ .sys = s, .id = id, .name = xstrdup(name), .driver = xstrdup(driver) };
	GROW(s->pools, s->n_pools, s->cap_pools);
	s->pools[s->n_pools++] = p;
	return p;
}

void pool_put(struct sys *s, const char *name, const char *driver, const struct kvs *config)
{
	struct pool *p = pool_find(s, name);
	struct kvs copy = {0};

	/* config may be the old one itself */
	for (size_t i = 0; i < config->n; i++)
		kvs_put(&copy, config->v[i].key, config->v[i].value, true);
	if (p) {
		char *old = p->driver;

		p->driver = xstrdup(driver);
		free(old);
		kvs_release(&p->config);
	} else {
		p = pool_append(s, s->n_pools ? s->pools[s->n_pools - 1]->id + 1 : 1, name, driver);
	}
	p->config = copy;
	store_pool(p);
}

void pool_drop(struct pool *p)
{
	struct sys *s = p->sys;
	size_t i = 0;

	while (s->pools[i] != p)
		i++;
	memmove(&s->pools[i], &s->pools[i + 1], (--s->n_pools - i) * sizeof *s->pools);
	store_pool_drop(p);
	pool_free(p);
}

void kernel_put(struct sys *s, const char *version)
{
	if (strv_insert(&s->kernels, version))
		store_kernel(s, version);
}
