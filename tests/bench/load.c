/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load on a server: so many clients, each a process, make so many calls each, one after another. In the
 * payload %d is the number of the call. usage: load CLIENTS CALLS SOCKET METHOD+ARG DEST [PAYLOAD]
 */
#include <sys/wait.h>

#include "wire.h"

/* The request into to; its length. */
static size_t encode(char *to, size_t cap, char *argv[], const char *payload, unsigned long number)
{
	size_t n = (size_t)snprintf(to, cap, "%s dom0 name %s", argv[4], argv[5]) + 1;
	const char *mark = payload ? strstr(payload, "%d") : NULL;

	if (mark)
		n += (size_t)snprintf(to + n, cap - n, "%.*s%lu%s", (int)(mark - payload), payload, number, mark + 2);
	else if (payload)
		n += (size_t)snprintf(to + n, cap - n, "%s", payload);
	return n;
}

static int client(unsigned long calls, unsigned long first, char *argv[], const char *payload)
{
	static char reply[4 << 20];

	for (unsigned long i = 0; i < calls; i++) {
		char request[1024];
		size_t n = encode(request, sizeof request, argv, payload, first + i);
		int fd = wire_connect(argv[3]);
		ssize_t got;

		if (fd < 0 || wire_write(fd, request, n) < 0 || shutdown(fd, SHUT_WR) < 0)
			return 1;
		got = wire_read(fd, reply, sizeof reply);
		if (got < 2 || reply[0] != '0')
			return 1;
		close(fd);
	}
	return 0;
}

int main(int argc, char *argv[])
{
	unsigned long clients = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long calls = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	const char *payload = argc > 6 ? argv[6] : NULL;
	int status, failed = 0;

	if (argc < 6 || argc > 7 || !clients)
		return 2;
	for (unsigned long i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0)
			_exit(client(calls, i * calls, argv, payload));
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}
