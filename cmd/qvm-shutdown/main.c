/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-shutdown: asks qubes to shut down, in rounds, because one may be in use by another (tools-runtime 3). */
#include "qvm-shutdown/shutdown.h"

#include "admin/exc.h"
#include "base/mem.h"

static const struct opt options[] = {
	{"--wait", OPT_FLAG, 0, NULL, "wait until the qubes are down; kill those that do not stop in time"},
	{"--timeout", OPT_VALUE, 0, "TIMEOUT", "deprecated: the same as --wait", NULL, COMP_NONE},
	{"--force", OPT_FLAG, 0, NULL, "shut down even what other qubes use; implied by --all alone"},
	{"--dry-run", OPT_FLAG, 0, NULL, "resolve the names and do nothing"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "name of a qube, or a pattern"},
	POS_END,
};

struct shutdown {
	struct ctx *c;
	const char *arg;
	bool wait;
	struct failures other;   /* failed for good */
	struct failures refused; /* by a daemon that does not know `wait` */
};

void failures_release(struct failures *f)
{
	for (size_t i = 0; i < f->n; i++)
		err_release(&f->v[i].err);
	free(f->v);
	*f = (struct failures){0};
}

void failures_add(struct failures *f, const char *name, struct err *err)
{
	GROW(f->v, f->n, f->cap);
	f->v[f->n] = (struct failure){name, ERR_INIT};
	if (err)
		err_move(&f->v[f->n].err, err);
	f->n++;
}

void failures_move(struct failures *to, struct failures *from)
{
	for (size_t i = 0; i < from->n; i++)
		failures_add(to, from->v[i].name, &from->v[i].err);
	failures_release(from);
}

char *failures_names(const struct failures *f)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < f->n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", f->v[i].name);
	return buf_steal(&b);
}

/* Daemons before `wait` close without a word, or call it a protocol error. */
static bool is_refused_wait(const struct err *e)
{
	return streq(e->type, "ProtocolError") ||
	       (streq(e->type, EXC_ACCESS) && skip_prefix(e->text, "Got empty response"));
}

struct call *failures_call(struct ctx *c, const struct failures *of, const char *method, const char *arg)
{
	CLEANUP_FREE const char **names = xcalloc(of->n + 1, sizeof *names);

	for (size_t i = 0; i < of->n; i++)
		names[i] = of->v[i].name;
	return each_call(c, names, of->n, method, arg);
}

/* Asks every qube of `of` at once and sorts the refusals into classes. */
static void shutdown_round(struct shutdown *s, const struct failures *of, struct failures *used,
			   struct failures *timed)
{
	struct call *calls = failures_call(s->c, of, "admin.vm.Shutdown", s->arg);

	for (size_t i = 0; i < of->n; i++) {
		struct err *e = &calls[i].err;
		struct failures *to = &s->other;

		if (calls[i].result == 0 || err_is_not_started(e))
			continue;
		if (err_is(e, "QubesVMInUseError"))
			to = used;
		else if (err_is(e, "QubesVMShutdownTimeoutError"))
			to = timed;
		else if (s->wait && is_refused_wait(e))
			to = &s->refused;
		failures_add(to, of->v[i].name, e);
	}
	calls_free(calls, of->n);
}

static void progress(struct shutdown *s, const char *what, const struct failures *of)
{
	CLEANUP_FREE char *names = failures_names(of);

	if (s->c->verbosity > 0)
		say(s->c, "Error: %s: %s", what, names);
}

/* Another qube's going down frees what it used: again while that helps, once per qube at most. */
static void retry_used(struct shutdown *s, struct failures *used, struct failures *timed)
{
	size_t n = used->n;

	if (n && s->c->verbosity > 0)
		say(s->c, "Error: Retrying shutdown of qubes that were in use for %zu time(s)", n);
	for (size_t i = 0; i < n && used->n; i++) {
		CLEANUP_FAILURES struct failures before = *used;

		*used = (struct failures){0};
		progress(s, "Retrying shutdown of qubes that were in use", &before);
		shutdown_round(s, &before, used, timed);
		if (used->n == before.n)
			break;
	}
}

static void retry_timed(struct shutdown *s, struct failures *used, struct failures *timed)
{
	CLEANUP_FAILURES struct failures first = *timed, stuck = {0};
	struct call *calls;

	*timed = (struct failures){0};
	if (first.n) {
		progress(s, "Retrying shutdown of qubes that timed out", &first);
		shutdown_round(s, &first, used, &stuck);
	}
	if (!stuck.n)
		return;
	progress(s, "Killing timed out qubes", &stuck);
	calls = failures_call(s->c, &stuck, "admin.vm.Kill", NULL);
	for (size_t i = 0; i < stuck.n; i++)
		if (calls[i].result < 0 && !err_is_not_started(&calls[i].err))
			failures_add(timed, stuck.v[i].name, &calls[i].err);
	calls_free(calls, stuck.n);
}

static size_t report(struct ctx *c, const struct failures *f)
{
	for (size_t i = 0; i < f->n; i++)
		fail_plain(c, "Failed to shut down: %s: %s", f->v[i].name, f->v[i].err.text);
	return f->n;
}

static int run(struct ctx *c)
{
	static const char *const words[] = {NULL, "force", "wait", "force+wait"};
	CLEANUP_SELECTION struct selection sel = {0};
	CLEANUP_FAILURES struct failures all = {0}, used = {0}, timed = {0};
	const char *timeout = arg_value(&c->args, "--timeout");
	bool force = arg_has(&c->args, "--force") ||
		     (arg_has(&c->args, "--all") && !arg_has(&c->args, "--exclude") &&
		      !arg_has(&c->args, "--where"));
	struct shutdown s = {.c = c, .wait = arg_has(&c->args, "--wait")};
	size_t failed;
	int status;

	if (timeout && *timeout) {
		say(c, "Call to deprecated --timeout option, use --wait instead");
		s.wait = true;
	}
	status = select_qubes(c, "VMNAME", &sel);
	if (status || arg_has(&c->args, "--dry-run"))
		return status;
	s.arg = words[(force ? 1 : 0) + (s.wait ? 2 : 0)];
	for (size_t i = 0; i < sel.n; i++)
		failures_add(&all, sel.v[i]->name, NULL);
	shutdown_round(&s, &all, &used, &timed);
	retry_used(&s, &used, &timed);
	/* Without --wait a "timeout" is a request that failed: nothing was waited for, so nothing is killed. */
	if (s.wait)
		retry_timed(&s, &used, &timed);
	failed = report(c, &s.other) + report(c, &used) + report(c, &timed);
	if (s.refused.n)
		failed += shutdown_by_events(c, &sel, &s.refused, force);
	failures_release(&s.other);
	failures_release(&s.refused);
	return count_status(failed);
}

const struct tool tool = {
	.name = "qvm-shutdown",
	.summary = "Shut down qubes in an orderly way.",
	.flags = TOOL_QUBES | TOOL_PLAIN_ERROR,
	.opts = options,
	.pos = positionals,
	.run = run,
};
