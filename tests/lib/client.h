/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test programs that load a daemon share: a socket, a request, a whole reply. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX 65536

struct reply {
	size_t len; /* 0: the daemon went away before it began */
	char data[REPLY_MAX];
};

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(2);
}

/* -1 when nobody listens. */
static inline int dial(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof a.sun_path)
		die("socket");
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The connection, with the whole request sent; -1 when nobody listens. */
static inline int send_request(const char *path, const char *method, const char *arg, const char *dest,
			       const char *payload)
{
	char *text;
	int head = asprintf(&text, "%s+%s dom0 name %s%c%s", method, arg, dest, '\0', payload);
	int fd = dial(path);

	if (head < 0)
		die("memory");
	if (fd >= 0 && send(fd, text, (size_t)head, MSG_NOSIGNAL) == head)
		shutdown(fd, SHUT_WR);
	free(text);
	return fd;
}

static inline void call(const char *path, struct reply *r, const char *method, const char *arg, const char *dest,
			const char *payload)
{
	int fd = send_request(path, method, arg, dest, payload);

	r->len = 0;
	while (fd >= 0 && r->len < REPLY_MAX - 1) {
		ssize_t n = recv(fd, r->data + r->len, REPLY_MAX - 1 - r->len, 0);

		if (n <= 0)
			break;
		r->len += (size_t)n;
	}
	r->data[r->len] = '\0';
	if (fd >= 0)
		close(fd);
}

static inline bool is_ok(const struct reply *r)
{
	return r->len >= 2 && memcmp(r->data, "0", 2) == 0;
}

/* The body of an OK; else "". */
static inline const char *body(const struct reply *r)
{
	return is_ok(r) ? r->data + 2 : "";
}
