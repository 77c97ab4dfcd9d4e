/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of interfaces that no device of a qube may have (admin-api 2.11); property devices_denied holds it. */
#include "base/mem.h"
#include "qvmd/device.h"

#define DENIED "devices_denied"

/* The codes of a text; answers and returns false when it is none. */
static bool read_codes(struct req *r, const char *text, struct strv *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (strlen(text) != r->payload_len || interfaces_check(text, &err) < 0) {
		if (!err.text)
			req_fail(r, "ProtocolError", "Invalid device interfaces");
		else
			req_fail_err(r, &err);
		return false;
	}
	for (size_t i = 0; text[i]; i += INTERFACE_LEN) {
		CLEANUP_FREE char *code = xstrndup(text + i, INTERFACE_LEN);

		if (strv_has(ret, code)) {
			req_fail(r, "ProtocolError", "Duplicated device interfaces in payload.");
			return false;
		}
		strv_add(ret, code);
	}
	return true;
}

static bool has_denied(struct req *r)
{
	if (vm_has_prop(r->dest, DENIED))
		return true;
	req_fail(r, "QubesNoSuchPropertyError", "Invalid property '%s' of %s", DENIED, r->dest->name);
	return false;
}

static void denied_list(struct req *r)
{
	CLEANUP_FREE char *codes = NULL;
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!has_denied(r))
		return;
	codes = prop_get(r->dest, DENIED, NULL);
	for (size_t i = 0; codes[i]; i += INTERFACE_LEN)
		buf_addf(&b, "%s%.*s", i ? "\n" : "", INTERFACE_LEN, codes + i);
	req_ok_buf(r, &b);
}

/* Sets the property unless it has the value already. */
static void change(struct req *r, const struct strv *codes, const char *old)
{
	CLEANUP_FREE char *text = strv_join(codes, "");
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!streq(text, old) && prop_set(r->dest, DENIED, text, &err) < 0)
		return req_fail_err(r, &err);
	req_ok(r, "");
}

static void denied_add(struct req *r)
{
	CLEANUP_STRV struct strv add = STRV_INIT, codes = STRV_INIT;
	CLEANUP_FREE char *old = NULL;

	if (!has_denied(r) || !read_codes(r, r->payload, &add))
		return;
	old = prop_get(r->dest, DENIED, NULL);
	for (size_t i = 0; old[i]; i += INTERFACE_LEN)
		strv_addn(&codes, old + i, INTERFACE_LEN);
	for (size_t i = 0; i < add.n; i++)
		if (!strv_has(&codes, add.v[i]))
			strv_add(&codes, add.v[i]);
	change(r, &codes, old);
}

static void denied_remove(struct req *r)
{
	bool all = streq(r->payload, "all");
	CLEANUP_STRV struct strv away = STRV_INIT, codes = STRV_INIT;
	CLEANUP_FREE char *old = NULL;

	if (!has_denied(r) || (!all && !read_codes(r, r->payload, &away)))
		return;
	old = prop_get(r->dest, DENIED, NULL);
	for (size_t i = 0; old[i] && !all; i += INTERFACE_LEN) {
		CLEANUP_FREE char *code = xstrndup(old + i, INTERFACE_LEN);

		if (!strv_has(&away, code))
			strv_add(&codes, code);
	}
	change(r, &codes, old);
}

#define DENIED_CALL(name, payload_, access_, handle_) \
	{ "admin.vm.device.denied." name, "--3N", DEST_ANY, PART_NONE, payload_, access_, handle_ }

const struct method methods_denied[] = {
	DENIED_CALL("List", PART_NONE, ACCESS_READ, denied_list),
	DENIED_CALL("Add", PART_OPTIONAL, ACCESS_WRITE, denied_add),
	DENIED_CALL("Remove", PART_OPTIONAL, ACCESS_WRITE, denied_remove),
	METHOD_END,
};
