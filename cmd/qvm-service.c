/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-service: shows and switches the services of a qube, its features service.NAME (tools-config 6). */
#include "base/escape.h"
#include "base/mem.h"
#include "cli/features.h"
#include "model/names.h"

#define PREFIX "service."

static const struct opt options[] = {
	{"--list/-l", OPT_FLAG, 0, NULL, "list the services that are set; the default without SERVICE"},
	{"--enable/-e", OPT_FLAG, 0, NULL, "switch the service on"},
	{"--disable/-d", OPT_FLAG, 0, NULL, "switch the service off"},
	{"--unset/--default/--delete/-D", OPT_FLAG, 0, NULL, "remove the setting, so that the default holds"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE, NULL, "name of the qube"},
	{"SERVICE", POS_OPTIONAL, COMP_SERVICE, NULL, "name of the service; without it all are listed"},
	{"VALUE", POS_OPTIONAL, COMP_NONE, NULL, "1, yes, true, on or 0, no, false, off, in any case"},
	POS_END,
};

static int list(struct ctx *c, const struct selection *s)
{
	CLEANUP_FEATURES struct features f = {0};
	CLEANUP_TABLE struct table *t = table_new(s->many ? 3 : 2);
	int status = features_read(c, s, PREFIX, &f);
	struct json *j;

	if (status && !s->many)
		return status;
	j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_KEYED);
	for (size_t i = 0, q = 0; q < s->n; q++) {
		if (j && s->many)
			json_down(j, s->v[q]->name);
		for (; i < f.n && f.v[i].qube == s->v[q]; i++) {
			const char *name = f.v[i].name + strlen(PREFIX);
			const char *cells[] = {s->v[q]->name, name, f.v[i].len ? "on" : "off"};

			if (j)
				json_value(j, name, V_BOOL(f.v[i].len > 0));
			else
				table_row(t, s->many ? cells : cells + 1);
		}
		if (j && s->many)
			json_up(j);
	}
	if (j)
		json_end(j);
	else
		table_print(t, c);
	return status;
}

/* -e, -d and VALUE say the same thing: the last of them on the line counts. NULL: none is there. */
static const char *wanted(const struct ctx *c)
{
	const char *value = NULL;

	for (size_t i = 0; i < c->args.n; i++) {
		const struct arg *a = &c->args.v[i];

		if (a->pos && streq(a->pos->name, "VALUE"))
			value = a->value;
		else if (a->opt && opt_is(a->opt, "--enable"))
			value = "1";
		else if (a->opt && opt_is(a->opt, "--disable"))
			value = "0";
	}
	return value;
}

static int check_usage(struct ctx *c, const char *service, const char *value)
{
	bool unset = arg_has(&c->args, "--unset");

	if (!service && unset)
		return fail_usage(c, "--unset requires a feature");
	if (!service && value)
		return fail_usage(c, "%s requires a service", *value == '1' ? "--enable" : "--disable");
	if (unset && value)
		return fail_usage(c, "cannot both set and unset a value");
	if (value && bool_word(value) < 0) {
		CLEANUP_FREE char *quoted = quote_py(value);

		return fail(c, "Invalid literal for boolean value: %s", quoted);
	}
	return STATUS_OK;
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection s = {0};
	CLEANUP_FREE char *feature = NULL;
	const char *service = arg_pos(&c->args, "SERVICE"), *value = wanted(c);
	int status = check_usage(c, service, value);

	if (!status)
		status = select_qube(c, "VMNAME", &s);
	if (status)
		return status;
	if (!service)
		return list(c, &s);
	feature = xasprintf(PREFIX "%s", service);
	if (arg_has(&c->args, "--unset"))
		return perqube_change(c, &s, "admin.vm.feature.Remove", feature, NULL, 0,
				      "QubesFeatureNotFoundError");
	if (value)
		return perqube_change(c, &s, "admin.vm.feature.Set", feature, "1", bool_word(value) ? 1 : 0,
				      NULL);
	return feature_show(c, &s, feature, true);
}

const struct tool tool = {
	.name = "qvm-service",
	.summary = "Show and switch the services of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
