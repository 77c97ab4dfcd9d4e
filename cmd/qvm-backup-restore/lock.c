/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock of the paranoid mode (backup-policy-clock 3.8). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "os/io.h"
#include "qvm-backup-restore/paranoid.h"

#define LOCK_PATH "/var/run/qubes/backup-paranoid-restore.lock"

int restore_lock(struct ctx *c, bool alone, int *ret)
{
	const char *given = getenv("QVM_RESTORE_LOCK"), *path = given && *given ? given : LOCK_PATH;

	*ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret >= 0 && flock(*ret, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return STATUS_OK;
	if (*ret >= 0 && errno == EWOULDBLOCK)
		return fail(c, "another restore%s is under way (%s)", alone ? "" : ", in a disposable,", path);
	return alone ? fail(c, "cannot lock '%s': %s", path, strerror(errno)) : STATUS_OK;
}
