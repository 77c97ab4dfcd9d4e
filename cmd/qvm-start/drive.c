/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From --drive, --hddisk, --cdrom and --install-windows-tools to a block device. */
#include "qvm-start/drive.h"

#include <errno.h>

#include "base/mem.h"
#include "model/device.h"

#define WINDOWS_TOOLS "dom0:/usr/lib/qubes/qubes-windows-tools.iso"

void drive_release(struct drive *d)
{
	free(d->backend);
	free(d->port);
	*d = (struct drive){0};
}

/* The VMNAME:DEV part of whichever option was given, or NULL. */
static const char *drive_spec(const struct ctx *c, bool *ret_disk)
{
	const char *spec = arg_value(&c->args, "--drive");
	const char *rest;

	*ret_disk = false;
	if (arg_has(&c->args, "--install-windows-tools"))
		return WINDOWS_TOOLS;
	if (arg_has(&c->args, "--cdrom"))
		return arg_value(&c->args, "--cdrom");
	if (arg_has(&c->args, "--hddisk")) {
		*ret_disk = true;
		return arg_value(&c->args, "--hddisk");
	}
	if (!spec)
		return NULL;
	rest = skip_prefix(spec, "hd:");
	*ret_disk = rest;
	if (!rest)
		rest = skip_prefix(spec, "cdrom:");
	return rest ? rest : spec;
}

bool drive_wanted(const struct ctx *c)
{
	bool disk;

	return drive_spec(c, &disk);
}

int drive_resolve(struct ctx *c, const struct qubes *all, struct drive *ret, struct err *err)
{
	CLEANUP_DRIVE struct drive d = {0};
	const char *spec = drive_spec(c, &d.disk);
	const char *colon = strchr(spec, ':');
	const struct qube *backend;

	if (!colon)
		return err_set(err, -EINVAL, "",
			       "Incorrect image name: image must be in the format of VMNAME:full_path, for example "
			       "dom0:/home/user/test.iso");
	d.backend = xstrndup(spec, colon - spec);
	backend = qubes_find(all, d.backend);
	if (!backend)
		return err_set(err, -ENOENT, "", "No such VM: %s", d.backend);
	if (colon[1] == '/') {
		int r = loop_setup(c, backend, colon + 1, &d.port, err);

		if (r < 0)
			return r;
	} else {
		d.port = xstrdup(colon + 1);
	}
	*ret = d;
	d = (struct drive){0};
	return 0;
}

char *drive_payload(const struct drive *d, const char *qube)
{
	struct buf b = BUF_INIT;

	device_prop_add(&b, "device_id", "*");
	device_prop_add(&b, "port_id", d->port);
	device_prop_add(&b, "devclass", "block");
	device_prop_add(&b, "backend_domain", d->backend);
	device_prop_add(&b, "mode", "required");
	device_prop_add(&b, "frontend_domain", qube);
	device_prop_add(&b, "_devtype", d->disk ? "disk" : "cdrom");
	device_prop_add(&b, "_read-only", d->disk ? "False" : "True");
	return buf_steal(&b);
}
