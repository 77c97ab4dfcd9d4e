/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume clone: the data of one volume into another (tools-runtime 8.7). */
#include "volume.h"

#include "base/mem.h"
#include "cli/volume-data.h"

static int check(struct ctx *c, const struct target *t)
{
	CLEANUP_VOLUME_INFO struct volume_info info = {0};
	int status = target_info(c, t, "save_on_stop", &info);

	if (status || info.save_on_stop)
		return status;
	return fail(c, "Volumes must be save_on_stop for cloning");
}

static int ask_first(struct ctx *c, const struct target *from, const struct target *to, bool *ret)
{
	CLEANUP_FREE char *prompt =
		xasprintf("This will clone the data from %s:%s into %s:%s!\n"
			  "(Data in %s:%s may be preserved in a revision.)\nAre you sure? [y/N] ",
			  from->qube, from->volume, to->qube, to->volume, to->qube, to->volume);

	return confirm(c, prompt, "Clone", ret);
}

int clone_volume(struct ctx *c)
{
	struct target t[] = {{.word = arg_pos(&c->args, "SVM:SVOL")}, {.word = arg_pos(&c->args, "DVM:DVOL")}};
	CLEANUP_ERR struct err err = ERR_INIT;
	bool go = true;
	int status = targets_find(c, t, 2);

	for (size_t i = 0; i < 2 && !status; i++)
		status = check(c, &t[i]);
	if (!status && !arg_has(&c->args, "--force"))
		status = ask_first(c, &t[0], &t[1], &go);
	if (!status && go && volume_clone(c, t[0].qube, t[0].volume, t[1].qube, t[1].volume, &err) < 0)
		status = fail_err(c, &err, t[1].qube, "admin.vm.volume.CloneTo");
	target_release(&t[0]);
	target_release(&t[1]);
	return status;
}
