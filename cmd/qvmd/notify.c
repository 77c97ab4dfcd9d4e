/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine and the qubes tell the daemon: sleep and waking up, and counts of updates (admin-api 2.16). */
#include <time.h>

#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/power.h"

static void suspend_pre(struct req *r)
{
	struct sys *s = r->sys;

	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *v = s->vms[i];

		v->asleep = power_is_switched(v) && v->power == POWER_RUNNING;
		if (v->asleep)
			power_suspend(v);
	}
	req_ok(r, "");
}

static void suspend_post(struct req *r)
{
	struct sys *s = r->sys;

	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *v = s->vms[i];

		if (v->asleep && v->power == POWER_SUSPENDED)
			power_resume(v);
		else if (v->asleep && v->power == POWER_PAUSED)
			power_unpause(v);
		v->asleep = false;
	}
	req_ok(r, "");
}

/* The number with blanks around it cut off; NULL when it is none. The caller frees. */
static char *update_count(const char *payload)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *start = payload + strspn(payload, blanks);
	size_t n = strcspn(start, blanks);
	char *digits;

	if (!n || start[n + strspn(start + n, blanks)])
		return NULL;
	digits = xstrndup(start, n);
	if (chars_all(digits, "0-9"))
		return digits;
	free(digits);
	return NULL;
}

/* Whom the count is about: the source, or the template that its software comes from (admin-api 2.16). */
static struct vm *updated_qube(struct vm *source, bool any)
{
	struct vm *v = source;

	while (v && !prop_get_bool(v, "updateable"))
		v = prop_get_vm(v, "template");
	if (v && v != source && (!any || vm_is_running(v)))
		return NULL;
	return v;
}

static void notify_updates(struct req *r)
{
	CLEANUP_FREE char *digits =
		strlen(r->payload) == r->payload_len ? update_count(r->payload) : NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	char now[32];
	time_t t = time(NULL);
	struct tm tm;
	struct vm *v;

	if (!digits)
		return req_fail(r, "ProtocolError", "Update count is not a digit");

	bool any = digits[strspn(digits, "0")] != '\0';

	v = updated_qube(r->source, any);
	if (v) {
		const char *before = feature_get(v, "updates-available");

		strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
		if (!any && before && *before)
			feature_set(v, "last-update", now, &err);
		feature_set(v, "updates-available", any ? "1" : "", &err);
		feature_set(v, "last-updates-check", now, &err);
	}
	req_ok(r, "");
}

const struct method methods_notify[] = {
	{"internal.SuspendPre", "-23N", DEST_DOM0, PART_NONE, PART_NONE, ACCESS_EXECUTE, suspend_pre},
	{"internal.SuspendPost", "-23N", DEST_DOM0, PART_NONE, PART_NONE, ACCESS_EXECUTE, suspend_post},
	{"qubes.NotifyUpdates", "-23N", DEST_DOM0, PART_NONE, PART_NEEDED, ACCESS_WRITE, notify_updates},
	METHOD_END,
};
