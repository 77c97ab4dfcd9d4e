/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-start: starts qubes, with a drive attached when asked (tools-runtime 2). */
#include "base/mem.h"
#include "cli/each.h"
#include "cli/perqube.h"
#include "model/device.h"
#include "os/io.h"
#include "os/signals.h"
#include "qvm-start/drive.h"

#define BLOCK "admin.vm.device.block."
/* After a signal a daemon gets so much time to answer. */
#define PATIENCE_NS 2000000000u

static const struct opt options[] = {
	{"--skip-if-running", OPT_FLAG, 0, NULL, "a qube that runs already is no error"},
	{"--drive", OPT_VALUE, 0, "DRIVE", "start with this drive: [hd:|cdrom:]QUBE:DEVICE, or QUBE:/PATH of an image",
	 NULL, COMP_NONE, 1},
	{"--hddisk", OPT_VALUE, 0, "IMAGE", "the same as --drive hd:IMAGE", NULL, COMP_NONE, 1},
	{"--cdrom", OPT_VALUE, 0, "IMAGE", "the same as --drive cdrom:IMAGE", NULL, COMP_NONE, 1},
	{"--install-windows-tools", OPT_FLAG, 0, NULL, "start with the Windows tools in the cdrom drive", NULL,
	 COMP_UNSET, 1},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_HALTED, NULL, "name of a qube, or a pattern"},
	POS_END,
};

enum stage { WANTED, ASSIGNED, STARTED, DONE, FAILED };

struct job {
	const char *name;
	enum stage stage;
	enum stage reached; /* the last stage before FAILED */
	struct err err;
};

struct start {
	struct ctx *c;
	struct job *jobs;
	size_t n;
	struct drive drive;
	char *device; /* argument of the block calls */
	struct signals signals; /* held while the drive is assigned */
	struct admin_watch watch;
};

static void job_fail(struct job *j, struct err *err)
{
	j->reached = j->stage;
	j->stage = FAILED;
	err_move(&j->err, err);
}

/* Calls method on every qube at stage `from`; those that succeed reach `to`. */
static void advance(struct start *s, enum stage from, enum stage to, const char *method, const char *arg)
{
	struct call *calls = xcalloc(s->n + 1, sizeof *calls);
	struct job **who = xcalloc(s->n + 1, sizeof(struct job *));
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct call *call = &calls[n];

		if (s->jobs[i].stage != from)
			continue;
		who[n++] = &s->jobs[i];
		call->dest = s->jobs[i].name;
		call->method = method;
		call->arg = arg;
		if (to == ASSIGNED) {
			call->payload = drive_payload(&s->drive, call->dest);
			call->payload_len = strlen(call->payload);
		}
	}
	if (n)
		admin_run(&s->c->admin, calls, n);
	for (size_t i = 0; i < n; i++) {
		if (calls[i].result < 0)
			job_fail(who[i], &calls[i].err);
		else
			who[i]->stage = to;
		free((void *)calls[i].payload);
	}
	calls_free(calls, n);
	free(who);
}

/* How far it came before it failed, or is now. */
static enum stage reached(const struct job *j)
{
	return j->stage == FAILED ? j->reached : j->stage;
}

/* Leaves no drive behind a start that was to be and is none; what fails here is of no interest. */
static void undo(struct start *s, bool failed, enum stage at, const char *method)
{
	CLEANUP_FREE const char **names = xcalloc(s->n + 1, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if ((s->jobs[i].stage == FAILED) == failed && reached(&s->jobs[i]) == at)
			names[n++] = s->jobs[i].name;
	calls_free(each_call(s->c, names, n, method, s->device), n);
}

/* Interrupted: the calls under way go on without us, that of the drive's assignment, too. */
static void on_signal(struct admin_watch *w)
{
	struct start *s = w->data;
	int signal = signals_came(&s->signals);

	if (!signal)
		return;
	admin_limit(&s->c->admin, now_ns() + PATIENCE_NS);
	for (enum stage at = WANTED; at < DONE; at++)
		undo(s, false, at, BLOCK "Unassign");
	signals_end_by(signal);
}

static void skip_running(struct start *s, const struct call *states)
{
	for (size_t i = 0; i < s->n; i++) {
		CLEANUP_FREE char *state = call_state(&states[i]);
		CLEANUP_ERR struct err err = ERR_INIT;

		if (!state) {
			err_set(&err, -1, states[i].err.type, "%s", states[i].err.text);
			job_fail(&s->jobs[i], &err);
		} else if (state_is_running(state)) {
			err_set(&err, -1, "", "Domain is already running");
			if (arg_has(&s->c->args, "--skip-if-running"))
				s->jobs[i].stage = DONE;
			else
				job_fail(&s->jobs[i], &err);
		}
	}
}

/* The drive is looked up once, when at least one qube is to start; a failure is every such qube's. */
static void resolve_drive(struct start *s, const struct qubes *all)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t i = 0;

	while (i < s->n && s->jobs[i].stage != WANTED)
		i++;
	if (i == s->n)
		return;
	if (drive_resolve(s->c, all, &s->drive, &err) == 0) {
		s->device = device_arg(s->drive.backend, s->drive.port, "*");
		return;
	}
	for (; i < s->n; i++) {
		CLEANUP_ERR struct err copy = ERR_INIT;

		if (s->jobs[i].stage != WANTED)
			continue;
		err_set(&copy, -1, err.type, "%s", err.text);
		job_fail(&s->jobs[i], &copy);
	}
}

static void start_with_drive(struct start *s, const struct qubes *all)
{
	resolve_drive(s, all);
	if (!s->device)
		return;
	signals_hold(&s->signals);
	s->watch = (struct admin_watch){.fd = s->signals.fd, .ready = on_signal, .data = s};
	s->c->admin.watches = &s->watch;
	s->c->admin.n_watches = 1;
	advance(s, WANTED, ASSIGNED, BLOCK "Assign", s->device);
	advance(s, ASSIGNED, STARTED, "admin.vm.Start", NULL);
	advance(s, STARTED, DONE, BLOCK "Unassign", s->device);
	undo(s, true, ASSIGNED, BLOCK "Detach");
	undo(s, true, STARTED, BLOCK "Detach");
	/* The assignment is "required": left behind, it would stop the next plain start. */
	undo(s, true, ASSIGNED, BLOCK "Unassign");
	s->c->admin.n_watches = 0;
	signals_release(&s->signals);
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	struct start s = {.c = c, .signals = SIGNALS_INIT};
	struct call *states;
	int status = select_qubes(c, "VMNAME", &sel);

	if (status)
		return status;
	s.n = sel.n;
	s.jobs = xcalloc(s.n + 1, sizeof *s.jobs);
	for (size_t i = 0; i < s.n; i++)
		s.jobs[i].name = sel.v[i]->name;
	states = perqube_calls(&sel, "admin.vm.CurrentState", NULL, NULL, 0);
	admin_run(&c->admin, states, s.n);
	skip_running(&s, states);
	calls_free(states, s.n);
	if (drive_wanted(c))
		start_with_drive(&s, &sel.all);
	else
		advance(&s, WANTED, DONE, "admin.vm.Start", NULL);
	for (size_t i = 0; i < s.n; i++) {
		if (s.jobs[i].stage == FAILED)
			status = fail_plain(c, "Starting qube failed: %s: %s", s.jobs[i].name, s.jobs[i].err.text);
		err_release(&s.jobs[i].err);
	}
	free(s.jobs);
	free(s.device);
	drive_release(&s.drive);
	return status;
}

const struct tool tool = {
	.name = "qvm-start",
	.summary = "Start qubes.",
	.flags = TOOL_QUBES | TOOL_PLAIN_ERROR,
	.opts = options,
	.pos = positionals,
	.run = run,
};
