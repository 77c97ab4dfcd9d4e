/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below a directory, reached one component after the other. */
#include "qvmd/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "os/io.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MAKE_TRIES 8 /* another thread may remove a directory that is empty for the moment */

/* The names on the way, "." and ".." resolved. No name is a link, so that words alone tell where a path leads. */
static void split(const char *path, struct strv *ret)
{
	CLEANUP_STRV struct strv all = STRV_INIT;

	strv_split(&all, path, '/');
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.v[i];

		if (streq(name, "..") && ret->n)
			strv_remove(ret, ret->n - 1);
		else if (*name && !streq(name, ".") && !streq(name, ".."))
			strv_add(ret, name);
	}
}

/* Enters the directory name of dir; makes it when asked to, and sees to it that it stays. */
static int enter(int dir, const char *name, bool make)
{
	int fd = openat(dir, name, DIR_FLAGS);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd >= 0 ? fd : -errno;
	if (mkdirat(dir, name, 0700) == 0)
		fsync(dir);
	else if (errno != EEXIST)
		return -errno;
	fd = openat(dir, name, DIR_FLAGS);
	return fd >= 0 ? fd : -errno;
}

/* The directory of names[0..n), a new descriptor. */
static int walk(int root, const struct strv *names, size_t n, bool make)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		int next = enter(fd, names->v[i], make);

		close(fd);
		if (next < 0)
			return next;
		fd = next;
	}
	return fd;
}

/* The directory that a file is in, and the file's name, which the caller frees. */
static int parent(int root, const char *path, bool make, char **ret_name)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int fd;

	split(path, &names);
	if (!names.n)
		return -EISDIR;
	fd = walk(root, &names, names.n - 1, make);
	if (fd >= 0)
		*ret_name = xstrdup(names.v[names.n - 1]);
	return fd;
}

int tree_open(int root, const char *path, int flags)
{
	bool make = flags & O_CREAT;
	struct stat st;
	int fd = -ENOENT;

	for (int i = 0; fd == -ENOENT && i < (make ? MAKE_TRIES : 1); i++) {
		CLEANUP_FREE char *name = NULL;
		CLEANUP_CLOSE int dir = parent(root, path, make, &name);

		if (dir < 0) {
			fd = dir;
			continue;
		}
		/* without O_NONBLOCK a pipe that somebody put there would hold us up */
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
		if (fd < 0)
			fd = -errno;
	}
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -EINVAL;
	}
	return fd;
}

int tree_stat(int root, const char *path, struct stat *st)
{
	CLEANUP_FREE char *name = NULL;
	CLEANUP_CLOSE int dir = parent(root, path, false, &name);

	if (dir < 0)
		return dir;
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISLNK(st->st_mode) ? -ELOOP : 0;
}

int tree_statvfs(int root, const char *path, struct statvfs *st)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_CLOSE int dir = -ENOENT;

	split(path, &names);
	for (size_t n = names.n + 1; dir == -ENOENT && n > 0; n--)
		dir = walk(root, &names, n - 1, false);
	if (dir < 0)
		return dir;
	return fstatvfs(dir, st) < 0 ? -errno : 0;
}

int tree_rename(int root, const char *from, const char *to)
{
	CLEANUP_FREE char *from_name = NULL, *to_name = NULL;
	CLEANUP_CLOSE int from_dir = parent(root, from, false, &from_name);
	CLEANUP_CLOSE int to_dir = parent(root, to, true, &to_name);

	if (from_dir < 0 || to_dir < 0)
		return from_dir < 0 ? from_dir : to_dir;
	return renameat(from_dir, from_name, to_dir, to_name) < 0 ? -errno : 0;
}

int tree_remove(int root, const char *path)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int r = 0;

	split(path, &names);
	for (size_t n = names.n; n > 0; n--) {
		CLEANUP_CLOSE int dir = walk(root, &names, n - 1, false);
		bool is_file = n == names.n;

		if (dir < 0)
			return is_file ? dir : r;
		if (unlinkat(dir, names.v[n - 1], is_file ? 0 : AT_REMOVEDIR) < 0) {
			if (!is_file)
				return r; /* something else is in it */
			r = -errno;
		}
	}
	return r;
}

int tree_sync(int root, const char *path)
{
	CLEANUP_FREE char *name = NULL;
	CLEANUP_CLOSE int dir = parent(root, path, false, &name);

	if (dir < 0)
		return dir;
	return fsync(dir) < 0 ? -errno : 0;
}

/* ---- sweeping ---- */

/* path: of the directory, "" for the root. Takes fd over. */
static int sweep(int fd, const char *path, tree_remove_fn *fn, void *data)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((e = readdir(dir))) {
		CLEANUP_FREE char *full = xasprintf("%s/%s", path, e->d_name);
		struct stat st;

		if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			int sub = openat(dirfd(dir), e->d_name, DIR_FLAGS);
			int sub_r = sub < 0 ? -errno : sweep(sub, full, fn, data);

			r = sub_r < 0 ? sub_r : r;
			/* no file, no reason to stay; one that is not empty does not go */
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
		} else if (S_ISREG(st.st_mode) && fn(data, full) && unlinkat(dirfd(dir), e->d_name, 0) < 0) {
			r = -errno;
		}
	}
	closedir(dir);
	return r;
}

int tree_sweep(int root, tree_remove_fn *fn, void *data)
{
	int fd = openat(root, ".", DIR_FLAGS);

	return fd < 0 ? -errno : sweep(fd, "", fn, data);
}
