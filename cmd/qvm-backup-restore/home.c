/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's home: unpacked beside what is there, for its user (backup-policy-clock 3.7). */
#include <errno.h>
#include <fts.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "qvm-backup-restore/apply.h"

#define SUFFIX ".partial"
#define OPEN_DIRS 16

/* Whose home it is: the first member of the group qubes; NULL without such a group: the caller's. */
static const struct passwd *owner(void)
{
	const struct group *g = getgrnam("qubes");

	return g && g->gr_mem[0] ? getpwnam(g->gr_mem[0]) : NULL;
}

char *home_place(void)
{
	const struct passwd *user = owner();
	const char *home = user ? user->pw_dir : getenv("HOME");
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof text, "%Y-%m-%d-%H%M%S", &tm);
	return xasprintf("%s/home-restore-%s" SUFFIX, home && *home ? home : ".", text);
}

int home_begin(const char *place, struct err *err)
{
	if (mkdir(place, 0700) < 0)
		return err_set(err, -errno, "", "%s: %s", place, strerror(errno));
	return 0;
}

/* With what can be removed of it; its own directories may forbid that to their owner. */
static void remove_all(const char *place)
{
	char *const roots[] = { (char *)place, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (walk && (e = fts_read(walk))) {
		if (e->fts_info == FTS_D)
			chmod(e->fts_accpath, 0700);
		else
			remove(e->fts_accpath);
	}
	if (walk)
		fts_close(walk);
}

/* Links are not followed: they may point anywhere. */
static int give_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const struct passwd *user = owner();

	return user ? lchown(path, user->pw_uid, user->pw_gid) : 0;
}

int home_end(const char *place, bool whole, char **ret, struct err *err)
{
	char *name = xstrndup(place, strlen(place) - strlen(SUFFIX));

	*ret = name;
	if (!whole) {
		remove_all(place);
		return 0;
	}
	if (geteuid() == 0 && owner() && nftw(place, give_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS) < 0)
		return err_set(err, -errno, "", "%s: %s", place, strerror(errno));
	if (rename(place, name) < 0)
		return err_set(err, -errno, "", "%s: %s", place, strerror(errno));
	return 0;
}
