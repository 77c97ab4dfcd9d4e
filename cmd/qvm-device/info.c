/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info, and the list of classes (tools-runtime 7.9). */
#include "base/mem.h"
#include "cli/record.h"
#include "model/interface.h"
#include "qvm-device/device.h"

/* What is shown in other words, or is the name itself. */
static bool is_told(const char *key)
{
	static const char *const told[] = {
		"device_id", "port_id", "devclass", "backend_domain", "vendor", "product", "manufacturer", "name",
		"serial", "interfaces", "attachment", "parent_port_id", "parent_devclass",
	};

	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (streq(key, told[i]))
			return true;
	return false;
}

/* Fields as a person reads them: plain ones first, then those with a '_' in front. */
static void add_fields(struct buf *b, const struct device *d, bool data)
{
	for (size_t i = 0; i < d->props.keys.n; i++) {
		const char *key = d->props.keys.v[i];

		if ((*key == '_') != data || is_told(key))
			continue;
		for (key += data; *key; key++)
			buf_addch(b, *key == '_' ? ' ' : *key);
		buf_addf(b, ": %s\n", d->props.values.v[i]);
	}
}

/* Told under a name of ours, or of such a name: what a backend says must not stand for what we know. */
static bool is_json_told(const char *key)
{
	static const char *const told[] = {
		"device_id", "port_id", "devclass", "backend_domain", "backend", "port", "id", "class", "description",
	};

	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (streq(key, told[i]))
			return true;
	return false;
}

static void print_json(struct world *w, const struct device *d, const char *description)
{
	size_t n = d->props.keys.n + 5, at = 0;
	const char **keys = xcalloc(n, sizeof *keys);
	struct val *vals = xcalloc(n, sizeof *vals);
	struct json *j = json_begin(w->c, JSON_SCALAR);
	const struct device_props *p = &d->props;

	keys[at] = "backend";
	vals[at++] = V_STR(d->ref.backend);
	keys[at] = "port";
	vals[at++] = V_STR(d->ref.port);
	keys[at] = "id";
	vals[at++] = V_STR(d->ref.id);
	keys[at] = "class";
	vals[at++] = V_STR(w->class);
	keys[at] = "description";
	vals[at++] = V_STR(description);
	for (size_t i = 0; i < p->keys.n; i++) {
		if (is_json_told(p->keys.v[i]))
			continue;
		keys[at] = p->keys.v[i];
		vals[at++] = V_STR(p->values.v[i]);
	}
	json_record(j, NULL, at, keys, vals);
	json_end(j);
	free(keys);
	free(vals);
}

int show_device(struct world *w)
{
	const char *name = arg_pos(&w->c->args, "DEVICE");
	CLEANUP_TARGET struct target t = {0};
	CLEANUP_FREE char *description = NULL;
	CLEANUP_BUF struct buf b = BUF_INIT;
	int status = name ? target_read(w, name, &t) : STATUS_OK;

	if (status || !name)
		return status;
	if (!t.found && t.id_typed)
		return fail_prog(w->c, "this option works only for explicitly given port ID and does not support "
				       "device ID");
	if (!t.found)
		return target_not_exposed(w, &t);
	description = device_description(t.found, w->class);
	if (w->c->format != FORMAT_TEXT) {
		print_json(w, t.found, description);
		return STATUS_OK;
	}
	buf_addf(&b, "%s\ndevice ID: %s\n", description, t.found->ref.id);
	add_fields(&b, t.found, false);
	add_fields(&b, t.found, true);
	put_text(w->c, buf_str(&b), b.len);
	return STATUS_OK;
}

int list_classes(struct ctx *c)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	CLEANUP_STRV struct strv classes = STRV_INIT;
	struct json *j;

	if (admin_call(&c->admin, &err, "dom0", "admin.deviceclass.List", NULL, NULL, &body, NULL) < 0)
		return fail_err(c, &err, "dom0", "admin.deviceclass.List");
	strv_split(&classes, body, '\n');
	strv_sort(&classes);
	j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);
	for (size_t i = 0; i < classes.n; i++) {
		CLEANUP_FREE char *line = xasprintf("%s\n", classes.v[i]);

		if (j)
			json_value(j, NULL, V_STR(classes.v[i]));
		else
			put_text(c, line, strlen(line));
	}
	if (j)
		json_end(j);
	return STATUS_OK;
}
