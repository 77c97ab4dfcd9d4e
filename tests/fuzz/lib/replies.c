/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls answered from the input; see replies.h. */
#include "lib/replies.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>

#include "admin/exc.h"
#include "admin/frame.h"
#include "admin/import.h"
#include "admin/stream.h"
#include "base/mem.h"
#include "os/spawn.h"

#define CALLS_MAX 1000 /* then every call fails, so that nobody asks for ever */

/* One world at a time: libFuzzer calls again and again. */
static struct {
	const char *data;
	size_t len, at, second;
	size_t calls;
	bool tty;
} world;

int __wrap_admin_run(struct admin *a, struct call *calls, size_t n);
int __wrap_admin_call(struct admin *a, struct err *err, const char *dest, const char *method, const char *arg,
		      const char *payload, char **ret_body, size_t *ret_len);
int __wrap_admin_import(struct admin *a, const char *dest, const char *method, const char *volume, const char *head,
			size_t len, int fd, struct err *err);
int __wrap_stream_open(struct admin *a, const char *dest, const char *method, struct stream **ret, struct err *err);
int __wrap_spawn(struct child *ret, char *const argv[], int flags);
int __wrap_open(const char *path, int flags, ...);
int __wrap_read_file(const char *path, struct buf *b, size_t max);
int __wrap_mkstemps(char *path, int suffix);
int __wrap_unlink(const char *path);
int __wrap_sock_connect(const char *path, bool nonblock);
int __wrap_isatty(int fd);

void replies_set(const char *data, size_t len)
{
	const char *sep = len ? memchr(data, REPLY_SEPARATOR, len) : NULL;

	world.data = data;
	world.len = len;
	world.at = world.calls = 0;
	world.second = sep && sep + 1 < data + len ? (size_t)(sep + 1 - data) : 0;
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
	if (n && *p == '2')
		buf_add(b, p, n);
	else
		reply_encode_ok(b, p, n);
}

static int answer(struct admin *a, struct call *c)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t off = 0;

	c->result = call_check(a, c);
	if (c->result < 0)
		return c->result;
	call_note(a, c);
	if (world.calls++ < CALLS_MAX)
		next(&b);
	buf_reserve(&b, 0);
	c->result = reply_decode(b.data, b.len, &off, &c->err);
	if (c->result == 0) {
		c->body_len = b.len - off;
		c->raw = buf_steal(&b);
		c->body = c->raw + off;
	}
	return c->result;
}

int __wrap_admin_run(struct admin *a, struct call *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		int one = answer(a, &calls[i]);

		r = r ? r : one;
	}
	return r;
}

int __wrap_admin_call(struct admin *a, struct err *err, const char *dest, const char *method, const char *arg,
		      const char *payload, char **ret_body, size_t *ret_len)
{
	CLEANUP_CALL struct call c = {.dest = dest, .method = method, .arg = arg, .payload = payload,
				      .payload_len = payload ? strlen(payload) : 0};

	if (answer(a, &c) < 0) {
		if (err)
			err_move(err, &c.err);
		return c.result;
	}
	if (ret_len)
		*ret_len = c.body_len;
	if (ret_body)
		*ret_body = xmemdup0(c.body, c.body_len);
	return 0;
}

int __wrap_admin_import(struct admin *a, const char *dest, const char *method, const char *volume, const char *head,
			size_t len, int fd, struct err *err)
{
	return __wrap_admin_call(a, err, dest, method, volume, NULL, NULL, NULL);
}

int __wrap_stream_open(struct admin *a, const char *dest, const char *method, struct stream **ret, struct err *err)
{
	return err_set(err, -EPIPE, EXC_COMMUNICATION, "no events here");
}

int __wrap_spawn(struct child *ret, char *const argv[], int flags)
{
	return -ENOENT;
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

int __wrap_sock_connect(const char *path, bool nonblock)
{
	return -ECONNREFUSED;
}

int __wrap_isatty(int fd)
{
	return world.tty;
}
