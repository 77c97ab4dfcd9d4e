/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters: which qubes are listed (tools-config 2.6). */
#include "ls.h"

#include "base/chars.h"
#include "base/mem.h"

/* What the command line asks for. Lists that are empty filter nothing. */
struct filters {
	struct strv class, label, tags, exclude_tags, template, netvm, features, prefs;
	const char *internal, *servicevm;
	bool pending_update, running, paused, halted;
};

/* One filter's word on one qube. */
enum verdict { PASS, FAIL, LATER };

static enum verdict verdict(bool pass)
{
	return pass ? PASS : FAIL;
}

static bool yes(const char *word)
{
	return *word == 'y';
}

static enum verdict by_state(const struct filters *f, const char *state)
{
	if (!f->running && !f->paused && !f->halted)
		return PASS;
	return verdict((f->running && strcasecmp(state, "running") == 0) ||
		       (f->paused && strcasecmp(state, "paused") == 0) ||
		       (f->halted && strcasecmp(state, "halted") == 0));
}

/* A property that names something is one of values; '' stands for none at all. */
static enum verdict by_prop(struct world *w, size_t i, const char *prop, const struct strv *values)
{
	struct propval p;

	if (!values->n)
		return PASS;
	switch (world_prop(w, i, prop, &p)) {
	case KNOWN:
		return verdict(strv_has(values, p.value));
	case PENDING:
		return LATER;
	default:
		return verdict(strv_has(values, ""));
	}
}

static enum verdict by_tags(struct world *w, size_t i, const struct filters *f)
{
	const struct strv *tags;
	bool any = false, excluded = false;

	if (!f->tags.n && !f->exclude_tags.n)
		return PASS;
	if (world_tags(w, i, &tags) == PENDING)
		return LATER;
	for (size_t k = 0; k < tags->n; k++) {
		any = any || strv_has(&f->tags, tags->v[k]);
		excluded = excluded || strv_has(&f->exclude_tags, tags->v[k]);
	}
	return verdict((any || !f->tags.n) && !excluded);
}

static enum verdict by_flag_feature(struct world *w, size_t i, const char *feature, const char *word)
{
	const char *value;

	if (!word)
		return PASS;
	switch (world_feature(w, i, feature, &value)) {
	case KNOWN:
		return verdict(yes(word) == (streq(value, "1") || streq(value, "true") || streq(value, "True")));
	case PENDING:
		return LATER;
	default:
		return verdict(!yes(word));
	}
}

static enum verdict by_update(struct world *w, size_t i, const struct filters *f)
{
	const char *value;

	if (!f->pending_update)
		return PASS;
	switch (world_feature(w, i, "updates-available", &value)) {
	case KNOWN:
		return verdict(*value);
	case PENDING:
		return LATER;
	default:
		return FAIL;
	}
}

/* The value of "F=''" or "F=\"\"": set, and empty. */
static bool is_quoted_empty(const char *value)
{
	return streq(value, "''") || streq(value, "\"\"");
}

static enum verdict by_feature(struct world *w, size_t i, const char *pair)
{
	size_t n = strcspn(pair, "=");
	const char *want = pair + n + 1;
	CLEANUP_FREE char *name = xstrndup(pair, n);
	const char *value;

	switch (world_feature(w, i, name, &value)) {
	case KNOWN:
		return verdict(*want && streq(value, is_quoted_empty(want) ? "" : want));
	case PENDING:
		return LATER;
	default:
		return verdict(!*want);
	}
}

static enum verdict by_pref(struct world *w, size_t i, const char *pair)
{
	size_t n = strcspn(pair, "=");
	const char *want = pair + n + 1;
	CLEANUP_FREE char *name = xstrndup(pair, n);
	struct cell cell = {.type = VAL_NULL};
	enum known state;
	enum verdict ret;

	chars_replace(name, '-', '_');
	state = attr_cell(w, i, name, &cell);
	if (state == PENDING) {
		ret = LATER;
	} else if (state != KNOWN) {
		ret = verdict(!*want || streq(want, "None"));
	} else if (cell.type == VAL_STR) {
		ret = verdict(*want && streq(cell.str, is_quoted_empty(want) ? "" : want));
	} else {
		CLEANUP_FREE char *text = cell_text(&cell);

		ret = verdict(streq(text, want));
	}
	cell_release(&cell);
	return ret;
}

static enum verdict by_pairs(struct world *w, size_t i, const struct strv *pairs,
			     enum verdict (*one)(struct world *, size_t, const char *))
{
	enum verdict all = PASS;

	for (size_t k = 0; k < pairs->n && all != FAIL; k++) {
		enum verdict v = one(w, i, pairs->v[k]);

		all = v == PASS ? all : v;
	}
	return all;
}

/*
 * What List answers comes first, so that nothing is asked about qubes that it excludes; of the rest,
 * everything that is not known yet is asked at once.
 */
static enum verdict judge(struct world *w, size_t i, const struct filters *f)
{
	const struct qube *q = w->v[i].qube;
	enum verdict all = PASS;

	if (w->v[i].gone || (f->class.n && !strv_has(&f->class, q->class)) || by_state(f, q->state) == FAIL)
		return FAIL;

	const enum verdict each[] = {
		by_prop(w, i, "label", &f->label),
		by_tags(w, i, f),
		by_prop(w, i, "template", &f->template),
		by_prop(w, i, "netvm", &f->netvm),
		by_flag_feature(w, i, "internal", f->internal),
		by_flag_feature(w, i, "servicevm", f->servicevm),
		by_update(w, i, f),
		by_pairs(w, i, &f->features, by_feature),
		by_pairs(w, i, &f->prefs, by_pref),
	};

	for (size_t k = 0; k < ARRAY_SIZE(each); k++) {
		if (each[k] == FAIL)
			return FAIL;
		if (each[k] == LATER)
			all = LATER;
	}
	return w->v[i].gone ? FAIL : all;
}

static int check_pairs(struct ctx *c, const char *option, const struct strv *pairs)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!strchr(pairs->v[i], '=') || *pairs->v[i] == '=')
			return fail_usage(c, "Invalid argument: %s %s", option, pairs->v[i]);
	return STATUS_OK;
}

static int filters_read(struct filters *f, struct ctx *c)
{
	const struct args *a = &c->args;
	int status;

	arg_values(a, "--class", &f->class);
	arg_values(a, "--label", &f->label);
	arg_values(a, "--tags", &f->tags);
	arg_values(a, "--exclude-tags", &f->exclude_tags);
	arg_values(a, "--template-source", &f->template);
	arg_values(a, "--netvm-is", &f->netvm);
	arg_values(a, "--features", &f->features);
	arg_values(a, "--prefs", &f->prefs);
	f->internal = arg_value(a, "--internal");
	f->servicevm = arg_value(a, "--servicevm");
	f->pending_update = arg_has(a, "--pending-update");
	f->running = arg_has(a, "--running");
	f->paused = arg_has(a, "--paused");
	f->halted = arg_has(a, "--halted");
	status = check_pairs(c, "--features", &f->features);
	return status ? status : check_pairs(c, "--prefs", &f->prefs);
}

static void filters_release(struct filters *f)
{
	strv_release(&f->class);
	strv_release(&f->label);
	strv_release(&f->tags);
	strv_release(&f->exclude_tags);
	strv_release(&f->template);
	strv_release(&f->netvm);
	strv_release(&f->features);
	strv_release(&f->prefs);
}

int rows_filter(struct rows *rows, struct world *w)
{
	CLEANUP(filters_release) struct filters f = {0};
	int status = filters_read(&f, w->c);
	bool later = true;

	while (status == STATUS_OK && later) {
		size_t kept = 0;

		later = false;
		for (size_t k = 0; k < rows->n; k++) {
			enum verdict v = judge(w, rows->v[k].i, &f);

			if (v != FAIL)
				rows->v[kept++] = rows->v[k];
			later = later || v == LATER;
		}
		rows->n = kept;
		if (later)
			status = world_run(w);
	}
	return status;
}
