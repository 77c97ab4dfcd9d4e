/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One raw call for the tests: sends a request to a socket and prints the bytes of the reply, escaped.
 *
 *     rawcall [-s SOURCE] SOCKET METHOD+ARG DEST [PAYLOAD]   reply on one line; an empty reply is an empty line
 *     rawcall -f FILE ...              the bytes of FILE, as they come, behind PAYLOAD
 *     rawcall -p WHAT ...              with the second piece of FILE (128 KiB each), or with the request, goes a
 *                                      descriptor: of the path WHAT, ">PATH" for writing, "." of the connection;
 *                                      may be repeated
 *     rawcall -x SOCKET BYTES          the whole request is BYTES
 *     rawcall -c ...                   close at once, read nothing
 *     rawcall -e N ...                 print N events (0: until killed), one a line, as they come:
 *                                      SUBJECT EVENT KEY=VALUE... ; an empty subject is "."; an exception
 *                                      or other bytes on the stream are a line "! BYTES"
 *     rawcall -w PID SOCKET            wait until SOCKET accepts, for 10 s, while process PID lives
 *
 * PAYLOAD and BYTES understand \0 \n \r \t \\ \xHH; the same are used for printing.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "escapes.h"

static void die(const char *what)
{
	fprintf(stderr, "rawcall: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int try_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

static int wait_ready(const char *path, pid_t pid)
{
	for (int i = 0; i < 5000; i++) {
		int fd = try_connect(path);

		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (kill(pid, 0) < 0)
			die("the process is gone");
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	errno = ETIMEDOUT;
	die(path);
	return 1;
}

/* Prints one event from the front; returns its length, 0 when it is not whole yet. */
static size_t print_event(const char *p, size_t n)
{
	size_t at = 2, fields = 0, start[512], len[512];

	while (fields < 512) {
		const char *end = at < n ? memchr(p + at, '\0', n - at) : NULL;

		if (!end)
			return 0;
		start[fields] = at;
		len[fields] = (size_t)(end - p) - at;
		at += len[fields] + 1;
		if (fields >= 2 && fields % 2 == 0 && len[fields] == 0)
			break;
		fields++;
	}
	if (len[0])
		put_escaped(stdout, p + start[0], len[0]);
	else
		putchar('.');
	for (size_t i = 1; i < fields; i++) {
		putchar(i % 2 && i > 1 ? '=' : ' ');
		put_escaped(stdout, p + start[i], len[i]);
	}
	putchar('\n');
	fflush(stdout);
	return at;
}

static void read_events(int fd, unsigned long want)
{
	static char buf[1 << 20];
	size_t n = 0;
	unsigned long seen = 0;

	for (;;) {
		ssize_t r = read(fd, buf + n, sizeof buf - n);

		n += r > 0 ? (size_t)r : 0;
		while (n >= 2 && buf[0] == '1' && buf[1] == '\0') {
			size_t used = print_event(buf, n);

			if (!used)
				break;
			memmove(buf, buf + used, n - used);
			n -= used;
			if (++seen == want)
				return;
		}
		if (r <= 0)
			break;
	}
	fputs("! ", stdout);
	put_escaped(stdout, buf, n);
	putchar('\n');
}

#define MOST_PASSED 16

/* Descriptors that go along with some bytes. */
static int passed[MOST_PASSED];
static size_t n_passed;

static int open_passed(const char *what, int connection)
{
	bool writes = what[0] == '>';
	int fd;

	if (strcmp(what, ".") == 0)
		return connection;
	fd = open(what + writes, (writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die(what);
	return fd;
}

/* The first of these bytes, with all that is to be passed; so many were sent, or -1. */
static ssize_t send_passed(int fd, const char *p, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof passed)];
	} control = {0};
	struct iovec data = {(void *)p, n};
	struct msghdr msg = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			     .msg_controllen = CMSG_SPACE(n_passed * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_passed * sizeof(int));
	memcpy(CMSG_DATA(c), passed, n_passed * sizeof(int));
	n_passed = 0;
	return sendmsg(fd, &msg, 0);
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t r = send(fd, p, n, 0);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static void send_file(int fd, const char *path)
{
	static char buf[1 << 17];
	int from = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t r;

	if (from < 0)
		die(path);
	for (int piece = 1; (r = read(from, buf, sizeof buf)) > 0; piece++) {
		ssize_t sent = piece == 2 && n_passed ? send_passed(fd, buf, (size_t)r) : 0;

		if (sent < 0 || !send_all(fd, buf + sent, (size_t)(r - sent)))
			break;
	}
	close(from);
}

int main(int argc, char *argv[])
{
	static char reply[1 << 16];
	const char *source = "dom0", *file = NULL, *pass[MOST_PASSED];
	size_t n_pass = 0;
	bool raw = false, close_early = false, events = false;
	unsigned long want = 0;
	int c, fd;

	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "+s:f:p:xce:w:")) != -1)
		switch (c) {
		case 's': source = optarg; break;
		case 'f': file = optarg; break;
		case 'p':
			if (n_pass == MOST_PASSED)
				return 2;
			pass[n_pass++] = optarg;
			break;
		case 'x': raw = true; break;
		case 'c': close_early = true; break;
		case 'e': events = true; want = strtoul(optarg, NULL, 10); break;
		case 'w':
			if (optind >= argc)
				return 2;
			return wait_ready(argv[optind], (pid_t)strtol(optarg, NULL, 10));
		default: return 2;
		}
	argv += optind;
	argc -= optind;
	if (argc < (raw ? 2 : 3)) {
		fputs("usage: rawcall [-s SOURCE] [-f FILE] [-p WHAT]... [-c] [-e N] SOCKET METHOD+ARG DEST "
		      "[PAYLOAD]\n"
		      "       rawcall -x SOCKET BYTES\n", stderr);
		return 2;
	}
	if (!events || want)
		alarm(60);

	char *header = NULL, *payload = raw ? argv[1] : argc > 3 ? argv[3] : NULL;
	size_t header_len = 0, payload_len = payload ? unescape(payload) : 0;

	if (!raw) {
		const char *plus = strchr(argv[1], '+') ? "" : "+";
		int r = asprintf(&header, "%s%s %s name %s", argv[1], plus, source, argv[2]);

		if (r < 0)
			die("memory");
		header_len = (size_t)r + 1;
	}
	fd = try_connect(argv[0]);
	if (fd < 0)
		die(argv[0]);
	for (size_t i = 0; i < n_pass; i++)
		passed[i] = open_passed(pass[i], fd);
	n_passed = n_pass;
	if (n_passed && !file) {
		ssize_t sent = send_passed(fd, header, header_len);

		if (sent < 0)
			die("sendmsg");
		memmove(header, header + sent, header_len -= (size_t)sent);
	}
	/* A server may refuse before all was written: what it answered is still there to be read. */
	if (send_all(fd, header, header_len) && send_all(fd, payload, payload_len) && file)
		send_file(fd, file);
	free(header);
	shutdown(fd, SHUT_WR);
	if (close_early) {
		close(fd);
		return 0;
	}
	if (events) {
		read_events(fd, want);
	} else {
		ssize_t r;

		while ((r = read(fd, reply, sizeof reply)) > 0)
			put_escaped(stdout, reply, (size_t)r);
		putchar('\n');
	}
	close(fd);
	return fflush(stdout) == 0 ? 0 : 1;
}
