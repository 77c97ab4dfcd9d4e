/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Marks of qubes that are not whole. */
#include "qvm-backup-restore/mark.h"

#include "admin/exc.h"
#include "base/chars.h"
#include "base/mem.h"
#include "cli/volume-data.h"
#include "model/volume.h"

/* A disposable qube of the paranoid mode may not take marks off: dom0 does that for it (3.8). */
static bool is_refused(const struct ctx *c, int result, const struct err *err)
{
	return result < 0 && c->admin.endpoint.kind == ENDPOINT_QREXEC && err_is_access(err);
}

static int allow(const struct ctx *c, int result, struct err *err)
{
	if (!is_refused(c, result, err))
		return result;
	err_release(err);
	return 0;
}

int mark_set(struct ctx *c, const struct entry *e, const char *backup_id, struct err *err)
{
	CLEANUP_FREE char *of = xasprintf("%s %s", backup_id, e->qube->name);
	int r = admin_call(&c->admin, err, e->name, "admin.vm.tag.Set", MARK_TAG, NULL, NULL, NULL);

	r = allow(c, r, err);
	if (r == 0)
		r = admin_call(&c->admin, err, e->name, "admin.vm.feature.Set", MARK_FEATURE, of, NULL, NULL);
	return allow(c, r, err);
}

int mark_clear(struct ctx *c, const struct entry *e, struct err *err)
{
	int r = admin_call(&c->admin, err, e->name, "admin.vm.feature.Remove", MARK_FEATURE, NULL, NULL, NULL);

	if (is_refused(c, r, err)) {
		err_release(err);
		r = admin_call(&c->admin, err, e->name, "admin.vm.feature.Set", MARK_FEATURE, "", NULL, NULL);
		return allow(c, r, err);
	}
	if (r < 0 && !err_is(err, "QubesFeatureNotFoundError"))
		return r;
	err_release(err);
	r = admin_call(&c->admin, err, e->name, "admin.vm.tag.Remove", MARK_TAG, NULL, NULL, NULL);
	return allow(c, r, err);
}

bool mark_could_name(const char *host, const char *name)
{
	const char *dash = strrchr(host, '-');
	size_t n = dash ? (size_t)(dash - host) : 0;

	return n && n <= strlen(name) && strncmp(host, name, n) == 0 && dash[1] && strlen(dash + 1) <= 2 &&
	       chars_all(dash + 1, "0-9");
}

/* The call's answer; NULL when there is none. The caller frees. */
static char *answer(struct ctx *c, const char *qube, const char *method, const char *arg)
{
	char *body = NULL;

	admin_call(&c->admin, NULL, qube, method, arg, NULL, &body, NULL);
	return body;
}

static bool is_unused(struct ctx *c, const char *qube, const char *volume)
{
	CLEANUP_FREE char *info = answer(c, qube, "admin.vm.volume.Info", volume);
	CLEANUP(volume_info_release) struct volume_info v = {0};

	return info && volume_info_parse(&v, info, NULL) == 0 && v.usage == 0;
}

static bool has_no_data(struct ctx *c, const char *qube)
{
	CLEANUP_FREE char *notes = answer(c, qube, "admin.vm.notes.Get", NULL);
	CLEANUP_STRV struct strv kept = STRV_INIT;
	bool none = volumes_kept(c, qube, &kept, NULL) == 0 && !(notes && *notes);

	for (size_t i = 0; none && i < kept.n; i++)
		none = is_unused(c, qube, kept.v[i]);
	return none;
}

/* Those that a new qube gets by itself. */
static bool comes_by_itself(const char *tag)
{
	return skip_prefix(tag, "created-by-") || skip_prefix(tag, "audiovm-") || skip_prefix(tag, "guivm-");
}

static bool is_bare(struct ctx *c, const struct qube *host, const struct entry *e)
{
	CLEANUP_FREE char *features = answer(c, host->name, "admin.vm.feature.List", NULL);
	CLEANUP_FREE char *tags = answer(c, host->name, "admin.vm.tag.List", NULL);
	CLEANUP_STRV struct strv list = STRV_INIT;

	if (!streq(host->name, e->qube->name) || !streq(host->class, e->qube->class) ||
	    !streq(host->state, "Halted") || !features || *features || !tags)
		return false;
	strv_split(&list, tags, '\n');
	for (size_t i = 0; i < list.n; i++)
		if (!comes_by_itself(list.v[i]))
			return false;
	return has_no_data(c, host->name);
}

bool mark_is_of(struct ctx *c, const struct qube *host, const struct entry *e, const char *backup_id)
{
	CLEANUP_FREE char *of = xasprintf("%s %s", backup_id, e->qube->name);
	CLEANUP_FREE char *tag = answer(c, host->name, "admin.vm.tag.Get", MARK_TAG);
	CLEANUP_FREE char *feature = NULL;

	if (!tag || !streq(tag, "1"))
		return is_bare(c, host, e);
	feature = answer(c, host->name, "admin.vm.feature.Get", MARK_FEATURE);
	/* Between the two calls that set the mark. */
	if (!feature)
		return streq(host->name, e->qube->name);
	return streq(feature, of);
}
