/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shutdown with daemons that do not wait themselves: events tell when a qube is down. */
#include "qvm-shutdown/shutdown.h"

#include "admin/exc.h"
#include "admin/stream.h"
#include "base/num.h"
#include "os/io.h"

#define WAIT_DEFAULT_S 60
#define NS_PER_S 1000000000u

/* A disposable is removed once it is down, and then has no state any more. */
static bool is_down(const struct selection *sel, const char *name, const char *state)
{
	const struct qube *q = qubes_find(&sel->all, name);

	return streq(state, "Halted") || (streq(state, "NA") && q && streq(q->class, "DispVM"));
}

static void drop(struct failures *f, size_t i)
{
	err_release(&f->v[i].err);
	memmove(f->v + i, f->v + i + 1, (f->n - i - 1) * sizeof *f->v);
	f->n--;
}

static void drop_down(struct ctx *c, const struct selection *sel, struct failures *pending)
{
	struct call *calls = failures_call(c, pending, "admin.vm.CurrentState", NULL);
	size_t n = pending->n;

	for (size_t i = n; i-- > 0;) {
		CLEANUP_FREE char *state = call_state(&calls[i]);

		if (state && is_down(sel, pending->v[i].name, state))
			drop(pending, i);
	}
	calls_free(calls, n);
}

/* Waits until nothing is pending or time is over; a stream that is lost tells nothing and is opened again. */
static void await_down(struct ctx *c, const struct selection *sel, struct failures *pending, uint64_t seconds)
{
	CLEANUP_STREAM struct stream *stream = NULL;
	uint64_t deadline = now_ns() + seconds * NS_PER_S;

	while (pending->n) {
		CLEANUP_EVENT struct event ev = {0};

		if (!stream_follow(&c->admin, "dom0", "admin.Events", &stream, deadline, NULL, NULL, &ev))
			return;
		if (streq(ev.name, "connection-established"))
			drop_down(c, sel, pending);
		if (streq(ev.name, "domain-shutdown"))
			for (size_t i = pending->n; i-- > 0;)
				if (streq(pending->v[i].name, ev.subject))
					drop(pending, i);
	}
}

/* Kills what is still up; those that cannot be killed go to failed. */
static void kill_pending(struct ctx *c, const struct selection *sel, struct failures *pending,
			 struct failures *failed)
{
	struct call *calls;

	drop_down(c, sel, pending);
	calls = failures_call(c, pending, "admin.vm.Kill", NULL);
	for (size_t i = 0; i < pending->n; i++)
		if (calls[i].result < 0 && !err_is_not_started(&calls[i].err))
			failures_add(failed, pending->v[i].name, &calls[i].err);
	calls_free(calls, pending->n);
}

size_t shutdown_by_events(struct ctx *c, const struct selection *sel, const struct failures *of, bool force)
{
	CLEANUP_FAILURES struct failures left = {0}, failed = {0};
	CLEANUP_FREE char *names = NULL;
	const char *timeout = arg_value(&c->args, "--timeout");
	uint64_t seconds = WAIT_DEFAULT_S;

	if (timeout && (num_u64(timeout, &seconds) < 0 || seconds > INT32_MAX / 1000))
		seconds = WAIT_DEFAULT_S;
	for (size_t i = 0; i < of->n; i++)
		failures_add(&left, of->v[i].name, NULL);
	for (size_t round = 0; round < of->n && left.n; round++) {
		CLEANUP_FAILURES struct failures asked = left, accepted = {0};
		struct call *calls = failures_call(c, &asked, "admin.vm.Shutdown", force ? "force" : NULL);

		left = (struct failures){0};
		for (size_t i = 0; i < asked.n; i++) {
			if (calls[i].result == 0)
				failures_add(&accepted, asked.v[i].name, NULL);
			else if (!err_is_not_started(&calls[i].err))
				failures_add(&left, asked.v[i].name, &calls[i].err);
		}
		calls_free(calls, asked.n);
		if (!accepted.n)
			break;
		await_down(c, sel, &accepted, seconds);
		kill_pending(c, sel, &accepted, &failed);
	}
	failures_move(&failed, &left);
	if (!failed.n)
		return 0;
	names = failures_names(&failed);
	say(c, "%s: error: Failed to shut down: %s", c->prog, names);
	return failed.n;
}
