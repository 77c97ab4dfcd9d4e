/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of devices that qubes tell of by their keys (vm-interface 5.2, 5.3), in the words of admin-api 8.5. */
#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/server.h"
#include "vmif/published.h"

#define DEPTH_MAX 8 /* a device that is part of itself is a part of nothing */

static const struct published *find(const struct published_list *l, const char *port)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->v[i].port, port))
			return &l->v[i];
	return NULL;
}

/* ---- block devices ---- */

/* "<id of the parent>:<interface, or number at the end of the name, or None>" */
static char *block_id(struct vm *v, const struct published_list *l, const struct published *p, int depth)
{
	const char *digits = p->port + strlen(p->port);
	CLEANUP_FREE char *parent_id = NULL;

	while (digits > p->port && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	if (p->parent_interface) {
		const struct device *d = device_find(v, DEV_USB, p->parent);

		return xasprintf("%s:%s", d ? d->ref.id : DEVICE_UNKNOWN_ID, p->parent_interface);
	}
	if (p->parent) {
		const struct published *parent = depth < DEPTH_MAX ? find(l, p->parent) : NULL;

		parent_id = parent ? block_id(v, l, parent, depth + 1) : xstrdup(DEVICE_UNKNOWN_ID);
	}
	return xasprintf("%s:%s", parent_id ? parent_id : "", *digits ? digits : "None");
}

static void put(struct device *d, const char *key, const char *value)
{
	if (value)
		device_props_put(&d->props, key, value);
}

static struct device block_device(struct vm *v, const struct published_list *l, const struct published *p)
{
	CLEANUP_FREE char *id = block_id(v, l, p, 0), *size = xasprintf("%ju", (uintmax_t)p->size);
	CLEANUP_FREE char *maker = p->parent ? xasprintf("sub-device of %s:%s", v->name, p->parent) :
					       xasprintf("hosted by %s", v->name);
	struct device d = { .ref = device_ref_new(v->name, p->port, id) };

	put(&d, "manufacturer", maker);
	put(&d, "name", p->name);
	put(&d, "serial", p->serial);
	put(&d, "interfaces", "b******");
	put(&d, "parent_port_id", p->parent);
	put(&d, "parent_devclass", p->parent ? devclass_names[p->parent_interface ? DEV_USB : DEV_BLOCK] : NULL);
	put(&d, "_mode", p->mode == 'r' ? "r" : "w");
	put(&d, "_size", size);
	return d;
}

/* ---- USB devices ---- */

/* "<vendor>:<product>:<serial>:<interfaces>"; what separates parts of names elsewhere is in none of them. */
static char *usb_id(const struct published *p)
{
	CLEANUP_FREE char *serial = xstrdup(p->serial ? p->serial : "");

	for (char *c = serial; *c; c++)
		if (!chars_all((const char[]){ *c, '\0' }, "A-Za-z0-9_.-"))
			*c = '_';
	return xasprintf("%s:%s:%s", p->ids, serial, p->interfaces ? p->interfaces : INTERFACE_UNKNOWN);
}

static struct device usb_device(struct vm *v, const struct published_list *l, const struct published *p)
{
	CLEANUP_FREE char *id = usb_id(p);
	struct device d = { .ref = device_ref_new(v->name, p->port, id) };

	put(&d, "vendor", p->vendor);
	put(&d, "product", p->product);
	put(&d, "name", p->name);
	put(&d, "serial", p->serial);
	put(&d, "interfaces", p->interfaces ? p->interfaces : INTERFACE_UNKNOWN);
	return d;
}

/* v says that another qube uses its device. That dom0 gave it to somebody counts for more. */
static void connection_told(struct vm *v, const struct device *d, const char *user_name)
{
	struct vm *user = user_name ? vm_find(v->sys, user_name) : NULL;
	struct vm *holder = device_holder(v->sys, DEV_USB, &d->ref);
	struct devuse *have = holder ? devuses_find_port(&holder->devices->attached, DEV_USB, &d->ref) : NULL;
	struct devuse use = { .class = DEV_USB, .mode = DEVMODE_MANUAL, .told = true };

	if (user && (user == v || !vm_is_running(user)))
		user = NULL;
	if (holder == user || (have && !have->told))
		return;
	if (have)
		device_lost(holder, have);
	if (!user)
		return;
	use.ref = device_ref_new(v->name, d->ref.port, d->ref.id);
	use.frontend = xstrdup(user->name);
	device_event(user, "attach", DEV_USB, &use.ref, &use.options);
	devuses_add(&devices_of(user)->attached, &use);
}

static void connections_told(struct vm *v, const struct published_list *told)
{
	for (size_t i = 0; i < told->n; i++) {
		const struct device *d = device_find(v, DEV_USB, told->v[i].port);

		if (d)
			connection_told(v, d, told->v[i].connected_to);
	}
}

/* ---- both ---- */

static bool has_port(const struct device *list, size_t n, const char *port)
{
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].ref.port, port))
			return true;
	return false;
}

void devices_told(struct vm *v, enum devclass class, const struct key_values *keys, bool always)
{
	bool block = class == DEV_BLOCK;
	CLEANUP_PUBLISHED struct published_list told = {0};
	struct device *list;
	size_t n;

	if (!vm_is_running(v))
		return;
	(block ? published_block : published_usb)(keys, v->sys->opt.vmif, &told);
	if (told.skipped)
		log_line(v->sys, "%s: %zu %s devices that it tells of are not as they have to be", v->name,
			 told.skipped, devclass_names[class]);
	/* Those of the fixture are there as long as it runs, whatever it says. */
	list = lab_devices(v, class, &n);
	list = xreallocarray(list, n + told.n + 1, sizeof *list);
	for (size_t i = 0; i < told.n; i++)
		if (!has_port(list, n, told.v[i].port))
			list[n++] = (block ? block_device : usb_device)(v, &told, &told.v[i]);
	if (!devices_publish(v, class, list, n, false) && always)
		device_list_written(v, class);
	if (!block)
		connections_told(v, &told);
}
