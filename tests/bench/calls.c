/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of calls: makes the calls named on the command line one after another, as directly as it goes.
 * usage: calls SOCKET METHOD+ARG DEST [METHOD+ARG DEST...]; with "each" in place of the second call's
 * destination the call goes to every qube that the first call listed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char reply[4 << 20];
static size_t reply_len;

static int call(const char *path, const char *what, const char *dest)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char request[512];
	int n = snprintf(request, sizeof request, "%s dom0 name %s", what, dest);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t r;

	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0 || write(fd, request, (size_t)n + 1) < 0 ||
	    shutdown(fd, SHUT_WR) < 0)
		return -1;
	reply_len = 0;
	while ((r = read(fd, reply + reply_len, sizeof reply - reply_len - 1)) > 0)
		reply_len += (size_t)r;
	reply[reply_len] = '\0';
	close(fd);
	return r < 0 || reply[0] != '0' ? -1 : 0;
}

int main(int argc, char *argv[])
{
	static char names[1 << 20];
	char *to = names;

	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i + 1], "each") != 0) {
			if (call(argv[1], argv[i], argv[i + 1]) < 0)
				return 1;
			continue;
		}
		memcpy(names, reply + 2, reply_len - 1);
		while (*to) {
			char *end = strchr(to, '\n');

			*strchr(to, ' ') = '\0';
			if (call(argv[1], argv[i], to) < 0)
				return 1;
			to = end + 1;
		}
	}
	fwrite(reply + 2, 1, reply_len - 2, stdout);
	return 0;
}
