/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls about backups, and the backups under way (admin-api 2.13). */
#include "qvmd/backup.h"
#include "qvmd/qrexec.h"

#include <errno.h>
#include <time.h>

#include "archive/writer.h"
#include "base/mem.h"
#include "qvmd/backup_run.h"

#define PROGRESS_MS 1000

static struct run *find_run(const struct sys *s, const char *profile)
{
	for (struct run *r = s->backups; r; r = r->next)
		if (streq(r->profile, profile))
			return r;
	return NULL;
}

/* ---- progress ---- */

/* A number as Python prints it: the shortest that reads back as the same. */
static char *float_text(double n)
{
	char *text = NULL;

	if (n == (double)(uint64_t)n) /* the shortest of 50 would be 5e+01 */
		return xasprintf("%.1f", n);
	for (int digits = 1; digits <= 17; digits++) {
		free(text);
		text = xasprintf("%.*g", digits, n);
		if (strtod(text, NULL) == n)
			break;
	}
	return text;
}

static void on_timer(uv_timer_t *t)
{
	struct run *r = t->data;
	uint64_t done = atomic_load(&r->done);
	CLEANUP_FREE char *text = NULL;

	if (done == r->told)
		return;
	r->told = done;
	text = float_text(100.0 * (double)done / (double)r->plan.total);
	fire(r->job.sys, NULL, "backup-progress", "backup_profile", r->profile, "progress", text, NULL);
}

static void timer_free(uv_handle_t *t)
{
	free(t);
}

/* ---- the end of a run ---- */

static void set_timestamps(struct run *r)
{
	CLEANUP_FREE char *now = xasprintf("%lld", (long long)time(NULL));

	for (size_t i = 0; i < r->plan.n_vms; i++) {
		struct vm *v = vm_find_uuid(r->job.sys, r->plan.vms[i].uuid);

		/* Not every class has it. */
		if (v && vm_has_prop(v, "backup_timestamp"))
			prop_set(v, "backup_timestamp", now, NULL);
	}
}

static void run_done(struct job *j, int result, struct err *err)
{
	struct run *r = (struct run *)j;
	bool old = j->sys->opt.compat != 0;

	if (result == -ECANCELED)
		return req_fail(r->req, old ? "QubesException" : "BackupCancelledError", "Backup cancelled");
	if (result < 0)
		return req_fail_err(r->req, err);
	set_timestamps(r);
	req_ok(r->req, "");
}

static void run_release(struct job *j)
{
	struct run *r = (struct run *)j;
	struct run **at = &j->sys->backups;

	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	if (r->timer)
		uv_close((uv_handle_t *)r->timer, timer_free);
	plan_release(&r->plan);
	backup_qubes_release(&r->qubes);
	pthread_mutex_destroy(&r->lock);
	wipe_free(r->passphrase);
	free(r->profile);
	free(r->asked);
	free(r->asked_home);
	free(r->target);
	free(r->target_home);
	free(r);
}

void run_stop(struct run *r)
{
	atomic_store(&r->stop, true);
	pthread_mutex_lock(&r->lock);
	if (r->service)
		service_kill(r->service);
	pthread_mutex_unlock(&r->lock);
}

static void run_cancel(struct job *j)
{
	run_stop((struct run *)j);
}

/* ---- the beginning ---- */

/* Another qube of the profile; dom0 stands for no qube. */
static void use_qube(const struct sys *s, const char *name, char **ret, char **ret_home)
{
	if (streq(name, s->dom0->name))
		return;
	*ret = xstrdup(name);
	*ret_home = backup_home(s, name);
}

static int take_passphrase(struct sys *s, struct run *r, struct err *err)
{
	const struct profile *p = &r->plan.profile;

	if (p->passphrase_text) {
		r->passphrase = xstrdup(p->passphrase_text);
		return archive_passphrase_check(r->passphrase, err);
	}
	if (!p->passphrase_vm)
		return err_set(err, -EINVAL, "QubesException", "Invalid backup profile - you need to specify "
			       "passphrase_text or passphrase_vm");
	if (!vm_find(s, p->passphrase_vm))
		return err_set(err, -EINVAL, "QubesException", "Invalid backup profile - invalid passphrase_vm");
	r->asked = xstrdup(p->passphrase_vm);
	r->asked_home = backup_home(s, p->passphrase_vm);
	return 0;
}

static int run_prepare(struct sys *s, struct run *r, struct err *err)
{
	int failed = plan_make(s, r->profile, &r->plan, err);

	r->calls = qrexec_socket(s);
	if (failed == 0)
		failed = take_passphrase(s, r, err);
	if (failed == 0)
		failed = plan_open(s, &r->plan, &r->qubes, err);
	if (failed == 0)
		use_qube(s, r->plan.profile.destination_vm, &r->target, &r->target_home);
	return failed;
}

static void run_start(struct run *r, struct req *req)
{
	struct sys *s = req->sys;

	r->req = req_hold(req);
	r->next = s->backups;
	s->backups = r;
	r->timer = xcalloc(1, sizeof *r->timer);
	uv_timer_init(s->loop, r->timer);
	r->timer->data = r;
	uv_timer_start(r->timer, on_timer, PROGRESS_MS, PROGRESS_MS);
	job_start(s, &r->job);
}

/* ---- the calls ---- */

/* Slashes are refused before anything is looked for (admin-api 2.13). */
static bool refuse_name(struct req *r)
{
	if (!strchr(r->arg, '/'))
		return false;
	req_fail(r, "ProtocolError", "Backup profile ID must not contain forward slash character");
	return true;
}

static void handle_execute(struct req *req)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct run *r;

	if (refuse_name(req))
		return;
	if (find_run(req->sys, req->arg))
		return req_fail(req, "BackupAlreadyRunningError", "Backup already running");
	r = xcalloc(1, sizeof *r);
	r->job.sys = req->sys;
	r->job.work = run_work;
	r->job.done = run_done;
	r->job.release = run_release;
	r->job.cancel = run_cancel;
	r->job.wake = -1;
	r->profile = xstrdup(req->arg);
	r->logn = req->sys->opt.scrypt_logn;
	pthread_mutex_init(&r->lock, NULL);
	if (run_prepare(req->sys, r, &err) == 0)
		return run_start(r, req);
	req_fail_err(req, &err);
	run_release(&r->job);
}

static void handle_info(struct req *r)
{
	CLEANUP_PLAN struct backup_plan p = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (refuse_name(r))
		return;
	if (plan_make(r->sys, r->arg, &p, &err) < 0)
		return req_fail_err(r, &err);
	plan_print(&p, &b);
	req_ok_buf(r, &b);
}

static void handle_cancel(struct req *r)
{
	struct run *run;

	if (refuse_name(r))
		return;
	run = find_run(r->sys, r->arg);
	if (!run)
		return req_fail(r, "QubesException", "Backup operation not running");
	run_stop(run);
	req_ok(r, "");
}

const struct method methods_backup[] = {
	{ "admin.backup.Execute", "S23N", DEST_DOM0, PART_NEEDED, PART_NONE, ACCESS_EXECUTE, handle_execute },
	{ "admin.backup.Info", "S23N", DEST_DOM0, PART_NEEDED, PART_NONE, ACCESS_READ, handle_info },
	{ "admin.backup.Cancel", "S23N", DEST_DOM0, PART_NEEDED, PART_NONE, ACCESS_EXECUTE, handle_cancel },
	METHOD_END,
};
