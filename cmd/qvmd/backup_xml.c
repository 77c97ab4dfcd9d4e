/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a backup, and the qubes.xml that lists them (backup-policy-clock 1.10, 2.10). */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/backup.h"
#include "qvmd/device.h"
#include "qvmd/storage.h"

/* ---- files ---- */

static struct backup_item *add_item(struct backup_plan *p, const struct backup_qube *q, const char *name)
{
	struct backup_item *item;

	GROW(p->items, p->n_items, p->cap_items);
	item = &p->items[p->n_items++];
	*item = (struct backup_item){ .path = xasprintf("%s%s", q->path, name), .source = SOURCE_INIT };
	return item;
}

static void add_text(struct backup_plan *p, struct backup_qube *q, const char *name, const char *text)
{
	struct backup_item *item = add_item(p, q, name);

	item->kind = ITEM_TEXT;
	item->text = xstrdup(text);
	backup_qube_add_file(q, name, strlen(text));
}

static int add_volume(struct backup_plan *p, struct backup_qube *q, const struct volume *v, struct err *err)
{
	CLEANUP_FREE char *name = xasprintf("%s.img", volume_names[v->id]);
	struct backup_item *item = add_item(p, q, name);

	item->kind = ITEM_VOLUME;
	backup_qube_add_file(q, name, volume_size(v));
	return source_open(v, &item->source, err);
}

static int add_files(struct backup_plan *p, struct backup_qube *q, struct vm *v, struct err *err)
{
	int r = 0;

	for (int id = 0; r == 0 && v->volumes && id < VOLUME_COUNT; id++)
		if (volume_is_persistent(&v->volumes[id]))
			r = add_volume(p, q, &v->volumes[id], err);
	if (v->firewall) {
		CLEANUP_FREE char *rules = backup_firewall(v->firewall);

		add_text(p, q, "firewall.xml", rules);
	}
	if (v->notes)
		add_text(p, q, "notes.txt", v->notes);
	if (q->n_files == 0)
		add_text(p, q, "empty", ""); /* so that there is something of it */
	return r;
}

static void add_home(struct backup_plan *p, struct backup_qube *q, const struct backup_vm *v)
{
	struct backup_item *item = add_item(p, q, "");

	item->kind = ITEM_HOME;
	item->text = backup_home(v->vm->sys, v->name);
	backup_qube_add_file(q, strrchr(DOM0_HOME, '/') + 1, v->size);
}

static int save(struct backup_plan *p, struct backup_qube *q, struct backup_vm *v, struct err *err)
{
	bool home = v->vm->class == CLASS_ADMIN;
	int r = 0;

	if (v->exposed)
		return err_set(err, -EBUSY, "QubesVMNotHaltedError", "Domain is not powered off: '%s'", v->name);
	q->included = true;
	q->path = home ? xstrdup(DOM0_HOME) : xasprintf("vm%lld/", (long long)v->vm->qid);
	q->size = v->size;
	if (home)
		add_home(p, q, v);
	else
		r = add_files(p, q, v->vm, err);
	v->end = p->n_items;
	return r;
}

/* ---- the system ---- */

static void copy_kvs(struct pairs *to, const struct kvs *from)
{
	for (size_t i = 0; i < from->n; i++)
		pairs_add(to, from->v[i].key, from->v[i].value);
}

static void describe_devices(struct backup_qube *q, const struct vm *v)
{
	for (size_t i = 0; v->devices && i < v->devices->assigned.n; i++) {
		const struct devuse *u = &v->devices->assigned.v[i];
		CLEANUP_FREE char *id = xasprintf("%s:%s", u->ref.port, u->ref.id);
		struct backup_device *d = backup_qube_add_device(q, devclass_names[u->class], u->ref.backend, id);

		d->mode = devmode_names[u->mode];
		copy_kvs(&d->options, &u->options);
	}
}

static struct backup_qube *describe(struct backup_qubes *all, const struct vm *v)
{
	struct backup_qube *q = backup_qubes_add(all, v->name, class_names[v->class]);

	q->id = (unsigned)v->qid;
	copy_kvs(&q->props, &v->props);
	copy_kvs(&q->features, &v->features);
	for (size_t i = 0; i < v->tags.n; i++)
		strv_add(&q->tags, v->tags.v[i]);
	describe_devices(q, v);
	return q;
}

static void describe_system(const struct sys *s, struct backup_qubes *all)
{
	copy_kvs(&all->globals, &s->globals);
	for (size_t i = 0; i < s->n_labels; i++) {
		CLEANUP_FREE char *id = xasprintf("label-%lld", (long long)s->labels[i].index);

		pairs_add(&all->labels, id, s->labels[i].name);
	}
}

int plan_open(struct sys *s, struct backup_plan *p, struct backup_qubes *ret, struct err *err)
{
	int r = 0;

	describe_system(s, ret);
	for (size_t i = 0; i < p->others.n; i++)
		describe(ret, vm_find(s, p->others.v[i]));
	/* The archive has its files in the order of this list. */
	for (size_t i = 0; r == 0 && i < p->n_vms; i++)
		r = save(p, describe(ret, p->vms[i].vm), &p->vms[i], err);
	return r;
}
