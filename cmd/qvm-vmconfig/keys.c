/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the keys of a qube are, and how one of them is shown. */
#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/select.h"
#include "model/propval.h"
#include "qvm-vmconfig/vmconfig.h"
#include "vmif/qubesdb.h"
#include "vmif/xenstore.h"

/* ---- options ---- */

int settings_read(struct ctx *c, struct settings *ret)
{
	const char *gen = arg_value(&c->args, "--vmif"), *channel = arg_value(&c->args, "--channel");
	const char *env = getenv("QVM_VMIF");
	int g = vmif_gen_from_name(gen ? gen : env && *env ? env : "r4");

	if (g < 0) {
		CLEANUP_FREE char *quoted = quote_py(env);

		return fail_usage(c, "QVM_VMIF: no such generation: %s (choose from r2, r3, r4)", quoted);
	}
	*ret = (struct settings){
		.gen = (enum vmif_gen)g, .live = arg_has(&c->args, "--live"), .chosen = channel != NULL,
	};
	for (int i = 0; i < KEY_STORES; i++)
		ret->use[i] = channel ? streq(channel, key_store_names[i]) : i == KEY_XENSTORE || g != VMIF_R2;
	return STATUS_OK;
}

const char *settings_prefix(const struct settings *s, enum key_store store)
{
	/* From release 3 on the rest of a domain's nodes is not of this interface (vm-interface 1). */
	if (store == KEY_QUBESDB || s->gen == VMIF_R2 || s->chosen)
		return "";
	return s->gen == VMIF_R3 ? "memory" : "memory/";
}

const struct key_def *def_of(const struct settings *s, enum key_store store, const char *key)
{
	const struct key_def *def = key_find(key);

	return def && key_in_gen(def, s->gen) && key_store(key, s->gen) == store ? def : NULL;
}

/* ---- the qube ---- */

void qube_keys_release(struct qube_keys *q)
{
	free(q->name);
}

/* Its domain number, which 4.2 tells as text; -1 when it is off. */
static int64_t domid_of(const char *body, size_t len)
{
	CLEANUP_PROPVAL struct propval p = {0};
	int64_t n = -1;

	if (propval_parse(&p, body, len, NULL) < 0 || num_i64(p.value, &n) < 0)
		return -1;
	return n;
}

int find_qube(struct ctx *c, struct qube_keys *ret)
{
	CLEANUP_SELECTION struct selection s = {0};
	CLEANUP_CALL struct call call = {.method = "admin.vm.property.Get", .arg = "xid"};
	int status = select_qube(c, "VMNAME", &s);

	*ret = (struct qube_keys){0};
	if (status)
		return status;
	*ret = (struct qube_keys){.name = xstrdup(s.v[0]->name)};
	if (streq(ret->name, "dom0"))
		return STATUS_OK;
	call.dest = ret->name;
	if (admin_run(&c->admin, &call, 1) < 0)
		return qube_error(c, &call.err, call.dest, call.method);
	ret->domid = domid_of(call.body, call.body_len);
	if (ret->domid < 0)
		return fail(c, "%s is not running: it has no keys", ret->name);
	return STATUS_OK;
}

int open_keys(const struct qube_keys *q, enum key_store store, struct channel **ret, struct err *err)
{
	return store == KEY_QUBESDB ? qubesdb_open(q->name, ret, err) : xenstore_channel_open(q->domid, ret, err);
}

/* ---- showing ---- */

void shown_value(struct buf *b, const char *value, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		unsigned char ch = (unsigned char)value[i];
		uint32_t cp;

		n = utf8_next(value + i, len - i, &cp);
		if (ch == '\n' || ch == '\\')
			buf_addstr(b, ch == '\n' ? "\\n" : "\\\\");
		else if (n == 0 || !codepoint_is_safe(cp))
			for (size_t k = 0; k < (n ? n : 1); k++)
				buf_addf(b, "\\x%02x", (unsigned char)value[i + k]);
		else
			buf_add(b, value + i, n);
		n = n ? n : 1;
	}
}

const char *writer_of(const struct key_def *def)
{
	return !def ? "-" : def->way == KEY_TO_QUBE ? "dom0" : "qube";
}

void put_key(struct json *j, const struct shown_key *k)
{
	static const char *const names[] = {"key", "channel", "writer", "value", "valid", "meaning", "source"};
	const struct val vals[] = {
		V_STR(k->key),
		V_STR(key_store_names[k->store]),
		k->def ? V_STR(writer_of(k->def)) : V_NULL,
		k->value ? V_BYTES(k->value, k->len) : V_NULL,
		k->def && k->value ? V_BOOL(key_check(k->key, k->value, k->len)) : V_NULL,
		k->def ? V_STR(k->def->meaning) : V_NULL,
		k->def ? V_STR(k->def->source) : V_NULL,
	};

	json_record(j, NULL, ARRAY_SIZE(names), names, vals);
}
