/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only main() of all tools. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/tool.h"

/* A closed standard stream must not become the number of a socket; using it still fails. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_FAILED);
}

int main(int argc, char *argv[])
{
	fill_standard_fds();
	return tool_main(&tool, argc, argv, stdin, stdout, stderr);
}
