/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-unpause: lets paused qubes run on and wakes sleeping ones. */
#include "base/mem.h"
#include "cli/each.h"
#include "cli/perqube.h"

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_PAUSED, NULL, "name of a qube, or a pattern"},
	POS_END,
};

/* Internal qubes are left alone unless named (tools-runtime 5). */
static void drop_internal(struct ctx *c, struct selection *sel)
{
	size_t n = sel->n, kept = 0;
	struct call *calls = perqube_calls(sel, "admin.vm.feature.Get", "internal", NULL, 0);

	admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n; i++)
		if (calls[i].result < 0 || calls[i].body_len == 0)
			sel->v[kept++] = sel->v[i];
	sel->n = kept;
	calls_free(calls, n);
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	struct call *states, *wakes;
	size_t n = 0;
	int status = select_qubes(c, "VMNAME", &sel);

	if (status)
		return status;
	if (!arg_pos(&c->args, "VMNAME"))
		drop_internal(c, &sel);
	states = perqube_calls(&sel, "admin.vm.CurrentState", NULL, NULL, 0);
	admin_run(&c->admin, states, sel.n);
	wakes = xcalloc(sel.n + 1, sizeof *wakes);
	for (size_t i = 0; i < sel.n; i++) {
		CLEANUP_FREE char *state = call_state(&states[i]);

		if (!state)
			continue;
		wakes[n].dest = states[i].dest;
		wakes[n++].method = streq(state, "Suspended") ? "admin.vm.Resume" : "admin.vm.Unpause";
	}
	if (n)
		admin_run(&c->admin, wakes, n);
	for (size_t i = 0, k = 0; i < sel.n; i++) {
		const struct call *last = k < n && wakes[k].dest == states[i].dest ? &wakes[k++] : &states[i];

		if (last->result < 0)
			status = fail_plain(c, "Failed to unpause/resume: %s: %s", states[i].dest, last->err.text);
	}
	calls_free(wakes, n);
	calls_free(states, sel.n);
	return status;
}

const struct tool tool = {
	.name = "qvm-unpause",
	.summary = "Let paused or sleeping qubes run again.",
	.flags = TOOL_QUBES | TOOL_PLAIN_ERROR,
	.pos = positionals,
	.run = run,
};
