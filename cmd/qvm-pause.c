/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-pause: halts the processors of qubes, or puts qubes to sleep. */
#include "cli/perqube.h"

static const struct opt options[] = {
	{"--suspend/-S", OPT_FLAG, 0, NULL, "put the qubes to sleep (suspend to memory) instead"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "name of a qube, or a pattern"},
	POS_END,
};

/* Not named one by one: a qube that is down or paused already is no reason to fail (tools-runtime 5). */
static void drop_idle(struct selection *sel)
{
	static const char *const idle[] = {"Halted", "Paused", "Suspended"};
	size_t kept = 0;

	for (size_t i = 0; i < sel->n; i++) {
		bool skip = false;

		for (size_t k = 0; k < ARRAY_SIZE(idle); k++)
			skip |= streq(sel->v[i]->state, idle[k]);
		if (!skip)
			sel->v[kept++] = sel->v[i];
	}
	sel->n = kept;
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	bool suspend = arg_has(&c->args, "--suspend");
	struct call *calls;
	int status = select_qubes(c, "VMNAME", &sel);

	if (status)
		return status;
	if (!arg_pos(&c->args, "VMNAME"))
		drop_idle(&sel);
	calls = perqube_calls(&sel, suspend ? "admin.vm.Suspend" : "admin.vm.Pause", NULL, NULL, 0);
	admin_run(&c->admin, calls, sel.n);
	for (size_t i = 0; i < sel.n; i++)
		if (calls[i].result < 0)
			status = fail_plain(c, "Failed to %s: %s: %s", suspend ? "suspend" : "pause", calls[i].dest,
					    calls[i].err.text);
	calls_free(calls, sel.n);
	return status;
}

const struct tool tool = {
	.name = "qvm-pause",
	.summary = "Pause qubes, or put them to sleep.",
	.flags = TOOL_QUBES | TOOL_PLAIN_ERROR,
	.opts = options,
	.pos = positionals,
	.epilog = "Paused qubes will be killed on system shutdown.",
	.run = run,
};
