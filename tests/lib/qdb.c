/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of QubesDB that knows nothing of ours: it speaks the bytes of vm-interface 3.2 by itself.
 *   qdb SOCKET dump [PREFIX]     PATH=VALUE a line, C escapes
 *   qdb SOCKET read|rm|list|watch-once PATH, qdb SOCKET write PATH VALUE
 *   qdb SOCKET watch PATH...     "ready", then a line for each event, until it is ended
 *   qdb SOCKET raw               sends standard input as it is, prints each answer as TYPE PATH=VALUE
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD 72

struct message {
	unsigned char type;
	char path[65];
	uint32_t len;
	char data[4096];
};

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? fd : -1;
}

static void ask(int fd, int type, const char *path, const char *data)
{
	char head[HEAD] = { (char)type };
	uint32_t len = data ? (uint32_t)strlen(data) : 0;

	memcpy(head + 1, path, strnlen(path, 64));
	memcpy(head + 68, &len, 4);
	if (write(fd, head, HEAD) != HEAD || (len && write(fd, data, len) != (ssize_t)len))
		exit(3);
}

static bool take(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = read(fd, (char *)p + done, n - done);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

static bool hear(int fd, struct message *m)
{
	char head[HEAD];

	if (!take(fd, head, HEAD))
		return false;
	m->type = (unsigned char)head[0];
	memcpy(m->path, head + 1, 64);
	m->path[64] = '\0';
	memcpy(&m->len, head + 68, 4);
	if (m->len >= sizeof m->data) {
		fprintf(stderr, "qdb: an answer of %u bytes\n", m->len);
		exit(3);
	}
	return take(fd, m->data, m->len);
}

static void show(const struct message *m, bool type)
{
	if (type)
		printf("%u ", m->type);
	fputs(m->path, stdout);
	if (m->type == 10 || m->type == 11)
		putchar('=');
	for (uint32_t i = 0; i < m->len; i++) {
		unsigned char c = (unsigned char)m->data[i];

		if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\\')
			fputs("\\\\", stdout);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

static int many(int fd, int type, const char *prefix)
{
	struct message m;

	ask(fd, type, prefix, NULL);
	while (hear(fd, &m)) {
		if (!*m.path)
			return 0;
		show(&m, false);
	}
	return 3;
}

static int one(int fd, int type, const char *path, const char *data)
{
	struct message m;

	ask(fd, type, path, data);
	if (!hear(fd, &m))
		return 3;
	show(&m, true);
	return m.type == 8 || m.type == 9;
}

static int watch(int fd, char **paths)
{
	struct message m;

	for (; *paths; paths++) {
		ask(fd, 5, *paths, NULL);
		if (!hear(fd, &m) || m.type != 7)
			return 3;
	}
	puts("ready");
	fflush(stdout);
	while (hear(fd, &m)) {
		puts(m.path);
		fflush(stdout);
	}
	return 0;
}

/* Sends what there is, and shows what comes until the server has nothing more to say or closes. Who sends does not
 * wait for answers, so that a server may stop reading until they are taken. */
static int raw(int fd)
{
	struct message m;

	if (fork() == 0) {
		char bytes[4096];
		ssize_t n;

		while ((n = read(0, bytes, sizeof bytes)) > 0)
			for (ssize_t at = 0, r; at < n; at += r)
				if ((r = send(fd, bytes + at, (size_t)(n - at), MSG_NOSIGNAL)) < 0)
					_exit(1);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	while (hear(fd, &m))
		show(&m, true);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char *argv[])
{
	static const char *const simple[] = { "read", "write", "dump", "list", "rm" };
	const char *what = argc > 2 ? argv[2] : "", *path = argc > 3 ? argv[3] : "/";
	int fd = argc > 2 ? dial(argv[1]) : -1;

	if (fd < 0) {
		fprintf(stderr, "qdb: cannot connect: %s\n", strerror(errno));
		return 2;
	}
	if (strcmp(what, "watch") == 0)
		return watch(fd, argv + 3);
	if (strcmp(what, "raw") == 0)
		return raw(fd);
	for (int type = 0; type < 5; type++)
		if (strcmp(what, simple[type]) == 0)
			return type == 2 || type == 3 ? many(fd, type, path) :
							one(fd, type, path, argc > 4 ? argv[4] : NULL);
	fprintf(stderr, "qdb: no such command\n");
	return 2;
}
