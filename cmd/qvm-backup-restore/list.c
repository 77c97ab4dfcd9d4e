/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --list: what an archive holds. Its header and qubes.xml are authenticated; the data were not looked at. */
#include "base/mem.h"
#include "cli/record.h"
#include "model/size.h"
#include "qvm-backup-restore/restore.h"

static void put_record(struct restore *r, struct json *j, const struct backup_qube *q)
{
	static const char *const keys[] = { "name", "class", "label", "template", "netvm", "size", "files" };
	const char *label = backup_qube_label(r->qubes, q), *template = pairs_get(&q->props, "template");
	const char *netvm = pairs_get(&q->props, "netvm");
	CLEANUP_STRV struct strv files = STRV_INIT;
	struct val vals[] = {
		V_STR(q->name), V_STR(q->class), label ? V_STR(label) : V_NULL,
		template && *template ? V_STR(template) : V_NULL, netvm ? V_STR(netvm) : V_NULL,
		V_INT((int64_t)q->size), V_LIST(&files),
	};

	for (size_t i = 0; i < q->n_files; i++)
		strv_add(&files, q->files[i].name);
	json_record(j, NULL, ARRAY_SIZE(keys), keys, vals);
}

static void put_row(struct restore *r, struct table *t, const struct backup_qube *q)
{
	const char *label = backup_qube_label(r->qubes, q);
	CLEANUP_FREE char *size = size_text(q->size);
	const char *cells[] = { q->name, q->class, shown_template(q), shown_netvm(q), label ? label : "", size };

	table_row(t, cells);
}

int list_archive(struct restore *r)
{
	static const char *const headings[] = { "NAME", "CLASS", "TEMPLATE", "NETVM", "LABEL", "SIZE" };
	CLEANUP_TABLE struct table *t = table_new(ARRAY_SIZE(headings));
	struct json *j = r->c->format == FORMAT_TEXT ? NULL : json_begin(r->c, JSON_ARRAY);

	table_row(t, headings);
	for (size_t i = 0; i < r->plan.n; i++) {
		if (r->plan.v[i].problems & PROBLEM_EXCLUDED)
			continue;
		if (j)
			put_record(r, j, r->plan.v[i].qube);
		else
			put_row(r, t, r->plan.v[i].qube);
	}
	if (j)
		json_end(j);
	else
		table_print(t, r->c);
	flush_out(r->c);
	return origin_close(r, false);
}
