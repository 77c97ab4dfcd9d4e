/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the archive comes from: a file, a command, or a service of a qube (backup-policy-clock 4.2). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "admin/exc.h"
#include "base/chars.h"
#include "base/mem.h"
#include "cli/qrexec.h"
#include "cli/select.h"
#include "os/io.h"
#include "qvm-backup-restore/restore.h"

#define SAID_MAX 4096u /* bytes of what a service says on its stderr */
#define PATIENCE_MS 1000
#define EDQUOT_RESULT 122u /* of a qfile: the rest is not wanted, which is no error (4.2) */

/* ---- the thread beside ---- */

/* False at the end of it. */
static bool collect(struct origin *o)
{
	char piece[1024];
	ssize_t n = read(o->child.err, piece, sizeof piece);

	if (n < 0)
		return errno == EINTR;
	if (o->said.len < SAID_MAX)
		buf_add(&o->said, piece, (size_t)n < SAID_MAX - o->said.len ? (size_t)n : SAID_MAX - o->said.len);
	return n > 0;
}

static void on_wake(int sig)
{
}

/* The sender has nobody to write to any more. By both threads: it is only closed when there is one. */
static void let_go(struct origin *o)
{
	CLEANUP_CLOSE int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0 && o->fd >= 0)
		dup3(null, o->fd, O_CLOEXEC);
}

/* The first signal ends the work in order; another one ends the program at once, for it is not blocked here then. */
static void interrupt(struct restore *r)
{
	if (!signals_came(&r->signals))
		return;
	atomic_store(&r->origin.interrupted, true);
	if (r->origin.child.pid > 0)
		kill(r->origin.child.pid, SIGTERM);
	let_go(&r->origin);
	pthread_kill(r->origin.reader, SIGURG); /* a read that waits looks again, and finds the end */
	pthread_sigmask(SIG_SETMASK, &r->signals.before, NULL);
}

static void *guard(void *data)
{
	struct restore *r = data;
	struct origin *o = &r->origin;
	struct pollfd p[] = {
		{ o->stop, POLLIN, 0 }, { r->signals.fd, POLLIN, 0 }, { o->child.err, POLLIN, 0 } };

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return NULL;
		if (p[2].revents && !collect(o))
			p[2].fd = -1;
		if (p[1].revents)
			interrupt(r);
		if (p[0].revents)
			return NULL;
	}
}

static int start_guard(struct restore *r)
{
	struct origin *o = &r->origin;
	sigset_t all, before;

	o->stop = eventfd(0, EFD_CLOEXEC);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	o->guarded = o->stop >= 0 && pthread_create(&o->guard, NULL, guard, r) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return o->guarded ? STATUS_OK : fail(r->c, "no thread can be started");
}

static void end_guard(struct origin *o)
{
	if (o->guarded && eventfd_write(o->stop, 1) == 0)
		pthread_join(o->guard, NULL);
	o->guarded = false;
	closep(&o->stop);
}

int origin_hold_signals(struct restore *r)
{
	const struct sigaction wake = { .sa_handler = on_wake }; /* calls at work are not begun again */

	end_guard(&r->origin);
	r->origin.reader = pthread_self();
	r->origin.wakes = sigaction(SIGURG, &wake, &r->origin.before) == 0;
	signals_hold(&r->signals);
	return start_guard(r);
}

bool is_interrupted(struct restore *r)
{
	return atomic_load(&r->origin.interrupted);
}

/* ---- opening ---- */

static int open_file(struct restore *r, const char *path)
{
	struct stat st;

	r->origin.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r->origin.fd < 0)
		return fail(r->c, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(r->origin.fd, &st) == 0 && S_ISREG(st.st_mode))
		r->origin.size = (uint64_t)st.st_size;
	return STATUS_OK;
}

static int start(struct restore *r, const struct strv *argv, int flags)
{
	struct origin *o = &r->origin;
	int status = spawn(&o->child, argv->v, flags | SPAWN_STDOUT | SPAWN_STDERR);

	if (status < 0)
		return fail(r->c, "cannot run '%s': %s", argv->v[0], strerror(-status));
	o->fd = o->child.out;
	o->child.out = -1;
	return STATUS_OK;
}

static int run_command(struct restore *r, const char *line)
{
	CLEANUP_STRV struct strv argv = STRV_INIT;

	strv_add(&argv, "/bin/sh");
	strv_add(&argv, "-c");
	strv_add(&argv, line);
	return start(r, &argv, SPAWN_NULL_STDIN);
}

/* The qube has to be there, and to run. */
static int wake(struct restore *r, const char *qube)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_QUBES struct qubes all = {0};
	int status = list_qubes(r->c, &all);

	if (status != STATUS_OK)
		return status;
	if (!qubes_find(&all, qube))
		return no_such_qube(r->c, qube);
	return qrexec_start(r->c, qube, &err) < 0 ? fail_err(r->c, &err, qube, "admin.vm.Start") : STATUS_OK;
}

/* The line that says where the archive is, unless the service knows; then an empty one: all of it. */
static int ask_service(struct restore *r, const char *location)
{
	bool is_service = arg_has(&r->c->args, "--location-is-service");
	CLEANUP_FREE char *lines = is_service ? xstrdup("\n") : xasprintf("%s\n\n", location);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	int status;

	sigaction(SIGPIPE, &ignore, &before);
	status = write_all(r->origin.child.in, lines, strlen(lines));
	sigaction(SIGPIPE, &before, NULL);
	return status == -EPIPE || status == 0 ? STATUS_OK : fail(r->c, "%s", strerror(-status));
}

static int call_service(struct restore *r, const char *qube, const char *location)
{
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_QREXEC_SERVICE struct qrexec_service call = {{0}};
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct qrexec_options options = {0};
	const char *service = arg_has(&r->c->args, "--location-is-service") ? location : "qubes.Restore";
	int status = wake(r, qube);

	if (status != STATUS_OK)
		return status;
	if (strchr(location, '\n'))
		return fail(r->c, "the location holds a newline");
	if (!*service || !chars_all(service, "A-Za-z0-9._+-"))
		return fail(r->c, "'%s' is not the name of a service", service);
	r->origin.qfile = true;
	buf_addstr(&call.name, service);
	if (qrexec_argv(r->c, qube, &call, &options, &argv, &err) < 0)
		return fail(r->c, "%s", err.text);
	status = start(r, &argv, SPAWN_STDIN);
	return status == STATUS_OK ? ask_service(r, location) : status;
}

int origin_open(struct restore *r)
{
	const struct args *a = &r->c->args;
	const char *location = arg_pos(a, "backup_location"), *qube = arg_value(a, "--dest-vm");
	int status;

	if (qube && (!streq(qube, "dom0") || arg_has(a, "--location-is-service")))
		status = call_service(r, qube, location);
	else if (arg_has(a, "--location-is-command"))
		status = run_command(r, location);
	else
		status = open_file(r, location);
	return status == STATUS_OK ? start_guard(r) : status;
}

/* ---- the end ---- */

/* A sender of a qfile waits for its result. One that is gone does not need it. */
static void send_result(struct restore *r, bool whole)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!r->origin.qfile || r->origin.child.in < 0 || !r->reader)
		return;
	archive_reader_result(r->reader, whole ? 0 : EDQUOT_RESULT, &b);
	sigaction(SIGPIPE, &ignore, &before);
	write_all(r->origin.child.in, b.data, b.len);
	sigaction(SIGPIPE, &before, NULL);
}

/* A sender that knows that it is not wanted any more has a moment to end. */
static void await_end(struct origin *o, bool whole)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(o->child.pid, 0);
	struct pollfd p = { pidfd, POLLIN, 0 };

	if (!whole && poll(&p, 1, PATIENCE_MS) == 0)
		kill(o->child.pid, SIGTERM);
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

int origin_close(struct restore *r, bool whole)
{
	struct origin *o = &r->origin;
	int status;

	if (o->child.pid <= 0) {
		end_guard(o);
		return STATUS_OK;
	}
	send_result(r, whole);
	closep(&o->child.in);
	let_go(o);
	await_end(o, whole); /* a signal can still end it */
	end_guard(o);
	status = child_wait(&o->child);
	while (o->said.len && o->said.data[o->said.len - 1] == '\n')
		o->said.data[--o->said.len] = '\0';
	if (!whole || status == 0)
		return STATUS_OK;
	return fail(r->c, "Backup completed, but its sender reported an error (exit code %d)%s%s", status,
		    o->said.len ? ": " : "", buf_str(&o->said));
}

void origin_release(struct origin *o)
{
	end_guard(o);
	if (o->wakes)
		sigaction(SIGURG, &o->before, NULL);
	closep(&o->fd);
	child_release(&o->child);
	buf_release(&o->said);
}
