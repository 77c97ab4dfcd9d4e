/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-sync-clock: takes the time from the clock qube, in dom0 and in a qube (backup-policy-clock 5.1, 5.2). */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/propval.h"
#include "qvm-sync-clock/sync.h"

#define SERVICE "qubes.GetDate+nanoseconds"

static const struct opt options[] = {
	{"--push", OPT_FLAG, OPT_OURS, NULL, "then set the clocks of all qubes that run (qubes.SetDateTime)",
	 .exclusive = 1},
	{"--legacy", OPT_FLAG, OPT_OURS, NULL, "as releases 2 and 3 did: first the clock qube asks the network",
	 .exclusive = 1},
	{"--force/-f", OPT_FLAG, 0, NULL, "with --legacy: hand dom0's time on when the network gave none"},
	{"--dry-run", OPT_FLAG, OPT_OURS, NULL, "ask for the time, say how far the clock is off, and set nothing"},
	{"--set-with", OPT_VALUE, OPT_OURS, "PROGRAM",
	 "run PROGRAM with the time as argument in place of setting the clocks",
	 .comp = COMP_FILE},
	{"--lock-file", OPT_VALUE, OPT_OURS, "FILE",
	 "of --legacy (default: /var/run/qubes/qvm-sync-clock.lock)", .comp = COMP_FILE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"IGNORED", POS_ANY, COMP_NONE, NULL, "accepted for compatibility"},
	POS_END,
};

/* ---- the clock qube ---- */

int find_clockvm(struct sync *s)
{
	CLEANUP_CALL struct call call = {.dest = "dom0", .method = "admin.property.Get", .arg = "clockvm"};
	CLEANUP_PROPVAL struct propval value = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_run(&s->c->admin, &call, 1) < 0)
		return fail_err(s->c, &call.err, NULL, call.method);
	if (propval_parse(&value, call.body, call.body_len, &err) < 0)
		return fail_err(s->c, &err, NULL, call.method);
	s->source = STEAL(value.value);
	return STATUS_OK;
}

char *clockvm_state(struct sync *s)
{
	CLEANUP_CALL struct call call = {.dest = s->source, .method = "admin.vm.CurrentState"};
	char *state;

	admin_run(&s->c->admin, &call, 1);
	state = call_state(&call);
	if (!state)
		fail_err(s->c, &call.err, s->source, call.method);
	return state;
}

int ask_qube(struct sync *s, struct service_call *call)
{
	CLEANUP_FREE char *why = NULL;

	services_run(s->c, call, 1, ANSWER_NS);
	/* Too much is a matter of what the answer has to be. */
	if ((call->result == 0 && call->status == 0) || call->result == -EFBIG)
		return STATUS_OK;
	why = service_why(s->c, call, ANSWER_NS);
	return fail_bare(s->c, "No date from '%s': %s, aborting!", call->qube, why);
}

static int take_time(struct sync *s)
{
	CLEANUP_SERVICE struct service_call call = {.qube = s->source, .service = SERVICE, .max = CLOCK_ANSWER_MAX};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	struct timespec t;
	int status = ask_qube(s, &call);

	if (status)
		return status;
	if (clock_parse(&t, buf_str(&call.out), call.out.len, &err) < 0)
		return fail_bare(s->c, "%s", err.text);
	text = clock_text(&t, call.out.len < CLOCK_ANSWER_MAX);
	return set_clock(s, &t, text);
}

/* ---- flows ---- */

static int sync_dom0(struct sync *s)
{
	CLEANUP_FREE char *state = NULL;
	int status = find_clockvm(s);

	if (status)
		return status;
	if (!*s->source) {
		tell_nothing(s);
		return STATUS_OK;
	}
	state = clockvm_state(s);
	if (!state)
		return STATUS_FAILED;
	if (!state_is_running(state)) {
		say(s->c, "ClockVM %s is not running, aborting!", s->source);
		tell_nothing(s);
		return STATUS_OK;
	}
	status = take_time(s);
	return !status && arg_has(&s->c->args, "--push") ? push_time(s) : status;
}

static int sync_qube(struct sync *s)
{
	s->source = xstrdup("@default");
	return take_time(s);
}

static int run(struct ctx *c)
{
	struct sync s = {.c = c, .dry_run = arg_has(&c->args, "--dry-run")};
	bool in_qube = c->admin.endpoint.kind == ENDPOINT_QREXEC, legacy = arg_has(&c->args, "--legacy");
	int status;

	if (in_qube && (legacy || arg_has(&c->args, "--push")))
		return fail_usage(c, "--push and --legacy are for dom0");
	if (arg_has(&c->args, "--force") && !legacy)
		return fail_usage(c, "--force is an option of --legacy");
	if (geteuid() != 0 && !s.dry_run && !arg_value(&c->args, "--set-with"))
		return fail_bare(c, "This program must be run as root to set the date, aborting!");
	status = legacy ? sync_legacy(&s) : in_qube ? sync_qube(&s) : sync_dom0(&s);
	free(s.source);
	return status;
}

const struct tool tool = {
	.name = "qvm-sync-clock",
	.summary = "Set the clock to the time of the clock qube.",
	.flags = TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
