/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services that the paranoid mode calls: of the disposable, and of whoever has the backup (backup-policy-clock 3.8). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "qvm-backup-restore/paranoid.h"

#define SAID_MAX 1024u      /* of what a service says on its stderr */
#define ID_MAX 256u
#define LOG_MAX (4u << 20)
#define PATIENCE_MS 1000
#define INPUT_MAX 4096u     /* a pipe has room for it */
#define LOG_PATH "/var/tmp/backup-restore.log"
#define PASSPHRASE_PATH "/var/tmp/backup-restore.pass"
#define TOOL "qvm-backup-restore"

bool paranoid_is_over(struct paranoid *p)
{
	p->interrupted = p->interrupted || signals_came(&p->signals);
	return p->interrupted;
}

/* ---- a child that is waited for ---- */

/* Takes what is there. 1: more may come, 0: nothing is there now, -1: the end. What is beyond max is dropped. */
static int collect(int fd, struct buf *to, size_t max)
{
	char piece[4096];
	ssize_t n = read(fd, piece, sizeof piece);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (to->len < max)
		buf_add(to, piece, (size_t)n < max - to->len ? (size_t)n : max - to->len);
	return n > 0 ? 1 : -1;
}

/* Behind its end: no more than pipes hold, for a process that it has left behind may write for ever. */
static void collect_rest(int fd, struct buf *to, size_t max)
{
	for (int i = 0; i < 32 && collect(fd, to, max) > 0; i++)
		;
}

/* What a qube says: everything but printable ASCII and newlines becomes a dot. */
static void disarm(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\n' && (b->data[i] < 0x20 || b->data[i] > 0x7d))
			b->data[i] = '.';
}

/* The same of what is shown behind an error: its first line. */
static void disarm_line(struct buf *b)
{
	char *end = b->len ? memchr(b->data, '\n', b->len) : NULL;

	if (end) {
		*end = '\0';
		b->len = (size_t)(end - b->data);
	}
	disarm(b);
}

/* Until the child ends: its exit status. -EINTR when a signal came, -EFBIG when it prints more than max (0: any). */
static int attend(struct paranoid *p, struct child *child, struct buf *out, size_t max, struct buf *said)
{
	CLEANUP_CLOSE int end = pidfd_open(child->pid, 0);
	struct pollfd fds[] = { { end, POLLIN, 0 }, { p->signals.fd, POLLIN, 0 },
				{ child->out, POLLIN, 0 }, { child->err, POLLIN, 0 } };

	set_nonblock(child->out, true);
	set_nonblock(child->err, true);
	while (!fds[0].revents) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents && paranoid_is_over(p))
			return -EINTR;
		if (fds[2].revents && collect(child->out, out, max) < 0)
			fds[2].fd = -1;
		if (fds[3].revents && collect(child->err, said, SAID_MAX) < 0)
			fds[3].fd = -1;
		if (max && out->len >= max)
			return -EFBIG;
	}
	collect_rest(child->out, out, max);
	collect_rest(child->err, said, SAID_MAX);
	return child_wait(child);
}

/* Nobody may be there to read it, which its exit status tells. */
static void put(int fd, const char *text)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

	sigaction(SIGPIPE, &ignore, &before);
	write_all(fd, text, strlen(text));
	sigaction(SIGPIPE, &before, NULL);
}

/* ---- a command in the disposable ---- */

/* With that input (NULL: none). Its exit status, or negative errno; and the first line that it said on stderr. */
static int call(struct paranoid *p, const struct qrexec_command *cmd, const char *input, struct buf *out, size_t max,
		struct buf *said)
{
	const struct qrexec_options options = {0};
	CLEANUP_QREXEC_TARGET struct qrexec_target target = { .qube = PARANOID_QUBE };
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	int r;

	qrexec_ask(p->c, cmd, &target, 1);
	if (target.err.type) {
		buf_addstr(said, target.err.text);
		return -EIO;
	}
	qrexec_choose(cmd, &target, &service);
	r = qrexec_argv(p->c, PARANOID_QUBE, &service, &options, &argv, &err);
	if (r < 0) {
		buf_addstr(said, err.text);
		return r;
	}
	r = spawn(&child, argv.v, (input ? SPAWN_STDIN : SPAWN_NULL_STDIN) | SPAWN_STDOUT | SPAWN_STDERR);
	if (r < 0) {
		buf_addf(said, "cannot run %s: %s", argv.v[0], strerror(-r));
		return r;
	}
	if (input)
		put(child.in, input);
	closep(&child.in);
	r = attend(p, &child, out, max, said);
	disarm_line(said);
	if (r == -EFBIG)
		buf_addstr(said, "it is too long");
	return r;
}

/* The same for a line of a shell, whose output does not matter. */
static int call_shell(struct paranoid *p, const char *line, const char *input, struct buf *said)
{
	const struct qrexec_command cmd = { .kind = QREXEC_SHELL, .words = (const char *const[]){ line, NULL } };
	CLEANUP_BUF struct buf out = BUF_INIT;

	return call(p, &cmd, input, &out, 0, said);
}

/* Says why a call did not do what it was for. Returns STATUS_FAILED. */
static int call_failed(struct paranoid *p, const char *what, const struct buf *said)
{
	if (p->interrupted)
		return STATUS_FAILED; /* which is said in one place */
	return said->len ? fail(p->c, "%s: %s", what, buf_str(said)) : fail(p->c, "%s", what);
}

/* ---- where the backup is ---- */

/* A line of what the child prints, without its newline; "" when none comes. */
static void read_id(struct paranoid *p, struct buf *ret, struct buf *said)
{
	struct pollfd fds[] = { { p->source.out, POLLIN, 0 }, { p->signals.fd, POLLIN, 0 } };
	char c = 0;

	while (ret->len < ID_MAX) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents && paranoid_is_over(p))
			break;
		if (fds[0].revents && (read(p->source.out, &c, 1) != 1 || c == '\n'))
			break;
		if (fds[0].revents)
			buf_addch(ret, c);
	}
	if (c == '\n' || p->interrupted)
		return;
	buf_reset(ret);
	/* It has ended, and may have said why. */
	set_nonblock(p->source.err, true);
	collect_rest(p->source.err, said, SAID_MAX);
	disarm_line(said);
}

int inner_register(struct paranoid *p)
{
	const struct qrexec_options options = {0};
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_BUF struct buf id = BUF_INIT, said = BUF_INIT;
	CLEANUP_FREE char *line = xasprintf("%s\n", p->path ? p->path : p->location);
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = 0;

	buf_addstr(&service.name, "qubes.RegisterBackupLocation");
	if (p->path)
		qrexec_dom0_argv(buf_str(&service.name), NULL, &argv);
	else if (qrexec_start(p->c, p->storage, &err) < 0)
		return fail_err(p->c, &err, p->storage, "admin.vm.Start");
	else
		r = qrexec_argv(p->c, p->storage, &service, &options, &argv, &err);
	if (r < 0)
		return fail(p->c, "%s", err.text);
	r = spawn(&p->source, argv.v, SPAWN_STDIN | SPAWN_STDOUT | SPAWN_STDERR);
	if (r < 0)
		return fail(p->c, "cannot run '%s': %s", argv.v[0], strerror(-r));
	put(p->source.in, line);
	read_id(p, &id, &said);
	if (!id.len || strlen(buf_str(&id)) != id.len || !chars_all(buf_str(&id), "A-Za-z0-9"))
		return call_failed(p, id.len ? "Backup source registration failed: got an invalid id" :
					       "Backup source registration failed", &said);
	p->id = buf_steal(&id);
	return STATUS_OK;
}

void inner_unregister(struct paranoid *p)
{
	CLEANUP_CLOSE int end = p->source.pid > 0 ? pidfd_open(p->source.pid, 0) : -1;

	closep(&p->source.in);
	/* The end of its input is its end; one that does not know that is ended. */
	poll(&(struct pollfd){ end, POLLIN, 0 }, 1, end < 0 ? 0 : PATIENCE_MS);
	child_release(&p->source);
	p->source = CHILD_INIT;
}

/* ---- before the restore ---- */

static bool has_session(struct paranoid *p)
{
	const struct qrexec_command cmd = { .kind = QREXEC_SERVICE,
					    .words = (const char *const[]){ "qubes.WaitForSession", NULL } };
	CLEANUP_BUF struct buf out = BUF_INIT, said = BUF_INIT;

	return call(p, &cmd, NULL, &out, 0, &said) == 0;
}

int inner_check(struct paranoid *p)
{
	CLEANUP_BUF struct buf said = BUF_INIT;
	CLEANUP_FREE char *missing = xasprintf(TOOL " is not there in " PARANOID_QUBE ", whose template is %s",
					       p->template);

	if (call_shell(p, "command -v " TOOL, NULL, &said) != 0)
		return call_failed(p, missing, &said);
	p->has_terminal = has_session(p) &&
			  call_shell(p, "test -n \"$DISPLAY\" && command -v xterm", NULL, &said) == 0;
	if (!p->has_terminal && !p->passphrase && !p->interrupted)
		return fail(p->c, "no window can be opened in " PARANOID_QUBE ": --passphrase-file is needed");
	return STATUS_OK;
}

int inner_put_passphrase(struct paranoid *p)
{
	CLEANUP_SECRET char *line = p->passphrase ? xasprintf("%s\n", p->passphrase) : NULL;
	CLEANUP_BUF struct buf said = BUF_INIT;

	if (!line)
		return STATUS_OK;
	if (strlen(line) > INPUT_MAX)
		return fail(p->c, "the passphrase is too long");
	if (call_shell(p, "umask 077; cat >" PASSPHRASE_PATH, line, &said) != 0)
		return call_failed(p, "the passphrase cannot be copied into " PARANOID_QUBE, &said);
	return STATUS_OK;
}

/* ---- the restore ---- */

/* Options that are not the inner tool's, or that it is given in another way. */
static bool is_outer(const struct opt *o)
{
	static const char *const outer[] = { "--paranoid-mode", "--auto-close", "--dest-vm", "--passphrase-file",
					     "--skip-dom0-home", "--calls", "--force-root" };

	for (size_t i = 0; i < ARRAY_SIZE(outer); i++)
		if (opt_is(o, outer[i]))
			return true;
	return false;
}

static void add_words(const struct paranoid *p, struct strv *to)
{
	const struct args *a = &p->c->args;

	for (size_t i = 0; i < a->n; i++) {
		const struct opt *o = a->v[i].opt;
		int length = o ? (int)strcspn(o->names, "/") : 0;

		if (o && !is_outer(o) && a->v[i].value)
			strv_addf(to, "%.*s=%s", length, o->names, a->v[i].value);
		else if (o && !is_outer(o))
			strv_addn(to, o->names, (size_t)length);
	}
	strv_add(to, "--skip-dom0-home");
	if (p->passphrase)
		strv_add(to, "--passphrase-file=" PASSPHRASE_PATH);
	strv_addf(to, "--dest-vm=%s", p->storage);
	strv_add(to, "--location-is-service");
	strv_addf(to, "qubes.RestoreById+%s", p->id);
	arg_poses(a, "vms", to);
}

static void add_all(const char *const *words, struct strv *to)
{
	for (; *words; words++)
		strv_add(to, *words);
}

static void command_line(const struct paranoid *p, struct strv *ret)
{
	static const char *const shell[] = {
		"/bin/sh", "-c", "(\"$0\" \"$@\" 2>&1; echo exit code: $?) | tee " LOG_PATH, TOOL, NULL };

	if (p->has_terminal) {
		strv_add(ret, "xterm");
		if (!arg_has(&p->c->args, "--auto-close"))
			strv_add(ret, "-hold");
		add_all((const char *const[]){ "-title", "Backup restore", "-e", NULL }, ret);
	}
	add_all(shell, ret);
	add_words(p, ret);
}

/* The number in its last line, "exit code: N"; -EBADMSG when it has none. */
static int exit_code(const struct buf *log)
{
	const char *line;
	uint64_t n;
	size_t end = log->len;

	while (end && log->data[end - 1] == '\n')
		end--;
	line = end ? memrchr(log->data, '\n', end) : NULL;

	CLEANUP_FREE char *last = xstrndup(line ? line + 1 : buf_str(log),
					   line ? end - (size_t)(line + 1 - log->data) : end);
	const char *number = skip_prefix(last, "exit code: ");

	return number && num_u64(number, &n) == 0 && n <= 255 ? (int)n : -EBADMSG;
}

static void show_log(struct paranoid *p, const struct buf *log, bool is_bad)
{
	bool red = is_bad && p->c->out_tty;

	fprintf(p->c->out, "%s%s%s%s", red ? "\033[0;31m" : "", buf_str(log),
		log->len && log->data[log->len - 1] != '\n' ? "\n" : "", red ? "\033[0m" : "");
	flush_out(p->c);
}

static int fetch_log(struct paranoid *p, struct buf *log)
{
	const struct qrexec_command cmd = { .kind = QREXEC_PROGRAM,
					    .words = (const char *const[]){ "cat", LOG_PATH, NULL } };
	CLEANUP_BUF struct buf said = BUF_INIT;

	if (call(p, &cmd, NULL, log, LOG_MAX, &said) != 0)
		return call_failed(p, "the log of " PARANOID_QUBE " cannot be read", &said);
	disarm(log);
	return STATUS_OK;
}

int inner_run(struct paranoid *p)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	CLEANUP_BUF struct buf out = BUF_INIT, said = BUF_INIT, log = BUF_INIT;
	struct qrexec_command cmd = { .kind = QREXEC_PROGRAM };
	int status, code;

	command_line(p, &words);
	cmd.words = (const char *const *)words.v;
	if (call(p, &cmd, NULL, &out, 0, &said) < 0)
		return call_failed(p, TOOL " in " PARANOID_QUBE, &said);
	status = fetch_log(p, &log);
	if (status != STATUS_OK)
		return status;
	code = exit_code(&log);
	if (code != 0 || !p->has_terminal || arg_has(&p->c->args, "--auto-close"))
		show_log(p, &log, code != 0);
	if (code < 0)
		return fail(p->c, TOOL " did not report its exit code");
	return code == 0 ? STATUS_OK : fail(p->c, TOOL " failed with %d", code);
}
