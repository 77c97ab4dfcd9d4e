/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes, time, and files. */
#include "os/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "base/mem.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int read_all(int fd, struct buf *b, size_t max)
{
	for (;;) {
		if (b->len > max)
			return -EFBIG;

		char *to = buf_reserve(b, 4096);
		ssize_t n = read(fd, to, b->cap - b->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
}

int write_all(int fd, const void *p, size_t n)
{
	const char *from = p;

	while (n) {
		ssize_t w = write(fd, from, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			struct pollfd pfd = {.fd = fd, .events = POLLOUT};

			poll(&pfd, 1, -1);
			continue;
		}
		if (w < 0)
			return -errno;
		from += w;
		n -= (size_t)w;
	}
	return 0;
}

int read_file(const char *path, struct buf *b, size_t max)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return read_all(fd, b, max);
}

int set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

char *program_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path);

	return n > 0 && (size_t)n < sizeof path && path[0] == '/' ? xstrndup(path, (size_t)n) : NULL;
}

char *program_beside(const char *name)
{
	CLEANUP_FREE char *path = program_path();

	return path ? xasprintf("%.*s/../%s", (int)(strrchr(path, '/') - path), path, name) : NULL;
}

char *program_lib(const char *name)
{
	CLEANUP_FREE char *in_lib = xasprintf("lib/qvm-tools/%s", name);
	char *beside = program_beside(in_lib);

	if (beside && access(beside, R_OK) == 0)
		return beside;
	free(beside);
	return xasprintf(QVM_LIBDIR "/%s", name);
}
