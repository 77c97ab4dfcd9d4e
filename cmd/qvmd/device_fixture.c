/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices and assignments in a fixture (qvm-lab(1)). */
#include <errno.h>

#include "base/mem.h"
#include "model/names.h"
#include "qvmd/device.h"
#include "qvmd/fixture.h"

struct entry {
	struct vm *v;
	char *class, *port, *id, *parent, *device, *mode;
	struct device_props props; /* of a device; the options of an assignment */
};

static void entry_release(struct entry *e)
{
	free(e->class);
	free(e->port);
	free(e->id);
	free(e->parent);
	free(e->device);
	free(e->mode);
	device_props_release(&e->props);
}

/* ---- devices ---- */

static int load_data(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct entry *e = data;
	CLEANUP_FREE char *name = xasprintf("_%s", key), *s = NULL;

	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	device_props_put(&e->props, name, s);
	return 0;
}

static int load_device_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	static const char *const texts[] = {"vendor", "product", "manufacturer", "name", "serial", "interfaces"};
	static const char *const inner[] = {"mode", "size", "sbdf"};
	struct entry *e = data;
	CLEANUP_FREE char *s = NULL;

	if (streq(key, "class"))
		return fixture_text(l, val, key, &e->class);
	if (streq(key, "port"))
		return fixture_text(l, val, key, &e->port);
	if (streq(key, "id"))
		return fixture_text(l, val, key, &e->id);
	if (streq(key, "parent"))
		return fixture_text(l, val, key, &e->parent);
	if (streq(key, "data"))
		return each_pair(l, val, key, load_data, e);
	for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
		if (streq(key, inner[i]))
			return load_data(l, e, key, at, val);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(key, texts[i])) {
			if (fixture_text(l, val, key, &s) < 0)
				return -EINVAL;
			device_props_put(&e->props, key, s);
			return 0;
		}
	return fixture_bad(l, at, key, "a device has no such key");
}

/* The names that a class gives to its ports (admin-api 8.1). */
static bool port_is_good(enum devclass class, const char *port)
{
	static const char *const sets[DEVCLASS_COUNT] = {
		[DEV_BLOCK] = "a-z0-9-", [DEV_MIC] = "a-z", [DEV_PCI] = "0-9a-f_.-", [DEV_TEST] = "A-Za-z0-9_.-",
		[DEV_USB] = "0-9.-",
	};

	return *port && chars_all(port, sets[class]) && (class != DEV_BLOCK || strlen(port) <= 12);
}

/* What a fixture need not say. */
static void complete(struct entry *e, enum devclass class)
{
	const char *last;

	if (!e->id && class == DEV_BLOCK)
		e->id = xstrdup(":None");
	if (!e->id)
		e->id = xstrdup(class == DEV_MIC ? "dom0:mic::m000000" : DEVICE_UNKNOWN_ID);
	last = strrchr(e->id, ':');
	if (device_props_get(&e->props, "interfaces"))
		return;
	if (class == DEV_BLOCK || class == DEV_MIC)
		device_props_put(&e->props, "interfaces", class == DEV_BLOCK ? "b******" : "m******");
	else if ((class == DEV_USB || class == DEV_PCI) && last)
		device_props_put(&e->props, "interfaces", last + 1);
	else
		device_props_put(&e->props, "interfaces", INTERFACE_UNKNOWN);
}

/* "usb:2-1": what it is a part of. */
static int put_parent(struct load *l, struct entry *e, enum devclass class, yaml_node_t *item)
{
	CLEANUP_FREE char *maker = NULL;
	char *colon = e->parent ? strchr(e->parent, ':') : NULL;

	if (e->parent && !colon)
		return fixture_bad(l, item, "parent", "CLASS:PORT is expected");
	if (colon) {
		*colon = '\0';
		device_props_put(&e->props, "parent_port_id", colon + 1);
		device_props_put(&e->props, "parent_devclass", e->parent);
	}
	if (class != DEV_BLOCK || device_props_get(&e->props, "manufacturer"))
		return 0;
	maker = colon ? xasprintf("sub-device of %s:%s", e->v->name, colon + 1) :
			xasprintf("hosted by %s", e->v->name);
	device_props_put(&e->props, "manufacturer", maker);
	return 0;
}

static int put_device(struct load *l, struct entry *e, yaml_node_t *item)
{
	int class = e->class ? devclass_from_name(e->class) : -1, r;
	CLEANUP_ERR struct err why = ERR_INIT;
	CLEANUP_BUF struct buf props = BUF_INIT;
	CLEANUP_FREE char *line = NULL;

	if (class < 0)
		return fixture_bad(l, item, "class", "a device is of class block, mic, pci, testclass or usb");
	if (!e->port || !port_is_good((enum devclass)class, e->port))
		return fixture_bad(l, item, "port", "'%s' is not a port of class %s", e->port ? e->port : "",
				   e->class);
	complete(e, (enum devclass)class);
	r = put_parent(l, e, (enum devclass)class, item);
	if (r < 0)
		return r;
	if (!*e->id || strchr(e->id, ' '))
		return fixture_bad(l, item, "id", "an id is not empty and has no blanks");
	for (size_t i = 0; i < e->props.keys.n; i++)
		device_prop_add(&props, e->props.keys.v[i], e->props.values.v[i]);
	line = xasprintf("%s:%s %s", e->port, e->id, buf_str(&props));
	r = lab_device_put(e->v, (enum devclass)class, line, &why);
	return r < 0 ? fixture_bad_check(l, item, "devices", &why) : 0;
}

int load_device(struct load *l, void *vm, yaml_node_t *item)
{
	struct entry e = {.v = vm};
	int r = each_pair(l, item, "devices", load_device_key, &e);

	if (r == 0)
		r = put_device(l, &e, item);
	entry_release(&e);
	return r;
}

/* ---- assignments ---- */

static int load_option(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;

	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	device_props_put(&((struct entry *)data)->props, key, s);
	return 0;
}

static int load_assigned_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct entry *e = data;

	if (streq(key, "class"))
		return fixture_text(l, val, key, &e->class);
	if (streq(key, "device"))
		return fixture_text(l, val, key, &e->device);
	if (streq(key, "mode"))
		return fixture_text(l, val, key, &e->mode);
	if (streq(key, "options"))
		return each_pair(l, val, key, load_option, e);
	return fixture_bad(l, at, key, "an assignment has no such key");
}

static int put_assigned(struct load *l, struct entry *e, yaml_node_t *item)
{
	int class = e->class ? devclass_from_name(e->class) : -1;
	int mode = e->mode ? devmode_from_name(e->mode) : DEVMODE_AUTO;
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err why = ERR_INIT;
	CLEANUP_FREE char *path = NULL;
	struct vm *backend;

	if (class < 0)
		return fixture_bad(l, item, "class", "a device is of class block, mic, pci, testclass or usb");
	if (mode <= DEVMODE_MANUAL)
		return fixture_bad(l, item, "mode", "auto-attach, ask-to-attach or required is expected");
	if (!e->device || device_ref_parse(&u.ref, e->device) < 0 || !chars_all(e->device, "!-~"))
		return fixture_bad(l, item, "device", "QUBE:PORT or QUBE:PORT:ID is expected");
	backend = vm_find(l->sys, u.ref.backend);
	if (!backend)
		return fixture_bad(l, item, "device", "there is no qube '%s'", u.ref.backend);
	path = u.ref.port;
	u.ref.port = lab_port(backend, (enum devclass)class, path);
	u.class = (enum devclass)class;
	u.mode = (enum devmode)mode;
	u.frontend = xstrdup(e->v->name);
	if (device_props_check(&e->props, &why) < 0)
		return fixture_bad_check(l, item, "options", &why);
	for (size_t i = 0; i < e->props.keys.n; i++)
		kvs_put(&u.options, e->props.keys.v[i], e->props.values.v[i], false);
	if (devuses_find(&devices_of(e->v)->assigned, u.class, &u.ref))
		return fixture_bad(l, item, "device", "assigned twice");
	vm_assign(e->v, &u);
	return 0;
}

int load_assigned(struct load *l, void *vm, yaml_node_t *item)
{
	struct entry e = {.v = vm};
	int r = each_pair(l, item, "assigned", load_assigned_key, &e);

	if (r == 0)
		r = put_assigned(l, &e, item);
	entry_release(&e);
	return r;
}
