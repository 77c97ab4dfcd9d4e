/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The paranoid mode from its lock to its end (backup-policy-clock 3.8). */
#include "qvm-backup-restore/paranoid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/select.h"
#include "model/propval.h"
#include "os/io.h"
#include "qvm-backup-restore/mark.h"

#define MARKS_FEATURE "tag-created-vm-with"

/* ---- before anything is done ---- */

static int check_options(struct ctx *c)
{
	static const char *const impossible[][2] = {
		{ "--continue", "the disposable may not look at what is there" },
		{ "--location-is-service", "dom0's policy lets the disposable call one service only" },
		{ "--location-is-command", "it would run in dom0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++)
		if (arg_has(&c->args, impossible[i][0]))
			return fail_usage(c, "%s is not possible with --paranoid-mode: %s", impossible[i][0],
					  impossible[i][1]);
	if (c->format != FORMAT_TEXT)
		return fail_usage(c, "JSON is not possible with --paranoid-mode: what comes back is a log");
	if (!qrexec_is_dom0(c))
		return fail(c, "--paranoid-mode works in dom0 only");
	return STATUS_OK;
}

/* A backup in dom0 is a file; what is no file would be a command for the service that sends it. */
static int find_location(struct paranoid *p)
{
	const char *qube = arg_value(&p->c->args, "--dest-vm");
	struct stat st;

	p->location = arg_pos(&p->c->args, "backup_location");
	p->storage = qube ? qube : "dom0";
	if (strpbrk(p->location, "\r\n"))
		return fail(p->c, "the location holds a newline");
	if (!streq(p->storage, "dom0"))
		return STATUS_OK;
	p->path = realpath(p->location, NULL);
	if (!p->path || stat(p->path, &st) < 0)
		return fail(p->c, "cannot open '%s': %s", p->location, strerror(errno));
	if (!S_ISREG(st.st_mode) || strpbrk(p->path, "\r\n"))
		return fail(p->c, "'%s' is not a file", p->location);
	return STATUS_OK;
}

static int get_passphrase(struct paranoid *p)
{
	const char *file = arg_value(&p->c->args, "--passphrase-file");
	int status = file ? passphrase_from_file(p->c, file, &p->passphrase) : STATUS_OK;

	return status == STATUS_OK && file && !p->passphrase ? fail(p->c, "no passphrase was given") : status;
}

static int find_template(struct paranoid *p)
{
	CLEANUP_PROPVAL struct propval value = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	size_t len;
	int r = admin_call(&p->c->admin, &err, "dom0", "admin.property.Get", "management_dispvm", NULL, &body, &len);

	if (r == 0)
		r = propval_parse(&value, body, len, &err);
	if (r < 0)
		return fail_err(p->c, &err, "dom0", "admin.property.Get");
	if (!*value.value)
		return fail(p->c, "the system has no management_dispvm, of which the disposable would be made");
	p->template = STEAL(value.value);
	return STATUS_OK;
}

static int take_lock(struct paranoid *p)
{
	return restore_lock(p->c, true, &p->lock);
}

/* ---- the disposable ---- */

/* Kills it, which removes it; one that does not run is removed. */
static int remove_disposable(struct paranoid *p)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = admin_call(&p->c->admin, &err, PARANOID_QUBE, "admin.vm.Kill", NULL, NULL, NULL, NULL);

	if (r < 0 && err_is_not_started(&err))
		r = admin_call(&p->c->admin, &err, PARANOID_QUBE, "admin.vm.Remove", NULL, NULL, NULL, NULL);
	if (r == 0 || err_is(&err, "QubesVMNotFoundError"))
		return STATUS_OK;
	return fail(p->c, PARANOID_QUBE " stays: %s", err.text);
}

/* Who holds the lock has no other one; what a killed restore has left is known by its feature. */
static int remove_stale(struct paranoid *p)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_FREE char *feature = NULL;
	const struct qube *q;
	int status = list_qubes(p->c, &all);

	if (status != STATUS_OK)
		return status;
	if (!qubes_find(&all, p->storage))
		return no_such_qube(p->c, p->storage);
	q = qubes_find(&all, PARANOID_QUBE);
	if (!q)
		return STATUS_OK;
	admin_call(&p->c->admin, NULL, PARANOID_QUBE, "admin.vm.feature.Get", MARKS_FEATURE, NULL, &feature, NULL);
	if (!streq(q->class, "DispVM") || !feature || !streq(feature, MARK_TAG))
		return fail(p->c, "there is a qube " PARANOID_QUBE " already, which is not one of this program");
	return remove_disposable(p);
}

static int settle_before(struct paranoid *p)
{
	return tags_settle(p, true);
}

static int make_disposable(struct paranoid *p)
{
	const struct call calls[] = {
		{ .dest = "dom0", .method = "admin.vm.Create.DispVM", .arg = p->template,
		  .payload = "name=" PARANOID_QUBE " label=red" },
		{ .dest = PARANOID_QUBE, .method = "admin.vm.property.Set", .arg = "auto_cleanup",
		  .payload = "True" },
		{ .dest = PARANOID_QUBE, .method = "admin.vm.feature.Set", .arg = MARKS_FEATURE,
		  .payload = MARK_TAG },
	};

	log_info(p->c, "app", "Restoring in the disposable qube " PARANOID_QUBE "...");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		if (admin_call(&p->c->admin, &err, calls[i].dest, calls[i].method, calls[i].arg, calls[i].payload,
			       NULL, NULL) < 0)
			return fail_err(p->c, &err, calls[i].dest, calls[i].method);
		p->made = true;
	}
	return STATUS_OK;
}

static int tag(struct paranoid *p, const char *qube, const char *name)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_call(&p->c->admin, &err, qube, "admin.vm.tag.Set", name, NULL, NULL, NULL) < 0)
		return fail_err(p->c, &err, qube, "admin.vm.tag.Set");
	return STATUS_OK;
}

static int tag_storage(struct paranoid *p)
{
	return tag(p, p->storage, PARANOID_STORAGE_TAG);
}

static int start(struct paranoid *p)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (qrexec_start(p->c, PARANOID_QUBE, &err) < 0)
		return fail_err(p->c, &err, PARANOID_QUBE, "admin.vm.Start");
	return STATUS_OK;
}

/* Only now, when nothing of dom0's is under way in it. */
static int tag_disposable(struct paranoid *p)
{
	return tag(p, PARANOID_QUBE, PARANOID_MGMT_TAG);
}

/* ---- the end ---- */

/* First what the disposable may do goes, then itself. */
static int clean_up(struct paranoid *p)
{
	int status = STATUS_OK, settled;

	if (p->made) {
		admin_call(&p->c->admin, NULL, PARANOID_QUBE, "admin.vm.tag.Remove", PARANOID_MGMT_TAG, NULL, NULL,
			   NULL);
		status = remove_disposable(p);
	}
	inner_unregister(p);
	settled = p->made ? tags_settle(p, false) : STATUS_OK;
	return status != STATUS_OK ? status : settled;
}

static void release(struct paranoid *p)
{
	closep(&p->lock);
	signals_release(&p->signals);
	wipe_free(p->passphrase);
	free(p->path);
	free(p->template);
	free(p->id);
}

int restore_in_disposable(struct ctx *c)
{
	static int (*const steps[])(struct paranoid *) = {
		take_lock, remove_stale, settle_before, make_disposable, inner_register, tag_storage, start,
		inner_check, inner_put_passphrase, tag_disposable, inner_run,
	};
	struct paranoid p = { .c = c, .signals = SIGNALS_INIT, .lock = -1, .source = CHILD_INIT };
	int status = check_options(c), cleaned;

	if (status == STATUS_OK)
		status = find_location(&p);
	if (status == STATUS_OK)
		status = get_passphrase(&p);
	if (status == STATUS_OK)
		status = find_template(&p);
	signals_hold(&p.signals);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && status == STATUS_OK && !paranoid_is_over(&p); i++)
		status = steps[i](&p);
	if (p.interrupted)
		status = fail(c, "interrupted");
	cleaned = clean_up(&p);
	release(&p);
	return status != STATUS_OK ? status : cleaned;
}
