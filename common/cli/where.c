/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selection by what qubes are like: --where KEY=GLOB. */
#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/select.h"
#include "model/glob.h"
#include "model/propval.h"

enum key { KEY_NAME, KEY_CLASS, KEY_STATE, KEY_LABEL, KEY_TEMPLATE, KEY_NETVM, KEY_TAG, KEY_FEATURE };

static const char *const key_names[] = {
	[KEY_NAME] = "name",         [KEY_CLASS] = "class", [KEY_STATE] = "state", [KEY_LABEL] = "label",
	[KEY_TEMPLATE] = "template", [KEY_NETVM] = "netvm", [KEY_TAG] = "tag",     [KEY_FEATURE] = "feature",
};

struct condition {
	enum key key;
	char *feature; /* KEY_FEATURE */
	const char *glob;
	bool negate;
};

static int parse(struct ctx *c, const char *text, struct condition *ret)
{
	const char *eq = strchr(text, '=');
	CLEANUP_FREE char *quoted = quote_py(text);

	if (eq && eq > text) {
		bool negate = eq[-1] == '!';
		CLEANUP_FREE char *key = xstrndup(text, (size_t)(eq - text) - negate);
		const char *feature = skip_prefix(key, "feature:");

		*ret = (struct condition){.glob = eq + 1, .negate = negate};
		if (feature && *feature) {
			ret->key = KEY_FEATURE;
			ret->feature = xstrdup(feature);
			return STATUS_OK;
		}
		for (size_t i = 0; i < KEY_FEATURE; i++)
			if (streq(key, key_names[i])) {
				ret->key = (enum key)i;
				return STATUS_OK;
			}
	}
	return fail_usage(c,
			  "argument --where: invalid condition %s (KEY=GLOB or KEY!=GLOB with one of the keys name, "
			  "class, state, label, template, netvm, tag, feature:NAME)",
			  quoted);
}

static void drop_unmatched(struct selection *s, const bool *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (keep[i])
			s->v[n++] = s->v[i];
	s->n = n;
}

/* What the list itself answers. */
static void filter_listed(struct selection *s, const struct condition *w)
{
	CLEANUP_FREE bool *keep = xcalloc(s->n, sizeof *keep);

	for (size_t i = 0; i < s->n; i++) {
		const struct qube *q = s->v[i];
		const char *value = w->key == KEY_NAME ? q->name : w->key == KEY_CLASS ? q->class : q->state;

		keep[i] = glob_match(w->glob, value) != w->negate;
	}
	drop_unmatched(s, keep);
}

static bool any_line_matches(const char *glob, char *body)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (glob_match(glob, lines.v[i]))
			return true;
	return false;
}

/* Whether a reply fits. A value that is not there, or may not be read, matches no glob. */
static bool fits(const struct condition *w, const struct call *call)
{
	CLEANUP_PROPVAL struct propval p = {0};
	bool match = false;

	if (call->result == 0 && w->key == KEY_TAG)
		match = any_line_matches(w->glob, call->body);
	else if (call->result == 0 && w->key == KEY_FEATURE)
		match = glob_match(w->glob, call->body);
	else if (call->result == 0 && propval_parse(&p, call->body, call->body_len, NULL) == 0)
		match = glob_match(w->glob, p.value);
	return match != w->negate;
}

/* One call for each qube that is left, all in flight together. */
static int filter_asked(struct ctx *c, struct selection *s, const struct condition *w)
{
	CLEANUP_FREE bool *keep = xcalloc(s->n, sizeof *keep);
	struct call *calls = xcalloc(s->n, sizeof *calls);
	size_t n = s->n;
	int status = STATUS_OK;

	for (size_t i = 0; i < n; i++) {
		calls[i].dest = s->v[i]->name;
		calls[i].method = w->key == KEY_TAG	  ? "admin.vm.tag.List"
				  : w->key == KEY_FEATURE ? "admin.vm.feature.Get"
							  : "admin.vm.property.Get";
		calls[i].arg = w->key == KEY_TAG ? NULL : w->key == KEY_FEATURE ? w->feature : key_names[w->key];
	}
	admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n && !status; i++) {
		const struct err *e = &calls[i].err;

		if (calls[i].result < 0 && err_is_communication(e) && !err_is_access(e))
			status = fail_err(c, e, calls[i].dest, calls[i].method);
		else
			keep[i] = !err_is(e, "QubesVMNotFoundError") && fits(w, &calls[i]);
	}
	drop_unmatched(s, keep);
	calls_free(calls, n);
	return status;
}

int select_where(struct ctx *c, struct selection *s)
{
	CLEANUP_STRV struct strv texts = STRV_INIT;
	struct condition *where;
	int status = STATUS_OK;
	size_t n = 0;

	arg_values(&c->args, "--where", &texts);
	where = xcalloc(texts.n, sizeof *where);
	while (n < texts.n && !status)
		status = parse(c, texts.v[n], &where[n]), n++;
	for (size_t i = 0; i < n && !status; i++)
		if (where[i].key <= KEY_STATE)
			filter_listed(s, &where[i]);
	for (size_t i = 0; i < n && !status; i++)
		if (where[i].key > KEY_STATE)
			status = filter_asked(c, s, &where[i]);
	for (size_t i = 0; i < n; i++)
		free(where[i].feature);
	free(where);
	return status;
}
