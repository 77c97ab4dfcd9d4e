/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be known to go wrong before a passphrase is asked for. */
#include <errno.h>
#include <libgen.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "qvm-backup/backup.h"

/* Compression may make it fit. */
static void check_space(struct job *j, const char *dir)
{
	struct table t = {0};
	struct statvfs fs;
	double room;

	if (statvfs(dir, &fs) < 0)
		return;
	room = (double)fs.f_bavail * (double)fs.f_frsize;
	table_parse(&t, buf_str(&j->info));
	if (room < t.total)
		log_warning(j->c, j->c->prog, "only %.1f MiB are free in '%s' for %.1f MiB before compression",
			    room / 1048576, dir, t.total / 1048576);
	table_release(&t);
}

/* The daemon writes there, with rights of its own: what only its caller may not do or see is for it to say. */
int check_destination(struct job *j)
{
	const char *path = j->profile.destination_path;
	CLEANUP_FREE char *copy = NULL;
	const char *dir = path;
	struct stat st;

	/* Only the daemon knows what a path is relative to. */
	if (!path || path[0] != '/' || !streq(j->profile.destination_vm, "dom0"))
		return STATUS_OK;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		copy = xstrdup(path);
		dir = dirname(copy);
	}
	if (stat(dir, &st) < 0)
		return errno == EACCES ? STATUS_OK :
					 fail(j->c, "the backup directory for %s does not exist", path);
	if (access(dir, W_OK) < 0 && errno == EROFS)
		return fail(j->c, "cannot write to '%s': %s", dir, strerror(errno));
	check_space(j, dir);
	return STATUS_OK;
}
