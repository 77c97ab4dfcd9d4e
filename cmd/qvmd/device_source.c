/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a qube offers changes: who is told, who gets what is new, who loses what is gone (admin-api 11.3). */
#include "base/mem.h"
#include "qvmd/device.h"

struct change {
	struct vm *v;
	enum devclass class;
	struct device *old, *new;
	size_t n_old, n_new;
};

static bool is_in(const struct device *d, const struct device *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (device_ref_eq(&list[i].ref, &d->ref))
			return true;
	return false;
}

static bool is_change(const struct change *c)
{
	for (size_t i = 0; i < c->n_old; i++)
		if (!is_in(&c->old[i], c->new, c->n_new))
			return true;
	for (size_t i = 0; i < c->n_new; i++)
		if (!is_in(&c->new[i], c->old, c->n_old))
			return true;
	return false;
}

/* The qube itself wrote the list into its QubesDB, unless it is off. */
static void announce_qubesdb(struct vm *v, enum devclass class)
{
	const char *path = class == DEV_BLOCK ? "/qubes-block-devices" : class == DEV_USB ? "/qubes-usb-devices" : NULL;

	if (path && vm_is_running(v)) {
		CLEANUP_FREE char *event = xasprintf("domain-qdb-change:%s", path);

		fire(v->sys, v, event, "path", path, NULL);
	}
}

static void announce(const struct change *c)
{
	CLEANUP_FREE char *event = xasprintf("device-list-change:%s", devclass_names[c->class]);
	bool each = c->v->sys->opt.compat != 42;

	fire(c->v->sys, c->v, event, NULL);
	for (size_t i = 0; each && i < c->n_new; i++)
		if (!is_in(&c->new[i], c->old, c->n_old))
			device_event(c->v, "added", c->class, &c->new[i].ref, NULL);
	for (size_t i = 0; each && i < c->n_old; i++)
		if (!is_in(&c->old[i], c->new, c->n_new))
			device_port_event(c->v, "removed", c->class, &c->old[i].ref);
	announce_qubesdb(c->v, c->class);
}

/* What is gone is gone for the qube that had it. */
static void take_away(const struct change *c)
{
	for (size_t i = 0; i < c->n_old; i++) {
		struct vm *holder = device_holder(c->v->sys, c->class, &c->old[i].ref);

		if (holder && !is_in(&c->old[i], c->new, c->n_new))
			device_lost(holder, devuses_find_port(&holder->devices->attached, c->class, &c->old[i].ref));
	}
}

/*
 * The one running qube that waits for the device. Where several do, or it was to be asked about, a person would be
 * asked; nobody in the lab answers.
 */
static struct vm *taker(const struct change *c, const struct device *d, const struct devuse **ret)
{
	struct sys *s = c->v->sys;
	struct vm *found = NULL;

	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *v = s->vms[i];
		const struct devuse *u;

		if (!v->devices || v == c->v || v->power != POWER_RUNNING)
			continue;
		u = devuses_fit(&v->devices->assigned, c->class, &d->ref);
		if (!u || u->mode == DEVMODE_MANUAL)
			continue;
		if (found || u->mode == DEVMODE_ASK)
			return NULL;
		found = v;
		*ret = u;
	}
	return found;
}

static void hand_out(const struct change *c)
{
	for (size_t i = 0; i < c->n_new; i++) {
		const struct devuse *u = NULL;
		struct vm *v = is_in(&c->new[i], c->old, c->n_old) ? NULL : taker(c, &c->new[i], &u);

		if (v)
			device_attach(v, c->class, &c->new[i], &u->options, false, NULL);
	}
}

void device_list_written(struct vm *v, enum devclass class)
{
	CLEANUP_FREE char *event = xasprintf("device-list-change:%s", devclass_names[class]);

	fire(v->sys, v, event, NULL);
	announce_qubesdb(v, class);
}

bool devices_publish(struct vm *v, enum devclass class, struct device *list, size_t n, bool quiet)
{
	struct vm_devices *d = devices_of(v);
	struct change c = {v, class, d->present[class], list, d->n_present[class], n};
	bool told = false;

	d->present[class] = list;
	d->n_present[class] = n;
	if (!quiet && is_change(&c)) {
		told = true;
		announce(&c);
		take_away(&c);
		hand_out(&c);
	}
	for (size_t i = 0; i < c.n_old; i++)
		device_release(&c.old[i]);
	free(c.old);
	return told;
}
