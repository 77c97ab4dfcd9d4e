/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM:VOLUME on the command line, and what Info says of it. */
#include "volume.h"

#include <errno.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/select.h"

void target_release(struct target *t)
{
	free(t->qube);
	free(t->volume);
}

static int split(struct ctx *c, struct target *t)
{
	const char *colon = strchr(t->word, ':');

	if (!colon || strchr(colon + 1, ':'))
		return fail_usage(c, "expected a vm & volume combination like foo:bar");
	t->qube = xstrndup(t->word, (size_t)(colon - t->word));
	t->volume = xstrdup(colon + 1);
	return STATUS_OK;
}

static int refused(struct ctx *c, const struct target *t, const struct call *call)
{
	CLEANUP_FREE char *quoted = quote_py(t->qube);

	if (qube_is_gone(c, &call->err, t->qube))
		return fail_prog(c, "no vm %s", quoted);
	return fail_err(c, &call->err, t->qube, call->method);
}

static int look(struct ctx *c, const struct target *t, const struct call *call)
{
	CLEANUP_STRV struct strv volumes = STRV_INIT;
	CLEANUP_FREE char *qube = NULL, *volume = NULL;

	if (call->result < 0)
		return refused(c, t, call);
	strv_split(&volumes, call->body, '\n');
	if (strv_has(&volumes, t->volume))
		return STATUS_OK;
	qube = quote_py(t->qube);
	volume = quote_py(t->volume);
	return fail_prog(c, "vm %s has no volume %s", qube, volume);
}

int targets_find(struct ctx *c, struct target *targets, size_t n)
{
	struct call *calls;
	int status = STATUS_OK;

	for (size_t i = 0; i < n && !status; i++)
		status = split(c, &targets[i]);
	if (status)
		return status;
	calls = xcalloc(n, sizeof *calls);
	for (size_t i = 0; i < n; i++)
		calls[i] = (struct call){.dest = targets[i].qube, .method = "admin.vm.volume.List"};
	admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n && !status; i++)
		status = look(c, &targets[i], &calls[i]);
	calls_free(calls, n);
	return status;
}

void info_error(struct err *err, const char *key)
{
	if (streq(err->type, EXC_ACCESS))
		err_set(err, -EACCES, EXC_PROPERTY_ACCESS, "Failed to access '%s' property", key);
}

int target_info(struct ctx *c, const struct target *t, const char *key, struct volume_info *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	int r = admin_call(&c->admin, &err, t->qube, "admin.vm.volume.Info", t->volume, NULL, &body, NULL);

	if (r < 0)
		info_error(&err, key);
	else
		r = volume_info_parse(ret, body, &err);
	return r < 0 ? fail_err(c, &err, t->qube, "admin.vm.volume.Info") : STATUS_OK;
}
