/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children: start one, and reap it. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/io.h"

extern char **environ;

/* Makes a pipe and has the child use one end as descriptor `as`; our end goes to *ours. */
static int add_pipe(posix_spawn_file_actions_t *acts, int as, int *ours, int *theirs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = as == 0 ? fds[1] : fds[0];
	*theirs = as == 0 ? fds[0] : fds[1];
	return -posix_spawn_file_actions_adddup2(acts, *theirs, as);
}

int spawn(struct child *ret, char *const argv[], int flags)
{
	struct child c = CHILD_INIT;
	int theirs[3] = {-1, -1, -1}, r = 0;
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t defaults, none;

	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* A thread that leaves signals to another one starts children that get theirs. */
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

	if (flags & SPAWN_NULL_STDIN)
		r = -posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0 && (flags & SPAWN_STDIN))
		r = add_pipe(&acts, 0, &c.in, &theirs[0]);
	if (r == 0 && (flags & SPAWN_STDOUT))
		r = add_pipe(&acts, 1, &c.out, &theirs[1]);
	if (r == 0 && (flags & SPAWN_STDERR))
		r = add_pipe(&acts, 2, &c.err, &theirs[2]);
	if (r == 0)
		r = -posix_spawnp(&c.pid, argv[0], &acts, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	for (size_t i = 0; i < ARRAY_SIZE(theirs); i++)
		closep(&theirs[i]);
	if (r < 0) {
		c.pid = -1;
		child_release(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int child_wait(struct child *c)
{
	int status;

	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	c->pid = -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void child_release(struct child *c)
{
	closep(&c->in);
	closep(&c->out);
	closep(&c->err);
	if (c->pid > 0) {
		kill(c->pid, SIGTERM);
		child_wait(c);
	}
}
