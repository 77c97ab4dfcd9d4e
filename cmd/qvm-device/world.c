/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qubes say about devices: each asked each thing at most once, questions in flight together. */
#include "qvm-device/device.h"

#include <errno.h>

#include "base/mem.h"

static const char *const verbs[WHICH_COUNT] = {
	[AVAILABLE] = "Available", [ATTACHED] = "Attached", [ASSIGNED] = "Assigned",
};

void world_take(struct world *w, struct qubes *all)
{
	w->all = *all;
	*all = (struct qubes){0};
	w->said = xcalloc(w->all.n + 1, sizeof *w->said);
}

int world_list(struct world *w)
{
	struct qubes all = {0};
	int status = list_qubes(w->c, &all);

	world_take(w, &all);
	return status;
}

void world_close(struct world *w)
{
	for (size_t i = 0; i < w->all.n; i++)
		for (int k = 0; k < WHICH_COUNT; k++) {
			struct devices *l = &w->said[i].of[k];

			for (size_t d = 0; d < l->n; d++)
				device_release(&l->v[d]);
			free(l->v);
			call_release(&w->said[i].call[k]);
		}
	free(w->said);
	qubes_release(&w->all);
}

size_t world_index(const struct world *w, const struct qube *q)
{
	return (size_t)(q - w->all.v);
}

void world_want(struct world *w, size_t qube, enum which which)
{
	struct said *s = &w->said[qube];

	if (!s->of[which].asked)
		s->call[which].dest = w->all.v[qube].name;
}

/* A line that cannot be read tells why. What is offered is listed nevertheless, without a description. */
static void read_line(struct world *w, struct said *s, enum which which, const char *qube, const char *line)
{
	const struct device_context context = {w->class, which == AVAILABLE ? qube : NULL};
	CLEANUP_DEVICE struct device d = {0};
	struct devices *l = &s->of[which];
	CLEANUP_ERR struct err why = ERR_INIT;

	if (device_line_parse(&d, &context, line, &why) < 0) {
		if (which != AVAILABLE) {
			/* Ours to tell, not the daemon's. */
			s->call[which].result = err_set(&s->call[which].err, -EBADMSG, "", "%s", why.text);
			return;
		}
		say(w->c, "%s", why.text);
		device_props_release(&d.props);
		if (!d.ref.port)
			return;
	}
	l->v = xreallocarray(l->v, l->n + 1, sizeof *l->v);
	l->v[l->n++] = d;
	d = (struct device){0};
}

static void read_reply(struct world *w, size_t qube, enum which which, struct call *call)
{
	struct said *s = &w->said[qube];
	CLEANUP_STRV struct strv lines = STRV_INIT;

	s->of[which].asked = true;
	s->call[which].result = call->result;
	err_move(&s->call[which].err, &call->err);
	if (call->result < 0)
		return;
	strv_split(&lines, call->body, '\n');
	for (size_t i = 0; i < lines.n; i++)
		read_line(w, s, which, w->all.v[qube].name, lines.v[i]);
}

void world_ask(struct world *w)
{
	struct call *calls = xcalloc(w->all.n * WHICH_COUNT + 1, sizeof *calls);
	char *methods[WHICH_COUNT];
	size_t n = 0;

	for (int k = 0; k < WHICH_COUNT; k++)
		methods[k] = xasprintf("admin.vm.device.%s.%s", w->class, verbs[k]);
	for (size_t i = 0; i < w->all.n; i++)
		for (int k = 0; k < WHICH_COUNT; k++)
			if (w->said[i].call[k].dest && !w->said[i].of[k].asked)
				calls[n++] = (struct call){.dest = w->all.v[i].name, .method = methods[k]};
	if (n)
		admin_run(&w->c->admin, calls, n);
	n = 0;
	for (size_t i = 0; i < w->all.n; i++)
		for (int k = 0; k < WHICH_COUNT; k++)
			if (w->said[i].call[k].dest && !w->said[i].of[k].asked)
				read_reply(w, i, (enum which)k, &calls[n++]);
	calls_free(calls, n);
	for (int k = 0; k < WHICH_COUNT; k++)
		free(methods[k]);
}

int world_failed(struct world *w, size_t qube, enum which which)
{
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.%s", w->class, verbs[which]);

	return fail_err(w->c, &w->said[qube].call[which].err, w->all.v[qube].name, method);
}

const struct devices *world_get(struct world *w, size_t qube, enum which which, int *ret_status)
{
	const struct said *s = &w->said[qube];

	*ret_status = STATUS_OK;
	world_want(w, qube, which);
	world_ask(w);
	if (s->call[which].result == 0)
		return &s->of[which];
	*ret_status = world_failed(w, qube, which);
	return NULL;
}

const struct device *devices_port(const struct devices *l, const char *backend, const char *port)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (streq(l->v[i].ref.backend, backend) && streq(l->v[i].ref.port, port))
			return &l->v[i];
	return NULL;
}

int world_call(struct world *w, const char *qube, const char *verb, const struct device_ref *ref,
	       const char *payload)
{
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.%s", w->class, verb);
	CLEANUP_FREE char *arg = device_arg(ref->backend, ref->port, ref->id);
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&w->c->admin, &err, qube, method, arg, payload, NULL, NULL) < 0)
		return fail_err(w->c, &err, qube, method);
	return STATUS_OK;
}
