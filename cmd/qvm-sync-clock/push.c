/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's time for the qubes that do not fetch it by themselves (backup-policy-clock 5.3, step 6). */
#include "base/mem.h"
#include "cli/select.h"
#include "qvm-sync-clock/sync.h"

#define OUTPUT_MAX 4096 /* of a service that is not to print anything */

static bool is_wanted(const struct sync *s, const struct qube *q)
{
	return streq(q->state, "Running") && !streq(q->class, "AdminVM") && !streq(q->name, s->source);
}

static int report(struct sync *s, const struct service_call *call)
{
	CLEANUP_FREE char *why = NULL;

	if (call->result == 0 && call->status == 0)
		return STATUS_OK;
	why = service_why(s->c, call, ANSWER_NS);
	return fail_bare(s->c, "ERROR syncing time in VM '%s': %s", call->qube, why);
}

int push_time(struct sync *s)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_FREE char *text = NULL, *line = NULL;
	int status = list_qubes(s->c, &all);
	struct service_call *calls;
	struct timespec now;
	size_t n = 0;

	if (status)
		return status;
	clock_gettime(CLOCK_REALTIME, &now);
	text = clock_text(&now, true);
	line = xasprintf("%s\n", text);
	calls = xcalloc(all.n + 1, sizeof *calls);
	for (size_t i = 0; i < all.n; i++) {
		if (!is_wanted(s, &all.v[i]))
			continue;
		calls[n++] = (struct service_call){.qube = all.v[i].name, .service = "qubes.SetDateTime",
						   .user = "root", .input = line, .max = OUTPUT_MAX};
		if (s->c->verbosity > 1)
			say(s->c, "--> Syncing '%s' clock.", all.v[i].name);
	}
	if (!s->dry_run)
		services_run(s->c, calls, n, ANSWER_NS);
	for (size_t i = 0; i < n; i++) {
		if (report(s, &calls[i]))
			status = STATUS_FAILED;
		service_call_release(&calls[i]);
	}
	free(calls);
	return status;
}
