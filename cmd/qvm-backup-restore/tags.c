/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags of the paranoid mode, before it and behind it (backup-policy-clock 3.8). */
#include <time.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/each.h"
#include "cli/select.h"
#include "qvm-backup-restore/mark.h"
#include "qvm-backup-restore/paranoid.h"

#define RESTORED "restored-from-backup-"
#define CREATED "created-by-" PARANOID_QUBE

struct settling {
	struct paranoid *p;
	struct strv damaged; /* qubes of the disposable's making that are not whole */
	struct strv others;  /* those that are another restore's */
	int status;
};

/* Says why it could not be done, unless it is done or there is nothing left to do it with. */
static void change(struct settling *s, const char *qube, const char *method, const char *arg)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&s->p->c->admin, &err, qube, method, arg, NULL, NULL, NULL) == 0)
		return;
	if (err_is_key(&err) || err_is(&err, "QubesVMNotFoundError"))
		return;
	s->status = fail(s->p->c, "%s: %s %s: %s", qube, method, arg, err.text);
}

/* ---- one qube with the mark of a restore ---- */

/* What the mark says: "" when the qube is whole. The caller frees. */
static char *mark_of(struct settling *s, const char *qube)
{
	char *feature = NULL;

	admin_call(&s->p->c->admin, NULL, qube, "admin.vm.feature.Get", MARK_FEATURE, NULL, &feature, NULL);
	return feature ? feature : xstrdup("");
}

static bool is_tagged_restored(const struct strv *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (skip_prefix(tags->v[i], RESTORED))
			return true;
	return false;
}

static void tag_restored(struct settling *s, const char *qube)
{
	time_t now = time(NULL);
	struct tm tm;
	char tag[64];

	if (localtime_r(&now, &tm) && strftime(tag, sizeof tag, RESTORED "at-%Y-%m-%d", &tm))
		change(s, qube, "admin.vm.tag.Set", tag);
}

static void settle_marked(struct settling *s, const char *qube, const struct strv *tags)
{
	bool by_us = strv_has(tags, CREATED);
	CLEANUP_FREE char *mark = mark_of(s, qube);

	if (*mark) {
		strv_add(by_us ? &s->damaged : &s->others, qube);
		return;
	}
	if (by_us && !is_tagged_restored(tags))
		tag_restored(s, qube);
	change(s, qube, "admin.vm.feature.Remove", MARK_FEATURE);
	change(s, qube, "admin.vm.tag.Remove", MARK_TAG);
}

static void settle_qube(struct settling *s, const char *qube, const struct strv *tags)
{
	if (strv_has(tags, PARANOID_MGMT_TAG))
		change(s, qube, "admin.vm.tag.Remove", PARANOID_MGMT_TAG);
	if (strv_has(tags, PARANOID_STORAGE_TAG))
		change(s, qube, "admin.vm.tag.Remove", PARANOID_STORAGE_TAG);
	if (strv_has(tags, MARK_TAG))
		settle_marked(s, qube, tags);
}

/* ---- those that are not whole ---- */

static bool remove_qube(struct settling *s, const char *qube)
{
	if (admin_call(&s->p->c->admin, NULL, qube, "admin.vm.Remove", NULL, NULL, NULL, NULL) < 0)
		return false;
	say(s->p->c, "%s: %s is not whole, and is removed again", s->p->c->prog, qube);
	return true;
}

/* One may need another: until none can be removed any more. The rest stays as it is. */
static void remove_damaged(struct settling *s)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = s->damaged.n; i-- > 0;)
			if (remove_qube(s, s->damaged.v[i])) {
				strv_remove(&s->damaged, i);
				any = true;
			}
	}
	for (size_t i = 0; i < s->damaged.n; i++) {
		s->status = fail(s->p->c, "%s stays, is not whole and cannot be started (tag " MARK_TAG ")",
				 s->damaged.v[i]);
		strv_add(&s->others, s->damaged.v[i]);
	}
}

/* ---- all ---- */

static void settle_all(struct settling *s, const struct qubes *all)
{
	const char **names = xcalloc(all->n + 1, sizeof *names);
	struct call *calls;

	for (size_t i = 0; i < all->n; i++)
		names[i] = all->v[i].name;
	calls = each_call(s->p->c, names, all->n, "admin.vm.tag.List", NULL);
	for (size_t i = 0; i < all->n; i++) {
		CLEANUP_STRV struct strv tags = STRV_INIT;

		if (calls[i].result == 0)
			strv_split(&tags, calls[i].body, '\n');
		else if (!err_is(&calls[i].err, "QubesVMNotFoundError"))
			s->status = fail_err(s->p->c, &calls[i].err, names[i], "admin.vm.tag.List");
		settle_qube(s, names[i], &tags);
	}
	calls_free(calls, all->n);
	free(names);
}

int tags_settle(struct paranoid *p, bool refuse)
{
	struct settling s = { .p = p, .status = STATUS_OK };
	CLEANUP_QUBES struct qubes all = {0};

	s.status = list_qubes(p->c, &all);
	if (s.status == STATUS_OK)
		settle_all(&s, &all);
	remove_damaged(&s);
	if (refuse && s.others.n) {
		CLEANUP_FREE char *names = strv_join(&s.others, ", ");

		s.status = fail(p->c, "another restore has not ended, or was interrupted: go on with it by --continue, "
				      "or remove what it has left: %s", names);
	}
	strv_release(&s.damaged);
	strv_release(&s.others);
	return s.status;
}
