/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Power: who waits for what, and the way from one state to the next. */
#include "qvmd/power.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/power_wait.h"
#include "qvmd/publish.h"
#include "qvmd/qrexec.h"
#include "qvmd/sandbox.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"

/* A transition ends, which cannot be taken back: it may not rest on what another has changed in this turn. */
static bool settle(const struct vm *v)
{
	return server_settle(v->sys);
}

static void start_failed(struct vm *v, const struct err *err);
static void spawn(struct vm *v);

/* err NULL: it went well. The qube that was waited for may be gone. */
static void waiters_answer(struct sys *s, struct waiter *list, const struct err *err)
{
	while (list) {
		struct waiter *w = list;
		struct vm *dependent = w->req ? NULL : vm_find_uuid(s, w->dependent);

		list = w->next;
		if (w->req && err)
			req_fail_err(w->req, err);
		else if (w->req)
			req_ok(w->req, "");
		else if (dependent && err)
			start_failed(dependent, err);
		else if (dependent)
			spawn(dependent);
		waiter_free(w);
	}
}

void lifecycle_forget(struct vm *v)
{
	timer_drop(&v->timer);
	while (v->waiters) {
		struct waiter *w = v->waiters;

		v->waiters = w->next;
		waiter_free(w);
	}
	if (v->console > 0)
		close(v->console);
	v->console = 0;
	qrexec_down(v);
	sandbox_drop(v);
}

bool power_is_busy(const struct vm *v)
{
	return v->waiters;
}

bool power_is_switched(const struct vm *v)
{
	return v->class != CLASS_ADMIN && v->class != CLASS_REMOTE;
}

bool vm_is_running(const struct vm *v)
{
	return !power_is_switched(v) || v->power != POWER_HALTED;
}

/* ---- off ---- */

static void fire_xids(struct vm *v)
{
	prop_changed(v, "xid");
	prop_changed(v, "stubdom_xid");
	prop_changed(v, "start_time");
}

/* A disposable that is off has no reason to stay. v may be gone afterwards. */
static void cleanup(struct vm *v)
{
	if (v->class == CLASS_DISP && prop_get_bool(v, "auto_cleanup")) {
		/* it is off even when it cannot be removed */
		server_stand(v->sys);
		vm_remove(v);
	}
}

static void off(struct vm *v)
{
	timer_drop(&v->timer);
	if (v->console > 0)
		close(v->console);
	v->console = 0;
	qrexec_down(v);
	sandbox_drop(v);
	publish_stop(v);
	v->power = POWER_HALTED;
	v->xid = v->stubdom_xid = -1;
	v->start_time[0] = '\0';
	v->started_ns = 0;
	v->used_kib = v->swap_kib = -1;
	fire(v->sys, v, "domain-stopped", NULL);
	fire_xids(v);
	fire(v->sys, v, "domain-shutdown", NULL);
	devices_off(v);
}

static void off_for_good(struct vm *v)
{
	off(v);
	server_stand(v->sys);
}

/* It is off, its volumes are saved: everybody who waits is answered. v may be gone afterwards. */
static void halted(struct vm *v)
{
	struct waiter *for_halt = waiters_take(v, WAIT_HALT);
	CLEANUP_ERR struct err err = ERR_INIT;
	struct sys *s = v->sys;

	if (somebody_waits(v, WAIT_START)) {
		err_set(&err, -ECANCELED, "QubesVMNotStartedError", "Domain is powered off: '%s'", v->name);
		start_failed(v, &err);
	} else {
		cleanup(v);
	}
	waiters_answer(s, for_halt, NULL);
}

/* To be off, whatever it did before. v may be gone afterwards. */
static void halt(struct vm *v)
{
	timer_drop(&v->timer);
	if (v->power == POWER_DYING)
		return; /* it will be in a moment */
	v->power = POWER_DYING;
	if (sandbox_exists(v))
		sandbox_kill(v);
	else
		volumes_stop(v, off_for_good, halted);
}

void power_sandbox_gone(struct vm *v)
{
	if (!settle(v))
		return;
	if (v->power == POWER_DYING)
		volumes_stop(v, off_for_good, halted);
	else
		halt(v);
}

static void halt_timer(uv_timer_t *t)
{
	if (settle(t->data))
		halt(t->data);
}

static void wait_timer(uv_timer_t *t)
{
	struct waiter *w = t->data;
	struct waiter **at = &w->vm->waiters;
	CLEANUP_FREE char *reason = xasprintf("Domain shutdown timed out: '%s'", w->vm->name);

	if (!settle(w->vm))
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	fire(w->vm->sys, w->vm, "domain-shutdown-failed", "reason", reason, NULL);
	req_fail(w->req, "QubesVMShutdownTimeoutError", "%s", reason);
	waiter_free(w);
}

void power_shutdown(struct vm *v, struct req *r, bool wait)
{
	uint64_t delay = v->sys->opt.stop_delay_ms;

	if (wait) {
		struct waiter *w = waiter_add(v, WAIT_HALT, req_hold(r), NULL);
		int64_t seconds = prop_get_int(v, "shutdown_timeout", 60);

		w->timer = timer_new(v->sys, (uint64_t)(seconds > 0 ? seconds : 0) * 1000, wait_timer, w);
	}
	/* A second request changes nothing for a qube on its way; a paused one is destroyed. */
	if ((delay == 0 && !sandbox_is_ready(v)) || v->power == POWER_DYING || v->power == POWER_PAUSED ||
	    v->power == POWER_SUSPENDED) {
		halt(v);
	} else if (v->power != POWER_HALTING) {
		timer_drop(&v->timer);
		v->power = POWER_HALTING;
		if (sandbox_is_ready(v))
			sandbox_tell(v, CALL_SHUTDOWN);
		else
			v->timer = timer_new(v->sys, delay, halt_timer, v);
	}
	if (!wait)
		req_ok(r, "");
}

void power_kill(struct vm *v, struct req *r)
{
	if (r)
		waiter_add(v, WAIT_HALT, req_hold(r), NULL);
	halt(v);
}

/* ---- pausing ---- */

void power_pause(struct vm *v)
{
	if (v->sys->opt.compat != 42)
		fire(v->sys, v, "domain-pre-paused", NULL);
	v->power = POWER_PAUSED;
	if (sandbox_is_ready(v))
		sandbox_tell(v, CALL_PAUSE);
	fire(v->sys, v, "domain-paused", NULL);
}

void power_unpause(struct vm *v)
{
	if (v->sys->opt.compat != 42)
		fire(v->sys, v, "domain-pre-unpaused", NULL);
	v->power = POWER_RUNNING;
	if (sandbox_is_ready(v))
		sandbox_tell(v, CALL_RESUME);
	fire(v->sys, v, "domain-unpaused", NULL);
}

/* ---- on ---- */

/* An event of a start that somebody asked for. */
static void fire_guid(struct vm *v, const char *event)
{
	fire(v->sys, v, event, "start_guid", "True", NULL);
}

void power_on(struct vm *v)
{
	CLEANUP_FREE char *mode = prop_get(v, "virt_mode", NULL);
	struct sys *s = v->sys;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (s->next_xid < 1)
		s->next_xid = 1;
	v->xid = s->next_xid++;
	v->stubdom_xid = streq(mode, "hvm") ? s->next_xid++ : -1;
	v->power = POWER_RUNNING;
	v->started_ns = uv_hrtime();
	volumes_up(v);
	snprintf(v->start_time, sizeof v->start_time, "%lld.%ld", (long long)now.tv_sec,
		 now.tv_nsec / 100000000);
}

/* v may be gone afterwards. */
static void start_failed(struct vm *v, const struct err *err)
{
	struct waiter *list = waiters_take(v, WAIT_START);
	struct sys *s = v->sys;

	fire(s, v, "domain-start-failed", "reason", err->text, NULL);
	qrexec_down(v);
	volumes_discard(v);
	if (v->power != POWER_HALTED)
		off(v);
	cleanup(v);
	waiters_answer(s, list, err);
}

static void up(struct vm *v)
{
	timer_drop(&v->timer);
	v->power = POWER_RUNNING;
	publish_up(v);
	fire_guid(v, "domain-start");
	if (v->sys->opt.compat == 42)
		fire(v->sys, v, "domain-unpaused", NULL);
	devices_up(v);
	waiters_answer(v->sys, waiters_take(v, WAIT_START), NULL);
}

static void up_timer(uv_timer_t *t)
{
	if (settle(t->data))
		up(t->data);
}

static void qrexec_timer(uv_timer_t *t)
{
	struct vm *v = t->data;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!settle(v))
		return;
	err_set(&err, -ETIMEDOUT, "QubesVMError",
		"Cannot connect to qrexec agent for %lld seconds, see /var/log/xen/console/guest-%s.log for details",
		(long long)prop_get_int(v, "qrexec_timeout", 60), v->name);
	start_failed(v, &err);
}

/* A sandbox works on its private volume. Else nothing runs in a qube here; but where Info says that the content of a
 * running qube is, there it is, and whoever writes to it does what the qube would do; as long as there is any. */
bool power_wants_copy(const struct volume *v)
{
	if (v->id == VOLUME_PRIVATE && sandbox_is_real(v->vm->sys))
		return true;
	return volume_is_persistent(v) && v->now.gen;
}

/* The agent of a start has so much time to say that it is there. */
static void run_sandbox(struct vm *v, uint64_t patience)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (sandbox_start(v, &err) < 0)
		return start_failed(v, &err);
	v->timer = timer_new(v->sys, patience, qrexec_timer, v);
}

void power_sandbox_ready(struct vm *v)
{
	if (!settle(v))
		return;
	timer_drop(&v->timer);
	if (somebody_waits(v, WAIT_START))
		up(v);
	qrexec_up(v);
}

/* Its volumes are ready: the rest of its start. */
static void run(struct vm *v)
{
	const char *qrexec = feature_check_template(v, "qrexec");
	uint64_t delay = v->sys->opt.start_delay_ms;
	uint64_t patience = (uint64_t)prop_get_int(v, "qrexec_timeout", 60) * 1000;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (devices_spawn(v, &err) < 0)
		return start_failed(v, &err);
	fire_guid(v, "domain-pre-spawn");
	power_on(v);
	v->power = POWER_PAUSED;
	fire_xids(v);
	fire_guid(v, "domain-spawn");
	publish_start(v);
	fire(v->sys, v, "domain-qdb-create", NULL);
	if (v->sys->opt.compat != 42) {
		fire(v->sys, v, "domain-pre-unpaused", NULL);
		fire(v->sys, v, "domain-unpaused", NULL);
	}
	v->power = qrexec && *qrexec ? POWER_TRANSIENT : POWER_RUNNING;
	if (sandbox_is_real(v->sys))
		run_sandbox(v, patience);
	else if (delay == 0)
		up(v);
	else if (v->power == POWER_TRANSIENT && patience < delay)
		v->timer = timer_new(v->sys, patience, qrexec_timer, v);
	else
		v->timer = timer_new(v->sys, delay, up_timer, v);
}

static void volumes_ready(struct vm *v, const struct err *err)
{
	if (err)
		start_failed(v, err);
	else
		run(v);
}

/* Its netvm is up. */
static void spawn(struct vm *v)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = volumes_start(v, volumes_ready, &err);

	if (r < 0)
		start_failed(v, &err);
	else if (r == 0)
		run(v);
}

/* What refuses a start before anything is done (admin-api 2.3). */
static int may_start(struct vm *v, struct err *err)
{
	const char *prohibited = feature_get(v, "prohibit-start");
	struct vm *t = v->class == CLASS_DISP ? prop_get_vm(v, "template") : NULL;

	if (prohibited && *prohibited)
		return err_set(err, -EPERM, "QubesException", "Qube start is prohibited. Rationale: %s",
			       prohibited);
	if (strv_has(&v->tags, "backup-restore-in-progress"))
		return err_set(err, -EBUSY, "QubesVMError", "Restore of this domain in progress, cannot start");
	if (t && !(vm_has_prop(t, "template_for_dispvms") && prop_get_bool(t, "template_for_dispvms")))
		return err_set(err, -EPERM, "QubesException",
			       "template for disposable (%s) needs to have template_for_dispvms=True", t->name);
	return devices_may_start(v, err);
}

/* Begins the start of a halted qube for which somebody waits. */
static void begin(struct vm *v)
{
	struct vm *netvm = vm_has_prop(v, "netvm") ? prop_get_vm(v, "netvm") : NULL;
	CLEANUP_ERR struct err err = ERR_INIT;

	fire(v->sys, v, "domain-pre-start", "start_guid", "True", "mem_required", "None", NULL);
	if (may_start(v, &err) < 0)
		return start_failed(v, &err);
	fire(v->sys, v, "domain-verify-files", NULL);

	bool underway = netvm && somebody_waits(netvm, WAIT_START);

	if (!netvm || (vm_is_running(netvm) && !underway))
		return spawn(v);
	waiter_add(netvm, WAIT_START, NULL, v);
	if (!underway)
		begin(netvm);
}

void power_start(struct vm *v, struct req *r)
{
	bool underway = somebody_waits(v, WAIT_START);

	if (!underway && v->power != POWER_HALTED) {
		if (r)
			req_ok(r, "");
		return;
	}
	waiter_add(v, WAIT_START, r ? req_hold(r) : NULL, NULL);
	if (!underway)
		begin(v);
}

/* The volumes of a qube that was up before anything could run in it. */
static void woken(struct vm *v, const struct err *err)
{
	CLEANUP_ERR struct err e = ERR_INIT;

	if (v->power == POWER_HALTED || v->power == POWER_DYING || sandbox_exists(v))
		return;
	if (!err && sandbox_start(v, &e) == 0)
		return;
	log_line(v->sys, "%s cannot be woken: %s", v->name, err ? err->text : e.text);
	halt(v);
}

void power_wake(struct vm *v)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r;

	if (v->power == POWER_HALTED || somebody_waits(v, WAIT_START))
		return power_start(v, NULL);
	if (sandbox_exists(v) || volumes_busy(v))
		return;
	r = volumes_start(v, woken, &err);
	if (r <= 0)
		woken(v, r < 0 ? &err : NULL);
}
