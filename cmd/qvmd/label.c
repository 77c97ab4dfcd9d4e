/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels (admin-api 2.8, 6.2): addressed by name, or by index where nothing is created. */
#include "base/mem.h"
#include "base/num.h"
#include "model/names.h"
#include "qvmd/qvmd.h"

/* Indexes up to this one belong to the system. */
#define INDEX_BUILTIN 8

/* The label that the argument names; answers and returns NULL when there is none. */
static const struct label *find(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct label *l;
	int64_t index;

	if (name_check_label(r->arg, false, &err) < 0) {
		req_fail_err(r, &err);
		return NULL;
	}
	l = label_find(r->sys, r->arg);
	if (!l && num_i64(r->arg, &index) == 0)
		for (size_t i = 0; i < r->sys->n_labels && !l; i++)
			if (r->sys->labels[i].index == index)
				l = &r->sys->labels[i];
	if (!l)
		req_fail(r, "QubesLabelNotFoundError", "Label does not exist: %s", r->arg);
	return l;
}

static void handle_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->sys->n_labels; i++)
		buf_addf(&b, "%s\n", r->sys->labels[i].name);
	req_ok_buf(r, &b);
}

static void handle_get(struct req *r)
{
	const struct label *l = find(r);

	if (l)
		req_ok(r, l->color);
}

static void handle_index(struct req *r)
{
	const struct label *l = find(r);
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (!l)
		return;
	buf_addf(&b, "%lld", (long long)l->index);
	req_ok_buf(r, &b);
}

/* The payload without white space around it; a NUL byte becomes a character that no value has. */
static char *trimmed(const struct req *r)
{
	static const char blanks[] = " \t\n\r\v\f";
	const char *from = r->payload, *to = r->payload + r->payload_len;
	char *value;

	while (from < to && *from && strchr(blanks, *from))
		from++;
	while (to > from && to[-1] && strchr(blanks, to[-1]))
		to--;
	value = xmemdup0(from, (size_t)(to - from));
	for (ptrdiff_t i = 0; i < to - from; i++)
		if (!value[i])
			value[i] = '?';
	return value;
}

static void handle_create(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *color = trimmed(r);
	const struct sys *s = r->sys;
	int64_t index = INDEX_BUILTIN;

	if (name_check_label(r->arg, true, &err) < 0 || name_check_label_value(color, &err) < 0)
		return req_fail_err(r, &err);
	if (label_find(s, r->arg))
		return req_fail(r, "QubesLabelInUseError", "Label is still in use: '%s'", r->arg);
	for (size_t i = 0; i < s->n_labels; i++)
		if (s->labels[i].index > index)
			index = s->labels[i].index;
	label_put(r->sys, index + 1, r->arg, color);
	req_ok(r, "");
}

static void handle_remove(struct req *r)
{
	const struct label *l = find(r);

	if (!l)
		return;
	if (l->index <= INDEX_BUILTIN)
		return req_fail(r, "ProtocolError", "Can only remove custom labels");
	for (size_t i = 0; i < r->sys->n_vms; i++) {
		const char *used = kvs_get(&r->sys->vms[i]->props, "label");

		if (used && streq(used, l->name))
			return req_fail(r, "QubesLabelInUseError", "Label is still in use: '%s'", l->name);
	}
	label_drop(r->sys, l->name);
	req_ok(r, "");
}

#define LABEL(name, arg_, payload_, access_, handle_) \
	{ "admin.label." name, "S23N", DEST_DOM0, arg_, payload_, access_, handle_ }

const struct method methods_label[] = {
	LABEL("List", PART_NONE, PART_NONE, ACCESS_READ, handle_list),
	LABEL("Get", PART_NEEDED, PART_NONE, ACCESS_READ, handle_get),
	LABEL("Index", PART_NEEDED, PART_NONE, ACCESS_READ, handle_index),
	LABEL("Create", PART_NEEDED, PART_NEEDED, ACCESS_WRITE, handle_create),
	LABEL("Remove", PART_NEEDED, PART_NONE, ACCESS_WRITE, handle_remove),
	METHOD_END,
};
