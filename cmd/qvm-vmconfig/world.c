/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the Admin API tells of the system, asked for as it is needed. */
#include "qvm-vmconfig/world.h"

#include "admin/exc.h"
#include "base/mem.h"

/* ---- looking ---- */

static struct world *world_of(const struct key_source *src)
{
	return src->data;
}

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct entry *)entry)->qube->name);
}

static struct entry *entry_of(const struct key_source *src, const char *qube)
{
	struct world *w = world_of(src);

	return w->n ? bsearch(qube, w->v, w->n, sizeof *w->v, by_name) : NULL;
}

/* True when it is known; otherwise it is noted, or known to be impossible. */
static bool look(const struct key_source *src, enum known *state)
{
	struct world *w = world_of(src);

	if (*state == UNASKED)
		*state = NOTED;
	w->noted |= *state == NOTED;
	w->failed |= *state == FAILED;
	return *state == KNOWN;
}

static char *world_prop(const struct key_source *src, const char *qube, const char *prop)
{
	struct entry *e = entry_of(src, qube);
	const struct propval *p;

	if (!e)
		return xstrdup("");
	/* These are asked of every qube, and the list tells. */
	if (streq(prop, "klass"))
		return xstrdup(e->qube->class);
	if (streq(prop, "relayvm") && !streq(e->qube->class, "RemoteVM"))
		return xstrdup("");
	p = look(src, &e->props_state) ? props_find(&e->props, prop) : NULL;
	return xstrdup(p ? p->value : "");
}

static int feature_by_name(const void *name, const void *feature)
{
	return strcmp(name, ((const struct feature *)feature)->name);
}

static const char *world_feature(const struct key_source *src, const char *qube, const char *name)
{
	struct entry *e = entry_of(src, qube);
	struct feature *f;

	if (!e || !look(src, &e->features_state) || !e->n_features)
		return NULL;
	f = bsearch(name, e->features, e->n_features, sizeof *e->features, feature_by_name);
	/* It is there, whatever it says. */
	return !f ? NULL : look(src, &f->state) ? f->value : "";
}

static void world_features(const struct key_source *src, const char *qube, struct strv *ret)
{
	struct entry *e = entry_of(src, qube);

	if (!e || !look(src, &e->features_state))
		return;
	for (size_t i = 0; i < e->n_features; i++)
		if (e->features[i].value || e->features[i].state != KNOWN)
			strv_add(ret, e->features[i].name);
}

static char *world_rules(const struct key_source *src, const char *qube)
{
	struct entry *e = entry_of(src, qube);

	return xstrdup(e && look(src, &e->rules_state) ? e->rules : "");
}

/* ---- asking ---- */

struct want {
	struct entry *entry;
	struct feature *feature; /* NULL: all of something */
	enum known *state;
};

struct wants {
	struct want *v;
	struct call *calls;
	size_t n, cap, cap_calls;
};

static void want(struct wants *l, struct entry *e, struct feature *f, enum known *state, const char *method)
{
	if (*state != NOTED)
		return;
	GROW(l->calls, l->n, l->cap_calls);
	GROW(l->v, l->n, l->cap);
	l->calls[l->n] = (struct call){.dest = e->qube->name, .method = method, .arg = f ? f->name : NULL};
	l->v[l->n++] = (struct want){e, f, state};
}

static void want_all(struct wants *l, struct entry *e)
{
	want(l, e, NULL, &e->props_state, "admin.vm.property.GetAll");
	want(l, e, NULL, &e->features_state, "admin.vm.feature.List");
	want(l, e, NULL, &e->rules_state, "admin.vm.firewall.Get");
	for (size_t i = 0; i < e->n_features; i++)
		want(l, e, &e->features[i], &e->features[i].state, "admin.vm.feature.Get");
}

static void store_features(struct entry *e, const char *body)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	strv_split(&names, body, '\n');
	strv_sort(&names);
	e->features = xcalloc(names.n + 1, sizeof *e->features);
	e->n_features = names.n;
	for (size_t i = 0; i < names.n; i++)
		e->features[i].name = STEAL(names.v[i]);
	names.n = 0;
}

static int store(const struct want *w, const struct call *call, struct err *err)
{
	struct entry *e = w->entry;

	if (w->feature)
		w->feature->value = xmemdup0(call->body, call->body_len);
	else if (w->state == &e->props_state)
		return props_parse(&e->props, call->body, call->body_len, err);
	else if (w->state == &e->features_state)
		store_features(e, call->body);
	else
		e->rules = xmemdup0(call->body, call->body_len);
	return 0;
}

/* What went away since it was listed is simply not there. */
static bool is_gone(const struct want *w, const struct err *e)
{
	return qube_is_missing(e, w->entry->qube->name) || (w->feature && err_is(e, "QubesFeatureNotFoundError"));
}

static int answer(struct ctx *c, const struct want *w, struct call *call)
{
	CLEANUP_ERR struct err named = ERR_INIT;

	*w->state = KNOWN;
	if (call->result == 0)
		call->result = store(w, call, &call->err);
	if (call->result == 0)
		return STATUS_OK;
	if (is_gone(w, &call->err)) {
		if (w->state == &w->entry->rules_state)
			w->entry->rules = xstrdup("");
		return STATUS_OK;
	}
	*w->state = FAILED;
	err_set(&named, call->result, call->err.type, "%s: %s", call->dest, call->err.text);
	return fail_err(c, &named, call->dest, call->method);
}

int world_ask(struct world *w)
{
	struct wants l = {0};
	int status = STATUS_OK;

	for (size_t i = 0; i < w->n; i++)
		want_all(&l, &w->v[i]);
	admin_run(&w->c->admin, l.calls, l.n);
	for (size_t i = 0; i < l.n; i++) {
		int r = answer(w->c, &l.v[i], &l.calls[i]);

		status = r ? r : status;
	}
	calls_free(l.calls, l.n);
	free(l.v);
	return status;
}

/* ---- begin and end ---- */

void world_init(struct world *w, struct ctx *c, const struct qubes *qubes, const char *zone)
{
	*w = (struct world){.c = c, .n = qubes->n};
	w->v = xcalloc(w->n + 1, sizeof *w->v);
	for (size_t i = 0; i < w->n; i++) {
		w->v[i].qube = &qubes->v[i];
		strv_add(&w->names, qubes->v[i].name);
	}
	w->src = (struct key_source){
		.data = w, .prop = world_prop, .feature = world_feature, .features = world_features,
		.rules = world_rules, .qubes = &w->names, .zone = zone, .now = time(NULL),
	};
}

void world_release(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct entry *e = &w->v[i];

		for (size_t k = 0; k < e->n_features; k++) {
			free(e->features[k].name);
			free(e->features[k].value);
		}
		free(e->features);
		props_release(&e->props);
		free(e->rules);
	}
	free(w->v);
	strv_release(&w->names);
}
