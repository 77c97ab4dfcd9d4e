/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for qrexec-client-vm: a process for each call, which delays it, and logs when it begins and ends.
 * usage: qrexec DEST SERVICE; BENCH_SOCKET, BENCH_DELAY (ms) and BENCH_LOG are in the environment.
 */
#include <fcntl.h>

#include "wire.h"

int main(int argc, char *argv[])
{
	const char *path = getenv("BENCH_SOCKET"), *delay = getenv("BENCH_DELAY"), *log = getenv("BENCH_LOG");
	char head[512];
	int fd, log_fd, n;

	if (argc != 3 || !path || !delay || !log)
		return 2;
	log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	wire_log(log_fd, "begin");
	wire_delay(delay);
	fd = wire_connect(path);
	n = snprintf(head, sizeof head, "%s%s dom0 name %s", argv[2], strchr(argv[2], '+') ? "" : "+", argv[1]);
	if (fd < 0 || wire_write(fd, head, (size_t)n + 1) < 0 || wire_copy(0, fd) < 0 ||
	    shutdown(fd, SHUT_WR) < 0 || wire_copy(fd, 1) < 0)
		return 1;
	wire_log(log_fd, "end");
	return 0;
}
