/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing and copying the bytes of volumes. */
#include "qvmd/content.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"
#include "qvmd/tree.h"

#define BLOCK 4096          /* of zeros becomes a hole */
#define PIECE (4u << 20)    /* between two looks at whether to stop */
#define BUFFER (128u << 10)
#define SMALLEST_FS (1u << 20)

/* ---- writing ---- */

static bool is_zero(const char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static int pwrite_all(int fd, const char *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
		off += (uint64_t)done;
	}
	return 0;
}

int content_write(int fd, const char *data, size_t n, uint64_t off)
{
	size_t begin = 0; /* of what is not written yet */

	for (size_t at = 0; at < n;) {
		/* up to the next block of the file */
		size_t len = BLOCK - (off + at) % BLOCK;
		int r = 0;

		if (len > n - at)
			len = n - at;
		if (is_zero(data + at, len)) {
			r = pwrite_all(fd, data + begin, at - begin, off + begin);
			begin = at + len;
		}
		if (r < 0)
			return r;
		at += len;
	}
	return pwrite_all(fd, data + begin, n - begin, off + begin);
}

/* ---- copying ---- */

/* The part off..end of from, read and written. */
static int copy_by_hand(int from, int to, uint64_t off, uint64_t end)
{
	CLEANUP_FREE char *buffer = xmalloc(BUFFER);

	while (off < end) {
		ssize_t n = pread(from, buffer, end - off < BUFFER ? end - off : BUFFER, (off_t)off);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = content_write(to, buffer, (size_t)n, off);
		if (r < 0)
			return r;
		off += (uint64_t)n;
	}
	return 0;
}

/* The kernel copies, when it can between these two file systems. */
static int copy_part(int from, int to, uint64_t off, uint64_t end)
{
	while (off < end) {
		off_t in = (off_t)off, out = (off_t)off;
		ssize_t n = copy_file_range(from, &in, to, &out, end - off, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			return copy_by_hand(from, to, off, end);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		off += (uint64_t)n;
	}
	return 0;
}

static int copy_extent(int from, int to, uint64_t off, uint64_t end, const atomic_bool *stop)
{
	int r = 0;

	while (r == 0 && off < end) {
		uint64_t n = end - off < PIECE ? end - off : PIECE;

		if (atomic_load(stop))
			return -ECANCELED;
		r = copy_part(from, to, off, off + n);
		/* The disk begins now: less is left to wait for when all of it has to be there. */
		sync_file_range(to, (off_t)off, (off_t)n, SYNC_FILE_RANGE_WRITE);
		off += n;
	}
	return r;
}

/* Extent after extent, so that holes stay holes. */
static int copy_extents(int from, int to, uint64_t valid, const atomic_bool *stop)
{
	uint64_t off = 0;
	int r = 0;

	while (r == 0 && off < valid) {
		off_t data = lseek(from, (off_t)off, SEEK_DATA);
		off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		uint64_t end;

		if (data < 0 && errno == ENXIO)
			return 0; /* nothing but a hole is left */
		if (data < 0)
			return -errno;
		end = hole < 0 || (uint64_t)hole > valid ? valid : (uint64_t)hole;
		if ((uint64_t)data >= valid)
			return 0;
		r = copy_extent(from, to, (uint64_t)data, end, stop);
		off = end;
	}
	return r;
}

static int copy(const struct source *s, int to, const atomic_bool *stop)
{
	if (ioctl(to, FICLONE, s->fd) == 0)
		return ftruncate(to, (off_t)s->valid) < 0 ? -errno : 0;
	return copy_extents(s->fd, to, s->valid, stop);
}

/* ---- what a new volume holds ---- */

/*
 * The file system of a new private volume. It depends on nothing but its size, so that a volume that was never
 * written to needs no file, and its clone holds the same bytes: the time comes from the environment (main.c).
 */
static int make_fs(int fd, uint64_t size, struct err *err)
{
	static const char uuid[] = "6f6e6c79-2061-206c-6162-2e20716d7664";
	static const char *const programs[] = { "mke2fs", "/usr/sbin/mke2fs", "/sbin/mke2fs" };
	CLEANUP_FREE char *path = xasprintf("/proc/%ld/fd/%d", (long)getpid(), fd);
	CLEANUP_FREE char *extended =
		xasprintf("hash_seed=%s,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", uuid);
	CLEANUP_FREE char *blocks = xasprintf("%llu", (unsigned long long)(size / BLOCK));
	CLEANUP_CHILD struct child c = CHILD_INIT;
	int r = -ENOENT, status;

	for (size_t i = 0; i < ARRAY_SIZE(programs) && r == -ENOENT; i++) {
		char *argv[] = { (char *)programs[i], "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-U",
				 (char *)uuid, "-E", extended, path, blocks, NULL };

		r = spawn(&c, argv, SPAWN_NULL_STDIN | SPAWN_STDERR);
	}
	if (r < 0)
		return err_set(err, r, "StoragePoolException", "cannot run mke2fs: %s", strerror(-r));

	CLEANUP_BUF struct buf text = BUF_INIT;

	read_all(c.err, &text, 65536);
	status = child_wait(&c);
	if (status == 0)
		return 0;
	return err_set(err, -EIO, "StoragePoolException", "mke2fs failed with status %d: %s", status,
		       buf_str(&text));
}

/* ---- sources ---- */

int source_open(const struct volume *v, struct source *ret, struct err *err)
{
	const struct volume *from = volume_is_copy(v) ? volume_source(v) : v;
	CLEANUP_FREE char *path = NULL;
	bool kernel = volume_is_kernel(v);

	if (!from)
		return err_set(err, -ENOENT, "StoragePoolException", "there is nothing to copy");
	*ret = (struct source){ -1, volume_is_formatted(from), from->now.valid, volume_size(v) };
	if (!kernel && !from->now.gen)
		return 0;
	path = kernel ? volume_path(from) : volume_gen_path(from, from->now.gen);
	ret->fd = tree_open(storage_root(from->pool->sys), path, O_RDONLY);
	if (ret->fd < 0)
		return err_set(err, ret->fd, "StoragePoolException", "cannot read '%s': %s", path,
			       strerror(-ret->fd));
	if (kernel)
		ret->valid = ret->size;
	return 0;
}

void source_close(struct source *s)
{
	closep(&s->fd);
}

int source_write(const struct source *s, int fd, const atomic_bool *stop, struct err *err)
{
	int r = 0;

	if (s->fd >= 0)
		r = copy(s, fd, stop);
	if (r == 0 && ftruncate(fd, (off_t)s->size) < 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "StoragePoolException", "cannot copy: %s", strerror(-r));
	if (s->fd < 0 && s->formatted && s->size >= SMALLEST_FS)
		r = make_fs(fd, s->size, err);
	if (r == 0 && fdatasync(fd) < 0)
		r = err_set(err, -errno, "StoragePoolException", "cannot copy: %s", strerror(errno));
	return r;
}
