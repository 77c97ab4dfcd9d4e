/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image of a volume as an inner tar. */
#include "archive/volume.h"

#include <errno.h>
#include <unistd.h>

#include "archive/tar.h"
#include "base/mem.h"

#define PIECE (256u << 10)
#define HOLE_MIN 4096u /* a shorter one costs about as much in the map */

struct map {
	struct tar_extent *v;
	size_t n, cap;
};

int image_size(int fd, uint64_t *ret, struct err *err)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0)
		return err_set(err, -errno, "", "size of the image: %s", strerror(errno));
	*ret = (uint64_t)end;
	return 0;
}

static int read_at(int fd, void *p, size_t n, uint64_t offset, struct err *err)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = pread(fd, (char *)p + got, n - got, (off_t)(offset + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(err, -errno, "", "cannot read the image: %s", strerror(errno));
		if (r == 0)
			return err_set(err, -EIO, "", "the image became shorter");
		got += (size_t)r;
	}
	return 0;
}

static bool is_zero(const char *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* ---- the map ---- */

static void map_add(struct map *m, uint64_t offset, uint64_t len)
{
	struct tar_extent *last = m->n ? &m->v[m->n - 1] : NULL;

	if (last && offset - (last->offset + last->len) < HOLE_MIN) {
		last->len = offset + len - last->offset;
		return;
	}
	GROW(m->v, m->n, m->cap);
	m->v[m->n++] = (struct tar_extent){ offset, len };
}

/* Blocks that are not zeros, between two places of the image. */
static int scan(struct map *m, int fd, uint64_t from, uint64_t to, struct err *err)
{
	CLEANUP_FREE char *piece = xmalloc(PIECE);

	while (from < to) {
		size_t n = to - from < PIECE ? (size_t)(to - from) : PIECE;
		int r = read_at(fd, piece, n, from, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i += TAR_BLOCK) {
			size_t len = n - i < TAR_BLOCK ? n - i : TAR_BLOCK;

			if (!is_zero(piece + i, len))
				map_add(m, from + i, len);
		}
		from += n;
	}
	return 0;
}

/* Asks the file system for holes first; a block device knows of none. */
static int find_data(struct map *m, int fd, uint64_t size, struct err *err)
{
	for (uint64_t at = 0; at < size;) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		uint64_t from = at;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0 || hole < 0)
			hole = (off_t)size;
		else if ((uint64_t)data >= from + TAR_BLOCK)
			from = (uint64_t)data - (uint64_t)data % TAR_BLOCK;
		at = (uint64_t)hole < size ? (uint64_t)hole : size;
		r = from < at ? scan(m, fd, from, at, err) : 0;
		if (r < 0)
			return r;
	}
	/* The last entry ends where the image ends. */
	if (!m->n || m->v[m->n - 1].offset + m->v[m->n - 1].len < size) {
		GROW(m->v, m->n, m->cap);
		m->v[m->n++] = (struct tar_extent){ size, 0 };
	}
	return 0;
}

/* ---- the tar ---- */

static int write_extents(struct sink *to, const struct map *m, int fd, struct err *err)
{
	CLEANUP_FREE char *piece = xmalloc(PIECE);

	for (size_t i = 0; i < m->n; i++) {
		for (uint64_t done = 0; done < m->v[i].len;) {
			uint64_t left = m->v[i].len - done;
			size_t n = left < PIECE ? (size_t)left : PIECE;
			int r = read_at(fd, piece, n, m->v[i].offset + done, err);

			if (r == 0)
				r = to->write(to->data, piece, n, err);
			if (r < 0)
				return r;
			done += n;
		}
	}
	return 0;
}

int volume_write(struct sink *to, const char *name, int fd, uint64_t size, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct map m = {0};
	uint64_t stored = 0;
	int r = find_data(&m, fd, size, err);

	if (r == 0)
		r = tar_add_sparse(&b, name, size, m.v, m.n, err);
	if (r == 0)
		r = to->write(to->data, b.data, b.len, err);
	if (r == 0)
		r = write_extents(to, &m, fd, err);
	if (r == 0) {
		for (size_t i = 0; i < m.n; i++)
			stored += m.v[i].len;
		buf_reset(&b);
		tar_add_zeros(&b, tar_padding(stored, TAR_BLOCK) + TAR_END);
		r = to->write(to->data, b.data, b.len, err);
	}
	free(m.v);
	return r;
}
