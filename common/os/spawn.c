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

static int add_fd(posix_spawn_file_actions_t *acts, int fd, int as)
{
	if (fd == FD_INHERIT)
		return 0;
	if (fd == FD_NULL)
		return -posix_spawn_file_actions_addopen(acts, as, "/dev/null", as == 0 ? O_RDONLY : O_WRONLY, 0);
	return -posix_spawn_file_actions_adddup2(acts, fd, as);
}

int spawn_fds(struct child *ret, char *const argv[], const int fds[3])
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t defaults, none;
	pid_t pid;
	int r = 0;

	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* A thread that leaves signals to another one starts children that get theirs. */
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	for (int as = 0; r == 0 && as < 3; as++)
		r = add_fd(&acts, fds[as], as);
	if (r == 0)
		r = -posix_spawnp(&pid, argv[0], &acts, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	if (r == 0) {
		*ret = CHILD_INIT;
		ret->pid = pid;
	}
	return r;
}

/* Makes a pipe: one end is the child's descriptor `as`, the other one ours. */
static int make_pipe(int as, int *ours, int *theirs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = as == 0 ? fds[1] : fds[0];
	*theirs = as == 0 ? fds[0] : fds[1];
	return 0;
}

int spawn(struct child *ret, char *const argv[], int flags)
{
	int theirs[3] = {flags & SPAWN_NULL_STDIN ? FD_NULL : FD_INHERIT, FD_INHERIT, FD_INHERIT};
	int ours[3] = {-1, -1, -1}, r = 0;

	for (int as = 0; r == 0 && as < 3; as++)
		if (flags & (SPAWN_STDIN << as))
			r = make_pipe(as, &ours[as], &theirs[as]);
	if (r == 0)
		r = spawn_fds(ret, argv, theirs);
	for (int as = 0; as < 3; as++) {
		closep(&theirs[as]);
		if (r < 0)
			closep(&ours[as]);
	}
	if (r == 0) {
		ret->in = ours[0];
		ret->out = ours[1];
		ret->err = ours[2];
	}
	return r;
}

static int child_reap(struct child *c, int options)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(c->pid, &status, options);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		return -EAGAIN;
	c->pid = -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_wait(struct child *c)
{
	return child_reap(c, 0);
}

int child_poll(struct child *c)
{
	return child_reap(c, WNOHANG);
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
