/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-console: the terminal here becomes the console of a qube (tools-runtime 12, admin-api 1.10). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "cli/qrexec.h"
#include "os/io.h"
#include "os/spawn.h"

#define ESCAPE '\x1d'          /* ^] ends the session */
#define HELD_MAX (64u << 10)   /* typed, and not taken by the qube; what is more is lost */
#define STATUS_BUSY 200        /* of the service: another client has the console */

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "name of the qube"},
	POS_END,
};

struct console {
	struct ctx *c;
	const char *qube;
	int terminal;          /* ours */
	int remote;            /* the console, or the terminal that the client believes to have */
	int signals;
	bool left;             /* it was us who ended the session */
	struct termios before; /* of the terminal */
	struct buf held;       /* typed and not sent yet */
	struct child client;   /* from a qube */
};

/* ---- the session ---- */

static void fit_size(const struct console *s)
{
	struct winsize size;

	if (ioctl(s->terminal, TIOCGWINSZ, &size) == 0)
		ioctl(s->remote, TIOCSWINSZ, &size);
}

/* False when it is over. */
static bool from_terminal(struct console *s)
{
	char piece[4096];
	ssize_t n = read(s->terminal, piece, sizeof piece);
	const char *end = n > 0 ? memchr(piece, ESCAPE, (size_t)n) : NULL;
	size_t len = end ? (size_t)(end - piece) : n > 0 ? (size_t)n : 0;

	if (s->held.len + len <= HELD_MAX)
		buf_add(&s->held, piece, len);
	return n > 0 && !end;
}

static bool to_remote(struct console *s)
{
	ssize_t n = write(s->remote, s->held.data, s->held.len);

	if (n > 0)
		buf_consume(&s->held, (size_t)n);
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool from_remote(const struct console *s)
{
	char piece[4096];
	ssize_t n = read(s->remote, piece, sizeof piece);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && write_all(s->terminal, piece, (size_t)n) == 0;
}

/* A changed size is passed on; all others end the session. */
static bool from_signals(const struct console *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof info) != sizeof info)
		return true;
	if (info.ssi_signo != SIGWINCH)
		return false;
	fit_size(s);
	return true;
}

static void talk(struct console *s)
{
	for (;;) {
		struct pollfd p[] = {
			{.fd = s->terminal, .events = POLLIN},
			{.fd = s->remote, .events = (short)(POLLIN | (s->held.len ? POLLOUT : 0))},
			{.fd = s->signals, .events = POLLIN},
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents & POLLOUT && !to_remote(s))
			return;
		if (p[1].revents & (POLLIN | POLLHUP | POLLERR) && !from_remote(s))
			return;
		s->left = (p[0].revents && !from_terminal(s)) || (p[2].revents && !from_signals(s));
		if (s->left)
			return;
	}
}

/* The terminal is raw meanwhile, and as it was afterwards whatever happens. */
static int session(struct console *s)
{
	static const int those[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct termios raw;
	sigset_t mask, before;

	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(those); i++)
		sigaddset(&mask, those[i]);
	sigprocmask(SIG_BLOCK, &mask, &before);
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	set_nonblock(s->remote, true);
	fit_size(s);
	raw = s->before;
	cfmakeraw(&raw);
	tcsetattr(s->terminal, TCSANOW, &raw);
	talk(s);
	to_remote(s); /* what was typed before the end */
	tcsetattr(s->terminal, TCSADRAIN, &s->before);
	closep(&s->signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	fputc('\n', s->c->out);
	return STATUS_OK;
}

/* ---- the two ways to a console ---- */

static int busy(const struct console *s)
{
	say(s->c, "A qube is already connected to %s", s->qube);
	return STATUS_FAILED;
}

/* In dom0 the daemon names the terminal device. */
static int connect_here(struct console *s)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *path = NULL;
	struct termios raw;

	if (admin_call(&s->c->admin, &err, s->qube, "admin.vm.Console", NULL, NULL, &path, NULL) < 0)
		return fail_err(s->c, &err, s->qube, "admin.vm.Console");
	s->remote = skip_prefix(path, "/dev/") ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	if (s->remote < 0 || tcgetattr(s->remote, &raw) < 0)
		return fail(s->c, "the console of %s is no terminal: %s", s->qube, path);
	if (flock(s->remote, LOCK_EX | LOCK_NB) < 0)
		return busy(s);
	cfmakeraw(&raw);
	tcsetattr(s->remote, TCSANOW, &raw);
	return session(s);
}

/* From a qube a service leads to it; the client has a terminal, so that it filters what comes. */
static int connect_there(struct console *s)
{
	char *const argv[] = {s->c->admin.endpoint.path, (char *)s->qube, (char *)"admin.vm.Console", NULL};
	CLEANUP_CLOSE int end = -1;
	struct termios raw = s->before;
	int status, r;

	cfmakeraw(&raw);
	if (openpty(&s->remote, &end, NULL, &raw, NULL) < 0)
		return fail(s->c, "%s", strerror(errno));
	fcntl(s->remote, F_SETFD, FD_CLOEXEC);
	r = spawn_fds(&s->client, argv, (const int[]){end, end, FD_NULL});
	closep(&end);
	if (r < 0)
		return fail(s->c, "cannot run %s: %s", argv[0], strerror(-r));
	session(s);
	closep(&s->remote);
	if (s->left)
		return STATUS_OK; /* the client ends with us */
	status = child_wait(&s->client);
	if (status == STATUS_BUSY)
		return busy(s);
	if (status != 0)
		say(s->c, "Cannot connect to %s", s->qube);
	return status == 0 ? STATUS_OK : STATUS_FAILED;
}

/* A name that no program takes for an option, or a keyword of the policy. */
static bool is_name(const char *s)
{
	const char *rest = skip_prefix(s, "@dispvm:");

	if (streq(s, "@default") || streq(s, "@dispvm") || streq(s, "@adminvm"))
		return true;
	rest = rest ? rest : s;
	return *rest && *rest != '-' && chars_all(rest, "A-Za-z0-9_.-");
}

static int run(struct ctx *c)
{
	struct console s = {.c = c, .qube = arg_pos(&c->args, "VMNAME"), .remote = -1, .signals = -1,
			    .client = CHILD_INIT};
	int status;

	if (!s.qube) {
		say(c, "Usage: %s vmname", c->prog);
		say(c, "Connects to another VM console using the admin.vm.Console RPC service.");
		return STATUS_FAILED;
	}
	if (!is_name(s.qube))
		return fail(c, "'%s' is no name of a qube", s.qube);
	s.terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (s.terminal < 0 || tcgetattr(s.terminal, &s.before) < 0) {
		status = fail(c, "a console needs a terminal");
	} else {
		fputs("Use '^]' to exit remote console\n", c->out);
		flush_out(c);
		status = qrexec_is_dom0(c) ? connect_here(&s) : connect_there(&s);
	}
	child_release(&s.client);
	buf_release(&s.held);
	closep(&s.remote);
	closep(&s.terminal);
	return status;
}

const struct tool tool = {
	.name = "qvm-console",
	.summary = "Connect the terminal to the console of a qube.",
	.flags = TOOL_PLAIN_ERROR,
	.pos = positionals,
	.run = run,
};
