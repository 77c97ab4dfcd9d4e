/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A restore from its first qube to the last word about it (backup-policy-clock 3.7). */
#include "qvm-backup-restore/apply.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/record.h"
#include "cli/volume-data.h"
#include "qvm-backup-restore/mark.h"

bool is_over(struct restore *r)
{
	return r->disconnected || is_interrupted(r);
}

void note(struct restore *r, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	progress_end(&r->progress);
	log_info(r->c, LOGGER, "%s", text);
}

void entry_fail(struct restore *r, struct entry *e, const struct err *err, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	if (err && err_is_communication(err))
		r->disconnected = true;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	progress_end(&r->progress);
	log_warning(r->c, LOGGER, "%s", text);
	if (e->why)
		return;
	e->stage = STAGE_FAILED;
	e->why = STEAL(text);
}

void entry_is_whole(struct restore *r, struct entry *e)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!e->is_home && mark_clear(r->c, e, &err) < 0)
		entry_fail(r, e, &err, "Error restoring VM %s: %s", e->name, err.text);
	else
		e->stage = STAGE_WHOLE;
}

/* ---- the order in which qubes are made ---- */

/* Templates, then templates of disposables, then all others. */
static int rank(const struct entry *e)
{
	const char *disposable = pairs_get(&e->qube->props, "template_for_dispvms");

	if (streq(e->qube->class, "TemplateVM"))
		return 0;
	return disposable && streq(disposable, "True") ? 1 : 2;
}
#define RANKS 3

static void make_all(struct restore *r)
{
	for (int k = 0; k < RANKS; k++)
		for (size_t i = 0; i < r->plan.n && !is_over(r); i++)
			if (!r->plan.v[i].problems && !r->plan.v[i].is_home && rank(&r->plan.v[i]) == k)
				make_qube(r, &r->plan.v[i]);
}

static void for_each_made(struct restore *r, void (*what)(struct restore *r, struct entry *e))
{
	for (size_t i = 0; i < r->plan.n && !is_over(r); i++)
		if (r->plan.v[i].stage == STAGE_MADE && !r->plan.v[i].is_home)
			what(r, &r->plan.v[i]);
}

static void list_volumes(struct restore *r, struct entry *e)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (volumes_kept(r->c, e->name, &e->volumes, &err) < 0)
		entry_fail(r, e, &err, "Error restoring VM %s, skipping: %s", e->name, err.text);
}

/* Nothing of dom0 is changed but this (3.7). */
static void set_up_dom0(struct restore *r)
{
	struct entry *e = r->plan.n ? &r->plan.v[r->plan.n - 1] : NULL;
	const char *value;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!e || !e->is_home || e->problems || is_over(r))
		return;
	e->stage = STAGE_MADE;
	value = pairs_get(&e->qube->props, "default_dispvm");
	if (value && admin_call(&r->c->admin, &err, "dom0", "admin.vm.property.Set", "default_dispvm",
				plan_name(&r->plan, value), NULL, NULL) < 0)
		log_warning(r->c, LOGGER, "Error setting dom0.default_dispvm to %s: %s", value, err.text);
}

/* ---- what became of them ---- */

static void take_verdicts(struct restore *r)
{
	size_t n;
	const struct archive_verdict *v = archive_reader_verdicts(r->reader, &n);

	for (size_t i = 0; i < n; i++) {
		struct entry *e = plan_find(&r->plan, v[i].qube->name);

		for (size_t k = 0; k < v[i].problems.n; k++)
			entry_fail(r, e, NULL, "Error extracting data of %s: %s", e->name, v[i].problems.v[k]);
		if (e->stage == STAGE_MADE && !is_over(r))
			entry_is_whole(r, e);
	}
}

/* Those that are not whole go, the ones that others need last. */
static void remove_failed(struct restore *r)
{
	for (int k = RANKS; k-- > 0;)
		for (size_t i = r->plan.n; i-- > 0;) {
			struct entry *e = &r->plan.v[i];
			CLEANUP_ERR struct err err = ERR_INIT;

			if (e->stage != STAGE_FAILED || !e->made || is_over(r) || rank(e) != k)
				continue;
			if (admin_call(&r->c->admin, &err, e->name, "admin.vm.Remove", NULL, NULL, NULL, NULL) == 0) {
				e->made = false;
				log_warning(r->c, LOGGER, "%s is removed again", e->name);
			} else {
				log_warning(r->c, LOGGER, "%s cannot be removed again: %s", e->name, err.text);
			}
		}
}

static void tell_what_stays(struct restore *r)
{
	bool any = false;

	for (size_t i = 0; i < r->plan.n; i++) {
		const struct entry *e = &r->plan.v[i];

		if (!e->made || e->stage == STAGE_WHOLE)
			continue;
		any = true;
		say(r->c, "%s: %s stays, is not whole and cannot be started (tag " MARK_TAG ")", r->c->prog, e->name);
	}
	if (any)
		say(r->c, "%s: --continue goes on with what is not whole", r->c->prog);
}

static const char *verdict_of(const struct entry *e)
{
	if (e->problems)
		return "skipped";
	return e->stage == STAGE_WHOLE ? "restored" : e->stage == STAGE_FAILED ? "failed" : "interrupted";
}

static void put_records(struct restore *r)
{
	static const char *const keys[] = { "name", "restored_as", "verdict", "stays", "problem" };
	struct json *j = json_begin(r->c, JSON_ARRAY);

	for (size_t i = 0; i < r->plan.n; i++) {
		const struct entry *e = &r->plan.v[i];
		const struct val vals[] = {
			V_STR(e->qube->name), e->problems ? V_NULL : V_STR(e->name), V_STR(verdict_of(e)),
			V_BOOL(e->made), e->why ? V_STR(e->why) : V_NULL,
		};

		json_record(j, NULL, ARRAY_SIZE(keys), keys, vals);
	}
	json_end(j);
}

static bool all_whole(const struct restore *r)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (!r->plan.v[i].problems && r->plan.v[i].stage != STAGE_WHOLE)
			return false;
	return true;
}

/* ---- the steps ---- */

static bool nothing_to_do(const struct restore *r)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (!r->plan.v[i].problems)
			return false;
	return true;
}

static int conclude(struct restore *r, int result, const struct err *err)
{
	const struct strv *problems = archive_reader_problems(r->reader);
	int status = origin_close(r, result == 0);

	for (size_t i = 0; i < problems->n; i++)
		log_warning(r->c, LOGGER, "Error extracting data: %s", problems->v[i]);
	if (result < 0 && result != -EBADMSG)
		status = r->disconnected ? fail(r->c, "the daemon is gone") : run_ended(r, err);
	else if (status == STATUS_OK && (result < 0 || !all_whole(r)))
		status = fail(r->c, "not everything could be restored");
	tell_what_stays(r);
	if (r->c->format != FORMAT_TEXT)
		put_records(r);
	if (status != STATUS_OK)
		return status;
	log_info(r->c, LOGGER, "-> Done.");
	log_info(r->c, LOGGER, "-> Please install updates for all the restored templates.");
	return STATUS_OK;
}

int restore_qubes(struct restore *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int result;

	if (nothing_to_do(r)) {
		say(r->c, "%s: nothing was selected", r->c->prog);
		if (r->c->format != FORMAT_TEXT)
			put_records(r);
		return STATUS_OK;
	}
	if (origin_hold_signals(r) != STATUS_OK)
		return STATUS_FAILED;
	make_all(r);
	for_each_made(r, set_up_qube);
	for_each_made(r, connect_qube);
	for_each_made(r, list_volumes);
	set_up_dom0(r);
	result = is_over(r) ? err_set(&err, -ECANCELED, "", "interrupted") : restore_data(r, &err);
	if (result == 0 || result == -EBADMSG) {
		take_verdicts(r);
		remove_failed(r);
	}
	return conclude(r, result, &err);
}
