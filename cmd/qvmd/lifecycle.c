/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of the life cycle (admin-api 2.3): who may do what in which state; power.c does it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/power.h"
#include "qvmd/told.h"

/* Answers for dom0 and RemoteVM, which have no switch; true when it did. */
static bool refuse_unswitched(struct req *r, const char *verb, const char *type)
{
	const struct vm *v = r->dest;

	if (power_is_switched(v))
		return false;
	req_fail(r, type, v->class == CLASS_ADMIN ? "Cannot %s Dom0 fake domain!" : "Cannot %s a RemoteVM.", verb);
	return true;
}

static void fail_not_started(struct req *r)
{
	req_fail(r, "QubesVMNotStartedError", "Domain is powered off: '%s'", r->dest->name);
}

static void fail_not_running(struct req *r)
{
	req_fail(r, "QubesVMNotRunningError", "Domain not running (either powered off or paused): '%s'",
		 r->dest->name);
}

static void handle_start(struct req *r)
{
	if (!refuse_unswitched(r, "start", "QubesVMNotHaltedError"))
		power_start(r->dest, r);
}

/* ---- shutdown ---- */

/* False for a word that is neither force nor wait. */
static bool shutdown_words(const char *arg, bool *force, bool *wait)
{
	for (const char *p = arg; *arg; p++) {
		size_t n = strcspn(p, "+");

		if (n == 5 && strncmp(p, "force", n) == 0)
			*force = true;
		else if (n == 4 && strncmp(p, "wait", n) == 0)
			*wait = true;
		else
			return false;
		p += n;
		if (!*p)
			break;
	}
	return true;
}

/* Names of running qubes whose property prop is v, comma and space between them; NULL when there are none. */
static char *running_users(struct vm *v, const char *prop)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	for (size_t i = 0; i < v->sys->n_vms; i++) {
		struct vm *u = v->sys->vms[i];

		if (u != v && power_is_switched(u) && vm_is_running(u) && vm_has_prop(u, prop) &&
		    prop_get_vm(u, prop) == v)
			strv_add(&names, u->name);
	}
	return names.n ? strv_join(&names, ", ") : NULL;
}

static int may_shutdown(struct vm *v, struct err *err)
{
	static const struct {
		const char *prop, *type, *format;
	} uses[] = {
		{ "netvm", "QubesVMInUseError", "There are other VMs connected to this VM: %s" },
		{ "guivm", "QubesVMError", "There are running VMs using this VM as GuiVM: %s" },
		{ "audiovm", "QubesVMInUseError", "There are running VMs using this VM as AudioVM: %s" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		CLEANUP_FREE char *users = running_users(v, uses[i].prop);
		CLEANUP_BUF struct buf text = BUF_INIT;

		if (!users)
			continue;
		buf_add(&text, uses[i].format, strlen(uses[i].format) - 2);
		buf_addstr(&text, users);
		return err_set(err, -EBUSY, uses[i].type, "%s", buf_str(&text));
	}
	if (v->power == POWER_PAUSED || v->power == POWER_SUSPENDED)
		return err_set(err, -EAGAIN, "QubesVMNotRunningError",
			       "Domain not running (either powered off or paused): '%s'", v->name);
	return 0;
}

static void handle_shutdown(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	bool force = false, wait = false;
	struct vm *v = r->dest;

	if (!shutdown_words(r->arg, &force, &wait))
		return req_fail(r, "ProtocolError", "Argument must match: force, wait");
	if (refuse_unswitched(r, "shutdown", "QubesVMError"))
		return;
	if (v->power == POWER_HALTED)
		return fail_not_started(r);
	fire(r->sys, v, "domain-pre-shutdown", "force", force ? "True" : "False", NULL);
	if (!force && may_shutdown(v, &err) < 0) {
		fire(r->sys, v, "domain-shutdown-failed", "reason", err.text, NULL);
		return req_fail_err(r, &err);
	}
	power_shutdown(v, r, wait);
}

static void handle_kill(struct req *r)
{
	if (refuse_unswitched(r, "kill", "QubesVMError"))
		return;
	if (r->dest->power == POWER_HALTED)
		return fail_not_started(r);
	power_kill(r->dest, r);
}

/* ---- pausing and sleeping ---- */

static void handle_pause(struct req *r)
{
	struct vm *v = r->dest;

	if (refuse_unswitched(r, "pause", "QubesVMError"))
		return;
	if (v->power != POWER_RUNNING && v->power != POWER_PAUSED)
		return fail_not_running(r);
	power_pause(v);
	req_ok(r, "");
}

static void unpause(struct req *r)
{
	struct vm *v = r->dest;

	if (v->power != POWER_PAUSED)
		return req_fail(r, "QubesVMNotPausedError", "Domain is not paused: '%s'", v->name);
	power_unpause(v);
	req_ok(r, "");
}

static void handle_unpause(struct req *r)
{
	if (!refuse_unswitched(r, "unpause", "QubesVMError"))
		unpause(r);
}

static bool has_pci(const struct vm *v)
{
	for (size_t i = 0; v->devices && i < v->devices->attached.n; i++)
		if (v->devices->attached.v[i].class == DEV_PCI)
			return true;
	return false;
}

/* dom0 runs a service in it; up to release 3 only where hardware has to be readied (vm-interface 12). */
static void run_service(struct vm *v, const char *name)
{
	fire(v->sys, v, "domain-cmd-pre-run", "start_guid", "False", NULL);
	if (v->sys->opt.vmif == VMIF_R4 || has_pci(v))
		tell_qube(v, name, "", NULL, NULL);
}

void power_suspend(struct vm *v)
{
	const char *qrexec = feature_check_template(v, "qrexec");

	/* Without an agent there is nobody to tell, and the qube is only paused. */
	if (qrexec && *qrexec) {
		run_service(v, "qubes.SuspendPre");
		v->power = POWER_SUSPENDED;
	} else {
		power_pause(v);
	}
}

void power_resume(struct vm *v)
{
	v->power = POWER_RUNNING;
	run_service(v, "qubes.SuspendPost");
	fire(v->sys, v, "domain-resumed", NULL);
}

static void handle_suspend(struct req *r)
{
	struct vm *v = r->dest;

	if (refuse_unswitched(r, "suspend", "QubesVMError"))
		return;
	if (v->power != POWER_RUNNING)
		return fail_not_running(r);
	power_suspend(v);
	req_ok(r, "");
}

static void handle_resume(struct req *r)
{
	struct vm *v = r->dest;

	if (refuse_unswitched(r, "resume", "QubesVMError"))
		return;
	if (v->power != POWER_SUSPENDED)
		return unpause(r);
	power_resume(v);
	req_ok(r, "");
}

/* ---- looking at a running qube ---- */

/* No program runs: the processor is said to be busy for one part in 64 of the time. */
#define CPU_SHARE 64

struct power_numbers power_numbers(struct vm *v)
{
	struct power_numbers n = {0};
	int64_t mem, max;

	if (v->class != CLASS_ADMIN && (v->power == POWER_HALTED || !power_is_switched(v)))
		return n;
	max = prop_get_int(v, "maxmem", 0);
	mem = v->class == CLASS_ADMIN ? max : prop_get_int(v, "memory", 0);
	n.mem_kb = (uint64_t)mem * 1024;
	/* maxmem 0 is "no balancing": what it has is the most it gets. */
	n.max_kb = (uint64_t)(max ? max : mem) * 1024;
	n.cpu_ns = (uv_hrtime() - (v->class == CLASS_ADMIN ? 0 : v->started_ns)) / CPU_SHARE;
	return n;
}

static void handle_current_state(struct req *r)
{
	struct vm *v = r->dest;
	struct power_numbers n = power_numbers(v);
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_addf(&b, "mem=%llu mem_static_max=%llu cputime=%llu power_state=%s", (unsigned long long)n.mem_kb,
		 (unsigned long long)n.max_kb, (unsigned long long)n.cpu_ns,
		 power_names[power_is_switched(v) ? v->power : POWER_RUNNING]);
	req_ok_buf(r, &b);
}

/* A terminal whose other side nobody reads, made when it is first asked for. */
static void handle_console(struct req *r)
{
	struct vm *v = r->dest;
	char path[64];

	if (v->class == CLASS_ADMIN)
		return req_ok(r, "");
	if (!power_is_switched(v) || v->power == POWER_HALTED || v->power == POWER_PAUSED)
		return fail_not_running(r);
	if (v->console <= 0) {
		int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

		if (fd >= 0 && (grantpt(fd) < 0 || unlockpt(fd) < 0)) {
			close(fd);
			fd = -1;
		}
		v->console = fd;
	}
	if (v->console < 0 || ptsname_r(v->console, path, sizeof path) != 0)
		return req_fail(r, "QubesException", "No terminal for the console: %s", strerror(errno));
	req_ok(r, path);
}

#define CALL(name, versions_, arg_, access_, handle_) \
	{ "admin.vm." name, versions_, DEST_ANY, arg_, PART_NONE, access_, handle_ }

const struct method methods_lifecycle[] = {
	CALL("Start", "S23N", PART_NONE, ACCESS_EXECUTE, handle_start),
	CALL("Shutdown", "S23N", PART_OPTIONAL, ACCESS_EXECUTE, handle_shutdown),
	CALL("Kill", "S23N", PART_NONE, ACCESS_EXECUTE, handle_kill),
	CALL("Pause", "S23N", PART_NONE, ACCESS_EXECUTE, handle_pause),
	CALL("Unpause", "S23N", PART_NONE, ACCESS_EXECUTE, handle_unpause),
	CALL("Suspend", "--3N", PART_NONE, ACCESS_EXECUTE, handle_suspend),
	CALL("Resume", "--3N", PART_NONE, ACCESS_EXECUTE, handle_resume),
	CALL("CurrentState", "S23N", PART_NONE, ACCESS_READ, handle_current_state),
	CALL("Console", "-23N", PART_NONE, ACCESS_READ, handle_console),
	METHOD_END,
};
