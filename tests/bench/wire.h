/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the floor programs share: sockets, whole reads and writes, and the log of calls. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline struct sockaddr_un wire_address(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(path) + 1;

	if (n > sizeof a.sun_path)
		exit(2);
	memcpy(a.sun_path, path, n);
	return a;
}

static inline int wire_connect(const char *path)
{
	struct sockaddr_un a = wire_address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int wire_listen(const char *path)
{
	struct sockaddr_un a = wire_address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

/* All that comes until the end, or until cap bytes are there; -1 on an error. */
static inline ssize_t wire_read(int fd, char *to, size_t cap)
{
	size_t n = 0;
	ssize_t r = 1;

	while (n < cap && (r = read(fd, to + n, cap - n)) > 0)
		n += (size_t)r;
	return r < 0 ? -1 : (ssize_t)n;
}

static inline int wire_write(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);

		if (r < 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

/* Copies until the end of from; -1 on an error. */
static inline int wire_copy(int from, int to)
{
	char part[65536];
	ssize_t n;

	while ((n = read(from, part, sizeof part)) > 0)
		if (wire_write(to, part, (size_t)n) < 0)
			return -1;
	return (int)n;
}

/* One line, one write: "NANOSECONDS begin|end". The file was opened for appending. */
static inline void wire_log(int fd, const char *what)
{
	struct timespec t;
	char line[64];
	int n;

	clock_gettime(CLOCK_MONOTONIC, &t);
	n = snprintf(line, sizeof line, "%lld%09ld %s\n", (long long)t.tv_sec, t.tv_nsec, what);
	if (write(fd, line, (size_t)n) != n)
		exit(1);
}

static inline void wire_delay(const char *ms)
{
	long n = strtol(ms, NULL, 10);
	struct timespec t = {.tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0)
		;
}
