/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices, qubes and options as they are named on the command line (tools-runtime 7.1, 7.2, 7.5). */
#include "qvm-device/device.h"

#include <strings.h>

#include "base/mem.h"

void target_release(struct target *t)
{
	device_ref_release(&t->ref);
}

int target_qube(struct world *w, size_t *ret)
{
	const struct qube *q;
	int status = select_one(w->c, &w->all, arg_pos(&w->c->args, "VMNAME"), &q);

	if (status == STATUS_OK)
		*ret = world_index(w, q);
	return status;
}

static void set_id(struct target *t, const char *id)
{
	free(t->ref.id);
	t->ref.id = xstrdup(id);
}

/* What is in the port, and with it the id that was left out. */
static int look_up(struct world *w, struct target *t)
{
	const struct devices *offered;
	const struct device *d;
	int status;

	if (streq(t->ref.port, "*"))
		return STATUS_OK;
	offered = world_get(w, t->backend, AVAILABLE, &status);
	if (!offered)
		return status;
	d = devices_port(offered, t->ref.backend, t->ref.port);
	if (!t->id_typed)
		set_id(t, d ? d->ref.id : DEVICE_UNKNOWN_ID);
	if (d && (streq(t->ref.id, "*") || streq(t->ref.id, d->ref.id)))
		t->found = d;
	return STATUS_OK;
}

int target_read(struct world *w, const char *text, struct target *ret)
{
	const char *colon = strchr(text, ':');
	const struct qube *backend;

	*ret = (struct target){0};
	if (device_ref_parse(&ret->ref, text) < 0 || streq(ret->ref.backend, "*"))
		return fail_usage(w->c,
				  "expected a backend vm, port id and [optional] device id combination like "
				  "foo:bar[:baz] got %s",
				  text);
	colon = strchr(colon + 1, ':');
	ret->id_typed = colon && colon[1];
	backend = qubes_find(&w->all, ret->ref.backend);
	if (!backend)
		return fail_prog(w->c, "no such backend vm!");
	ret->backend = world_index(w, backend);
	return look_up(w, ret);
}

int target_not_exposed(struct world *w, const struct target *t)
{
	return fail_prog(w->c, "backend vm %s doesn't expose %s device '%s'", t->ref.backend, w->class, t->ref.port);
}

/* ---- options ---- */

/* The old spelling: ro=WORD is read-only=yes or no. */
static int fold_ro(struct world *w, struct device_props *p)
{
	static const char *const yes[] = {"1", "true", "yes"}, *const no[] = {"0", "false", "no"};
	const char *value = device_props_get(p, "_ro"), *folded = NULL;

	if (!value)
		return STATUS_OK;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		folded = strcasecmp(value, yes[i]) == 0 ? "yes" : strcasecmp(value, no[i]) == 0 ? "no" : folded;
	if (!folded)
		return fail_plain(w->c, "Unknown `read-only` option value: %s", value);
	for (size_t i = 0; i < p->keys.n; i++)
		if (streq(p->keys.v[i], "_ro")) {
			strv_remove(&p->keys, i);
			strv_remove(&p->values, i);
		}
	device_props_put(p, "_read-only", folded);
	return STATUS_OK;
}

int options_read(struct world *w, struct device_props *ret)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	int status;

	arg_values(&w->c->args, "--option", &words);
	for (size_t i = 0; i < words.n; i++) {
		const char *eq = strchr(words.v[i], '=');
		CLEANUP_FREE char *key = NULL;

		if (!eq)
			return fail_plain(w->c, "invalid option '%s', expected name=value", words.v[i]);
		key = xasprintf("_%.*s", (int)(eq - words.v[i]), words.v[i]);
		device_props_put(ret, key, eq + 1);
	}
	status = fold_ro(w, ret);
	if (status == STATUS_OK && arg_has(&w->c->args, "--ro"))
		device_props_put(ret, "_read-only", "yes");
	if (status == STATUS_OK && device_props_check(ret, &err) < 0)
		status = fail_err(w->c, &err, NULL, NULL);
	return status;
}

char *payload(const struct world *w, const struct device_ref *ref, const char *mode, const char *qube,
	      const struct device_props *options)
{
	struct buf b = BUF_INIT;

	device_prop_add(&b, "device_id", ref->id);
	device_prop_add(&b, "port_id", ref->port);
	device_prop_add(&b, "devclass", w->class);
	device_prop_add(&b, "backend_domain", ref->backend);
	device_prop_add(&b, "mode", mode);
	device_prop_add(&b, "frontend_domain", qube);
	for (size_t i = 0; i < options->keys.n; i++)
		device_prop_add(&b, options->keys.v[i], options->values.v[i]);
	return buf_steal(&b);
}

char *options_text(const struct device_props *p, const char *sep)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < p->keys.n; i++)
		if (p->keys.v[i][0] == '_')
			buf_addf(&b, "%s%s=%s", b.len ? sep : "", p->keys.v[i] + 1, p->values.v[i]);
	return buf_steal(&b);
}
