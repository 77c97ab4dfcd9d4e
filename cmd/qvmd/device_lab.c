/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of devices in the lab: what a fixture gave to a qube is there while it runs. Kept in the store. */
#include <errno.h>
#include <stdlib.h>

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
			n++;
		else
			device_release(&list[n]);
	}
	qsort(list, n, sizeof *list, by_key);
	*ret_n = n;
	return list;
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
	CLEANUP_FREE char *entry = xasprintf("%s %s", devclass_names[class], line);
	int r = device_line_parse(&d, &context, line, err);

	if (r == 0)
		r = device_props_check(&d.props, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < devices_of(v)->lab.n; i++) {
		const char *other = v->devices->lab.v[i];
		size_t n = strlen(devclass_names[class]) + 1 + strlen(d.ref.port) + 1;

		if (strncmp(other, entry, n) == 0)
			return err_set(err, -EEXIST, "", "there is another %s device in port %s",
				       devclass_names[class], d.ref.port);
	}
	strv_add(&v->devices->lab, entry);
	store_lab_device(v, entry);
	return 0;
}
