/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peers that are in the way: connections that say nothing, and subscribers to events of which every other one
 * never reads. Prints a line when all are there, and stays until it is ended.
 * usage: crowd SOCKET SILENT SUBSCRIBERS
 */
#include <poll.h>
#include <sys/resource.h>

#include "wire.h"

static int peer(const char *path)
{
	int fd = wire_connect(path);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

/* Its first event, which the server sends at once, is there when this returns; it is not read. */
static int subscriber(const char *path)
{
	static const char request[] = "admin.Events+ dom0 name dom0";
	struct pollfd p = {.fd = peer(path), .events = POLLIN};

	if (wire_write(p.fd, request, sizeof request) < 0 || shutdown(p.fd, SHUT_WR) < 0 || poll(&p, 1, -1) != 1)
		exit(1);
	return p.fd;
}

int main(int argc, char *argv[])
{
	size_t silent = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	struct pollfd *readers = calloc(n + 1, sizeof *readers);
	struct rlimit lim;
	size_t n_readers = 0;
	char thrown[65536];

	if (!n || getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 2;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	for (size_t i = 0; i < silent; i++)
		peer(argv[1]);
	for (size_t i = 0; i < n; i++) {
		int fd = subscriber(argv[1]);

		if (i % 2 == 0)
			readers[n_readers++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	puts("ready");
	fflush(stdout);
	while (poll(readers, n_readers, -1) > 0)
		for (size_t i = 0; i < n_readers; i++)
			if (readers[i].revents && read(readers[i].fd, thrown, sizeof thrown) <= 0)
				readers[i].fd = -1;
	return 1;
}
