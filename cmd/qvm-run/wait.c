/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for what qvm-run has started, and signals meanwhile (tools-runtime 6.7). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/io.h"
#include "os/signals.h"
#include "qvm-run/run.h"

/* After a signal a daemon gets so much time to answer. */
#define PATIENCE_NS 2000000000u

static void signal_child(const struct child *child, int signal)
{
	if (child->pid > 0)
		kill(child->pid, signal);
}

/* The daemon is what we wait for, and in vain. */
static void end_by(struct run *r, int signal)
{
	colours_end(r);
	signals_end_by(signal);
}

bool kill_disposable(struct run *r, const struct job *j)
{
	struct admin *a = &r->c->admin;
	uint64_t before = a->timeout_ns;
	int result;

	if (r->signal && (!before || before > PATIENCE_NS))
		a->timeout_ns = PATIENCE_NS;
	result = admin_call(a, NULL, j->disposable, "admin.vm.Kill", NULL, NULL, NULL, NULL);
	a->timeout_ns = before;
	return result != -ETIMEDOUT;
}

/* What came goes on to every child. A disposable that is about to start has none yet: it is killed. */
static void pass_on(struct run *r, int signal)
{
	if (!r->signal)
		r->signalled_ns = now_ns();
	r->stopped = true;
	r->signal = signal;
	for (size_t i = 0; i < r->n; i++) {
		struct job *j = &r->jobs[i];

		signal_child(&j->session, signal);
		signal_child(&j->remote, signal);
		signal_child(&j->local, signal);
		if (j->disposable && j->remote.pid < 0 && !kill_disposable(r, j))
			end_by(r, signal);
	}
}

static void read_signals(struct run *r, bool calling)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (calling && r->signal && now_ns() - r->signalled_ns > PATIENCE_NS)
			end_by(r, (int)info.ssi_signo);
		pass_on(r, (int)info.ssi_signo);
	}
}

static void on_watch(struct admin_watch *w)
{
	read_signals(w->data, true);
}

void hold_signals(struct run *r)
{
	static const int those[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t mask;

	if (r->signals >= 0)
		return;
	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(those); i++)
		sigaddset(&mask, those[i]);
	sigprocmask(SIG_BLOCK, &mask, &r->mask_before);
	r->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	r->watch = (struct admin_watch){.fd = r->signals, .ready = on_watch, .data = r};
	r->c->admin.watches = &r->watch;
	r->c->admin.n_watches = 1;
}

void release_signals(struct run *r)
{
	if (r->signals < 0)
		return;
	r->c->admin.n_watches = 0;
	closep(&r->signals);
	sigprocmask(SIG_SETMASK, &r->mask_before, NULL);
}

/* True once it has ended. */
static bool reap(struct child *child, int *status)
{
	int s;

	if (child->pid < 0)
		return true;
	s = child_poll(child);
	if (s == -EAGAIN)
		return false;
	if (status)
		*status = s < 0 ? STATUS_FAILED : s;
	return true;
}

void not_run(struct run *r)
{
	if (r->signal && r->status < 128 + r->signal)
		r->status = 128 + r->signal;
}

/* What has ended since; a session that has come lets its command run. */
static void look(struct run *r, struct job *j)
{
	bool waited = j->session.pid > 0;

	if (waited && reap(&j->session, NULL)) {
		child_release(&j->session);
		if (r->stopped)
			not_run(r);
		else
			job_launch(r, j);
	}
	reap(&j->remote, &j->remote_status);
	reap(&j->local, &j->local_status);
}

static void report(struct run *r, struct job *j)
{
	const int of[] = {j->remote_status, j->local_status};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		if (of[i])
			tell(r, "%s: command failed with code: %d", j->dest, of[i]);
		if (of[i] > r->status)
			r->status = of[i];
	}
}

void wait_jobs(struct run *r)
{
	size_t reported = 0;

	for (;;) {
		struct pollfd p = {.fd = r->signals, .events = POLLIN};
		bool busy = false;

		for (size_t i = 0; i < r->n; i++) {
			look(r, &r->jobs[i]);
			busy |= job_is_busy(&r->jobs[i]);
		}
		while (reported < r->n && !job_is_busy(&r->jobs[reported]))
			report(r, &r->jobs[reported++]);
		if (!busy)
			return;
		poll(&p, 1, -1);
		read_signals(r, false);
	}
}
