/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assignments, attachments and present devices of qubes, in memory and (assignments) in the store. */
#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/store.h"

const char *const devclass_names[DEVCLASS_COUNT] = {
	[DEV_BLOCK] = "block", [DEV_MIC] = "mic", [DEV_PCI] = "pci", [DEV_TEST] = "testclass", [DEV_USB] = "usb",
};

const char *const devmode_names[DEVMODE_COUNT] = {
	[DEVMODE_MANUAL] = "manual", [DEVMODE_ASK] = "ask-to-attach", [DEVMODE_AUTO] = "auto-attach",
	[DEVMODE_REQUIRED] = "required",
};

static int find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (streq(names[i], name))
			return i;
	return -1;
}

int devclass_from_name(const char *name)
{
	return find_name(devclass_names, DEVCLASS_COUNT, name);
}

int devmode_from_name(const char *name)
{
	return find_name(devmode_names, DEVMODE_COUNT, name);
}

struct vm_devices *devices_of(struct vm *v)
{
	if (!v->devices)
		v->devices = xcalloc(1, sizeof *v->devices);
	return v->devices;
}

/* ---- uses ---- */

void devuse_release(struct devuse *u)
{
	device_ref_release(&u->ref);
	free(u->frontend);
	kvs_release(&u->options);
	*u = (struct devuse){0};
}

struct devuse devuse_copy(const struct devuse *u)
{
	struct devuse copy = {
		.class = u->class,
		.ref = device_ref_new(u->ref.backend, u->ref.port, u->ref.id),
		.mode = u->mode,
		.frontend = u->frontend ? xstrdup(u->frontend) : NULL,
	};

	for (size_t i = 0; i < u->options.n; i++)
		kvs_put(&copy.options, u->options.v[i].key, u->options.v[i].value, false);
	return copy;
}

struct devuse *devuses_find(const struct devuses *l, enum devclass class, const struct device_ref *ref)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].class == class && device_ref_eq(&l->v[i].ref, ref))
			return &l->v[i];
	return NULL;
}

struct devuse *devuses_find_port(const struct devuses *l, enum devclass class, const struct device_ref *ref)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].class == class && streq(l->v[i].ref.backend, ref->backend) &&
		    streq(l->v[i].ref.port, ref->port))
			return &l->v[i];
	return NULL;
}

struct devuse *devuses_fit(const struct devuses *l, enum devclass class, const struct device_ref *ref)
{
	struct devuse *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		struct devuse *u = &l->v[i];

		if (u->class == class && device_ref_matches(&u->ref, ref) &&
		    (!best || device_ref_rank(&u->ref) > device_ref_rank(&best->ref)))
			best = u;
	}
	return best;
}

struct devuse *devuses_add(struct devuses *l, struct devuse *u)
{
	GROW(l->v, l->n, l->cap);
	l->v[l->n] = *u;
	*u = (struct devuse){0};
	return &l->v[l->n++];
}

void devuses_drop(struct devuses *l, struct devuse *u)
{
	size_t at = (size_t)(u - l->v);

	devuse_release(u);
	memmove(u, u + 1, (l->n - at - 1) * sizeof *u);
	l->n--;
}

void devuses_release(struct devuses *l)
{
	for (size_t i = 0; i < l->n; i++)
		devuse_release(&l->v[i]);
	free(l->v);
	*l = (struct devuses){0};
}

/* ---- mutators ---- */

void vm_assign(struct vm *v, struct devuse *u)
{
	store_assignment(v, devuses_add(&devices_of(v)->assigned, u));
}

void vm_assign_mode(struct vm *v, struct devuse *u, enum devmode mode)
{
	u->mode = mode;
	store_assignment(v, u);
}

void vm_unassign(struct vm *v, struct devuse *u)
{
	store_assignment_drop(v, u);
	devuses_drop(&v->devices->assigned, u);
}

/* ---- what is there ---- */

const struct device *device_find(struct vm *backend, enum devclass class, const char *port)
{
	const struct vm_devices *d = backend->devices;

	for (size_t i = 0; d && i < d->n_present[class]; i++)
		if (streq(d->present[class][i].ref.port, port))
			return &d->present[class][i];
	return NULL;
}

const struct device *device_only(struct vm *backend, enum devclass class, const struct device_ref *ref)
{
	const struct vm_devices *d = backend->devices;
	const struct device *only = NULL;

	for (size_t i = 0; d && i < d->n_present[class]; i++) {
		if (!device_ref_matches(ref, &d->present[class][i].ref))
			continue;
		if (only)
			return NULL;
		only = &d->present[class][i];
	}
	return only;
}

struct vm *device_holder(struct sys *s, enum devclass class, const struct device_ref *ref)
{
	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i]->devices && devuses_find_port(&s->vms[i]->devices->attached, class, ref))
			return s->vms[i];
	return NULL;
}

bool vm_has_pci(const struct vm *v)
{
	for (size_t i = 0; v->devices && i < v->devices->assigned.n; i++)
		if (v->devices->assigned.v[i].class == DEV_PCI)
			return true;
	return false;
}

char *devices_assigned_elsewhere(struct vm *v)
{
	CLEANUP_STRV struct strv ports = STRV_INIT;

	for (size_t i = 0; i < v->sys->n_vms; i++) {
		const struct vm *u = v->sys->vms[i];

		for (size_t k = 0; u != v && u->devices && k < u->devices->assigned.n; k++)
			if (streq(u->devices->assigned.v[k].ref.backend, v->name))
				strv_add(&ports, u->devices->assigned.v[k].ref.port);
	}
	return ports.n ? strv_join(&ports, ", ") : NULL;
}

/* ---- freeing ---- */

void devices_clear(struct vm *v)
{
	if (!v->devices)
		return;
	devuses_release(&v->devices->assigned);
	strv_release(&v->devices->lab);
}

void devices_forget(struct vm *v)
{
	struct vm_devices *d = v->devices;

	if (!d)
		return;
	devices_clear(v);
	devuses_release(&d->attached);
	strv_release(&d->unplugged);
	for (int c = 0; c < DEVCLASS_COUNT; c++) {
		for (size_t i = 0; i < d->n_present[c]; i++)
			device_release(&d->present[c][i]);
		free(d->present[c]);
	}
	free(d);
	v->devices = NULL;
}
