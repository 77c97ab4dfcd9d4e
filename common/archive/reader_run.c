/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run through the files of a backup, and what is proved by it. */
#include <errno.h>

#include "archive/reader_impl.h"
#include "base/mem.h"

/* ---- whose a member is ---- */

/* The qube that has the path: below its own, or, of dom0, its own. NULL: nobody's. */
static const struct backup_qube *owner(const struct archive_reader *r, const char *path)
{
	for (size_t i = 0; i < r->qubes.n; i++) {
		const struct backup_qube *q = &r->qubes.v[i];
		const char *rest = q->included ? skip_prefix(path, q->path) : NULL;

		if (rest && (streq(q->class, "AdminVM") ? !*rest : *rest && !strchr(rest, '/')))
			return q;
	}
	return NULL;
}

static struct wanted *wanted_of(const struct archive_reader *r, const struct backup_qube *q)
{
	for (size_t i = 0; i < r->n_wanted; i++)
		if (r->wanted[i].verdict.qube == q)
			return &r->wanted[i];
	return NULL;
}

static char *path_of(const struct archive_reader *r, const char *member)
{
	size_t len;
	unsigned number;

	return chunk_name(r, member, &len, &number) ? xstrndup(member, len) : NULL;
}

/* Sees each member of the data once, when it is passed over or read. */
static enum want want_data(void *data, const char *name)
{
	struct archive_reader *r = data;
	size_t n = strlen(name);
	bool hmac = r->ahead.digest && n > 5 && streq(name + n - 5, ".hmac");
	CLEANUP_FREE char *plain = xstrndup(name, hmac ? n - 5 : n);
	CLEANUP_FREE char *path = path_of(r, plain);
	const struct backup_qube *q = path ? owner(r, path) : NULL;

	if (!path)
		strv_addf(&r->problems, "%s: Invalid file extension found in archive", name);
	else if (!q)
		strv_addf(&r->problems, "%s: belongs to no qube of the backup", name);
	else if (hmac && wanted_of(r, q)) /* those that follow their member are read with it */
		strv_addf(&r->problems, "%s: does not follow its file", name);
	return q && !hmac && wanted_of(r, q) ? WANT : WANT_NOT;
}

/* ---- files ---- */

static void drop_member(struct archive_reader *r)
{
	member_free(ahead_take(&r->ahead));
}

/* The next file, or a member that is none. 0: go on; negative: the run ends. */
static int one_file(struct archive_reader *r, const char *member, struct err *err)
{
	CLEANUP_FREE char *path = path_of(r, member);
	CLEANUP_FREE char *begin = chunk_of(r, path, 0);
	const struct backup_qube *q = owner(r, path);
	struct wanted *w = wanted_of(r, q);
	struct strv *problems = &w->verdict.problems;
	const char *name = streq(q->path, path) ? NULL : path + strlen(q->path);
	char *why;

	if (strv_has(&w->failed, path)) { /* said already */
		drop_member(r);
		return 0;
	}
	if (strv_has(&w->whole, path)) {
		strv_addf(problems, "%s: is there twice", member);
		drop_member(r);
		return 0;
	}
	if (!streq(member, begin)) {
		strv_addf(problems, "%s: Unexpected file in archive: %s, expected %s", member, member, begin);
		strv_add(&w->failed, path);
		drop_member(r);
		return 0;
	}
	if (name && q->files_are_all && !backup_qube_file(q, name)) {
		strv_addf(problems, "%s: qubes.xml does not list this file", member);
		strv_add(&w->failed, path);
		drop_member(r);
		return 0;
	}
	why = reader_file(r, path, w, NULL, err);
	if (why) {
		strv_take(problems, why);
		strv_add(&w->failed, path);
	}
	return r->stopped;
}

static int all_files(struct archive_reader *r, struct err *err)
{
	for (;;) {
		CLEANUP_ERR struct err why = ERR_INIT;
		const char *next;
		int status = ahead_peek(&r->ahead, &next, &why);

		if (status == 0)
			return 0;
		if (status == -ECANCELED || status == -ENOSPC) {
			err_move(err, &why);
			return status;
		}
		if (status < 0) {
			strv_addf(&r->problems, "%s", why.text);
			return 0;
		}

		CLEANUP_FREE char *member = xstrdup(next);

		status = one_file(r, member, err);
		if (status < 0)
			return status;
	}
}

/* ---- what has to be there ---- */

static bool has_private_volume(const char *class)
{
	return streq(class, "AppVM") || streq(class, "StandaloneVM") || streq(class, "TemplateVM");
}

static void check_present(const struct archive_reader *r, struct wanted *w, const char *path)
{
	CLEANUP_FREE char *chunk = chunk_of(r, path, 0);

	if (!strv_has(&w->whole, path) && !strv_has(&w->failed, path)) {
		strv_addf(&w->verdict.problems, "%s: missing", chunk);
		strv_add(&w->failed, path);
	}
}

static void check_all_present(const struct archive_reader *r, struct wanted *w)
{
	const struct backup_qube *q = w->verdict.qube;

	if (streq(q->class, "AdminVM")) {
		check_present(r, w, q->path);
		return;
	}
	for (size_t i = 0; i < q->n_files; i++) {
		CLEANUP_FREE char *path = xasprintf("%s%s", q->path, q->files[i].name);

		check_present(r, w, path);
	}
	/* A writer that listed nothing may have had nothing but the file "empty"; not of a class that has volumes. */
	if (!q->files_are_all && has_private_volume(q->class)) {
		CLEANUP_FREE char *path = xasprintf("%sprivate.img", q->path);

		check_present(r, w, path);
	}
	if (!w->whole.n && !w->failed.n && !(q->files_are_all && !q->n_files))
		strv_addf(&w->verdict.problems, "%s: nothing of it is in the archive", q->path);
}

static int conclude(struct archive_reader *r, struct err *err)
{
	bool whole = !r->problems.n;

	for (size_t i = 0; i < r->n_wanted; i++) {
		check_all_present(r, &r->wanted[i]);
		whole = whole && !r->wanted[i].verdict.problems.n;
	}
	return whole ? 0 : err_set(err, -EBADMSG, "", "the backup is damaged or not complete");
}

/* ---- the run ---- */

static void choose(struct archive_reader *r, const struct strv *qubes)
{
	r->wanted = xcalloc(r->qubes.n + 1, sizeof *r->wanted);
	for (size_t i = 0; i < r->qubes.n; i++) {
		const struct backup_qube *q = &r->qubes.v[i];

		if (q->included && (!qubes || strv_has(qubes, q->name)))
			r->wanted[r->n_wanted++].verdict.qube = q;
	}
}

int archive_reader_run(struct archive_reader *r, const struct strv *qubes, const struct archive_sink *sink,
		       struct err *err)
{
	int status;

	choose(r, qubes);
	r->sink = sink;
	r->ahead.want = want_data;
	status = all_files(r, err);
	if (status == 0)
		status = conclude(r, err);
	r->verdicts = xcalloc(r->n_wanted + 1, sizeof *r->verdicts);
	for (size_t i = 0; i < r->n_wanted; i++)
		r->verdicts[i] = r->wanted[i].verdict;
	return status;
}
