/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-label: lists, creates, shows and removes labels, the colours of qubes (admin-api 2.8). */
#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/record.h"

static const struct pos create_pos[] = {
	{"NAME", POS_ONE, COMP_NONE, NULL, "name of the new label"},
	{"COLOR", POS_ONE, COMP_NONE, NULL, "its colour, 0xRRGGBB"},
	POS_END,
};

static const struct pos name_pos[] = {
	{"NAME", POS_ONE, COMP_LABEL, NULL, "name or index of the label"},
	POS_END,
};

static const struct sub commands[] = {
	{"list/ls/l", "list labels: index, name and colour", NULL, NULL},
	{"create", "create a label", NULL, create_pos},
	{"get", "show the colour of a label", NULL, name_pos},
	{"remove/rm", "remove a label that was created", NULL, name_pos},
	SUB_END,
};

/* Daemons before the present generation refuse an unknown label without a word (admin-api 2.8). */
static int report(struct ctx *c, struct call *call)
{
	if (!*call->err.text && call->arg) {
		CLEANUP_FREE char *quoted = quote_py(call->arg);
		CLEANUP_FREE char *type = xstrdup(call->err.type);

		err_set(&call->err, call->result, type, "no such label: %s", quoted);
	}
	return fail_err(c, &call->err, NULL, call->method);
}

static void put_record(struct json *j, const char *name, const char *index, const char *color)
{
	static const char *const keys[] = {"index", "name", "color"};
	int64_t number;
	struct val vals[] = {V_STR(index), V_STR(name), V_STR(color)};

	if (num_i64(index, &number) == 0)
		vals[0] = V_INT(number);
	json_record(j, NULL, 3, keys, vals);
}

static void print_labels(struct ctx *c, const struct strv *names, const struct call *calls)
{
	CLEANUP_TABLE struct table *t = table_new(3);
	struct json *j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);

	for (size_t i = 0; i < names->n; i++) {
		const char *index = calls[2 * i].body, *color = calls[2 * i + 1].body;
		const char *cells[] = {index, names->v[i], color};

		/* Gone since it was listed. */
		if (!index || !color)
			continue;
		if (j)
			put_record(j, names->v[i], index, color);
		else
			table_row(t, cells);
	}
	if (j)
		json_end(j);
	else
		table_print(t, c);
}

static int list(struct ctx *c)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_CALL struct call all = {.dest = "dom0", .method = "admin.label.List"};
	struct call *calls;
	int status = STATUS_OK;

	if (admin_run(&c->admin, &all, 1) < 0)
		return report(c, &all);
	strv_split(&names, all.body, '\n');
	calls = xcalloc(2 * names.n + 1, sizeof *calls);
	for (size_t i = 0; i < names.n; i++) {
		struct call *k = &calls[2 * i];

		k[0] = (struct call){.dest = "dom0", .method = "admin.label.Index", .arg = names.v[i]};
		k[1] = (struct call){.dest = "dom0", .method = "admin.label.Get", .arg = names.v[i]};
	}
	admin_run(&c->admin, calls, 2 * names.n);
	for (size_t i = 0; i < 2 * names.n && !status; i++)
		if (calls[i].result < 0 && !err_is(&calls[i].err, "QubesLabelNotFoundError"))
			status = report(c, &calls[i]);
	if (!status)
		print_labels(c, &names, calls);
	calls_free(calls, 2 * names.n);
	return status;
}

static int get(struct ctx *c, const char *name)
{
	struct call calls[] = {
		{.dest = "dom0", .method = "admin.label.Get", .arg = name},
		{.dest = "dom0", .method = "admin.label.Index", .arg = name},
	};
	size_t n = c->format == FORMAT_TEXT ? 1 : 2;
	int status = STATUS_OK;

	admin_run(&c->admin, calls, n);
	for (size_t i = 0; i < n && !status; i++)
		if (calls[i].result < 0)
			status = report(c, &calls[i]);
	if (!status && n == 2) {
		struct json *j = json_begin(c, JSON_SCALAR);

		put_record(j, name, calls[1].body, calls[0].body);
		json_end(j);
	} else if (!status) {
		put_text(c, calls[0].body, calls[0].body_len);
		fputc('\n', c->out);
	}
	for (size_t i = 0; i < n; i++)
		call_release(&calls[i]);
	return status;
}

static int change(struct ctx *c, const char *method, const char *name, const char *color)
{
	CLEANUP_CALL struct call call = {
		.dest = "dom0",
		.method = method,
		.arg = name,
		.payload = color,
		.payload_len = color ? strlen(color) : 0,
	};

	return admin_run(&c->admin, &call, 1) < 0 ? report(c, &call) : STATUS_OK;
}

static int run(struct ctx *c)
{
	CLEANUP_FREE char *command = arg_sub_name(&c->args);
	const char *name;

	if (!command || streq(command, "list"))
		return list(c);
	name = arg_pos(&c->args, "NAME");
	if (streq(command, "create"))
		return change(c, "admin.label.Create", name, arg_pos(&c->args, "COLOR"));
	if (streq(command, "get"))
		return get(c, name);
	return change(c, "admin.label.Remove", name, NULL);
}

const struct tool tool = {
	.name = "qvm-label",
	.summary = "List, create, show and remove labels.",
	.flags = TOOL_JSON,
	.subs = commands,
	.sub_optional = true,
	.run = run,
};
