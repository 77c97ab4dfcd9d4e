/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device calls and lines of 4.2 (admin-api 8.7). */
#include <errno.h>

#include "base/chars.h"
#include "base/mem.h"
#include "model/interface.h"
#include "model/names.h"
#include "qvmd/device_call.h"

/* Of a block device: its published text, MODEL (LABEL) with '_' for blanks. */
static char *block_text(const struct device *d)
{
	const char *serial = device_text(d, "serial"), *name = device_text(d, "name");
	char *text = *name ? xasprintf("%s (%s)", serial, name) : xstrdup(serial);

	chars_replace(text, ' ', '_');
	return text;
}

void device_available_42(struct req *r, enum devclass class)
{
	const struct vm_devices *d = r->dest->devices;
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; d && i < d->n_present[class]; i++) {
		const struct device *dev = &d->present[class][i];
		CLEANUP_FREE char *text =
			class == DEV_BLOCK ? block_text(dev) : device_description(dev, devclass_names[class]);

		if (*r->arg && !streq(r->arg, dev->ref.port))
			continue;
		buf_addstr(&b, dev->ref.port);
		if (class == DEV_BLOCK)
			buf_addf(&b, " mode=%s device_node=/dev/%s size=%s",
				 streq(device_text(dev, "_mode"), "r") ? "r" : "w", dev->ref.port,
				 *device_text(dev, "_size") ? device_text(dev, "_size") : "0");
		buf_addf(&b, " description=%s\n", text);
	}
	req_ok_buf(r, &b);
}

static void add_line(struct buf *b, const struct devuse *u, bool persistent)
{
	buf_addf(b, "%s+%s", u->ref.backend, u->ref.port);
	for (size_t i = 0; i < u->options.n; i++)
		buf_addf(b, " %s=%s", u->options.v[i].key, u->options.v[i].value);
	buf_addf(b, " persistent=%s\n", persistent ? "yes" : "no");
}

/* The assignment is in effect. */
static bool is_attached(const struct vm_devices *d, const struct devuse *assigned)
{
	for (size_t i = 0; i < d->attached.n; i++)
		if (d->attached.v[i].class == assigned->class &&
		    device_ref_matches(&assigned->ref, &d->attached.v[i].ref))
			return true;
	return false;
}

void handle_list_42(struct req *r)
{
	int class = device_class(r);
	struct vm_devices *d = r->dest->devices;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (class < 0)
		return;
	for (size_t i = 0; d && i < d->attached.n; i++) {
		const struct devuse *u = &d->attached.v[i];
		CLEANUP_FREE char *name = xasprintf("%s+%s", u->ref.backend, u->ref.port);

		if ((int)u->class == class && (!*r->arg || streq(r->arg, name)))
			add_line(&b, u, devuses_fit(&d->assigned, u->class, &u->ref));
	}
	for (size_t i = 0; d && i < d->assigned.n; i++) {
		const struct devuse *u = &d->assigned.v[i];
		CLEANUP_FREE char *name = xasprintf("%s+%s", u->ref.backend, u->ref.port);

		if ((int)u->class == class && (!*r->arg || streq(r->arg, name)) &&
		    !is_attached(d, u))
			add_line(&b, u, true);
	}
	req_ok_buf(r, &b);
}

/* OPTION=VALUE words; persistent is none of the options. */
static int read_words(struct req *r, struct devuse *u, bool *ret_persistent, struct err *err)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	*ret_persistent = false;
	if (strlen(r->payload) != r->payload_len)
		return err_set(err, -EINVAL, "ProtocolError", "Invalid device options");
	strv_split(&words, r->payload, ' ');
	for (size_t i = 0; i < words.n; i++) {
		char *eq = strchr(words.v[i], '=');
		const char *value = eq ? eq + 1 : "";

		if (eq)
			*eq = '\0';
		if (!eq || !*words.v[i] || !chars_all(words.v[i], "A-Za-z0-9_.-") ||
		    !chars_all(value, "A-Za-z0-9_.,+:-"))
			return err_set(err, -EINVAL, "ProtocolError", "Invalid device options");
		if (!streq(words.v[i], "persistent"))
			kvs_put(&u->options, words.v[i], value, false);
		else if (bool_word(value) < 0)
			return err_set(err, -EINVAL, "ProtocolError", "Invalid device options");
		else
			*ret_persistent = bool_word(value);
	}
	return 0;
}

/* Assigns, and attaches too when the qube runs. */
static int assign_42(struct vm *v, struct devuse *u, struct err *err)
{
	if (v->devices && devuses_find(&v->devices->assigned, u->class, &u->ref))
		return err_set(err, -EEXIST, "DeviceAlreadyAttached", "device %s of class %s already attached to %s",
			       u->ref.port, devclass_names[u->class], v->name);
	u->mode = u->class == DEV_PCI ? DEVMODE_REQUIRED : DEVMODE_AUTO;
	if (vm_is_running(v)) {
		int r = device_attach_checked(v, u, err);

		if (r < 0)
			return r;
	}
	device_assign(v, u);
	return 0;
}

void device_attach_42(struct req *r)
{
	/* The payload is not one that device_request() reads. */
	struct req bare = *r;
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	bool persistent;
	int code;

	bare.payload = "";
	code = device_request(&bare, &u, &err);
	if (code == 0)
		code = read_words(r, &u, &persistent, &err);
	if (code == 0 && persistent)
		code = assign_42(r->dest, &u, &err);
	else if (code == 0 && !vm_is_running(r->dest))
		code = err_set(&err, -EINVAL, "QubesVMNotRunningError",
			       "VM not running, can only attach device with persistent flag");
	else if (code == 0)
		code = device_attach_checked(r->dest, &u, &err);
	if (code < 0)
		return device_refuse(r, &err);
	req_ok(r, "");
}

void handle_set_persistent_42(struct req *r)
{
	bool on = streq(r->payload, "True"), good = on || streq(r->payload, "False");
	struct vm_devices *d = r->dest->devices;
	CLEANUP_DEVUSE struct devuse u = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct devuse *attached;
	struct devuse *assigned;

	r->payload = "";
	if (device_request(r, &u, &err) < 0)
		return device_refuse(r, &err);
	if (!good)
		return req_fail(r, "ProtocolError", "Invalid value: expected True or False");
	attached = d ? devuses_find_port(&d->attached, u.class, &u.ref) : NULL;
	if (!attached)
		return device_not_attached(r, &u);
	assigned = devuses_fit(&d->assigned, u.class, &attached->ref);
	if (on && !assigned) {
		CLEANUP_DEVUSE struct devuse copy = devuse_copy(attached);

		copy.mode = u.class == DEV_PCI ? DEVMODE_REQUIRED : DEVMODE_AUTO;
		device_assign(r->dest, &copy);
	} else if (!on && assigned) {
		device_unassign(r->dest, assigned);
	}
	req_ok(r, "");
}
