/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tools about one qube, or by --where and --all about many. */
#include "cli/perqube.h"

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"

struct call *perqube_calls(const struct selection *s, const char *method, const char *arg, const void *payload,
			   size_t len)
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

bool qube_is_missing(const struct err *e, const char *qube)
{
	CLEANUP_FREE char *quoted = quote_py(qube);

	return err_is(e, "QubesVMNotFoundError") && strstr(e->text, quoted);
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

void features_release(struct features *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].value);
	}
	free(f->v);
	*f = (struct features){0};
}

/* Enters the names of one List reply, their values still unknown. */
static void add_names(struct features *f, const struct qube *q, const char *body, const char *prefix)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	strv_split(&names, body, '\n');
	for (size_t i = 0; i < names.n; i++) {
		if (!skip_prefix(names.v[i], prefix))
			continue;
		GROW(f->v, f->n, f->cap);
		f->v[f->n++] = (struct feature){.qube = q, .name = STEAL(names.v[i])};
		names.v[i] = xstrdup("");
	}
}

/* Asks for all values at once; features that are gone by now leave the list. */
static int read_values(struct ctx *c, const struct selection *s, struct features *f)
{
	struct call *calls = xcalloc(f->n + 1, sizeof *calls);
	size_t n = f->n, kept = 0;
	int status = STATUS_OK;

	for (size_t i = 0; i < f->n; i++)
		calls[i] = (struct call){
			.dest = f->v[i].qube->name,
			.method = "admin.vm.feature.Get",
			.arg = f->v[i].name,
		};
	admin_run(&c->admin, calls, f->n);
	for (size_t i = 0; i < n; i++) {
		struct feature *one = &f->v[i];

		if (calls[i].result == 0) {
			one->value = xmemdup0(calls[i].body, calls[i].body_len);
			one->len = calls[i].body_len;
			f->v[kept++] = *one;
			continue;
		}
		if (!err_is(&calls[i].err, "QubesFeatureNotFoundError") && (!status || s->many))
			status = perqube_error(c, s, &calls[i]);
		free(one->name);
	}
	f->n = kept;
	calls_free(calls, n);
	return status;
}

int features_read(struct ctx *c, const struct selection *s, const char *prefix, struct features *ret)
{
	CLEANUP_FEATURES struct features f = {0};
	struct call *lists = perqube_calls(s, "admin.vm.feature.List", NULL, NULL, 0);
	int status = STATUS_OK, values;

	admin_run(&c->admin, lists, s->n);
	for (size_t i = 0; i < s->n; i++) {
		if (lists[i].result == 0)
			add_names(&f, s->v[i], lists[i].body, prefix);
		else
			status = perqube_error(c, s, &lists[i]);
	}
	calls_free(lists, s->n);
	values = read_values(c, s, &f);
	*ret = f;
	f = (struct features){0};
	return values ? values : status;
}
