/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary of a plan and what is to be said about it (backup-policy-clock 3.3, 3.5). */
#include "base/mem.h"
#include "qvm-backup-restore/restore.h"

/* ---- the table ---- */

#define COLUMNS 5

static const char *const headings[COLUMNS] = { "name", "type", "template", "netvm", "label" };

const char *shown_template(const struct backup_qube *q)
{
	const char *s = pairs_get(&q->props, "template");

	return s && *s ? s : "n/a";
}

const char *shown_netvm(const struct backup_qube *q)
{
	const char *s = pairs_get(&q->props, "netvm");

	return !s || streq(q->class, "AdminVM") ? "(default)" : *s ? s : "-";
}

static void cells_of(const struct restore *r, const struct entry *e, const char *cells[COLUMNS])
{
	const char *label = backup_qube_label(r->qubes, e->qube);

	cells[0] = e->qube->name;
	cells[1] = e->qube->class;
	cells[2] = shown_template(e->qube);
	cells[3] = e->drop_netvm ? "(default)" : shown_netvm(e->qube);
	cells[4] = label ? label : "";
}

static void add_remark(struct buf *b, const struct entry *e)
{
	const char *was = pairs_get(&e->qube->props, "template");

	if (e->problems & PROBLEM_EXCLUDED)
		buf_addstr(b, " <-- Excluded from restore");
	else if (e->problems & PROBLEM_DONE)
		buf_addstr(b, " <-- Is there already, and is left as it is");
	else if (e->problems & PROBLEM_EXISTS)
		buf_addstr(b, " <-- A VM with the same name already exists on the host!");
	else if (e->problems & PROBLEM_TEMPLATE)
		buf_addstr(b, " <-- No matching template on the host or in the backup found!");
	else if (e->problems & PROBLEM_NETVM)
		buf_addstr(b, " <-- No matching netvm on the host or in the backup found!");
	else if (e->problems & PROBLEM_USER)
		buf_addstr(b, " <-- username in backup and dom0 mismatch");
	if (e->problems)
		return;
	if (e->template && was && !streq(e->template, was))
		buf_addf(b, " <-- Template change to '%s'", e->template);
	if (e->resume)
		buf_addf(b, " <-- Restore of '%s' will be continued", e->name);
	else if (!streq(e->name, e->qube->name))
		buf_addf(b, " <-- Will be renamed to '%s'", e->name);
}

static void add_rule(struct buf *b, const size_t widths[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		for (size_t k = 0; k < widths[i] + 1; k++)
			buf_addch(b, '-');
		buf_addstr(b, "-+");
	}
	buf_addch(b, '\n');
}

static void add_row(struct buf *b, const size_t widths[COLUMNS], const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++)
		buf_addf(b, "%*s |", (int)widths[i] + 1, cells[i]);
}

void print_table(struct restore *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t widths[COLUMNS];
	const char *cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = strlen(headings[i]);
	for (size_t k = 0; k < r->plan.n; k++) {
		cells_of(r, &r->plan.v[k], cells);
		for (size_t i = 0; i < COLUMNS; i++)
			widths[i] = strlen(cells[i]) > widths[i] ? strlen(cells[i]) : widths[i];
	}
	buf_addstr(&b, "The following VMs are included in the backup:\n\n");
	add_rule(&b, widths);
	add_row(&b, widths, headings);
	buf_addch(&b, '\n');
	add_rule(&b, widths);
	for (size_t k = 0; k < r->plan.n; k++) {
		cells_of(r, &r->plan.v[k], cells);
		add_row(&b, widths, cells);
		add_remark(&b, &r->plan.v[k]);
		buf_addch(&b, '\n');
	}
	buf_addch(&b, '\n');
	put_text(r->c, b.data, b.len);
}

/* ---- problems ---- */

static bool any(const struct restore *r, enum problem problem)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (r->plan.v[i].problems & problem && !(r->plan.v[i].problems & PROBLEM_EXCLUDED))
			return true;
	return false;
}

static int about_conflicts(struct restore *r)
{
	struct ctx *c = r->c;

	if (!any(r, PROBLEM_EXISTS))
		return STATUS_OK;
	log_warning(c, "app", "*** There are VMs with conflicting names on the host! ***");
	if (arg_has(&c->args, "--skip-conflicting")) {
		log_warning(c, "app", "Those VMs will not be restored. The host VMs will NOT be overwritten.");
		return STATUS_OK;
	}
	log_warning(c, "app", "Remove VMs with conflicting names from the host before proceeding.");
	log_warning(c, "app", "Or use --skip-conflicting to restore only those VMs that do not exist on the host.");
	log_warning(c, "app", "Or use --rename-conflicting to restore those VMs under modified names (with numbers "
			      "at the end).");
	return STATUS_FAILED;
}

/* what is "TemplateVMs" or "NetVMs". */
static int about_missing(struct restore *r, enum problem problem, const char *what)
{
	struct ctx *c = r->c;

	if (!any(r, problem))
		return STATUS_OK;
	log_warning(c, "app", "*** One or more %s are missing on the host! ***", what);
	if (!arg_has(&c->args, "--skip-broken") && !arg_has(&c->args, "--ignore-missing")) {
		log_warning(c, "app", "Install them before proceeding with the restore.Or pass: --skip-broken or "
				      "--ignore-missing.");
		return STATUS_FAILED;
	}
	if (arg_has(&c->args, "--skip-broken"))
		log_warning(c, "app", "Skipping broken entries: VMs that depend on missing %s will NOT be restored.",
			    what);
	else
		log_warning(c, "app", "Ignoring missing entries: VMs that depend on missing %s will have default "
				      "value assigned.", what);
	return STATUS_OK;
}

static int about_home(struct restore *r)
{
	const struct entry *e = r->plan.n ? &r->plan.v[r->plan.n - 1] : NULL;

	if (!e || !e->is_home || e->problems & PROBLEM_EXCLUDED)
		return STATUS_OK;
	if (e->problems & PROBLEM_USER) {
		log_warning(r->c, "app", "*** Dom0 username mismatch! This can break some settings! ***");
		log_warning(r->c, "app", "Skip restoring the dom0 home directory (--skip-dom0-home), or pass "
					 "--ignore-username-mismatch to continue anyway.");
		return STATUS_FAILED;
	}
	log_warning(r->c, "app", "NOTE: The archived dom0 home directory will be restored to a new directory "
				 "'home-restore-<current-time>' created inside the dom0 home directory. Restored files "
				 "should be copied or moved out of the new directory before using them.");
	return STATUS_OK;
}

int print_problems(struct restore *r)
{
	int status;

	if (arg_has(&r->c->args, "--verify-only")) {
		log_info(r->c, "app", "The above VM archive(s) will be verified.");
		log_info(r->c, "app", "Existing VMs will NOT be removed or altered.");
		return STATUS_OK;
	}
	status = about_conflicts(r);
	if (status == STATUS_OK) {
		log_info(r->c, "app", "The above VMs will be copied and added to your system.");
		log_info(r->c, "app", "Existing VMs will NOT be removed.");
		status = about_missing(r, PROBLEM_TEMPLATE, "TemplateVMs");
	}
	if (status == STATUS_OK)
		status = about_missing(r, PROBLEM_NETVM, "NetVMs");
	return status == STATUS_OK ? about_home(r) : status;
}
