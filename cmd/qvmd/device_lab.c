/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source of devices in the lab: what a fixture gave to a qube is there while it runs, unless it was unplugged. Kept
 * in the store; what is unplugged, until the daemon ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/device_call.h"
#include "qvmd/store.h"

#define DEPTH_MAX 8 /* a device that is part of itself is a part of nothing */

static int by_key(const void *a, const void *b)
{
	const struct device *x = a, *y = b;
	CLEANUP_FREE char *xk = xasprintf("%s:%s", x->ref.port, x->ref.id);
	CLEANUP_FREE char *yk = xasprintf("%s:%s", y->ref.port, y->ref.id);

	return strcmp(xk, yk);
}

/* The entry that begins with "CLASS PORT:", or NULL. */
static const char *lab_entry(struct vm *v, const char *mark)
{
	const struct strv *lab = &devices_of(v)->lab;

	for (size_t i = 0; i < lab->n; i++)
		if (skip_prefix(lab->v[i], mark))
			return lab->v[i];
	return NULL;
}

/* 4.2 names a PCI device by its bus and not by the way to it: bb_dd.f of 0000:bb:dd.f (admin-api 8.1). */
static void name_as_then(const struct sys *s, enum devclass class, struct device *d)
{
	const char *sbdf = device_text(d, "_sbdf"), *bus = strchr(sbdf, ':');

	if (s->opt.compat != 42 || class != DEV_PCI || !bus || !strchr(bus + 1, ':') ||
	    !chars_all(bus + 1, "0-9a-f.:"))
		return;
	free(d->ref.port);
	d->ref.port = xstrdup(bus + 1);
	*strchr(d->ref.port, ':') = '_';
}

/* Neither it was unplugged nor what it is a part of. */
static bool is_plugged(struct vm *v, const char *class, const char *port, int depth)
{
	CLEANUP_FREE char *name = xasprintf("%s %s", class, port), *mark = xasprintf("%s:", name);
	const char *entry = lab_entry(v, mark), *up_class, *up_port;
	CLEANUP_DEVICE struct device d = {0};

	if (strv_has(&v->devices->unplugged, name))
		return false;
	if (!entry || depth == DEPTH_MAX ||
	    device_line_parse(&d, &(struct device_context){class, v->name}, entry + strlen(class) + 1, NULL) < 0)
		return true;
	up_class = device_props_get(&d.props, "parent_devclass");
	up_port = device_props_get(&d.props, "parent_port_id");
	return !up_class || !up_port || is_plugged(v, up_class, up_port, depth + 1);
}

struct device *lab_devices(struct vm *v, enum devclass class, size_t *ret_n)
{
	const struct device_context context = {devclass_names[class], v->name};
	CLEANUP_FREE char *mark = xasprintf("%s ", devclass_names[class]);
	const struct strv *lab = &devices_of(v)->lab;
	struct device *list = xcalloc(lab->n + 1, sizeof *list);
	size_t n = 0;

	for (size_t i = 0; i < lab->n; i++) {
		const char *line = skip_prefix(lab->v[i], mark);

		/* All of them were read once before. */
		if (line && device_line_parse(&list[n], &context, line, NULL) == 0 &&
		    is_plugged(v, context.class, list[n].ref.port, 0))
			name_as_then(v->sys, class, &list[n++]);
		else
			device_release(&list[n]);
	}
	qsort(list, n, sizeof *list, by_key);
	*ret_n = n;
	return list;
}

char *lab_port(struct vm *v, enum devclass class, const char *port)
{
	const struct device_context context = {devclass_names[class], v->name};
	CLEANUP_FREE char *mark = xasprintf("%s %s:", devclass_names[class], port);
	const char *entry = lab_entry(v, mark);
	CLEANUP_DEVICE struct device d = {0};

	if (!entry || device_line_parse(&d, &context, entry + strlen(devclass_names[class]) + 1, NULL) < 0)
		return xstrdup(port);
	name_as_then(v->sys, class, &d);
	return STEAL(d.ref.port);
}

static void up(struct vm *v, bool quiet)
{
	for (int c = 0; v->devices && c < DEVCLASS_COUNT; c++) {
		size_t n;
		struct device *list = lab_devices(v, (enum devclass)c, &n);

		devices_publish(v, (enum devclass)c, list, n, quiet);
	}
}

const struct device_source lab_source = {up};

int lab_device_put(struct vm *v, enum devclass class, const char *line, struct err *err)
{
	const struct device_context context = {devclass_names[class], v->name};
	CLEANUP_DEVICE struct device d = {0};
	CLEANUP_FREE char *entry = xasprintf("%s %s", devclass_names[class], line), *mark = NULL;
	int r = device_line_parse(&d, &context, line, err);

	if (r == 0)
		r = device_props_check(&d.props, err);
	if (r < 0)
		return r;
	mark = xasprintf("%s %s:", devclass_names[class], d.ref.port);
	if (lab_entry(v, mark))
		return err_set(err, -EEXIST, "", "there is another %s device in port %s", devclass_names[class],
			       d.ref.port);
	strv_add(&v->devices->lab, entry);
	store_lab_device(v, entry);
	return 0;
}

/* ---- plugging ---- */

/* Is it one of the fixture's? */
static bool is_mine(struct vm *v, enum devclass class, const char *port)
{
	CLEANUP_FREE char *mark = xasprintf("%s %s:", devclass_names[class], port);

	return lab_entry(v, mark);
}

/* What is plugged in now, and what the qube itself tells of (device_told.c). */
static void offer(struct vm *v, enum devclass class)
{
	bool tells = class == DEV_BLOCK || class == DEV_USB;
	size_t n;
	struct device *list = lab_devices(v, class, &n);

	list = xreallocarray(list, n + v->devices->n_present[class] + 1, sizeof *list);
	for (size_t i = 0; tells && i < v->devices->n_present[class]; i++) {
		const struct device *d = &v->devices->present[class][i];

		if (!is_mine(v, class, d->ref.port))
			list[n++] = device_copy(d);
	}
	devices_publish(v, class, list, n, false);
}

static void set_plugged(struct req *r, bool plug)
{
	int class = device_class(r);
	struct vm *v = r->dest;
	struct strv *unplugged = &devices_of(v)->unplugged;
	CLEANUP_FREE char *name = xasprintf("%s %s", r->suffix, r->arg);

	if (class < 0)
		return;
	if (!is_mine(v, (enum devclass)class, r->arg))
		return req_fail(r, "QubesException", "%s has no %s device in port %s", v->name, r->suffix, r->arg);
	for (size_t i = unplugged->n; i > 0; i--)
		if (streq(unplugged->v[i - 1], name))
			strv_remove(unplugged, i - 1);
	if (!plug)
		strv_add(unplugged, name);
	for (int c = 0; vm_is_running(v) && c < DEVCLASS_COUNT; c++)
		offer(v, (enum devclass)c);
	req_ok(r, "");
}

static void handle_plug(struct req *r)
{
	set_plugged(r, true);
}

static void handle_unplug(struct req *r)
{
	set_plugged(r, false);
}

#define CALL(name, handle_) \
	{ "lab.device.*." name, "S23N", DEST_ANY, PART_NEEDED, PART_NONE, ACCESS_WRITE, handle_ }

const struct method methods_lab[] = {
	CALL("Plug", handle_plug),
	CALL("Unplug", handle_unplug),
	METHOD_END,
};
