/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All processes of the sandbox. */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "qube-agent/agent.h"

/* Calls kill for each of them; signal 0 only counts. */
static size_t each(int signum, pid_t spared)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	uint64_t pid;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		if (num_u64(e->d_name, &pid) == 0 && pid > 1 && (pid_t)pid != spared)
			n += kill((pid_t)pid, signum) == 0;
	if (dir)
		closedir(dir);
	return n;
}

void processes_signal(int signum, pid_t spared)
{
	/* All at once, which no fork outruns; then one by one. */
	kill(-1, SIGSTOP);
	each(signum, spared);
	kill(-1, SIGCONT);
}

size_t processes_left(pid_t spared)
{
	return each(0, spared);
}
