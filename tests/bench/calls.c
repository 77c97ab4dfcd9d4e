/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of calls: makes the calls named on the command line one after another, as directly as it goes.
 * usage: calls SOCKET METHOD+ARG DEST [METHOD+ARG DEST...]; with "each" in place of a later call's destination
 * the call goes to every qube that the first call listed. exec:PROGRAM in place of a socket starts the program
 * with destination and method for each call, as qrexec needs it.
 */
#include <spawn.h>
#include <sys/wait.h>

#include "wire.h"

static char reply[4 << 20];
static size_t reply_len;

static int fetch(int fd)
{
	ssize_t n = wire_read(fd, reply, sizeof reply - 1);

	close(fd);
	reply_len = n > 0 ? (size_t)n : 0;
	reply[reply_len] = '\0';
	return n < 2 || reply[0] != '0' ? -1 : 0;
}

static int call_program(const char *program, const char *what, const char *dest)
{
	char *argv[] = {(char *)program, (char *)dest, (char *)what, NULL};
	posix_spawn_file_actions_t acts;
	int out[2], r, status;
	pid_t pid;

	if (pipe(out) < 0)
		return -1;
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&acts, out[1], 1);
	posix_spawn_file_actions_addclose(&acts, out[0]);
	posix_spawn_file_actions_addclose(&acts, out[1]);
	r = posix_spawn(&pid, program, &acts, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	close(out[1]);
	if (r != 0)
		return -1;
	r = fetch(out[0]);
	return waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : r;
}

static int call(const char *where, const char *what, const char *dest)
{
	char request[512];
	int n, fd;

	if (strncmp(where, "exec:", 5) == 0)
		return call_program(where + 5, what, dest);
	n = snprintf(request, sizeof request, "%s dom0 name %s", what, dest);
	fd = wire_connect(where);
	if (fd < 0 || wire_write(fd, request, (size_t)n + 1) < 0 || shutdown(fd, SHUT_WR) < 0)
		return -1;
	return fetch(fd);
}

int main(int argc, char *argv[])
{
	static char names[2 << 20];

	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i + 1], "each") != 0) {
			if (call(argv[1], argv[i], argv[i + 1]) < 0)
				return 1;
			continue;
		}
		if (!names[0])
			memcpy(names, reply + 2, reply_len - 1);
		for (char *to = names; *to; to = strchr(to, '\n') + 1) {
			char dest[64];

			snprintf(dest, sizeof dest, "%.*s", (int)strcspn(to, " "), to);
			if (call(argv[1], argv[i], dest) < 0)
				return 1;
		}
	}
	fwrite(reply + 2, 1, reply_len - 2, stdout);
	return 0;
}
