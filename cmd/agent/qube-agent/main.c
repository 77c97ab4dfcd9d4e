/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent as a program: it gets the sandbox ready, serves the daemon, and ends with it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "os/sock.h"
#include "qube-agent/agent.h"

#define PATIENCE 2000 /* ms that services have to end in at the qube's shutdown */
#define NAP_NS 5000000

struct agent {
	struct services services;
	pid_t disk; /* serves the volume; 0: there is none */
	int signals;
	int grow, grown; /* pipes: a program asks for the volume to grow, and what has become of that */
	bool over;
	char buffer[CALL_MESSAGE_MAX];
};

static void tell(uint32_t id, enum call_kind kind, int value)
{
	call_send(AGENT_CONTROL, &(struct call_msg){ .kind = kind, .id = id, .value = value }, NULL, 0);
}

/* ---- children ---- */

static void reap(struct agent *a)
{
	struct signalfd_siginfo info;
	uint32_t id;
	int status;
	pid_t pid;

	while (read(a->signals, &info, sizeof info) == sizeof info)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == a->disk)
			a->disk = 0;
		if (service_reaped(&a->services, pid, &id))
			tell(id, CALL_EXIT, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
}

/* ---- the daemon ---- */

static void handle(struct agent *a, const struct call_msg *m, struct fdset *fds)
{
	int status;

	switch (m->kind) {
	case CALL_RUN:
		status = service_begin(&a->services, m, fds);
		tell(m->id, status ? CALL_EXIT : CALL_BEGUN, status);
		break;
	case CALL_END: service_end(&a->services, m->id); break;
	case CALL_PAUSE: kill(-1, SIGSTOP); break;
	case CALL_RESUME: kill(-1, SIGCONT); break;
	case CALL_SHUTDOWN: a->over = true; break;
	default: break;
	}
}

/* A program of the qube (qube-bin/resize2fs) asks for it, and gets the number of an error. */
static void grow(struct agent *a)
{
	char asked[64], number[16];

	while (read(a->grow, asked, sizeof asked) > 0)
		;
	/* What nobody has read is out of date. */
	while (read(a->grown, asked, sizeof asked) > 0)
		;
	snprintf(number, sizeof number, "%d\n", -disk_grow(&a->disk));
	write_all(a->grown, number, strlen(number));
}

static void serve(struct agent *a)
{
	struct pollfd p[] = { { .fd = AGENT_CONTROL, .events = POLLIN }, { .fd = a->signals, .events = POLLIN },
			      { .fd = a->grow, .events = POLLIN } };

	while (!a->over) {
		CLEANUP_FDSET struct fdset fds = FDSET_INIT;
		struct call_msg m;

		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (p[1].revents)
			reap(a);
		if (p[2].revents)
			grow(a);
		if (!p[0].revents)
			continue;
		if (call_recv(AGENT_CONTROL, a->buffer, &m, &fds) <= 0)
			a->over = true;
		else
			handle(a, &m, &fds);
	}
}

/* ---- begin and end ---- */

/* Both ends are ours as well: nobody waits for the other side. */
static int open_pipe(const char *path)
{
	return mkfifo(path, 0666) < 0 ? -1 : open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int get_ready(struct agent *a)
{
	CLEANUP_CLOSE int listener = -1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return -errno;
	/* Those that bubblewrap makes have no limit. */
	mount(NULL, "/", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, "size=64m");
	mount(NULL, "/dev", NULL, MS_REMOUNT | MS_NOSUID, "size=64m,mode=755");
	user_write_etc(a->services.default_user);
	/* A qube whose volume is broken runs, so that somebody can look at it. */
	if (disk_mount(&a->disk) < 0)
		mkdir("/home/user", 0700);
	mkdir("/run/qvm", 0755);
	mkdir("/run/qubes", 0755);
	a->grow = open_pipe("/run/qvm/grow");
	a->grown = open_pipe("/run/qvm/grown");
	listener = sock_listen_type(CALL_QUBE_SOCKET, 0666, SOCK_SEQPACKET);
	if (listener < 0)
		return listener;
	return call_send(AGENT_CONTROL, &(struct call_msg){ .kind = CALL_READY }, &listener, 1);
}

static void shut_down(struct agent *a)
{
	uint64_t deadline = now_ns() + PATIENCE * 1000000ull;

	processes_signal(SIGTERM, a->disk);
	while (reap(a), processes_left(a->disk) && now_ns() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	processes_signal(SIGKILL, a->disk);
	reap(a);
	disk_unmount(a->disk);
}

/* Can a sandbox begin here at all? */
static int probe(void)
{
	pid_t server;
	int r = disk_mount(&server);

	disk_unmount(server);
	return r < 0;
}

int main(int argc, char *argv[])
{
	struct agent a = { .signals = -1 };
	int r;

	if (argc != 3 || num_u64(argv[2], &a.services.memory) < 0) {
		fputs("usage: qube-agent USER MEMORY\n", stderr);
		return 2;
	}
	umask(0022);
	if (!a.services.memory)
		return probe();
	a.services.default_user = argv[1];
	fcntl(AGENT_CONTROL, F_SETFD, FD_CLOEXEC);
	r = get_ready(&a);
	if (r < 0)
		fprintf(stderr, "qube-agent: cannot begin: %s\n", strerror(-r));
	else
		serve(&a);
	shut_down(&a);
	free(a.services.v);
	return r < 0;
}
