/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-wait: waits until qubes are in a state, without races and without polling (admin-api 5.1, 11). */
#include "admin/stream.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/each.h"
#include "cli/record.h"
#include "cli/select.h"
#include "os/io.h"

#define STATES "Running Halted Paused Suspended Transient Halting Dying Crashed"

/* However short --timeout is, a daemon that is well gets to say how things are. */
#define PATIENCE_NS 1000000000u

static const struct opt options[] = {
	{"--state/-s", OPT_VALUE, 0, "STATE", "the state to wait for (default: Running)", STATES, COMP_WORDS},
	{"--any", OPT_FLAG, 0, NULL, "one of the qubes is enough"},
	{"--timeout", OPT_VALUE, 0, "SECONDS", "give up after this time", NULL, COMP_NONE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "name of a qube, or a pattern"},
	POS_END,
};

struct wait {
	struct ctx *c;
	const char *state;
	const char **names; /* those that are waited for still, n of them */
	size_t n;
	size_t reached;
	uint64_t deadline_ns;
	struct json *json;
	int status;
};

/* Its place, or w->n. */
static size_t find(const struct wait *w, const char *name)
{
	size_t i = 0;

	while (i < w->n && !streq(w->names[i], name))
		i++;
	return i;
}

static void drop(struct wait *w, size_t i)
{
	memmove(w->names + i, w->names + i + 1, (w->n - i - 1) * sizeof *w->names);
	w->n--;
}

static void reached(struct wait *w, size_t i)
{
	static const char *const keys[] = {"name", "state"};

	if (w->json)
		json_record(w->json, NULL, 2, keys, (const struct val[]){V_STR(w->names[i]), V_STR(w->state)});
	w->reached++;
	drop(w, i);
}

static void failed(struct wait *w, size_t i, const char *why)
{
	w->status = fail(w->c, "%s: %s", w->names[i], why);
	drop(w, i);
}

/* Whoever waits for a disposable to halt has waited for its end. */
static void gone(struct wait *w, size_t i)
{
	if (streq(w->state, "Halted"))
		reached(w, i);
	else
		failed(w, i, "the qube was removed");
}

/* The answers that tell how things are have to come in time, too. */
static void limit_calls(struct wait *w)
{
	uint64_t soonest = now_ns() + PATIENCE_NS;

	if (w->deadline_ns)
		admin_limit(&w->c->admin, w->deadline_ns > soonest ? w->deadline_ns : soonest);
}

/* Asks for the states of n of them, from first on, all at once. */
static void look(struct wait *w, size_t first, size_t n)
{
	struct call *calls;

	limit_calls(w);
	calls = each_call(w->c, w->names + first, n, "admin.vm.CurrentState", NULL);
	for (size_t i = 0, at = first; i < n; i++) {
		CLEANUP_FREE char *state = call_state(&calls[i]);
		size_t before = w->n;

		if (!state)
			failed(w, at, calls[i].err.text);
		else if (streq(state, "NA"))
			gone(w, at);
		else if (streq(state, w->state))
			reached(w, at);
		at += w->n == before;
	}
	calls_free(calls, n);
}

/* ---- events ---- */

/* The state that an event announces, or NULL. */
static const char *state_after(const char *event)
{
	static const struct {
		const char *event, *state;
	} table[] = {
		{"domain-start", "Running"}, {"domain-shutdown", "Halted"}, {"domain-paused", "Paused"},
		{"domain-resumed", "Running"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (streq(table[i].event, event))
			return table[i].state;
	return NULL;
}

/* Events of the life cycle after which the state is worth a question. */
static bool may_change_state(const char *event)
{
	return skip_prefix(event, "domain-") && !skip_prefix(event, "domain-feature-") &&
	       !skip_prefix(event, "domain-tag-") && !skip_prefix(event, "domain-qdb-") &&
	       !skip_prefix(event, "domain-volume-");
}

static void take(struct wait *w, const struct event *ev)
{
	const char *name = streq(ev->name, "domain-delete") ? event_get(ev, "vm") : ev->subject;
	const char *state = state_after(ev->name);
	size_t i = find(w, name ? name : "");

	if (streq(ev->name, "connection-established")) {
		look(w, 0, w->n);
		return;
	}
	if (i == w->n)
		return;
	if (streq(ev->name, "domain-delete"))
		gone(w, i);
	else if (state && streq(state, w->state))
		reached(w, i);
	else if (streq(ev->name, "domain-start-failed") && streq(w->state, "Running"))
		failed(w, i, event_get(ev, "reason") ? event_get(ev, "reason") : "start failed");
	else if (!state && may_change_state(ev->name))
		look(w, i, 1);
}

static void timed_out(struct wait *w)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!w->n)
		return;
	for (size_t i = 0; i < w->n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", w->names[i]);
	w->status = fail(w->c, "not %s in time: %s", w->state, buf_str(&b));
}

/* The stream first and the states after it: nothing can happen unseen in between. */
static void follow(struct wait *w, bool any)
{
	CLEANUP_STREAM struct stream *s = NULL;
	CLEANUP_EVENT struct event first = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	int r = stream_begin(&w->c->admin, "dom0", "admin.Events", &s, w->deadline_ns, &first, &err);

	if (r < 0)
		w->status = fail_err(w->c, &err, "dom0", "admin.Events");
	/* Time was over too soon to see any event; who is in the state all the same has not to be waited for. */
	if (r == 0) {
		look(w, 0, w->n);
		timed_out(w);
	}
	if (r <= 0)
		return;
	take(w, &first);
	while (w->n && !(any && w->reached)) {
		CLEANUP_EVENT struct event ev = {0};

		if (!stream_follow(&w->c->admin, "dom0", "admin.Events", &s, w->deadline_ns, NULL, NULL, &ev)) {
			timed_out(w);
			return;
		}
		take(w, &ev);
	}
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	const char *timeout = arg_value(&c->args, "--timeout");
	const char *state = arg_value(&c->args, "--state");
	bool any = arg_has(&c->args, "--any");
	struct wait w = {.c = c, .state = state ? state : "Running"};
	uint64_t ns = 0;
	int status;

	if (timeout && num_seconds(timeout, &ns) < 0)
		return fail_usage(c, "argument --timeout: not a number of seconds: '%s'", timeout);
	w.deadline_ns = timeout ? now_ns() + ns : 0;
	limit_calls(&w);
	status = select_qubes(c, "VMNAME", &sel);
	if (status)
		return status;

	CLEANUP_FREE const char **names = xcalloc(sel.n + 1, sizeof *names);

	w.names = names;
	for (size_t i = 0; i < sel.n; i++)
		if (find(&w, sel.v[i]->name) == w.n)
			names[w.n++] = sel.v[i]->name;
	if (c->format != FORMAT_TEXT)
		w.json = json_begin(c, JSON_ARRAY);
	follow(&w, any);
	if (w.json)
		json_end(w.json);
	return any && w.reached ? STATUS_OK : w.status;
}

const struct tool tool = {
	.name = "qvm-wait",
	.summary = "Wait until qubes are in a state.",
	.flags = TOOL_QUBES | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
