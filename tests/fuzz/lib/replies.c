/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections answered from the input; see replies.h. */
#include "lib/replies.h"

#include <errno.h>
#include <fts.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "admin/frame.h"
#include "os/io.h"
#include "os/spawn.h"

#define CALLS_MAX 1000 /* then every call fails, so that nobody asks for ever */
#define PEERS_MAX 100  /* more than are open at once */

/* One world at a time: libFuzzer calls again and again. */
static struct {
	const char *data;
	size_t len, at, second;
	size_t calls;
	int peers[PEERS_MAX]; /* our ends, so that requests can be sent; 0 = none */
	uint64_t now_ns;
	bool tty;
} world;

int __wrap_sock_connect(const char *path, bool nonblock);
int __wrap_sock_connect_within(const char *path, uint64_t timeout_ns);
int __real_poll(struct pollfd *p, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);
uint64_t __wrap_now_ns(void);
int __wrap_spawn(struct child *ret, char *const argv[], int flags);
int __wrap_spawn_fds(struct child *ret, char *const argv[], const int fds[3]);
FTS *__wrap_fts_open(char *const *paths, int options, int (*compare)(const FTSENT **, const FTSENT **));
int __wrap_open(const char *path, int flags, ...);
int __wrap_read_file(const char *path, struct buf *b, size_t max);
int __wrap_mkstemps(char *path, int suffix);
int __wrap_unlink(const char *path);
int __wrap_isatty(int fd);

void replies_set(const char *data, size_t len)
{
	const char *sep = len ? memchr(data, REPLY_SEPARATOR, len) : NULL;

	replies_end();
	world.data = data;
	world.len = len;
	world.at = world.calls = 0;
	world.second = sep && sep + 1 < data + len ? (size_t)(sep + 1 - data) : 0;
}

static void close_peer(size_t i)
{
	if (world.peers[i])
		close(world.peers[i]);
	world.peers[i] = 0;
}

void replies_end(void)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		close_peer(i);
}

void replies_tty(bool tty)
{
	world.tty = tty;
}

static void next(struct buf *b)
{
	const char *p, *end;
	size_t n;

	if (world.at >= world.len)
		world.at = world.second;
	p = world.data + world.at;
	end = world.len ? memchr(p, REPLY_SEPARATOR, world.len - world.at) : NULL;
	n = end ? (size_t)(end - p) : world.len - world.at;
	world.at += n + 1;
	if (n >= 2 && (*p == '1' || *p == '2') && !p[1])
		buf_add(b, p, n);
	else
		reply_encode_ok(b, p, n);
}

/* ---- in place of the system ---- */

int __wrap_sock_connect(const char *path, bool nonblock)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t i = world.calls % PEERS_MAX;
	int pair[2];

	if (world.calls++ >= CALLS_MAX)
		return -ECONNREFUSED;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0, pair) < 0)
		abort();
	next(&b);
	send(pair[1], b.data, b.len, MSG_DONTWAIT);
	shutdown(pair[1], SHUT_WR);
	close_peer(i);
	world.peers[i] = pair[1];
	return pair[0];
}

int __wrap_sock_connect_within(const char *path, uint64_t timeout_ns)
{
	return __wrap_sock_connect(path, false);
}

/* Sleeps take no time; all that a socket will say is there. */
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	if (n)
		return __real_poll(p, n, timeout_ms);
	world.now_ns += (uint64_t)timeout_ms * 1000000;
	return 0;
}

uint64_t __wrap_now_ns(void)
{
	return world.now_ns += 1000;
}

int __wrap_spawn(struct child *ret, char *const argv[], int flags)
{
	return -ENOENT;
}

int __wrap_spawn_fds(struct child *ret, char *const argv[], const int fds[3])
{
	return -ENOENT;
}

FTS *__wrap_fts_open(char *const *paths, int options, int (*compare)(const FTSENT **, const FTSENT **))
{
	errno = ENOENT;
	return NULL;
}

int __wrap_open(const char *path, int flags, ...)
{
	errno = ENOENT;
	return -1;
}

int __wrap_read_file(const char *path, struct buf *b, size_t max)
{
	return -ENOENT;
}

int __wrap_mkstemps(char *path, int suffix)
{
	errno = EROFS;
	return -1;
}

int __wrap_unlink(const char *path)
{
	errno = EROFS;
	return -1;
}

int __wrap_isatty(int fd)
{
	return world.tty;
}
