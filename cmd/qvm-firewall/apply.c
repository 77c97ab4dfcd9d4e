/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of the rules of each chosen qube: read, changed, written as a whole, or only shown (tools-runtime 11.1). */
#include "admin/frame.h"
#include "base/mem.h"
#include "qvm-firewall/firewall.h"

struct job {
	struct fw_rules old, new;
	struct buf payload;
	bool ready; /* new and payload are there */
};

static void jobs_free(struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fw_rules_release(&jobs[i].old);
		fw_rules_release(&jobs[i].new);
		buf_release(&jobs[i].payload);
	}
	free(jobs);
}

/* ---- from the old list to the new one ---- */

static int prepare(struct ctx *c, const struct selection *s, const struct edit *e, const char *qube, struct job *job)
{
	size_t head = strlen(FIREWALL_SET "+ dom0 name ") + strlen(qube) + 1;
	CLEANUP_ERR struct err err = ERR_INIT;

	fw_rules_copy(&job->new, &job->old);
	if (edit_rules(c, qube, e, &job->new, &err) < 0)
		return fail_qube(c, s, qube, err.text);
	fw_rules_print(&job->payload, &job->new, e->form);
	if (head + job->payload.len > FRAME_REQUEST_MAX) {
		CLEANUP_FREE char *text = xasprintf("%zu bytes of rules are too many: a call has room for %zu",
						    job->payload.len, FRAME_REQUEST_MAX - head);

		return fail_qube(c, s, qube, text);
	}
	job->ready = true;
	return STATUS_OK;
}

/* Without the old list when nobody asks for it. */
static int prepare_all(struct ctx *c, const struct selection *s, const struct edit *e, bool old, struct job *jobs)
{
	struct call *calls = perqube_calls(s, FIREWALL_GET, NULL, NULL, 0);
	int status = STATUS_OK;

	if (old)
		admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		int r = old ? read_rules(c, s, &calls[i], &jobs[i].old) : STATUS_OK;

		if (!r)
			r = prepare(c, s, e, s->v[i]->name, &jobs[i]);
		status = r ? r : status;
	}
	calls_free(calls, s->n);
	return status;
}

/* ---- writing ---- */

static int write_all_jobs(struct ctx *c, const struct selection *s, const struct job *jobs)
{
	struct call *calls = xcalloc(s->n + 1, sizeof *calls);
	size_t n = 0;
	int status = STATUS_OK;

	for (size_t i = 0; i < s->n; i++)
		if (jobs[i].ready)
			calls[n++] = (struct call){
				.dest = s->v[i]->name,
				.method = FIREWALL_SET,
				.payload = buf_str(&jobs[i].payload),
				.payload_len = jobs[i].payload.len,
			};
	admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n; i++)
		if (calls[i].result < 0)
			status = perqube_error(c, s, &calls[i]);
	calls_free(calls, n);
	return status;
}

/* ---- showing ---- */

struct diff_output {
	const struct selection *s;
	const char *qube;
	struct json *json;
	struct buf text;
	size_t number;
};

static void put_change(void *data, char change, const char *rule)
{
	static const char *const names[] = {"change", "rule"};
	struct diff_output *o = data;
	CLEANUP_FREE char *line = xasprintf("%c%s", change, rule);
	CLEANUP_FREE char *key = xasprintf("%zu", o->number++);
	const struct val vals[] = {
		V_STR(change == '+' ? "add" : change == '-' ? "remove" : "keep"), V_STR(rule),
	};

	if (o->json)
		json_record(o->json, o->s->many ? key : NULL, ARRAY_SIZE(names), names, vals);
	else
		perqube_lines(&o->text, o->s, o->qube, line, strlen(line));
}

static void show(struct ctx *c, const struct selection *s, enum fw_form form, const struct job *jobs)
{
	struct diff_output o = {.s = s};

	if (c->format != FORMAT_TEXT)
		o.json = json_begin(c, s->many ? JSON_KEYED : JSON_ARRAY);
	for (size_t i = 0; i < s->n; i++) {
		if (!jobs[i].ready)
			continue;
		o.qube = s->v[i]->name;
		o.number = 0;
		if (o.json && s->many)
			json_down(o.json, o.qube);
		diff_rules(&jobs[i].old, &jobs[i].new, form, put_change, &o);
		if (o.json && s->many)
			json_up(o.json);
	}
	if (o.json)
		json_end(o.json);
	put_text(c, buf_str(&o.text), o.text.len);
	buf_release(&o.text);
}

int edit_run(struct ctx *c, const struct selection *s, const struct edit *e)
{
	bool dry = arg_has(&c->args, "--dry-run");
	struct job *jobs = xcalloc(s->n + 1, sizeof *jobs);
	int status = prepare_all(c, s, e, dry || e->kind != EDIT_LOAD, jobs);

	if (dry) {
		show(c, s, e->form, jobs);
	} else {
		int r = write_all_jobs(c, s, jobs);

		status = r ? r : status;
	}
	jobs_free(jobs, s->n);
	return status;
}
