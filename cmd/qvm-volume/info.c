/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume info: all that is known of a volume, or one thing (tools-runtime 8.2). */
#include "volume.h"

#include <inttypes.h>

#include "base/escape.h"
#include "base/mem.h"

void info_vals(const struct volume_info *v, struct val *ret)
{
	const struct val vals[N_INFO_KEYS] = {
		V_STR(v->pool), V_STR(v->vid), V_BOOL(v->rw), *v->source ? V_STR(v->source) : V_NULL,
		V_BOOL(v->save_on_stop), V_BOOL(v->snap_on_start), V_INT((int64_t)v->size),
		V_INT((int64_t)v->usage), V_INT(v->revisions_to_keep), V_BOOL(v->ephemeral),
		V_BOOL(v->is_outdated),
	};

	memcpy(ret, vals, sizeof vals);
}

static char *val_text(const struct val *v)
{
	switch (v->type) {
	case VAL_STR:
		return xstrdup(v->str);
	case VAL_BOOL:
		return xstrdup(v->num ? "True" : "False");
	case VAL_INT:
		return xasprintf("%" PRId64, v->num);
	default:
		return xstrdup("");
	}
}

static int list_revisions(struct ctx *c, const struct target *t, struct strv *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;

	if (admin_call(&c->admin, &err, t->qube, "admin.vm.volume.ListSnapshots", t->volume, NULL, &body, NULL) < 0)
		return fail_err(c, &err, t->qube, "admin.vm.volume.ListSnapshots");
	strv_split(ret, body, '\n');
	return STATUS_OK;
}

static void put_lines(struct ctx *c, const char *indent, const struct strv *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		fputs(indent, c->out);
		put_text(c, lines->v[i], strlen(lines->v[i]));
		fputc('\n', c->out);
	}
}

static int show_revisions(struct ctx *c, const struct target *t)
{
	CLEANUP_STRV struct strv revisions = STRV_INIT;
	int status = list_revisions(c, t, &revisions);

	if (status)
		return status;
	if (c->format == FORMAT_TEXT) {
		put_lines(c, "", &revisions);
	} else {
		struct json *j = json_begin(c, JSON_SCALAR);

		json_value(j, NULL, V_LIST(&revisions));
		json_end(j);
	}
	return STATUS_OK;
}

static int show_one(struct ctx *c, const struct target *t, const char *key, size_t k)
{
	CLEANUP_VOLUME_INFO struct volume_info info = {0};
	struct val vals[N_INFO_KEYS];
	CLEANUP_FREE char *text = NULL;
	int status = target_info(c, t, key, &info);

	if (status)
		return status;
	info_vals(&info, vals);
	if (c->format != FORMAT_TEXT) {
		struct json *j = json_begin(c, JSON_SCALAR);

		json_value(j, NULL, vals[k]);
		json_end(j);
		return STATUS_OK;
	}
	text = val_text(&vals[k]);
	put_text(c, text, strlen(text));
	fputc('\n', c->out);
	return STATUS_OK;
}

static void print_all(struct ctx *c, const struct strv *keys, const struct val *vals, const struct strv *revisions)
{
	CLEANUP_TABLE struct table *t = table_new(2);

	for (size_t i = 0; i < N_INFO_KEYS; i++) {
		CLEANUP_FREE char *text = val_text(&vals[i]);
		bool disabled = streq(keys->v[i], "revisions_to_keep") && vals[i].num == -1;

		table_row(t, (const char *[]){keys->v[i], disabled ? "-1 (snapshot disabled)" : text});
	}
	table_print(t, c);
	fprintf(c->out, "List of available revisions (for revert):%s\n", revisions->n ? "" : " none");
	put_lines(c, "  ", revisions);
}

static int show_all(struct ctx *c, const struct target *t, const struct strv *keys)
{
	CLEANUP_VOLUME_INFO struct volume_info info = {0};
	CLEANUP_STRV struct strv revisions = STRV_INIT;
	struct val vals[N_INFO_KEYS + 1];
	int status = target_info(c, t, "pool", &info);

	if (!status)
		status = list_revisions(c, t, &revisions);
	if (status)
		return status;
	info_vals(&info, vals);
	if (c->format == FORMAT_TEXT) {
		print_all(c, keys, vals, &revisions);
	} else {
		struct json *j = json_begin(c, JSON_SCALAR);
		const char *names[N_INFO_KEYS + 1];

		memcpy(names, keys->v, N_INFO_KEYS * sizeof *names);
		names[N_INFO_KEYS] = "revisions";
		vals[N_INFO_KEYS] = V_LIST(&revisions);
		json_record(j, NULL, N_INFO_KEYS + 1, names, vals);
		json_end(j);
	}
	return STATUS_OK;
}

int info_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};
	CLEANUP_STRV struct strv keys = STRV_INIT;
	const char *property = arg_pos(&c->args, "PROPERTY");
	int status = targets_find(c, &t, 1);

	if (status)
		return status;
	strv_split(&keys, INFO_KEYS, ' ');
	if (!property)
		return show_all(c, &t, &keys);
	if (streq(property, "revisions"))
		return show_revisions(c, &t);
	for (size_t k = 0; k < keys.n; k++)
		if (streq(property, keys.v[k]))
			return show_one(c, &t, property, k);
	return fail(c, "No such property: %s", property);
}
