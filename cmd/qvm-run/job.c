/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One qube of qvm-run, from its state to its command (tools-runtime 6.7 to 6.10). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "model/names.h"
#include "model/propval.h"
#include "os/io.h"
#include "qvm-run/run.h"

static struct qrexec_target *target_of(struct run *r, const struct job *j)
{
	return &r->targets[j - r->jobs];
}

/* ---- steps 1 to 4 ---- */

/* The state stands in the way of this qube only. */
static bool not_ready(struct run *r, const struct job *j, const char *what)
{
	tell(r, "Qube '%s' %s", j->shown, what);
	if (r->status < STATUS_FAILED)
		r->status = STATUS_FAILED;
	return false;
}

/* False when the command cannot be run now, and that was told. */
static bool make_ready(struct run *r, struct job *j)
{
	if (r->disposable || j->is_dom0)
		return true;
	if (!j->state) {
		job_fail(r, j, &target_of(r, j)->err);
		return false;
	}
	if (!r->autostart && !state_is_running(j->state))
		return not_ready(r, j, "not started");
	if (!streq(j->state, "Paused"))
		return true;
	if (!r->autostart)
		return not_ready(r, j, "is paused");
	if (admin_call(&r->c->admin, NULL, j->dest, "admin.vm.Unpause", NULL, NULL, NULL, NULL) < 0)
		return not_ready(r, j, "cannot be unpaused");
	return true;
}

static int start(struct run *r, const char *qube, struct err *err)
{
	return r->autostart || r->disposable ? qrexec_start(r->c, qube, err) : 0;
}

/* Runs a client; one that cannot be run is told. A signal that came while a call was made had no child to go to. */
static void run_client(struct run *r, struct child *child, const struct strv *argv, const int fds[3])
{
	int code;

	hold_signals(r);
	if (r->signal)
		return not_run(r);
	code = spawn_fds(child, argv->v, fds);
	if (code < 0)
		run_fail(r, "cannot run %s: %s", argv->v[0], strerror(-code));
}

/* The service that waits for the session gets the user's name. */
static int wait_for_session(struct run *r, struct job *j, struct err *err)
{
	const struct qrexec_options options = {.filter_err = r->c->err_tty};
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_PROPVAL struct propval user = {0};
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	CLEANUP_CLOSE int from = -1, to = -1;
	size_t len;
	int code, fds[2];

	code = admin_call(&r->c->admin, err, j->dest, "admin.vm.property.Get", "default_user", NULL, &body, &len);
	if (code == 0)
		code = propval_parse(&user, body, len, err);
	if (code == 0)
		code = start(r, j->dest, err);
	buf_addstr(&service.name, "qubes.WaitForSession");
	if (code == 0)
		code = qrexec_argv(r->c, j->dest, &service, &options, &argv, err);
	if (code < 0)
		return code;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "", "%s", strerror(errno));
	from = fds[0];
	to = fds[1];
	/* A pipe has room for more than a name can be long. */
	if (strlen(user.value) < 4096)
		write_all(to, user.value, strlen(user.value));
	run_client(r, &j->session, &argv, (const int[]){from, FD_NULL, FD_NULL});
	return 0;
}

void job_begin(struct run *r, struct job *j)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!make_ready(r, j))
		return;
	tell(r, "Running '%s' on %s", r->shown, j->shown);
	if (!r->is_asked) {
		ask_windows(r, (size_t)(j - r->jobs), 1);
		r->command.session = r->disposable && j->windows;
	}
	if (j->windows && !r->disposable && !j->is_dom0 && !target_of(r, j)->err.type) {
		if (wait_for_session(r, j, &err) < 0)
			job_fail(r, j, &err);
		return;
	}
	job_launch(r, j);
}

/* ---- steps 5 to 8 ---- */

/* In dom0 a disposable is made and started by us; *ret_wait is its time to start, the caller's. */
static int make_disposable(struct run *r, struct job *j, char **ret_wait, struct err *err)
{
	CLEANUP_PROPVAL struct propval timeout = {0};
	CLEANUP_FREE char *name = NULL, *body = NULL;
	const char *template = arg_value(&r->c->args, "--dispvm");
	uint64_t seconds;
	size_t len;
	int code;

	hold_signals(r);
	code = admin_call(&r->c->admin, err, template ? template : "dom0", "admin.vm.CreateDisposable", NULL, NULL,
			  &name, NULL);
	if (code == 0)
		code = name_check_qube(name, err);
	if (code < 0)
		return code;
	j->disposable = STEAL(name);
	if (r->signal) {
		not_run(r);
		return -ECANCELED;
	}
	code = admin_call(&r->c->admin, err, j->disposable, "admin.vm.property.Get", "qrexec_timeout", NULL, &body,
			  &len);
	if (code == 0)
		code = propval_parse(&timeout, body, len, err);
	if (code == 0 && num_u64(timeout.value, &seconds) < 0)
		code = err_set(err, -EBADMSG, "", "qrexec_timeout is not a number");
	if (code < 0)
		return code;
	free(j->dest);
	j->dest = xstrdup(j->disposable);
	*ret_wait = STEAL(timeout.value);
	return 0;
}

static int dom0_argv(struct run *r, struct strv *ret)
{
	const char *service = r->command.words[0];

	if (!r->pass_io || r->command.kind != QREXEC_SERVICE || strchr(service, '/')) {
		run_fail(r, "running commands in dom0 is supported only with --pass-io --service");
		return -ENOTSUP;
	}
	qrexec_dom0_argv(service, r->command.user, ret);
	return 0;
}

static int command_argv(struct run *r, struct job *j, struct strv *ret, struct err *err)
{
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_FREE char *wait = NULL;
	struct qrexec_target *target = target_of(r, j);
	struct qrexec_options options = {
		.filter = r->filter && r->pass_io && !r->localcmd,
		.filter_err = r->c->err_tty,
		.no_filter = r->no_filter && r->pass_io,
		.detach = !r->pass_io && r->command.kind == QREXEC_SERVICE && !r->disposable,
	};
	int code = 0;

	if (!r->is_asked)
		qrexec_ask(r->c, &r->command, target, 1);
	if (target->err.type) {
		err_move(err, &target->err);
		return -EIO;
	}
	qrexec_choose(&r->command, target, &service);
	if (service.user && !qrexec_is_dom0(r->c)) {
		run_fail(r, "non-default user not possible for calls from VM");
		return -EINVAL;
	}
	if (r->disposable && qrexec_is_dom0(r->c))
		code = make_disposable(r, j, &wait, err);
	options.wait = wait;
	if (code == 0 && !(r->disposable && !qrexec_is_dom0(r->c)))
		code = start(r, j->dest, err);
	return code < 0 ? code : qrexec_argv(r->c, j->dest, &service, &options, ret, err);
}

/* The remote's streams are those of a command here: two pipes lead from one to the other. */
static void run_both(struct run *r, struct job *j, const struct strv *argv)
{
	const struct strv local = {(char *[]){"/bin/sh", "-c", (char *)r->localcmd, NULL}, 3, 0};
	int down[2] = {-1, -1}, up[2] = {-1, -1};

	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
		run_fail(r, "%s", strerror(errno));
	else
		run_client(r, &j->remote, argv, (const int[]){up[0], down[1], FD_INHERIT});
	if (j->remote.pid > 0)
		run_client(r, &j->local, &local, (const int[]){down[0], up[1], FD_INHERIT});
	for (size_t i = 0; i < 2; i++) {
		closep(&down[i]);
		closep(&up[i]);
	}
}

void job_launch(struct run *r, struct job *j)
{
	static const int none[] = {FD_NULL, FD_NULL, FD_NULL}, ours[] = {FD_INHERIT, FD_INHERIT, FD_INHERIT};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv argv = STRV_INIT;
	int code = j->is_dom0 ? dom0_argv(r, &argv) : command_argv(r, j, &argv, &err);

	if (code < 0) {
		if (err.type)
			job_fail(r, j, &err);
		return;
	}
	if (r->localcmd)
		run_both(r, j, &argv);
	else
		run_client(r, &j->remote, &argv, r->pass_io ? ours : none);
}
