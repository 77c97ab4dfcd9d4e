/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-tags: shows, adds and removes the tags of a qube (tools-config 7). */
#include "cli/perqube.h"

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "name of the qube"},
	POS_END,
};

static const struct pos list_pos[] = {
	{"tag", POS_OPTIONAL, COMP_TAG, NULL, "only this tag, and status 1 when it is not there"},
	POS_END,
};

static const struct pos change_pos[] = {
	{"tag", POS_SOME, COMP_TAG, NULL, "the tag"},
	POS_END,
};

static const struct sub commands[] = {
	{"list/ls/l", "list tags", NULL, list_pos},
	{"add/a/set", "add tags", NULL, change_pos},
	{"del/d/unset/u", "remove tags", NULL, change_pos},
	SUB_END,
};

/* The tags of one reply, as an array or a line each. */
static void put_tags(struct buf *text, struct json *j, const struct selection *s, const char *qube,
		     const struct strv *tags)
{
	if (j)
		json_value(j, qube, V_LIST(tags));
	for (size_t i = 0; !j && i < tags->n; i++)
		perqube_lines(text, s, qube, tags->v[i], strlen(tags->v[i]));
}

/* tag: NULL lists all, otherwise only whether this one is there. */
static int list(struct ctx *c, const struct selection *s, const char *tag)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct call *calls = perqube_calls(s, tag ? "admin.vm.tag.Get" : "admin.vm.tag.List", tag, NULL, 0);
	struct json *j = perqube_json(c, s);
	bool found = !tag || !s->n;
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		CLEANUP_STRV struct strv tags = STRV_INIT;

		if (calls[i].result < 0) {
			status = perqube_error(c, s, &calls[i]);
			continue;
		}
		if (!tag)
			strv_split(&tags, calls[i].body, '\n');
		else if (streq(calls[i].body, "1"))
			strv_add(&tags, tag);
		strv_sort(&tags);
		found |= tags.n > 0;
		put_tags(&text, j, s, calls[i].dest, &tags);
	}
	if (j)
		json_end(j);
	put_text(c, buf_str(&text), text.len);
	calls_free(calls, s->n);
	return !status && !found ? STATUS_FAILED : status;
}

/* Tag after tag; with one qube the first that fails is the last that is tried. */
static int change(struct ctx *c, const struct selection *s, const char *method, const char *fine)
{
	CLEANUP_STRV struct strv tags = STRV_INIT;
	int status = STATUS_OK;

	arg_poses(&c->args, "tag", &tags);
	for (size_t i = 0; i < tags.n; i++) {
		int r = perqube_change(c, s, method, tags.v[i], NULL, 0, fine);

		if (r && !s->many)
			return r;
		status = r ? r : status;
	}
	return status;
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection s = {0};
	CLEANUP_FREE char *command = arg_sub_name(&c->args);
	int status = select_qube(c, "VMNAME", &s);

	if (status)
		return status;
	if (!command || streq(command, "list"))
		return list(c, &s, command ? arg_pos(&c->args, "tag") : NULL);
	if (streq(command, "add"))
		return change(c, &s, "admin.vm.tag.Set", NULL);
	return change(c, &s, "admin.vm.tag.Remove", "QubesTagNotFoundError");
}

const struct tool tool = {
	.name = "qvm-tags",
	.summary = "Show, add and remove the tags of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON,
	.pos = positionals,
	.subs = commands,
	.sub_optional = true,
	.run = run,
};
