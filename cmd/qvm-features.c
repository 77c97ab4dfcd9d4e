/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-features: shows and changes the features of a qube (tools-config 5). */
#include "cli/features.h"

static const struct opt options[] = {
	{"--unset/--default/--delete/-D", OPT_FLAG, 0, NULL, "remove the feature"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "name of the qube"},
	{"FEATURE", POS_OPTIONAL, COMP_FEATURE, NULL, "name of the feature; without it all are listed"},
	{"VALUE", POS_OPTIONAL, COMP_NONE, NULL, "new value; an empty one means false"},
	POS_END,
};

static void print_table(struct ctx *c, const struct selection *s, const struct features *f)
{
	CLEANUP_TABLE struct table *t = table_new(s->many ? 3 : 2);

	for (size_t i = 0; i < f->n; i++) {
		const char *cells[] = {f->v[i].qube->name, f->v[i].name, f->v[i].value};

		table_row(t, s->many ? cells : cells + 1);
	}
	table_print(t, c);
}

static void print_json(struct ctx *c, const struct selection *s, const struct features *f)
{
	struct json *j = json_begin(c, JSON_KEYED);

	for (size_t i = 0, q = 0; q < s->n; q++) {
		if (s->many)
			json_down(j, s->v[q]->name);
		for (; i < f->n && f->v[i].qube == s->v[q]; i++)
			json_value(j, f->v[i].name, V_STR(f->v[i].value));
		if (s->many)
			json_up(j);
	}
	json_end(j);
}

static int list(struct ctx *c, const struct selection *s)
{
	CLEANUP_FEATURES struct features f = {0};
	int status = features_read(c, s, "", &f);

	if (status && !s->many)
		return status;
	if (c->format == FORMAT_TEXT)
		print_table(c, s, &f);
	else
		print_json(c, s, &f);
	return status;
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection s = {0};
	const char *feature = arg_pos(&c->args, "FEATURE"), *value = arg_pos(&c->args, "VALUE");
	bool unset = arg_has(&c->args, "--unset");
	int status;

	if (unset && !feature)
		return fail_usage(c, "--unset requires a feature");
	if (unset && value)
		return fail_usage(c, "cannot both set and unset a value");
	status = select_qube(c, "VMNAME", &s);
	if (status)
		return status;
	if (!feature)
		return list(c, &s);
	if (unset)
		return perqube_change(c, &s, "admin.vm.feature.Remove", feature, NULL, 0,
				      "QubesFeatureNotFoundError");
	if (value)
		return perqube_change(c, &s, "admin.vm.feature.Set", feature, value, strlen(value), NULL);
	return feature_show(c, &s, feature, false);
}

const struct tool tool = {
	.name = "qvm-features",
	.summary = "Show and change the features of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
