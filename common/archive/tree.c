/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory trees as inner tar. */
#include "archive/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "base/mem.h"

/* What libarchive says, or what our own callbacks said before it. */
static int failed(struct archive *a, struct err *err)
{
	if (err && err->text)
		return -EBADMSG;
	return err_set(err, -EBADMSG, "", "%s", archive_error_string(a) ? archive_error_string(a) : "damaged tar");
}

/* ---- writing ---- */

struct out {
	struct sink *to;
	struct err *err;
	int status;
};

static la_ssize_t out_write(struct archive *a, void *data, const void *p, size_t n)
{
	struct out *o = data;

	if (o->status == 0)
		o->status = o->to->write(o->to->data, p, n, o->err);
	if (o->status == 0)
		return (la_ssize_t)n;
	archive_set_error(a, -o->status, "write failed");
	return ARCHIVE_FATAL;
}

static int copy_data(struct archive *disk, struct archive *tar)
{
	const void *p;
	la_int64_t offset, at = 0;
	size_t n;
	int r;

	while ((r = archive_read_data_block(disk, &p, &n, &offset)) == ARCHIVE_OK) {
		static const char zeros[4096];

		for (; at < offset; at += (la_int64_t)sizeof zeros) {
			size_t hole = offset - at < (la_int64_t)sizeof zeros ? (size_t)(offset - at) : sizeof zeros;

			if (archive_write_data(tar, zeros, hole) < 0)
				return ARCHIVE_FATAL;
		}
		if (n && archive_write_data(tar, p, n) < 0)
			return ARCHIVE_FATAL;
		at = offset + (la_int64_t)n;
	}
	return r == ARCHIVE_EOF ? ARCHIVE_OK : r;
}

/* One thing of the directory, under its name in the archive. */
static int write_entry(struct archive *disk, struct archive *tar, struct archive_entry *e, const char *name,
		       size_t dir_len)
{
	CLEANUP_FREE char *path = xasprintf("%s%s", name, archive_entry_pathname(e) + dir_len);
	unsigned type = archive_entry_filetype(e);
	int r;

	if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
		return ARCHIVE_OK;
	archive_entry_set_pathname(e, path);
	archive_entry_sparse_clear(e);
	archive_entry_xattr_clear(e);
	archive_entry_acl_clear(e);
	r = archive_write_header(tar, e);
	if (r == ARCHIVE_OK && type == AE_IFREG && archive_entry_size(e) > 0)
		r = copy_data(disk, tar);
	return r == ARCHIVE_WARN ? ARCHIVE_OK : r;
}

static int write_all_entries(struct archive *disk, struct archive *tar, const char *name, const char *dir,
			     struct err *err)
{
	for (;;) {
		struct archive_entry *e;
		int r = archive_read_next_header(disk, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return failed(disk, err);
		archive_read_disk_descend(disk);
		if (write_entry(disk, tar, e, name, strlen(dir)) != ARCHIVE_OK)
			return failed(archive_errno(tar) ? tar : disk, err);
	}
}

int tree_write(struct sink *to, const char *name, const char *dir, struct err *err)
{
	struct archive *disk = archive_read_disk_new();
	struct archive *tar = archive_write_new();
	struct out out = { to, err, 0 };
	int r;

	archive_read_disk_set_symlink_physical(disk);
	archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS);
	archive_write_set_format_gnutar(tar); /* names as they are, in any locale */
	archive_write_add_filter_none(tar);
	if (archive_write_open(tar, &out, NULL, out_write, NULL) != ARCHIVE_OK)
		r = failed(tar, err);
	else if (archive_read_disk_open(disk, dir) != ARCHIVE_OK)
		r = failed(disk, err);
	else
		r = write_all_entries(disk, tar, name, dir, err);
	if (r == 0 && archive_write_close(tar) != ARCHIVE_OK)
		r = failed(tar, err);
	archive_write_free(tar);
	archive_read_free(disk);
	return out.status < 0 ? out.status : r;
}
