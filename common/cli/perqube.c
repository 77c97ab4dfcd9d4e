/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tools about one qube, or by --where and --all about many. */
#include "cli/perqube.h"

#include "admin/exc.h"
#include "base/mem.h"

struct call *perqube_calls(const struct selection *s, const char *method, const char *arg,
			   const void *payload, size_t len)
{
	struct call *calls = xcalloc(s->n + 1, sizeof *calls);

	for (size_t i = 0; i < s->n; i++)
		calls[i] = (struct call){
			.dest = s->v[i]->name,
			.method = method,
			.arg = arg,
			.payload = payload,
			.payload_len = len,
		};
	return calls;
}

int perqube_error(struct ctx *c, const struct selection *s, const struct call *call)
{
	CLEANUP_ERR struct err named = ERR_INIT;

	if (!s->many)
		return qube_error(c, &call->err, call->dest, call->method);
	err_set(&named, call->result, call->err.type, "%s: %s", call->dest, call->err.text);
	return fail_err(c, &named, call->dest, call->method);
}

int perqube_change(struct ctx *c, const struct selection *s, const char *method, const char *arg,
		   const void *payload, size_t len, const char *fine)
{
	struct call *calls = perqube_calls(s, method, arg, payload, len);
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++)
		if (calls[i].result < 0 && !(fine && err_is(&calls[i].err, fine)))
			status = perqube_error(c, s, &calls[i]);
	calls_free(calls, s->n);
	return status;
}

static size_t widest(const struct selection *s)
{
	size_t width = 0;

	for (size_t i = 0; i < s->n; i++)
		if (strlen(s->v[i]->name) > width)
			width = strlen(s->v[i]->name);
	return width;
}

void perqube_lines(struct buf *b, const struct selection *s, const char *qube, const char *text, size_t n)
{
	if (!s->many) {
		buf_add(b, text, n);
		buf_addch(b, '\n');
		return;
	}
	for (int width = (int)widest(s);;) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) : n;

		buf_addf(b, "%-*s  ", width, qube);
		buf_add(b, text, len);
		buf_addch(b, '\n');
		if (!nl)
			return;
		text += len + 1;
		n -= len + 1;
	}
}

struct json *perqube_json(struct ctx *c, const struct selection *s)
{
	if (c->format == FORMAT_TEXT)
		return NULL;
	return json_begin(c, s->many ? JSON_KEYED : JSON_SCALAR);
}
