/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server far away: passes each call on after a delay, all calls at the same time, and logs when each begins
 * and ends. usage: proxy SOCKET SERVER MILLISECONDS LOG
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "wire.h"

static const char *server, *delay;
static int log_fd;

static void *pass(void *arg)
{
	int client = (int)(intptr_t)arg, fd;
	static _Thread_local char request[70000];
	ssize_t n;

	wire_log(log_fd, "begin");
	n = wire_read(client, request, sizeof request);
	wire_delay(delay);
	fd = wire_connect(server);
	if (fd >= 0 && n > 0 && wire_write(fd, request, (size_t)n) == 0 && shutdown(fd, SHUT_WR) == 0)
		wire_copy(fd, client);
	wire_log(log_fd, "end");
	if (fd >= 0)
		close(fd);
	close(client);
	return NULL;
}

int main(int argc, char *argv[])
{
	pthread_attr_t attr;
	int fd;

	if (argc != 5)
		return 2;
	server = argv[2];
	delay = argv[3];
	log_fd = open(argv[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	fd = wire_listen(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;

		if (client < 0 || pthread_create(&t, &attr, pass, (void *)(intptr_t)client) != 0)
			return 1;
	}
}
