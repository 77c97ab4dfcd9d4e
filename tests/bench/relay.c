/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of an import: one process reads a file and writes it to a unix socket, another reads that, writes it to
 * a new file, syncs that, and puts it in the place of the old one, which is whole until then.
 * usage: relay SOURCE TARGET
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* All of one descriptor into another. */
static void pass(int from, int to)
{
	static char data[CHUNK];
	ssize_t n;

	while ((n = read(from, data, sizeof data)) > 0)
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, data + done, (size_t)(n - done));
			if (w < 0)
				die("write");
		}
	if (n < 0)
		die("read");
}

static void receive(int from, const char *target)
{
	char new[PATH_MAX];
	int fd;

	snprintf(new, sizeof new, "%s.new", target);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		die(new);
	pass(from, fd);
	if (fdatasync(fd) < 0 || rename(new, target) < 0)
		die(target);
}

int main(int argc, char *argv[])
{
	int pair[2], status;
	pid_t pid;

	if (argc != 3)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(pair[0]);
		receive(pair[1], argv[2]);
		_exit(0);
	}
	int fd = open(argv[1], O_RDONLY);

	close(pair[1]);
	if (fd < 0)
		die(argv[1]);
	pass(fd, pair[0]);
	close(pair[0]);
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return 1;
	return 0;
}
