/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper is a process in a session of its own, so that nothing that ends qvm-lab, SIGKILL included, ends
 * it too. It sees that end as the end of a pipe. The daemon in turn watches a pipe that the keeper holds.
 */
#include "qvm-lab/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/sock.h"
#include "os/spawn.h"
#include "qvm-lab/xenstored.h"

#define READY_MS 60000 /* a large fixture on a slow disk */
#define PATIENCE_MS 5000

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* True once the daemon has ended; it is reaped then. */
static bool has_ended(struct child *daemon)
{
	if (daemon->pid > 0 && waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid)
		daemon->pid = -1;
	return daemon->pid < 0;
}

static bool is_over(int lifeline)
{
	struct pollfd p = {.fd = lifeline};

	return poll(&p, 1, 0) > 0;
}

static int start_daemon(const struct keeper *k, struct child *daemon, bool xenstore, int lifeline)
{
	uint64_t deadline = now_ns() + READY_MS * 1000000ull;
	CLEANUP_FREE char *fd_arg = NULL;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0 || fcntl(fds[0], F_SETFD, 0) < 0)
		return -errno;
	fd_arg = xasprintf("%d", fds[0]);

	const char *argv[36] = { k->qvmd, "--foreground" };
	const char *const options[][2] = {
		{ "--state", k->state }, { "--socket", k->socket }, { "--fixture", k->fixture },
		{ "--parent-fd", fd_arg }, { "--qubesdb-dir", k->qubesdb_dir },
		{ "--xenstore", xenstore ? k->xenstore : NULL }, { "--compat", k->compat }, { "--vmif", k->vmif },
		{ "--localtime", k->localtime },
		{ "--policy-dir", k->policy_dir }, { "--policy-agent", k->policy_agent },
		{ "--scrypt-logn", k->scrypt_logn },
		{ "--power", k->power },
	};

	size_t n = 2;

	if (k->require_bwrap)
		argv[n++] = "--require-bwrap";
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i][1]) {
			argv[n++] = options[i][0];
			argv[n++] = options[i][1];
		}
	r = spawn(daemon, (char *const *)argv, SPAWN_NULL_STDIN);
	close(fds[0]);
	if (r < 0)
		return r;
	/* fds[1] stays open for as long as the keeper lives. */
	while ((r = sock_connect(k->socket, false)) < 0) {
		if (has_ended(daemon) || is_over(lifeline))
			return -ECHILD;
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		nap();
	}
	close(r);
	return 0;
}

static void end(struct child *daemon)
{
	uint64_t deadline = now_ns() + PATIENCE_MS * 1000000ull;

	if (daemon->pid > 0)
		kill(daemon->pid, SIGTERM);
	while (!has_ended(daemon) && now_ns() < deadline)
		nap();
	if (daemon->pid > 0) {
		kill(daemon->pid, SIGKILL);
		child_wait(daemon);
	}
}

/* What became of the start. */
struct report {
	int result;
	char xenstored_why[sizeof((struct keeper *)0)->xenstored_why];
};

/* A lab without XenStore is one, too. */
static void start_xenstored(const struct keeper *k, struct child *xenstored, struct report *r)
{
	CLEANUP_FREE char *why = NULL;

	if (k->xenstored && xenstored_start(k->xenstored, k->xenstore_dir, xenstored, &why) < 0)
		snprintf(r->xenstored_why, sizeof r->xenstored_why, "%s", why);
}

/* Tells on report_fd, then waits for the end of lifeline. */
static void keep(const struct keeper *k, int lifeline, int report_fd)
{
	struct child daemon = CHILD_INIT, xenstored = CHILD_INIT;
	struct report report = {0};
	char c;

	setsid();
	prctl(PR_SET_NAME, "qvm-lab-keeper");
	start_xenstored(k, &xenstored, &report);
	report.result = start_daemon(k, &daemon, xenstored.pid > 0, lifeline);
	/* Only now: the daemon must not begin its life with ignored signals. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (write_all(report_fd, &report, sizeof report) == 0 && report.result == 0)
		while (read(lifeline, &c, 1) < 0 && errno == EINTR)
			;
	end(&daemon);
	end(&xenstored);
	if (!k->keep || report.result < 0)
		nftw(k->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int keeper_start(struct keeper *k)
{
	struct report got = { .result = -ECHILD };
	int life[2], report[2], result;

	if (pipe2(life, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(report, O_CLOEXEC) < 0) {
		result = -errno;
		close(life[0]);
		close(life[1]);
		return result;
	}
	k->pid = fork();
	if (k->pid == 0) {
		close(life[1]);
		close(report[0]);
		keep(k, life[0], report[1]);
		_exit(0);
	}
	result = k->pid < 0 ? -errno : 0;
	close(life[0]);
	close(report[1]);
	k->lifeline = life[1];
	if (k->pid > 0) {
		result = read(report[0], &got, sizeof got) == sizeof got ? got.result : -ECHILD;
		memcpy(k->xenstored_why, got.xenstored_why, sizeof k->xenstored_why);
	}
	close(report[0]);
	if (result < 0)
		keeper_stop(k);
	return result;
}

void keeper_stop(struct keeper *k)
{
	closep(&k->lifeline);
	while (k->pid > 0 && waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
	k->pid = -1;
}
