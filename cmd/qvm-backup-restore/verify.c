/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --verify-only: reading everything, and a verdict for each qube. */
#include <errno.h>

#include "base/mem.h"
#include "cli/record.h"
#include "model/size.h"
#include "qvm-backup-restore/restore.h"

void wanted_names(const struct plan *p, struct strv *ret)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i].problems)
			strv_add(ret, p->v[i].qube->name);
}

/* ---- verdicts ---- */

static void print_problems_of(struct buf *b, const struct strv *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		buf_addf(b, "  %s\n", problems->v[i]);
}

static void print_verdicts(struct restore *r, const struct archive_verdict *v, size_t n, const struct strv *others)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *size = size_text(v[i].bytes);

		buf_addf(&b, "%s: %s, %u files, %s\n", v[i].qube->name, v[i].problems.n ? "DAMAGED" : "whole",
			 v[i].files, size);
		print_problems_of(&b, &v[i].problems);
	}
	if (others->n) {
		buf_addstr(&b, "the archive: DAMAGED\n");
		print_problems_of(&b, others);
	}
	put_text(r->c, b.data, b.len);
}

static void put_verdict(struct json *j, const char *name, bool whole, const struct archive_verdict *v,
			const struct strv *problems)
{
	static const char *const keys[] = { "name", "verdict", "files", "bytes", "problems" };
	const struct val vals[] = {
		name ? V_STR(name) : V_NULL, V_STR(whole ? "whole" : "damaged"),
		v ? V_INT(v->files) : V_NULL, v ? V_INT((int64_t)v->bytes) : V_NULL, V_LIST(problems),
	};

	json_record(j, NULL, ARRAY_SIZE(keys), keys, vals);
}

/* The last record, without a name, is the archive's: whole when everything is. */
static void put_verdicts(struct restore *r, const struct archive_verdict *v, size_t n, const struct strv *others,
			 bool whole)
{
	struct json *j = json_begin(r->c, JSON_ARRAY);

	for (size_t i = 0; i < n; i++)
		put_verdict(j, v[i].qube->name, !v[i].problems.n, &v[i], &v[i].problems);
	put_verdict(j, NULL, whole, NULL, others);
	json_end(j);
}

/* ---- the work ---- */

static int on_begin(void *data, const struct archive_file *f, struct err *err)
{
	struct restore *r = data;

	if (now_at(r, f->qube->name))
		log_info(r->c, LOGGER, "-> Verifying %s...", f->qube->name);
	return 0;
}

/* The service may say by its end that what came was not all. */
static int conclude(struct restore *r, int result)
{
	int status = origin_close(r, result == 0);

	if (status == STATUS_OK && result < 0)
		status = fail(r->c, "the backup is damaged or not complete");
	if (status == STATUS_OK)
		log_info(r->c, LOGGER, "-> Done.");
	return status;
}

int verify(struct restore *r)
{
	const struct archive_sink sink = { .begin = on_begin, .data = r };
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct archive_verdict *v;
	size_t n;
	int result;

	wanted_names(&r->plan, &names);
	progress_begin(&r->progress, r->c, "", r->origin.size);
	r->progress.wanted = r->progress_kind == PROGRESS_LINE;
	result = archive_reader_run(r->reader, &names, &sink, &err);
	progress_end(&r->progress);
	if (result < 0 && result != -EBADMSG)
		return run_ended(r, &err);
	v = archive_reader_verdicts(r->reader, &n);
	if (r->c->format == FORMAT_TEXT)
		print_verdicts(r, v, n, archive_reader_problems(r->reader));
	else
		put_verdicts(r, v, n, archive_reader_problems(r->reader), result == 0);
	flush_out(r->c);
	return conclude(r, result);
}
