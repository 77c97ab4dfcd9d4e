/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of qubes, from the archive to the daemon (backup-policy-clock 3.7). */
#include <errno.h>
#include <inttypes.h>

#include "admin/exc.h"
#include "admin/import.h"
#include "archive/firewallxml.h"
#include "base/mem.h"
#include "qvm-backup-restore/apply.h"

#define TEXT_MAX FIREWALL_XML_MAX
#define ZEROS 65536

/* The file at work. */
struct feed {
	struct restore *r;
	struct entry *e;
	enum { FEED_NOTHING, FEED_VOLUME, FEED_TEXT, FEED_HOME } kind;
	struct import *import;
	char *volume;
	uint64_t at;     /* bytes of the volume that were sent */
	struct buf text;
};

static void fail_volume(struct feed *f, const struct archive_file *file, const struct err *err, const char *why)
{
	entry_fail(f->r, f->e, err, "Failed to restore volume %s (size %" PRIu64 ") of VM %s: %s", f->volume,
		   file->size, f->e->name, why);
}

/* ---- a file begins ---- */

static int begin_volume(struct feed *f, const struct archive_file *file)
{
	CLEANUP_FREE char *head = xasprintf("%" PRIu64 "\n", file->size);
	CLEANUP_ERR struct err err = ERR_INIT;

	free(f->volume);
	f->volume = xstrndup(file->name, strlen(file->name) - strlen(".img"));
	f->at = 0;
	if (!strv_has(&f->e->volumes, f->volume))
		return 1;
	f->import = import_begin(&f->r->c->admin, f->e->name, "admin.vm.volume.ImportWithSize", f->volume, head,
				 strlen(head), &err);
	if (!f->import) {
		fail_volume(f, file, &err, err.text);
		return 0;
	}
	f->kind = FEED_VOLUME;
	return 1;
}

static int begin_home(struct feed *f)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (home_begin(f->r->home, &err) < 0) {
		entry_fail(f->r, f->e, &err, "Failed to restore home: %s", err.text);
		return 0;
	}
	f->kind = FEED_HOME;
	return 1;
}

static int on_begin(void *data, const struct archive_file *file, struct err *err)
{
	struct feed *f = data;

	now_at(f->r, file->qube->name);
	f->e = plan_find(&f->r->plan, file->qube->name);
	f->kind = FEED_NOTHING;
	if (is_over(f->r))
		return err_set(err, -ECANCELED, "", "the restore is over");
	if (f->e->stage != STAGE_MADE)
		return 0;
	if (file->kind == ARCHIVE_TREE)
		return begin_home(f);
	if (file->kind == ARCHIVE_VOLUME)
		return begin_volume(f, file);
	buf_reset(&f->text);
	f->kind = FEED_TEXT;
	return 1;
}

/* ---- its content ---- */

static int send_zeros(struct feed *f, uint64_t up_to, struct err *err)
{
	static const char zeros[ZEROS];
	int r = 0;

	while (r == 0 && f->at < up_to) {
		size_t n = up_to - f->at < ZEROS ? (size_t)(up_to - f->at) : ZEROS;

		r = import_write(f->import, zeros, n, err);
		f->at += n;
	}
	return r;
}

static int on_piece(void *data, uint64_t offset, const void *p, size_t n, struct err *err)
{
	struct feed *f = data;
	int r;

	if (f->kind == FEED_TEXT && f->text.len + n <= TEXT_MAX)
		buf_add(&f->text, p, n);
	else if (f->kind == FEED_TEXT)
		f->kind = FEED_NOTHING;
	if (f->kind != FEED_VOLUME)
		return 0;
	r = send_zeros(f, offset, err);
	if (r == 0)
		r = import_write(f->import, p, n, err);
	f->at += n;
	return r;
}

/* ---- its end ---- */

static void set_firewall(struct feed *f)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_BUF struct buf text = BUF_INIT;
	int r = firewallxml_parse(&rules, buf_str(&f->text), f->text.len, &err);

	if (r == 0) {
		fw_rules_print(&text, &rules, FW_CLIENT);
		r = admin_call(&f->r->c->admin, &err, f->e->name, "admin.vm.firewall.Set", NULL, buf_str(&text), NULL,
			       NULL);
	}
	if (r < 0)
		log_warning(f->r->c, LOGGER, "Failed to restore the firewall of %s: %s", f->e->name, err.text);
}

static void set_notes(struct feed *f)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&f->r->c->admin, &err, f->e->name, "admin.vm.notes.Set", NULL, buf_str(&f->text), NULL,
		       NULL) < 0)
		log_warning(f->r->c, LOGGER, "Failed to restore the notes of %s: %s", f->e->name, err.text);
}

/* A list of old becomes a feature. */
static void set_menu(struct feed *f)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_STRV struct strv lines = STRV_INIT;
	CLEANUP_FREE char *items = NULL;

	strv_split(&lines, buf_str(&f->text), '\n');
	items = strv_join(&lines, " ");
	if (admin_call(&f->r->c->admin, &err, f->e->name, "admin.vm.feature.Set", "menu-items", items, NULL, NULL) < 0)
		log_warning(f->r->c, LOGGER, "Failed to restore the menu of %s: %s", f->e->name, err.text);
}

static void end_text(struct feed *f, const char *name)
{
	static const struct {
		const char *name;
		void (*set)(struct feed *f);
	} known[] = {
		{ "firewall.xml", set_firewall },
		{ "notes.txt", set_notes },
		{ "whitelisted-appmenus.list", set_menu },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(name, known[i].name))
			known[i].set(f);
}

static void end_volume(struct feed *f, const struct archive_file *file, const char *why)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = why ? 0 : send_zeros(f, file->size, &err);
	int answer = import_end(STEAL(f->import), r == 0 ? &err : NULL);

	if (why)
		fail_volume(f, file, NULL, why);
	else if (r < 0 || answer < 0)
		fail_volume(f, file, &err, err.text);
}

static void end_home(struct feed *f, const char *why)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *name = NULL;

	if (home_end(f->r->home, !why, &name, &err) < 0)
		entry_fail(f->r, f->e, &err, "Failed to restore home: %s", err.text);
	else if (why)
		entry_fail(f->r, f->e, NULL, "Failed to restore home: %s", why);
	else
		note(f->r, "The home directory of dom0 is in '%s'", name);
}

static int on_end(void *data, const struct archive_file *file, const char *why, struct err *err)
{
	struct feed *f = data;
	struct entry *e = f->e;

	if (f->kind == FEED_VOLUME)
		end_volume(f, file, why);
	else if (f->kind == FEED_HOME)
		end_home(f, why);
	else if (f->kind == FEED_TEXT && !why)
		end_text(f, file->name);
	if (why)
		return 0; /* the verdict tells */
	/* One whose files are all listed is whole with the last of them; others when the archive is over. */
	if (++e->files == e->qube->n_files && e->qube->files_are_all && e->stage == STAGE_MADE && !is_over(f->r))
		entry_is_whole(f->r, e);
	return is_over(f->r) ? -ECANCELED : 0;
}

/* ---- the archive ---- */

int restore_data(struct restore *r, struct err *err)
{
	struct feed f = { .r = r };
	const struct archive_sink sink = { on_begin, on_piece, on_end, &f };
	CLEANUP_STRV struct strv names = STRV_INIT;
	int result;

	for (size_t i = 0; i < r->plan.n; i++)
		if (r->plan.v[i].stage == STAGE_MADE)
			strv_add(&names, r->plan.v[i].qube->name);
	progress_begin(&r->progress, r->c, "", r->origin.size);
	r->progress.wanted = r->progress_kind == PROGRESS_LINE;
	result = archive_reader_run(r->reader, &names, &sink, err);
	progress_end(&r->progress);
	free(f.volume);
	buf_release(&f.text);
	return result;
}
