/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sandboxes: their processes, and the sockets to their agents. */
#include "qvmd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"
#include "qvmd/power.h"
#include "qvmd/qrexec.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"
#include "qvmd/tree.h"

#define WORDS_MAX 65536 /* of what a program says when it fails */
#define AGENT_FD 3 /* as the agent knows it */

struct sandbox {
	struct sys *sys;
	struct vm *vm;      /* NULL: nobody wants to hear of it */
	uv_process_t process;
	uv_poll_t poll;
	int control;
	bool polls, ready;
	unsigned handles;   /* that are not closed yet */
	char buffer[CALL_MESSAGE_MAX];
};

bool sandbox_is_real(const struct sys *s)
{
	return s->real;
}

bool sandbox_exists(const struct vm *v)
{
	return v->sandbox;
}

bool sandbox_is_ready(const struct vm *v)
{
	return v->sandbox && v->sandbox->ready;
}

/* ---- the end of one ---- */

static void handle_closed(uv_handle_t *h)
{
	struct sandbox *sb = h->data;

	if (--sb->handles)
		return;
	sb->sys->n_children--;
	closep(&sb->control);
	free(sb);
}

/* Nothing is expected of the agent any more. */
static void stop_listening(struct sandbox *sb)
{
	if (!sb->polls)
		return;
	sb->polls = false;
	uv_close((uv_handle_t *)&sb->poll, handle_closed);
}

static void on_end(uv_process_t *p, int64_t status, int signum)
{
	struct sandbox *sb = p->data;
	struct vm *v = sb->vm;

	stop_listening(sb);
	uv_close((uv_handle_t *)p, handle_closed);
	if (!v)
		return;
	v->sandbox = NULL;
	log_line(v->sys, "the sandbox of %s has ended: %s %d", v->name, signum ? "signal" : "status",
		 signum ? signum : (int)status);
	power_sandbox_gone(v);
}

/* The agent, whose end is that of all others, is the child of bwrap, which ends behind them; 0 before it is there. */
static pid_t agent_pid(const struct sandbox *sb)
{
	CLEANUP_FREE char *path = xasprintf("/proc/%d/task/%d/children", sb->process.pid, sb->process.pid);
	CLEANUP_BUF struct buf children = BUF_INIT;

	if (read_file(path, &children, 64) < 0)
		return 0;
	return (pid_t)strtol(buf_str(&children), NULL, 10);
}

static void kill_all(struct sandbox *sb)
{
	pid_t agent = agent_pid(sb);

	if (agent <= 0 || kill(agent, SIGKILL) < 0)
		uv_process_kill(&sb->process, SIGKILL);
}

void sandbox_kill(struct vm *v)
{
	if (v->sandbox)
		kill_all(v->sandbox);
}

void sandbox_drop(struct vm *v)
{
	struct sandbox *sb = STEAL(v->sandbox);

	if (!sb)
		return;
	sb->vm = NULL;
	stop_listening(sb);
	kill_all(sb);
}

void sandbox_close(struct sys *s)
{
	while (s->n_children)
		uv_run(s->loop, UV_RUN_ONCE);
}

/* ---- its agent ---- */

/* An agent that sends something else is none of ours: the qube has got hold of it. */
static bool heard(struct sandbox *sb, const struct call_msg *m, struct fdset *fds)
{
	struct vm *v = sb->vm;

	switch (m->kind) {
	case CALL_READY:
		if (sb->ready || fds->n != 1)
			return false;
		sb->ready = true;
		qrexec_listen(v, fdset_take(fds, 0));
		power_sandbox_ready(v);
		return true;
	case CALL_BEGUN: qrexec_begun(v, m->id); return true;
	case CALL_EXIT: qrexec_ended(v, m->id, m->value); return true;
	default: return false;
	}
}

static void on_control(uv_poll_t *h, int status, int events)
{
	struct sandbox *sb = h->data;
	struct call_msg m;

	/* Others have their turn, too. */
	for (int i = 0; i < 16 && sb->polls; i++) {
		CLEANUP_FDSET struct fdset fds = FDSET_INIT;
		int r = call_recv(sb->control, sb->buffer, &m, &fds);

		if (r == -EAGAIN)
			return;
		if (r <= 0 || !heard(sb, &m, &fds)) {
			/* Without its agent there is no qube. */
			stop_listening(sb);
			kill_all(sb);
			return;
		}
	}
}

int sandbox_send(struct vm *v, const struct call_msg *m, const int *fds, size_t n_fds)
{
	return sandbox_is_ready(v) ? call_send(v->sandbox->control, m, fds, n_fds) : -ENOTCONN;
}

void sandbox_tell(struct vm *v, enum call_kind kind)
{
	struct call_msg m = { .kind = kind };
	int r = sandbox_send(v, &m, NULL, 0);

	if (r < 0)
		log_line(v->sys, "the agent of %s does not listen: %s", v->name, strerror(-r));
}

/* ---- the start of one ---- */

static int open_log(struct vm *v)
{
	CLEANUP_FREE char *path = xasprintf("/var/log/xen/console/guest-%s.log", v->name);

	return tree_open(storage_root(v->sys), path, O_WRONLY | O_CREAT | O_TRUNC);
}

static char *disk_path(struct vm *v)
{
	CLEANUP_FREE char *work = volume_work_path(&v->volumes[VOLUME_PRIVATE]);

	return xasprintf("%s/dom0%s", v->sys->opt.state_dir, work);
}

static int start_process(struct sandbox *sb, int log, int agent_end)
{
	struct vm *v = sb->vm;
	CLEANUP_FREE char *program = program_lib("qube-sandbox"), *disk = disk_path(v);
	CLEANUP_FREE char *user = prop_get(v, "default_user", NULL);
	CLEANUP_FREE char *memory = xasprintf("%lld", (long long)prop_get_int(v, "memory", 400));
	CLEANUP_FREE char *id = xasprintf("%lld", (long long)v->qid);
	char *argv[] = { program, v->name, user, disk, memory, id, NULL };
	uv_stdio_container_t io[] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = log }, { .flags = UV_INHERIT_FD, .data.fd = log },
		[AGENT_FD] = { .flags = UV_INHERIT_FD, .data.fd = agent_end },
	};
	uv_process_options_t options = { .exit_cb = on_end, .file = program, .args = argv, .stdio = io,
					 .stdio_count = ARRAY_SIZE(io), .flags = UV_PROCESS_DETACHED };

	return uv_spawn(v->sys->loop, &sb->process, &options);
}

int sandbox_start(struct vm *v, struct err *err)
{
	struct sandbox *sb = xcalloc(1, sizeof *sb);
	CLEANUP_CLOSE int log = open_log(v);
	CLEANUP_CLOSE int agent_end = -1;
	int ends[2], r = log;

	sb->sys = v->sys;
	sb->vm = v;
	sb->control = -1;
	sb->process.data = sb->poll.data = sb;
	if (r >= 0)
		r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
	if (r == 0) {
		sb->control = ends[0];
		agent_end = ends[1];
		set_nonblock(sb->control, true);
		r = start_process(sb, log, agent_end);
	}
	if (r == 0)
		r = uv_poll_init(v->sys->loop, &sb->poll, sb->control);
	if (r < 0) {
		closep(&sb->control);
		free(sb);
		return err_set(err, r, "QubesVMError", "The sandbox cannot be started: %s", strerror(-r));
	}
	v->sys->n_children++;
	sb->handles = 2;
	sb->polls = true;
	v->sandbox = sb;
	uv_poll_start(&sb->poll, UV_READABLE, on_control);
	return 0;
}

/* ---- whether there can be any ---- */

/* What a program says when it fails: its first line. */
static char *first_line(const struct buf *text)
{
	CLEANUP_BUF struct buf safe = BUF_INIT;
	const char *line = buf_str(text);

	term_escape(&safe, line, strcspn(line, "\n"), false);
	return buf_steal(&safe);
}

/* A sandbox on a volume of its own that begins, and ends at once. 0, or negative errno with *ret_why. */
static int try_one(struct sys *s, char **ret_why)
{
	CLEANUP_FREE char *program = program_lib("qube-sandbox"), *disk = xasprintf("%s/probe.img", s->opt.state_dir);
	const char *const format[] = { "mke2fs", "-q", "-F", "-t", "ext4", disk, "1M", NULL };
	const char *const sandbox[] = { program, "probe", "user", disk, "0", "0", NULL };
	const char *const *const steps[] = { format, sandbox };
	int status = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && status == 0; i++) {
		CLEANUP_CHILD struct child c = CHILD_INIT;
		CLEANUP_BUF struct buf said = BUF_INIT, text = BUF_INIT;
		int r = spawn(&c, (char *const *)steps[i],
			      SPAWN_NULL_STDIN | SPAWN_STDOUT | SPAWN_STDERR);

		if (r == 0)
			r = read_all(c.out, &said, WORDS_MAX);
		if (r == 0)
			r = read_all(c.err, &text, WORDS_MAX);
		status = r < 0 ? r : child_wait(&c);
		if (status != 0)
			*ret_why = text.len ? first_line(&text) : xasprintf("%s: %s", steps[i][0], strerror(-r));
	}
	unlink(disk);
	return status == 0 ? 0 : -EPERM;
}

int sandbox_open(struct sys *s, char **ret_why, struct err *err)
{
	CLEANUP_FREE char *why = NULL;
	int r = s->opt.power == POWER_BY_NULL ? 0 : try_one(s, &why);

	s->real = s->opt.power != POWER_BY_NULL && r == 0;
	if (r < 0 && s->opt.power == POWER_BY_BWRAP)
		return err_set(err, r, "", "qubes cannot be real here: %s", why);
	*ret_why = STEAL(why);
	return 0;
}
