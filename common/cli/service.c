/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of qubes through qrexec-client (in dom0) or qrexec-client-vm (elsewhere). */
#include "cli/service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/qrexec.h"
#include "os/io.h"
#include "os/spawn.h"

#define IN_FLIGHT 32
#define SAID_MAX 4096

void service_call_release(struct service_call *s)
{
	buf_release(&s->out);
	buf_release(&s->said);
	*s = (struct service_call){0};
}

struct flight {
	struct service_call *call;
	struct child child;
	int pidfd; /* readable when the child has ended; -1: this place is free */
	uint64_t deadline;
};

static uint64_t patience(const struct ctx *c, uint64_t timeout_ns)
{
	return c->admin.timeout_ns ? c->admin.timeout_ns : timeout_ns;
}

static void make_argv(struct ctx *c, const struct service_call *s, struct strv *ret)
{
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = { .user = qrexec_is_dom0(c) ? s->user : NULL };
	const struct qrexec_options options = { .filter_err = c->err_tty };

	buf_addstr(&service.name, s->service);
	qrexec_argv(c, s->qube, &service, &options, ret, NULL);
}

/* Gives up what still runs. */
static void end(struct flight *f, int result)
{
	f->call->result = result;
	if (result == 0)
		f->call->status = child_wait(&f->child);
	else if (f->child.pid > 0)
		kill(f->child.pid, SIGKILL);
	child_release(&f->child);
	closep(&f->pidfd);
}

static int launch(struct ctx *c, struct flight *f)
{
	CLEANUP_STRV struct strv argv = STRV_INIT;
	const char *input = f->call->input;
	size_t n = input ? strlen(input) : 0;
	int r;

	if (n > SERVICE_INPUT_MAX)
		return -E2BIG;
	make_argv(c, f->call, &argv);
	r = spawn(&f->child, argv.v, SPAWN_STDOUT | SPAWN_STDERR | (input ? SPAWN_STDIN : SPAWN_NULL_STDIN));
	if (r < 0)
		return r;
	f->pidfd = pidfd_open(f->child.pid, 0);
	if (f->pidfd < 0)
		return -errno;
	set_nonblock(f->child.out, true);
	set_nonblock(f->child.err, true);
	/* It need not read: its status tells. */
	if (n)
		write_all(f->child.in, input, n);
	closep(&f->child.in);
	return 0;
}

enum more { AT_END, MAY_COME, TOO_MUCH };

/* Takes what is there, and keeps at most max bytes of it. */
static enum more pull(int fd, struct buf *b, size_t max)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0) {
		size_t room = max - b->len;

		buf_add(b, chunk, (size_t)n < room ? (size_t)n : room);
		if ((size_t)n > room)
			return TOO_MUCH;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? MAY_COME : AT_END;
}

static void look(struct flight *f, bool ended)
{
	struct service_call *s = f->call;

	if (f->child.out >= 0 && pull(f->child.out, &s->out, s->max + 1) == AT_END)
		closep(&f->child.out);
	/* Too much of it is dropped. */
	if (f->child.err >= 0 && pull(f->child.err, &s->said, SAID_MAX) == AT_END)
		closep(&f->child.err);
	if (s->out.len > s->max)
		end(f, -EFBIG);
	else if (ended)
		end(f, 0);
	else if (now_ns() >= f->deadline)
		end(f, -ETIMEDOUT);
}

/* Waits for something to happen to those that are under way. */
static void turn(struct flight *flights, size_t n)
{
	struct pollfd p[3 * IN_FLIGHT];
	uint64_t now = now_ns(), next = UINT64_MAX;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct flight *f = &flights[i];
		bool on = f->pidfd >= 0;

		/* No more than there are: poll() takes no longer list than files may be open. */
		used = on ? i + 1 : used;

		p[3 * i] = (struct pollfd){f->pidfd, POLLIN, 0};
		p[3 * i + 1] = (struct pollfd){on ? f->child.out : -1, POLLIN, 0};
		p[3 * i + 2] = (struct pollfd){on ? f->child.err : -1, POLLIN, 0};
		if (on && f->deadline < next)
			next = f->deadline;
	}
	if (poll(p, 3 * used, next > now ? (int)((next - now) / 1000000) + 1 : 0) < 0)
		return;
	for (size_t i = 0; i < used; i++)
		if (flights[i].pidfd >= 0)
			look(&flights[i], p[3 * i].revents);
}

static void run(struct ctx *c, struct service_call *calls, size_t n, uint64_t timeout_ns)
{
	struct flight flights[IN_FLIGHT];
	size_t started = 0, under_way;

	for (size_t i = 0; i < IN_FLIGHT; i++)
		flights[i].pidfd = -1;
	do {
		under_way = 0;
		for (size_t i = 0; i < IN_FLIGHT; i++) {
			struct flight *f = &flights[i];
			int r;

			while (f->pidfd < 0 && started < n) {
				*f = (struct flight){&calls[started++], CHILD_INIT, -1, now_ns() + timeout_ns};
				r = launch(c, f);
				if (r < 0)
					end(f, r);
			}
			under_way += f->pidfd >= 0;
		}
		if (under_way)
			turn(flights, IN_FLIGHT);
	} while (under_way);
}

void services_run(struct ctx *c, struct service_call *calls, size_t n, uint64_t timeout_ns)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;

	sigaction(SIGPIPE, &ignore, &before);
	run(c, calls, n, patience(c, timeout_ns));
	sigaction(SIGPIPE, &before, NULL);
}

char *service_patience(const struct ctx *c, uint64_t timeout_ns)
{
	return xasprintf("%g", (double)patience(c, timeout_ns) / 1e9);
}

char *service_why(const struct ctx *c, const struct service_call *s, uint64_t timeout_ns)
{
	CLEANUP_FREE char *seconds = service_patience(c, timeout_ns);
	const char *said = buf_str(&s->said);
	size_t n = strcspn(said, "\r\n");

	if (s->result == -ETIMEDOUT)
		return xasprintf("no end within %s seconds", seconds);
	if (s->result == -EFBIG)
		return xasprintf("it printed more than %zu bytes", s->max);
	if (s->result < 0)
		return xstrdup(strerror(-s->result));
	if (s->status == 126)
		return xstrdup("request refused by policy");
	return n ? xstrndup(said, n) : xasprintf("%s ended with status %d", s->service, s->status);
}
