/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory trees as inner tar: checking and unpacking. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "archive/tar.h"
#include "archive/tree.h"
#include "base/mem.h"

#define PIECE (64u << 10)

struct in {
	struct source *from;
	struct err *err;
	int status;
	uint64_t zeros; /* at the end of what was read */
	char piece[PIECE];
};

static ssize_t in_read(struct in *in)
{
	ssize_t n = in->from->read(in->from->data, in->piece, sizeof in->piece, in->err);
	size_t tail = n > 0 ? (size_t)n : 0;

	if (n < 0)
		in->status = (int)n;
	while (tail && !in->piece[tail - 1])
		tail--;
	if (n > 0)
		in->zeros = tail ? (uint64_t)n - tail : in->zeros + (uint64_t)n;
	return n;
}

static la_ssize_t on_read(struct archive *a, void *data, const void **ret)
{
	struct in *in = data;
	ssize_t n = in_read(in);

	*ret = in->piece;
	if (n >= 0)
		return n;
	archive_set_error(a, EIO, "read failed");
	return ARCHIVE_FATAL;
}

static int said(struct archive *a, const struct in *in, struct err *err)
{
	const char *text = archive_error_string(a);

	if (in->status < 0)
		return in->status;
	return err_set(err, -EBADMSG, "", "%s", text ? text : "damaged tar");
}

/* name itself, or below it and without "..". */
static bool is_below(const char *path, const char *name)
{
	const char *rest = path ? skip_prefix(path, name) : NULL;

	if (!rest || (*rest && *rest != '/'))
		return false;
	for (; *rest; rest += strcspn(rest, "/")) {
		rest += strspn(rest, "/");
		if (strncmp(rest, "..", 2) == 0 && (!rest[2] || rest[2] == '/'))
			return false;
	}
	return true;
}

static int check_entry(struct archive_entry *e, const char *name, struct err *err)
{
	const char *path = archive_entry_pathname(e), *link = archive_entry_hardlink(e);
	unsigned type = archive_entry_filetype(e);

	if (!is_below(path, name) || (link && !is_below(link, name)))
		return err_set(err, -EBADMSG, "", "a name in it is not allowed: %s", link ? link : path ? path : "");
	if (!link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK && type != AE_IFIFO)
		return err_set(err, -EBADMSG, "", "not a file, directory or link: %s", path);
	return 0;
}

/* Names in the archive become names below dir. */
static void move_entry(struct archive_entry *e, const char *dir)
{
	const char *link = archive_entry_hardlink(e);
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, archive_entry_pathname(e));

	if (link) {
		CLEANUP_FREE char *target = xasprintf("%s/%s", dir, link);

		archive_entry_set_hardlink(e, target);
	}
	archive_entry_set_pathname(e, path);
}

static int unpack(struct archive *a, struct archive *disk, struct archive_entry *e, const char *dir,
		  const struct in *in, struct err *err)
{
	const void *p;
	la_int64_t offset;
	size_t n;
	int r;

	if (disk) {
		move_entry(e, dir);
		if (archive_write_header(disk, e) < ARCHIVE_WARN)
			return said(disk, in, err);
	}
	while ((r = archive_read_data_block(a, &p, &n, &offset)) == ARCHIVE_OK)
		if (disk && archive_write_data_block(disk, p, n, offset) < ARCHIVE_WARN)
			return said(disk, in, err);
	if (r != ARCHIVE_EOF)
		return said(a, in, err);
	if (disk && archive_write_finish_entry(disk) < ARCHIVE_WARN)
		return said(disk, in, err);
	return 0;
}

static int read_entries(struct archive *a, struct archive *disk, const char *name, const char *dir, struct in *in,
			struct err *err)
{
	unsigned entries = 0;

	for (;; entries++) {
		struct archive_entry *e;
		int r = archive_read_next_header(a, &e);

		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return said(a, in, err);
		r = check_entry(e, name, err);
		if (r == 0)
			r = unpack(a, disk, e, dir, in, err);
		if (r < 0)
			return r;
	}
	/* libarchive is content without the mark at the end. */
	while (in_read(in) > 0)
		;
	if (in->status < 0)
		return in->status;
	if (!entries || in->zeros < TAR_END)
		return err_set(err, -EBADMSG, "", "the archive is cut off");
	return 0;
}

int tree_read(struct source *from, const char *name, const char *dir, struct err *err)
{
	CLEANUP_FREE struct in *in = xcalloc(1, sizeof *in);
	CLEANUP_FREE char *real = dir ? realpath(dir, NULL) : NULL;
	struct archive *a = archive_read_new();
	struct archive *disk = dir ? archive_write_disk_new() : NULL;
	int r;

	in->from = from;
	in->err = err;
	archive_read_support_format_tar(a);
	if (disk)
		archive_write_disk_set_options(disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
					       ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
					       ARCHIVE_EXTRACT_NO_OVERWRITE);
	if (dir && !real)
		r = err_set(err, -errno, "", "%s: %s", dir, strerror(errno));
	else if (archive_read_open(a, in, NULL, on_read, NULL) != ARCHIVE_OK)
		r = said(a, in, err);
	else
		r = read_entries(a, disk, name, real, in, err);
	if (disk && archive_write_free(disk) < ARCHIVE_WARN && r == 0)
		r = err_set(err, -EIO, "", "%s could not be completed", dir);
	archive_read_free(a);
	return r;
}
