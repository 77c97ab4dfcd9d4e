/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix stream sockets. */
#include "os/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int address(const char *path, struct sockaddr_un *ret)
{
	size_t n = strlen(path);

	if (n >= sizeof ret->sun_path)
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, path, n + 1);
	return 0;
}

/* type: SOCK_STREAM or another, and flags with it. */
static int connect_to(const char *path, int type, const struct timeval *limit)
{
	struct sockaddr_un addr;
	int r = address(path, &addr);

	if (r < 0)
		return r;

	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (limit)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, limit, sizeof *limit);
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int sock_connect(const char *path, bool nonblock)
{
	return connect_to(path, nonblock ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_STREAM, NULL);
}

int sock_connect_type(const char *path, int type)
{
	return connect_to(path, type, NULL);
}

int sock_connect_within(const char *path, uint64_t timeout_ns)
{
	/* Of no time at all nothing would be left: zero means no limit to the kernel. */
	uint64_t us = timeout_ns / 1000 + 1;
	struct timeval limit = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
	int fd = connect_to(path, SOCK_STREAM, &limit);

	return fd == -EAGAIN ? -ETIMEDOUT : fd;
}

int sock_listen_type(const char *path, mode_t mode, int type)
{
	struct sockaddr_un addr;
	int r = address(path, &addr);

	if (r < 0)
		return r;

	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;

	mode_t old = umask(0777 & ~mode);

	r = bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ? -errno : 0;
	umask(old);
	if (r == 0 && listen(fd, 1024) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int sock_listen(const char *path, mode_t mode)
{
	return sock_listen_type(path, mode, SOCK_STREAM);
}

int sock_listen_again(const char *path, mode_t mode, int type)
{
	int fd = sock_listen_type(path, mode, type);

	if (fd != -EADDRINUSE)
		return fd;

	int peer = connect_to(path, type | SOCK_NONBLOCK, NULL);

	if (peer >= 0)
		close(peer);
	if (peer != -ECONNREFUSED)
		return fd;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return sock_listen_type(path, mode, type);
}
