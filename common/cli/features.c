/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading features, for qvm-features and qvm-service (tools-config 5 and 6). */
#include "cli/features.h"

#include "admin/exc.h"
#include "base/mem.h"

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

int feature_show(struct ctx *c, const struct selection *s, const char *feature, bool is_switch)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct call *calls = perqube_calls(s, "admin.vm.feature.Get", feature, NULL, 0);
	struct json *j = perqube_json(c, s);
	bool found = false;
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct call *k = &calls[i];
		const char *word = !is_switch ? k->body : k->body_len ? "on" : "off";

		if (k->result < 0 && !err_is(&k->err, "QubesFeatureNotFoundError")) {
			status = perqube_error(c, s, k);
			continue;
		}
		found |= k->result == 0;
		if (j)
			json_value(j, k->dest,
				   k->result   ? V_NULL
				   : is_switch ? V_BOOL(k->body_len > 0)
					       : V_STR(word));
		else if (k->result == 0)
			perqube_lines(&text, s, k->dest, word, is_switch ? strlen(word) : k->body_len);
	}
	if (j)
		json_end(j);
	put_text(c, buf_str(&text), text.len);
	calls_free(calls, s->n);
	return !status && s->n && !found ? STATUS_FAILED : status;
}
