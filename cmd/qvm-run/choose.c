/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which qubes qvm-run is about, and what they say about themselves (tools-runtime 6.3, 6.5, 6.7, 6.9). */
#include <unistd.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/each.h"
#include "model/propval.h"
#include "os/io.h"
#include "qvm-run/run.h"

#define NAME_MAX_HERE 256

void jobs_release(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct job *j = &r->jobs[i];

		free(j->shown);
		free(j->dest);
		free(j->disposable);
		free(j->state);
		child_release(&j->session);
		child_release(&j->remote);
		child_release(&j->local);
		qrexec_target_release(&r->targets[i]);
	}
	free(r->jobs);
	free(r->targets);
	free(r->default_disposable);
}

static struct job *add_jobs(struct run *r, size_t n)
{
	r->jobs = xcalloc(n + 1, sizeof *r->jobs);
	r->targets = xcalloc(n + 1, sizeof *r->targets);
	r->n = n;
	for (size_t i = 0; i < n; i++)
		r->jobs[i].session = r->jobs[i].remote = r->jobs[i].local = CHILD_INIT;
	return r->jobs;
}

/* ---- windows ---- */

/* Calls about one thing on each of the chosen targets; a failure that is `fine` is no error and says nothing. */
static char **ask_each(struct run *r, size_t first, size_t n, const bool *ask, const char *method, const char *arg,
		       bool (*fine)(const struct err *err))
{
	struct call *calls = xcalloc(n, sizeof *calls);
	CLEANUP_FREE size_t *who = xcalloc(n, sizeof *who);
	char **ret = xcalloc(n, sizeof *ret);
	size_t asked = 0;

	for (size_t i = 0; i < n; i++)
		if (ask[i]) {
			who[asked] = i;
			calls[asked].dest = r->targets[first + i].qube;
			calls[asked].method = method;
			calls[asked++].arg = arg;
		}
	if (asked)
		admin_run(&r->c->admin, calls, asked);
	for (size_t k = 0; k < asked; k++)
		if (calls[k].result == 0)
			ret[who[k]] = xstrdup(calls[k].body);
		else if (!fine(&calls[k].err))
			err_move(&r->targets[first + who[k]].err, &calls[k].err);
	calls_free(calls, asked);
	return ret;
}

static bool no_property(const struct err *err)
{
	return err_is_access(err) || err_is(err, "QubesNoSuchPropertyError");
}

static bool no_feature(const struct err *err)
{
	return err_is(err, "QubesFeatureNotFoundError");
}

static bool names_qube(const char *body)
{
	CLEANUP_PROPVAL struct propval value = {0};

	return body && propval_parse(&value, body, strlen(body), NULL) == 0 && *value.value;
}

void ask_windows(struct run *r, size_t first, size_t n)
{
	CLEANUP_FREE bool *ask = xcalloc(n, sizeof *ask);
	bool is_auto = r->gui == GUI_AUTO && getenv("DISPLAY");
	char **guivm, **gui;

	for (size_t i = 0; i < n; i++) {
		ask[i] = is_auto && r->targets[first + i].qube;
		r->jobs[first + i].windows = r->gui == GUI_YES;
	}
	if (!is_auto || !n)
		return;
	guivm = ask_each(r, first, n, ask, "admin.vm.property.Get", "guivm", no_property);
	for (size_t i = 0; i < n; i++)
		ask[i] = names_qube(guivm[i]);
	gui = ask_each(r, first, n, ask, "admin.vm.feature.CheckWithTemplate", "gui", no_feature);
	for (size_t i = 0; i < n; i++) {
		r->jobs[first + i].windows = ask[i] && (!gui[i] || *gui[i]);
		free(guivm[i]);
		free(gui[i]);
	}
	free(guivm);
	free(gui);
}

/* ---- disposables ---- */

/* What QubesDB calls us, else the host's name. */
static char *local_name(void)
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;
	char host[NAME_MAX_HERE] = "";

	if (spawn(&child, (char *[]){"qubesdb-read", "/name", NULL}, SPAWN_STDOUT | SPAWN_NULL_STDIN) == 0 &&
	    read_all(child.out, &b, sizeof host) == 0 && child_wait(&child) == 0 && b.len)
		return xstrndup(b.data, strcspn(b.data, "\n"));
	gethostname(host, sizeof host - 1);
	return xstrdup(host);
}

/* The template that a plain --dispvm means: asked for features and properties only. */
static char *default_disposable(struct run *r)
{
	CLEANUP_FREE char *self = qrexec_is_dom0(r->c) ? xstrdup("dom0") : local_name();
	CLEANUP_PROPVAL struct propval value = {0};
	CLEANUP_FREE char *body = NULL;
	size_t len;

	if (admin_call(&r->c->admin, NULL, self, "admin.vm.property.Get", "default_dispvm", NULL, &body, &len) < 0 ||
	    propval_parse(&value, body, len, NULL) < 0 || !*value.value)
		return NULL;
	return STEAL(value.value);
}

static void choose_disposable(struct run *r)
{
	const char *template = arg_value(&r->c->args, "--dispvm");
	struct job *j = add_jobs(r, 1);

	j->shown = template ? xasprintf("@dispvm:%s", template) : xstrdup("@dispvm");
	j->dest = xstrdup(j->shown);
	if (!template && (r->command.kind != QREXEC_SERVICE || r->gui == GUI_AUTO))
		r->default_disposable = default_disposable(r);
	r->targets->qube = template ? template : r->default_disposable;
}

/* ---- qubes ---- */

static void fill_job(struct run *r, size_t i, const struct qube *q)
{
	struct job *j = &r->jobs[i];

	j->shown = xstrdup(q->name);
	j->dest = xstrdup(q->name);
	j->is_dom0 = qrexec_is_dom0(r->c) && streq(q->class, "AdminVM");
	r->targets[i].qube = j->dest;
}

/* The one of the line. Its state, which is no state when there is no such qube, is asked for with the list. */
static int choose_named(struct run *r)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *name = arg_pos(&r->c->args, "VMNAME");
	struct call *calls = xcalloc(2, sizeof *calls);
	const struct qube *q;
	int status = STATUS_OK;

	calls[0] = (struct call){.dest = "dom0", .method = "admin.vm.List"};
	calls[1] = (struct call){.dest = name, .method = "admin.vm.CurrentState"};
	admin_run(&r->c->admin, calls, 2);
	if (calls[0].result < 0)
		status = fail_err(r->c, &calls[0].err, "dom0", "admin.vm.List");
	else if (qubes_parse(&all, calls[0].body, calls[0].body_len, &err) < 0)
		status = fail_err(r->c, &err, "dom0", "admin.vm.List");
	q = qubes_find(&all, name);
	if (status == STATUS_OK && !q)
		status = no_such_qube(r->c, name);
	if (status == STATUS_OK) {
		add_jobs(r, 1);
		fill_job(r, 0, q);
		r->jobs->state = call_state(&calls[1]);
		if (!r->jobs->state)
			err_move(&r->targets->err, &calls[1].err);
	}
	calls_free(calls, 2);
	return status;
}

/* Leaves those of the n names for which keep() says so of the reply; ret_text gets it or NULL. Exit status. */
static int keep_some(struct run *r, const char **names, size_t *n, const char *method, const char *arg,
		     int (*keep)(const struct call *call))
{
	struct call *calls = each_call(r->c, names, *n, method, arg);
	size_t kept = 0;
	int status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < *n; i++) {
		int k = keep(&calls[i]);

		if (k < 0)
			status = fail_err(r->c, &calls[i].err, names[i], method);
		else if (k)
			names[kept++] = names[i];
	}
	calls_free(calls, *n);
	*n = kept;
	return status;
}

static int keep_running(const struct call *call)
{
	CLEANUP_FREE char *state = call_state(call);

	if (!state)
		return -1;
	return state_is_running(state) && !streq(state, "Paused");
}

static int keep_not_internal(const struct call *call)
{
	if (call->result < 0)
		return no_feature(&call->err) ? 1 : -1;
	return !*call->body;
}

/* All running, unpaused qubes that are no internal matter of the system. */
static int choose_many(struct run *r)
{
	CLEANUP_SELECTION struct selection sel = {0};
	CLEANUP_FREE const char **names = NULL;
	int status = select_qubes(r->c, "VMNAME", &sel);
	size_t n = sel.n;

	if (status)
		return status;
	names = xcalloc(n + 1, sizeof *names);
	for (size_t i = 0; i < n; i++)
		names[i] = sel.v[i]->name;
	status = keep_some(r, names, &n, "admin.vm.CurrentState", NULL, keep_running);
	if (status == STATUS_OK)
		status = keep_some(r, names, &n, "admin.vm.feature.Get", "internal", keep_not_internal);
	if (status)
		return status;
	add_jobs(r, n);
	for (size_t i = 0; i < n; i++) {
		fill_job(r, i, qubes_find(&sel.all, names[i]));
		r->jobs[i].state = xstrdup("Running");
	}
	ask_windows(r, 0, n);
	for (size_t i = 0; i < n; i++)
		if (r->targets[i].err.type)
			return fail_err(r->c, &r->targets[i].err, names[i], NULL);
	qrexec_ask(r->c, &r->command, r->targets, n);
	r->is_asked = true;
	return STATUS_OK;
}

int choose_jobs(struct run *r)
{
	const struct args *a = &r->c->args;
	bool many = arg_has(a, "--all") || arg_has(a, "--where");

	if (arg_has(a, "--exclude") && !many)
		return fail_usage(r->c, "--exclude can only be used with --all");
	if (arg_has(a, "--where") && arg_has(a, "--dispvm"))
		return fail_usage(r->c, "argument --dispvm: not allowed with argument --where");
	if (many)
		return choose_many(r);
	if (arg_has(a, "--dispvm")) {
		choose_disposable(r);
		return STATUS_OK;
	}
	return choose_named(r);
}
