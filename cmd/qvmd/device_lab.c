/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of devices in the lab: what a fixture gave to a qube is there while it runs. Kept in the store. */
#include <errno.h>
#include <stdlib.h>

#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/store.h"

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
		if (line && device_line_parse(&list[n], &context, line, NULL) == 0)
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
