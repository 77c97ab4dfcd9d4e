/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume config, resize, revert, clear (tools-runtime 8.3-8.7), and the old names of resize. */
#include "volume.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/mem.h"
#include "model/size.h"

static int call(struct ctx *c, const struct target *t, const char *method, const char *payload)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&c->admin, &err, t->qube, method, t->volume, payload, NULL, NULL) < 0)
		return fail_err(c, &err, t->qube, method);
	return STATUS_OK;
}

int config_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};
	CLEANUP_STRV struct strv keys = STRV_INIT;
	CLEANUP_FREE char *method = NULL;
	const char *property = arg_pos(&c->args, "PROPERTY");
	int status = targets_find(c, &t, 1);

	if (status)
		return status;
	strv_split(&keys, CONFIG_KEYS, ' ');
	if (!strv_has(&keys, property))
		return fail(c, "Invalid property: %s", property);
	method = xasprintf("admin.vm.volume.Set.%s", property);
	return call(c, &t, method, arg_pos(&c->args, "VALUE"));
}

/* The message shows the text trimmed and in upper case. */
static int invalid_size(struct ctx *c, const char *text)
{
	CLEANUP_FREE char *shown = NULL;
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	shown = xstrndup(text, n);
	for (char *p = shown; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return fail(c, "Invalid size: %s.", shown);
}

static int refuse_to_shrink(struct ctx *c, const struct target *t, uint64_t from, uint64_t to)
{
	return fail(c,
		    "Refusing to shrink volume %s:%s from %" PRIu64 " to %" PRIu64 " bytes.\n"
		    "If you really know what you are doing: Manually shrink the filesystem on the volume first, and "
		    "repartition the volume if it is partitioned. Do this in a VM, not in dom0. Then use "
		    "'qvm-volume resize --force %s:%s %" PRIu64 "'",
		    t->qube, t->volume, from, to, t->qube, t->volume, to);
}

static int resize(struct ctx *c, struct target *t, bool force)
{
	CLEANUP_FREE char *payload = NULL;
	const char *text = arg_pos(&c->args, "SIZE");
	uint64_t size;
	int status = targets_find(c, t, 1);

	if (status)
		return status;
	if (size_parse(text, &size) < 0)
		return invalid_size(c, text);
	if (!force) {
		CLEANUP_VOLUME_INFO struct volume_info info = {0};

		status = target_info(c, t, "size", &info);
		if (status)
			return status;
		if (size < info.size)
			return refuse_to_shrink(c, t, info.size, size);
	}
	payload = xasprintf("%" PRIu64, size);
	return call(c, t, "admin.vm.volume.Resize", payload);
}

int resize_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};

	return resize(c, &t, arg_has(&c->args, "--force"));
}

static int grow(struct ctx *c, const char *volume)
{
	CLEANUP_FREE char *word = xasprintf("%s:%s", arg_pos(&c->args, "VMNAME"), volume);
	CLEANUP_TARGET struct target t = {.word = word};

	return resize(c, &t, false);
}

int grow_private(struct ctx *c)
{
	return grow(c, "private");
}

int grow_root(struct ctx *c)
{
	return grow(c, "root");
}

int revert_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv revisions = STRV_INIT;
	CLEANUP_FREE char *body = NULL;
	const char *revision = arg_pos(&c->args, "REVISION");
	int status = targets_find(c, &t, 1);

	if (status)
		return status;
	if (revision && *revision)
		return call(c, &t, "admin.vm.volume.Revert", revision);
	if (admin_call(&c->admin, &err, t.qube, "admin.vm.volume.ListSnapshots", t.volume, NULL, &body, NULL) < 0)
		return fail_err(c, &err, t.qube, "admin.vm.volume.ListSnapshots");
	strv_split(&revisions, body, '\n');
	if (!revisions.n)
		return fail(c, "No snapshots available");
	return call(c, &t, "admin.vm.volume.Revert", revisions.v[revisions.n - 1]);
}

int confirm(struct ctx *c, const char *prompt, const char *what, bool *ret)
{
	CLEANUP_FREE char *answer = NULL;
	bool answered = ask(c, prompt, &answer);

	*ret = answered && (streq(answer, "y") || streq(answer, "Y"));
	if (*ret)
		return STATUS_OK;
	fprintf(c->out, "%s%s cancelled.\n", answered ? "" : "\n", what);
	return answered ? STATUS_OK : STATUS_FAILED;
}

int clear_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};
	bool go = true;
	int status = targets_find(c, &t, 1);

	if (!status && !arg_has(&c->args, "--force"))
		status = confirm(c,
				 "This will empty the volume!\n(Data may be preserved in a revision.)\n"
				 "Are you sure? [y/N] ",
				 "Clear", &go);
	return status || !go ? status : call(c, &t, "admin.vm.volume.Clear", NULL);
}
