/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QubesDB's floor and its client (vm-interface 3.2): READ after READ over a connection that stays.
 * usage: qdb serve SOCKET VALUE (answers each 72 bytes with that value), qdb load SOCKET PATH COUNT
 */
#include <signal.h>
#include <stdint.h>

#include "wire.h"

#define HEAD 72

static int serve(const char *socket_path, const char *value)
{
	char request[HEAD], reply[HEAD + 4096];
	uint32_t len = (uint32_t)strlen(value);
	int fd = wire_listen(socket_path);

	if (len > 4096)
		return 2;
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			return 1;
		while (wire_read(client, request, HEAD) == HEAD) {
			memcpy(reply, request, HEAD);
			reply[0] = 10;
			memcpy(reply + 68, &len, sizeof len);
			memcpy(reply + HEAD, value, len);
			if (wire_write(client, reply, HEAD + len) < 0)
				break;
		}
		close(client);
	}
}

static int load(const char *socket_path, const char *path, long count)
{
	char request[HEAD] = "", reply[HEAD + 4096];
	int fd = wire_connect(socket_path);
	uint32_t len;

	if (fd < 0 || strlen(path) > 63)
		return 1;
	memcpy(request + 1, path, strlen(path));
	while (count-- > 0) {
		if (wire_write(fd, request, HEAD) < 0 || wire_read(fd, reply, HEAD) != HEAD || reply[0] != 10)
			return 1;
		memcpy(&len, reply + 68, sizeof len);
		if (len > 4096 || wire_read(fd, reply, len) != (ssize_t)len)
			return 1;
	}
	return 0;
}

int main(int argc, char *argv[])
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		return load(argv[2], argv[3], strtol(argv[4], NULL, 10));
	return 2;
}
