/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-kill: stops qubes at once, as if their power were cut. */
#include "admin/exc.h"
#include "cli/each.h"
#include "cli/perqube.h"

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_RUNNING, NULL, "name of a qube, or a pattern"},
	POS_END,
};

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	struct call *calls;
	size_t failed = 0;
	int status = select_qubes(c, "VMNAME", &sel);

	if (status)
		return status;
	calls = perqube_calls(&sel, "admin.vm.Kill", NULL, NULL, 0);
	admin_run(&c->admin, calls, sel.n);
	for (size_t i = 0; i < sel.n; i++) {
		if (calls[i].result == 0 || err_is_not_started(&calls[i].err))
			continue;
		fail_plain(c, "Failed to kill: %s: %s", calls[i].dest, calls[i].err.text);
		failed++;
	}
	calls_free(calls, sel.n);
	return count_status(failed);
}

const struct tool tool = {
	.name = "qvm-kill",
	.summary = "Stop qubes at once, without asking their systems.",
	.flags = TOOL_QUBES | TOOL_PLAIN_ERROR,
	.pos = positionals,
	.run = run,
};
