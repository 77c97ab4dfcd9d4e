/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing where the Admin API is. */
#include "admin/endpoint.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"

void endpoint_release(struct endpoint *e)
{
	free(e->path);
	*e = (struct endpoint){0};
}

static void set_qrexec(struct endpoint *e)
{
	const char *program = getenv("QVM_QREXEC_CLIENT_VM");

	e->kind = ENDPOINT_QREXEC;
	e->path = xstrdup(program && *program ? program : "/usr/bin/qrexec-client-vm");
}

int endpoint_from_env(struct endpoint *ret, struct err *err)
{
	const char *where = getenv("QVM_ENDPOINT");
	const char *path;

	*ret = (struct endpoint){0};
	if (where && *where) {
		ret->explicit = true;
		if ((path = skip_prefix(where, "unix:")) && *path) {
			ret->kind = ENDPOINT_UNIX;
			ret->path = xstrdup(path);
			return 0;
		}
		if (streq(where, "qrexec:")) {
			set_qrexec(ret);
			return 0;
		}
		return err_set(err, -EINVAL, "", "QVM_ENDPOINT must be unix:PATH or qrexec:, not '%s'", where);
	}
	if (access("/etc/qubes-release", F_OK) == 0) {
		ret->kind = ENDPOINT_UNIX;
		ret->path = xstrdup("/var/run/qubesd.sock");
		return 0;
	}
	set_qrexec(ret);
	ret->missing = strchr(ret->path, '/') && access(ret->path, X_OK) < 0;
	return 0;
}
