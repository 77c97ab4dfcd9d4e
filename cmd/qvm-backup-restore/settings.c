/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Qubes are made and get their settings (backup-policy-clock 3.7). */
#include "admin/exc.h"
#include "base/mem.h"
#include "cli/clone.h"
#include "cli/qrexec.h"
#include "model/device.h"
#include "qvm-backup-restore/apply.h"
#include "qvm-backup-restore/mark.h"

/* ---- making ---- */

static int create(struct restore *r, const struct entry *e, const char *label, struct err *err)
{
	CLEANUP_FREE char *payload = create_payload(e->name, label, "");
	CLEANUP_FREE char *method = create_method(e->qube->class, "");

	return admin_call(&r->c->admin, err, "dom0", method, e->template, payload, NULL, NULL);
}

static int create_with_some_label(struct restore *r, const struct entry *e, struct err *err)
{
	const char *label = backup_qube_label(r->qubes, e->qube);
	int result = create_check_name("name", e->name, err);

	if (result == 0 && label)
		result = create_check_name("label", label, err);
	if (result < 0)
		return result;
	result = create(r, e, label ? label : "red", err);
	if (result < 0 && label && err_is(err, "QubesLabelNotFoundError")) {
		log_warning(r->c, LOGGER, "%s: there is no label %s, it gets red", e->name, label);
		err_release(err);
		result = create(r, e, "red", err);
	}
	return result;
}

static int set_property(struct restore *r, const char *qube, const char *name, const char *value, struct err *err)
{
	return admin_call(&r->c->admin, err, qube, "admin.vm.property.Set", name, value, NULL, NULL);
}

static void warn_property(struct restore *r, struct entry *e, const char *name, const char *value)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (is_over(r) || set_property(r, e->name, name, value, &err) == 0)
		return;
	if (err_is_communication(&err))
		entry_fail(r, e, &err, "Error restoring VM %s: %s", e->name, err.text);
	else
		log_warning(r->c, LOGGER, "Error setting %s.%s to %s: %s", e->name, name, value, err.text);
}

void make_qube(struct restore *r, struct entry *e)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *disposable = pairs_get(&e->qube->props, "template_for_dispvms");

	note(r, "-> Restoring %s...", e->name);
	if (!e->resume && create_with_some_label(r, e, &err) < 0) {
		entry_fail(r, e, &err, "Error restoring VM %s, skipping: %s", e->name, err.text);
		return;
	}
	e->made = true;
	e->stage = STAGE_MADE;
	if (mark_set(r->c, e, archive_reader_header(r->reader)->backup_id, &err) < 0) {
		entry_fail(r, e, &err, "Error restoring VM %s, skipping: %s", e->name, err.text);
		return;
	}
	if (disposable)
		warn_property(r, e, "template_for_dispvms", disposable);
}

/* ---- settings ---- */

/* Consumed when it is made, of this system alone, or set at another time. */
static bool is_no_setting(const char *property)
{
	static const char *const names[] = { "name", "label", "template", "uuid", "qid", "dispid", "installed_by_rpm",
					     "template_for_dispvms", "netvm", "default_dispvm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(property, names[i]))
			return true;
	return false;
}

static void set_properties(struct restore *r, struct entry *e)
{
	const struct pairs *p = &e->qube->props;

	for (size_t i = 0; i < p->names.n; i++)
		if (!is_no_setting(p->names.v[i]))
			warn_property(r, e, p->names.v[i], p->values.v[i]);
}

static void set_features(struct restore *r, struct entry *e)
{
	const struct pairs *f = &e->qube->features;

	for (size_t i = 0; i < f->names.n && !is_over(r); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		if (streq(f->names.v[i], MARK_FEATURE))
			continue;
		if (admin_call(&r->c->admin, &err, e->name, "admin.vm.feature.Set", f->names.v[i], f->values.v[i], NULL,
			       NULL) < 0)
			log_warning(r->c, LOGGER, "Error setting feature %s of %s: %s", f->names.v[i],
				    e->name, err.text);
	}
}

/* Tags that come by themselves cannot be set, and are there. */
static bool has_tag(struct restore *r, const struct entry *e, const char *tag)
{
	CLEANUP_FREE char *body = NULL;

	return admin_call(&r->c->admin, NULL, e->name, "admin.vm.tag.Get", tag, NULL, &body, NULL) == 0 &&
	       streq(body, "1");
}

/* They say what a restore may do (3.8), and who has made the qube, which nobody but dom0 may say of another. */
static bool is_left_out(struct restore *r, const char *tag)
{
	return skip_prefix(tag, "backup-restore-") || (!qrexec_is_dom0(r->c) && skip_prefix(tag, "created-by-"));
}

static void set_tags(struct restore *r, struct entry *e)
{
	for (size_t i = 0; i < e->qube->tags.n && !is_over(r); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		const char *tag = e->qube->tags.v[i];

		if (is_left_out(r, tag))
			continue;
		if (admin_call(&r->c->admin, &err, e->name, "admin.vm.tag.Set", tag, NULL, NULL, NULL) < 0 &&
		    !has_tag(r, e, tag))
			log_warning(r->c, LOGGER, "Error adding tag %s to %s: %s", tag, e->name, err.text);
	}
}

/* The option's key with the mark that it is one. */
static void add_options(struct buf *payload, const struct pairs *options)
{
	for (size_t i = 0; i < options->names.n; i++) {
		CLEANUP_FREE char *key = xasprintf("_%s", options->names.v[i]);

		device_prop_add(payload, key, options->values.v[i]);
	}
}

static int assign(struct restore *r, const struct entry *e, const struct backup_device *d, struct err *err)
{
	const char *backend = plan_name(&r->plan, d->backend);
	const char *colon = strchr(d->id, ':'), *id = colon ? colon + 1 : "*";
	CLEANUP_FREE char *port = xstrndup(d->id, strcspn(d->id, ":"));
	CLEANUP_FREE char *arg = device_arg(backend, port, id);
	CLEANUP_FREE char *method = xasprintf("admin.vm.device.%s.Assign", d->devclass);
	CLEANUP_BUF struct buf payload = BUF_INIT;

	device_prop_add(&payload, "device_id", id);
	device_prop_add(&payload, "port_id", port);
	device_prop_add(&payload, "devclass", d->devclass);
	device_prop_add(&payload, "backend_domain", backend);
	device_prop_add(&payload, "mode", d->mode);
	device_prop_add(&payload, "frontend_domain", e->name);
	add_options(&payload, &d->options);
	return admin_call(&r->c->admin, err, e->name, method, arg, buf_str(&payload), NULL, NULL);
}

static void assign_devices(struct restore *r, struct entry *e)
{
	for (size_t i = 0; i < e->qube->n_devices && !is_over(r); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		const struct backup_device *d = &e->qube->devices[i];

		/* It may be there since the restore that is continued. */
		if (assign(r, e, d, &err) < 0 && !(e->resume && err_is(&err, "DeviceAlreadyAssigned")))
			log_warning(r->c, LOGGER, "Error assigning %s device %s:%s to %s: %s", d->devclass,
				    d->backend, d->id, e->name, err.text);
	}
}

void set_up_qube(struct restore *r, struct entry *e)
{
	set_properties(r, e);
	set_features(r, e);
	set_tags(r, e);
	assign_devices(r, e);
}

void connect_qube(struct restore *r, struct entry *e)
{
	static const char *const names[] = { "netvm", "default_dispvm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = pairs_get(&e->qube->props, names[i]);

		if (value && !(e->drop_netvm && streq(names[i], "netvm")))
			warn_property(r, e, names[i], plan_name(&r->plan, value));
	}
}
