/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of a server: accepts, reads a request to its end, answers with the bytes of a file, and so on.
 * usage: bare SOCKET FILE (the body of the reply)
 */
#include <fcntl.h>
#include <signal.h>

#include "wire.h"

int main(int argc, char *argv[])
{
	static char reply[1 << 20] = "0", request[70000];
	int fd, file = argc == 3 ? open(argv[2], O_RDONLY) : -1;
	ssize_t n = file < 0 ? -1 : wire_read(file, reply + 2, sizeof reply - 2);

	if (n < 0)
		return 2;
	n += 2;
	signal(SIGPIPE, SIG_IGN);
	fd = wire_listen(argv[1]);
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			return 1;
		if (wire_read(client, request, sizeof request) > 0)
			wire_write(client, reply, (size_t)n);
		close(client);
	}
}
