/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What starting and stopping a qube means for devices: the end of admin-api 8.9. */
#include <ctype.h>
#include <errno.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/power.h"

static const struct device_source *const sources[] = {&lab_source};

/* The device that a required assignment stands for; it has to be there and free. */
static const struct device *required_device(struct vm *v, const struct devuse *u, struct err *err)
{
	struct vm *backend = vm_find(v->sys, u->ref.backend);
	const struct device *d = backend ? device_only(backend, u->class, &u->ref) : NULL;
	CLEANUP_FREE char *name = device_ref_text(d ? &d->ref : &u->ref);
	const char *class = devclass_names[u->class];
	const struct vm *holder = d ? device_holder(v->sys, u->class, &d->ref) : NULL;

	if (!d)
		err_set(err, -ENODEV, "QubesException", "%c%s device %s not available", toupper(class[0]), class + 1,
			name);
	else if (holder && holder != v)
		err_set(err, -EBUSY, "DeviceAlreadyAttached", "Device %s already attached to %s", name, holder->name);
	else
		return d;
	return NULL;
}

int devices_may_start(struct vm *v, struct err *err)
{
	for (size_t i = 0; v->devices && i < v->devices->assigned.n; i++)
		if (v->devices->assigned.v[i].mode == DEVMODE_REQUIRED &&
		    !required_device(v, &v->devices->assigned.v[i], err))
			return -ENODEV;
	return 0;
}

/* Assignments that name a device closely go before those that would take any (admin-api 8.2). */
static int attach_assigned(struct vm *v, enum devmode mode, bool quiet, struct err *err)
{
	for (int rank = 3; rank >= 0; rank--)
		for (size_t i = 0; v->devices && i < v->devices->assigned.n; i++) {
			const struct devuse *u = &v->devices->assigned.v[i];
			struct vm *backend = vm_find(v->sys, u->ref.backend);
			const struct device *d;
			int r;

			if (u->mode != mode || device_ref_rank(&u->ref) != rank)
				continue;
			d = mode == DEVMODE_REQUIRED ? required_device(v, u, err) :
			    backend                  ? device_only(backend, u->class, &u->ref) : NULL;
			/* A closer assignment, or another qube, was first. */
			if (d && device_holder(v->sys, u->class, &d->ref))
				continue;
			r = d ? device_attach(v, u->class, d, &u->options, quiet, err) : -ENODEV;
			if (r < 0 && mode == DEVMODE_REQUIRED)
				return r;
		}
	return 0;
}

int devices_spawn(struct vm *v, struct err *err)
{
	int r = attach_assigned(v, DEVMODE_REQUIRED, true, err);

	while (r < 0 && v->devices->attached.n)
		devuses_drop(&v->devices->attached, &v->devices->attached.v[0]);
	return r;
}

void devices_up(struct vm *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		sources[i]->up(v, false);
	attach_assigned(v, DEVMODE_AUTO, false, NULL);
}

void devices_off(struct vm *v)
{
	struct vm_devices *d = v->devices;

	while (d && d->attached.n) {
		/* What came with the domain goes with it. */
		if (d->attached.v[0].class == DEV_PCI)
			devuses_drop(&d->attached, &d->attached.v[0]);
		else
			device_lost(v, &d->attached.v[0]);
	}
	for (int c = 0; d && c < DEVCLASS_COUNT; c++)
		devices_publish(v, (enum devclass)c, NULL, 0, false);
}

void devices_boot(struct sys *s)
{
	for (size_t i = 0; i < s->n_vms; i++)
		for (size_t k = 0; k < ARRAY_SIZE(sources) && vm_is_running(s->vms[i]); k++)
			sources[k]->up(s->vms[i], true);
	for (size_t i = 0; i < s->n_vms; i++) {
		if (!vm_is_running(s->vms[i]))
			continue;
		attach_assigned(s->vms[i], DEVMODE_REQUIRED, true, NULL);
		attach_assigned(s->vms[i], DEVMODE_AUTO, true, NULL);
	}
}
