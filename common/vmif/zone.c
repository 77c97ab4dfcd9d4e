/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time zone of dom0. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "vmif/derive.h"

#define ZONES "/usr/share/zoneinfo"
#define DEPTH_MAX 4 /* America/Argentina/Ushuaia */

/* The name of the file below dir that is the same as st; name is that of dir, "" at the top. */
static char *find_same(const char *dir, const char *name, const struct stat *st, int depth)
{
	DIR *d = depth < DEPTH_MAX ? opendir(dir) : NULL;
	char *found = NULL;

	for (struct dirent *e; d && !found && (e = readdir(d));) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", dir, e->d_name);
		CLEANUP_FREE char *below = xasprintf("%s%s%s", name, *name ? "/" : "", e->d_name);
		struct stat at;

		if (e->d_name[0] == '.' || lstat(path, &at) < 0)
			continue;
		if (S_ISDIR(at.st_mode))
			found = find_same(path, below, st, depth + 1);
		else if (at.st_dev == st->st_dev && at.st_ino == st->st_ino)
			found = STEAL(below);
	}
	if (d)
		closedir(d);
	return found;
}

char *zone_of(const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof target - 1);
	struct stat st;

	if (n >= 0) {
		const char *at;

		target[n] = '\0';
		at = strstr(target, "zoneinfo/");
		return at ? xstrdup(at + strlen("zoneinfo/")) : NULL;
	}
	return stat(path, &st) == 0 ? find_same(ZONES, "", &st, 0) : NULL;
}
