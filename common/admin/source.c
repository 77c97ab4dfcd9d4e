/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import reads. */
#include "admin/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PIPE (1 << 20)

static const char zeros[65536];

void source_begin(struct source *s, int fd)
{
	struct stat st;

	*s = (struct source){.fd = fd};
	if (fstat(fd, &st) < 0)
		return;
	if (S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETPIPE_SZ, PIPE); /* fewer turns; no matter if it may not be */
	if (!S_ISREG(st.st_mode))
		return;
	s->at = s->data = s->hole = lseek(fd, 0, SEEK_CUR);
	s->is_file = s->at >= 0;
}

/* Which bytes come next: data up to s->data, or else zeros up to s->hole. */
static int look_ahead(struct source *s)
{
	off_t data = lseek(s->fd, s->at, SEEK_DATA), end;

	if (data == s->at) {
		end = lseek(s->fd, s->at, SEEK_HOLE);
		s->data = s->hole = end > s->at ? end : s->at;
		return end < 0 ? -errno : 0;
	}
	if (data < 0 && errno == ENXIO)
		data = lseek(s->fd, 0, SEEK_END); /* a hole is all that is left, or nothing */
	if (data < 0)
		return -errno;
	s->data = s->at;
	s->hole = data > s->at ? data : s->at;
	return 0;
}

static size_t least(size_t a, size_t b, off_t c)
{
	size_t ab = a < b ? a : b;

	return (off_t)ab < c ? ab : (size_t)c;
}

static ssize_t read_at(const struct source *s, char *buf, size_t n)
{
	ssize_t r;

	do
		r = s->is_file ? pread(s->fd, buf, n, s->at) : read(s->fd, buf, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t source_read(struct source *s, char *buf, size_t n, const char **ret)
{
	ssize_t got;

	*ret = buf;
	if (s->is_file && s->at >= s->data && s->at >= s->hole && look_ahead(s) < 0) {
		/* A file system that cannot tell: read all. */
		s->is_file = false;
		lseek(s->fd, s->at, SEEK_SET);
	}
	if (s->is_file && s->at >= s->data && s->at < s->hole) {
		*ret = zeros;
		got = (ssize_t)least(n, sizeof zeros, s->hole - s->at);
	} else {
		got = read_at(s, buf, s->is_file && s->at < s->data ? least(n, n, s->data - s->at) : n);
	}
	if (got > 0)
		s->at += got;
	return got;
}

int source_reopen(const struct source *s)
{
	CLEANUP_FREE char *path = xasprintf("/proc/self/fd/%d", s->fd);
	int fd = s->is_file ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	if (fd >= 0 && lseek(fd, s->at, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}
