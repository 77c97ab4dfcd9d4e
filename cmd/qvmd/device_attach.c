/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching and detaching: the rules of each class (admin-api 8.9), and the events (11.2). */
#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/names.h"
#include "qvmd/device.h"

/* ---- events ---- */

/* A dictionary as Python shows it. */
static char *dict_text(const struct kvs *k)
{
	struct buf b = BUF_INIT;

	buf_addch(&b, '{');
	for (size_t i = 0; i < k->n; i++) {
		CLEANUP_FREE char *key = quote_py(k->v[i].key), *value = quote_py(k->v[i].value);

		buf_addf(&b, "%s%s: %s", i ? ", " : "", key, value);
	}
	buf_addch(&b, '}');
	return buf_steal(&b);
}

/* The 4.2 form of a name has no id. */
static char *event_text(const struct sys *s, const struct device_ref *ref)
{
	return s->opt.compat == 42 ? xasprintf("%s:%s", ref->backend, ref->port) : device_ref_text(ref);
}

void device_event(struct vm *v, const char *what, enum devclass class, const struct device_ref *ref,
		  const struct kvs *options)
{
	CLEANUP_FREE char *event = xasprintf("device-%s:%s", what, devclass_names[class]);
	CLEANUP_FREE char *device = event_text(v->sys, ref);
	CLEANUP_FREE char *text = options ? dict_text(options) : NULL;

	if (text)
		fire(v->sys, v, event, "device", device, "options", text, NULL);
	else
		fire(v->sys, v, event, "device", device, NULL);
}

void device_port_event(struct vm *v, const char *what, enum devclass class, const struct device_ref *ref)
{
	CLEANUP_FREE char *event = xasprintf("device-%s:%s", what, devclass_names[class]);
	CLEANUP_FREE char *port = xasprintf("%s:%s", ref->backend, ref->port);

	fire(v->sys, v, event, v->sys->opt.compat == 42 ? "device" : "port", port, NULL);
}

/* ---- rules ---- */

struct attaching {
	struct vm *v;
	const struct device *d;
	struct kvs *options; /* completed by the rules */
};

/* The first letters behind "xvd": i to z, then pairs. */
static char *frontend_name(int n)
{
	if (n < 'z' - 'i' + 1)
		return xasprintf("xvd%c", 'i' + n);
	n -= 'z' - 'i' + 1;
	return n < 26 * 26 ? xasprintf("xvd%c%c", 'a' + n / 26, 'a' + n % 26) : NULL;
}

static bool frontend_is_taken(const struct vm *v, const char *name)
{
	for (size_t i = 0; v->devices && i < v->devices->attached.n; i++) {
		const struct devuse *u = &v->devices->attached.v[i];
		const char *taken = u->class == DEV_BLOCK ? kvs_get(&u->options, "frontend-dev") : NULL;

		if (taken && streq(taken, name))
			return true;
	}
	return false;
}

static int choose_frontend(struct attaching *a, bool cdrom, struct err *err)
{
	if (cdrom && !frontend_is_taken(a->v, "xvdd")) {
		kvs_put(a->options, "frontend-dev", "xvdd", false);
		return 0;
	}
	for (int i = 0; true; i++) {
		CLEANUP_FREE char *name = frontend_name(i);

		if (!name)
			return err_set(err, -ENOSPC, "QubesException", "No unused block device frontend found");
		if (!frontend_is_taken(a->v, name)) {
			kvs_put(a->options, "frontend-dev", name, false);
			return 0;
		}
	}
}

static int check_block_option(const struct kv *kv, struct err *err)
{
	if (streq(kv->key, "frontend-dev")) {
		if (skip_prefix(kv->value, "xvd") || skip_prefix(kv->value, "sd"))
			return 0;
		return err_set(err, -EINVAL, "QubesValueError", "Invalid frontend-dev option value: %s", kv->value);
	}
	if (streq(kv->key, "read-only")) {
		if (bool_word(kv->value) >= 0)
			return 0;
		return err_set(err, -EINVAL, "QubesValueError", "Invalid read-only option value: %s", kv->value);
	}
	if (streq(kv->key, "devtype")) {
		if (streq(kv->value, "disk") || streq(kv->value, "cdrom"))
			return 0;
		return err_set(err, -EINVAL, "QubesValueError",
			       "devtype option can only have 'disk' or 'cdrom' value");
	}
	return err_set(err, -EINVAL, "QubesValueError", "Unsupported option %s", kv->key);
}

static int prepare_block(struct attaching *a, struct err *err)
{
	bool read_only = streq(device_text(a->d, "_mode"), "r");
	const char *devtype, *given;

	for (size_t i = 0; i < a->options->n; i++)
		if (check_block_option(&a->options->v[i], err) < 0)
			return -EINVAL;
	given = kvs_get(a->options, "read-only");
	if (given && read_only && !bool_word(given))
		return err_set(err, -EINVAL, "QubesValueError", "This device can be attached only read-only");
	kvs_put(a->options, "read-only", (given ? bool_word(given) == 1 : read_only) ? "yes" : "no", false);
	devtype = kvs_get(a->options, "devtype");
	return kvs_get(a->options, "frontend-dev") ? 0 : choose_frontend(a, devtype && streq(devtype, "cdrom"), err);
}

static int prepare_usb(struct attaching *a, struct err *err)
{
	if (!a->options->n)
		return 0;
	return err_set(err, -EINVAL, "QubesException", "USB device attach does not support user options");
}

static int prepare_mic(struct attaching *a, struct err *err)
{
	if (!a->options->n)
		return 0;
	return err_set(err, -EINVAL, "QubesException", "mic device does not support options");
}

static int prepare_pci(struct attaching *a, struct err *err)
{
	CLEANUP_FREE char *mode = a->v->class == CLASS_ADMIN ? NULL : prop_get(a->v, "virt_mode", NULL);

	if (!mode)
		return err_set(err, -EINVAL, "QubesException", "Can't attach PCI device to dom0");
	if (streq(mode, "pvh"))
		return err_set(err, -EINVAL, "QubesException", "Can't attach PCI device to VM in pvh mode");
	return 0;
}

static int prepare(struct attaching *a, enum devclass class, struct err *err)
{
	static int (*const rules[DEVCLASS_COUNT])(struct attaching *, struct err *) = {
		[DEV_BLOCK] = prepare_block, [DEV_USB] = prepare_usb, [DEV_MIC] = prepare_mic, [DEV_PCI] = prepare_pci,
	};
	const struct vm *holder = device_holder(a->v->sys, class, &a->d->ref);
	CLEANUP_FREE char *device = device_ref_text(&a->d->ref);

	if (holder)
		return err_set(err, -EBUSY, "DeviceAlreadyAttached", "Device %s already attached to %s", device,
			       holder->name);
	return rules[class] ? rules[class](a, err) : 0;
}

int device_attach(struct vm *v, enum devclass class, const struct device *d, const struct kvs *options, bool quiet,
		  struct err *err)
{
	CLEANUP_DEVUSE struct devuse u = {
		.class = class,
		.ref = device_ref_new(d->ref.backend, d->ref.port, d->ref.id),
		.mode = DEVMODE_MANUAL,
		.frontend = xstrdup(v->name),
	};
	struct attaching a = {.v = v, .d = d, .options = &u.options};
	int r;

	for (size_t i = 0; i < options->n; i++)
		kvs_put(&u.options, options->v[i].key, options->v[i].value, false);
	if (!quiet)
		device_event(v, "pre-attach", class, &u.ref, &u.options);
	r = prepare(&a, class, err);
	if (r < 0)
		return r;
	if (!quiet)
		device_event(v, "attach", class, &u.ref, &u.options);
	devuses_add(&devices_of(v)->attached, &u);
	return 0;
}

void device_lost(struct vm *v, struct devuse *u)
{
	CLEANUP_DEVUSE struct devuse gone = devuse_copy(u);

	devuses_drop(&v->devices->attached, u);
	device_port_event(v, "detach", gone.class, &gone.ref);
}

void device_detach(struct vm *v, struct devuse *u)
{
	device_port_event(v, "pre-detach", u->class, &u->ref);
	device_lost(v, u);
}
