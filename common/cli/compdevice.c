/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Candidates for completion: devices, those that qubes offer or those that one qube has. */
#include "base/chars.h"
#include "base/mem.h"
#include "cli/compval.h"
#include "model/device.h"

static const char *class_of(const struct comp_asker *a)
{
	const char *class = a->devclass ? a->devclass : skip_prefix(a->c->tool->name, "qvm-");

	return class && chars_all(class, "A-Za-z0-9_-") ? class : NULL;
}

static void add_lines(const struct call *call, const struct device_context *context, struct strv *ret)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;

	if (call->result < 0)
		return;
	strv_split(&lines, call->body, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		CLEANUP_DEVICE struct device d = {0};

		if (device_line_parse(&d, context, lines.v[i], NULL) == 0)
			strv_addf(ret, "%s:%s", d.ref.backend, d.ref.port);
	}
}

void comp_ask_devices(struct comp_asker *a, enum comp comp, struct strv *ret)
{
	const char *class = class_of(a);
	const char *call = comp == COMP_DEVICE ? "Available" : comp == COMP_ATTACHED ? "Attached" : "Assigned";
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.%s", class ? class : "", call);
	const struct qubes *all = comp == COMP_DEVICE && class ? comp_qubes(a) : NULL;
	struct call *calls = xcalloc(all ? all->n + 1 : 1, sizeof *calls);
	size_t n = 0;

	/* Only what runs offers anything. */
	for (size_t i = 0; all && i < all->n; i++)
		if (state_is_running(all->v[i].state))
			calls[n++] = (struct call){.dest = all->v[i].name, .method = method};
	if (!all && class && a->qube)
		calls[n++] = (struct call){.dest = a->qube, .method = method};
	if (n && comp_time_left(a))
		admin_run(&a->c->admin, calls, n);
	for (size_t i = 0; i < n; i++) {
		const struct device_context context = {class, all ? calls[i].dest : NULL};

		if (calls[i].body)
			add_lines(&calls[i], &context, ret);
	}
	calls_free(calls, n);
}
