/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-ls: list qubes and what is known about them. */
#include "ls.h"

#include "base/mem.h"
#include "model/glob.h"

#define FORMATS "simple network kernel full prefs disk"
#define YES_NO "y yes n no"

static const struct opt opts[] = {
	{"--all", OPT_FLAG, 0, NULL, "list all qubes, dom0 included; the same as no name"},
	{"--exclude", OPT_VALUE, OPT_REPEAT, "VM", "with --all or --where: leave this qube out", NULL, COMP_QUBE},
	{"--format/-o", OPT_VALUE, 0, "FORMAT", "columns of a preset; see --help-formats", FORMATS, COMP_WORDS, 1},
	{"--fields/-O", OPT_VALUE, 0, "FIELD,...", "columns by name; see --help-columns", NULL, COMP_COLUMN, 1},
	{"--disk/-d", OPT_FLAG, 0, NULL, "the same as --format=disk", .exclusive = 1},
	{"--network/-n", OPT_FLAG, 0, NULL, "the same as --format=network", .exclusive = 1},
	{"--kernel/-k", OPT_FLAG, 0, NULL, "the same as --format=kernel", .exclusive = 1},
	{"--tree/-t", OPT_FLAG, 0, NULL, "show which qube is connected through which"},
	{"--raw-data", OPT_FLAG, 0, NULL, "no heading; cells joined by '|'"},
	{"--raw-list", OPT_FLAG, 0, NULL, "names only, one per line"},
	{"--null/-0", OPT_FLAG, OPT_OURS, NULL, "names only, a NUL byte behind each"},
	{"--help-formats", OPT_FLAG, OPT_IMMEDIATE, NULL, "show the presets and exit"},
	{"--help-columns", OPT_FLAG, OPT_IMMEDIATE, NULL, "show the columns and exit"},
	{"--class", OPT_LIST, 0, "CLASS", "only qubes of one of these classes", NULL, COMP_CLASS},
	{"--label", OPT_LIST, 0, "LABEL", "only qubes with one of these labels", NULL, COMP_LABEL},
	{"--tags", OPT_LIST, 0, "TAG", "only qubes with at least one of these tags", NULL, COMP_TAG},
	{"--exclude-tags", OPT_LIST, 0, "TAG", "only qubes with none of these tags", NULL, COMP_TAG},
	{"--running", OPT_FLAG, 0, NULL, "only running qubes"},
	{"--paused", OPT_FLAG, 0, NULL, "only paused qubes"},
	{"--halted", OPT_FLAG, 0, NULL, "only halted qubes"},
	{"--template-source", OPT_LIST, 0, "TEMPLATE", "only qubes based on one of these; '' for none", NULL,
	 COMP_TEMPLATE},
	{"--netvm-is", OPT_LIST, 0, "NETVM", "only qubes connected to one of these; '' for none", NULL, COMP_NETVM},
	{"--internal", OPT_VALUE, 0, "y|n", "only qubes with, or without, feature internal", YES_NO, COMP_WORDS},
	{"--servicevm", OPT_VALUE, 0, "y|n", "only qubes with, or without, feature servicevm", YES_NO, COMP_WORDS},
	{"--pending-update", OPT_FLAG, 0, NULL, "only qubes that have updates to install"},
	{"--features", OPT_LIST, 0, "FEATURE=VALUE",
	 "only qubes with all these features; F= for unset, F='' for empty", NULL, COMP_FEATURE},
	{"--prefs", OPT_LIST, 0, "PROPERTY=VALUE",
	 "only qubes with all these properties; P= for none, P='' for empty", NULL, COMP_PROPERTY},
	{"--sort", OPT_VALUE, 0, "COLUMN", "order by this column (default: NAME)", NULL, COMP_COLUMN},
	{"--reverse", OPT_FLAG, 0, NULL, "order downwards"},
	{"--ignore-case", OPT_FLAG, 0, NULL, "order without regard to case"},
	{"--spinner", OPT_FLAG, 0, NULL, "show on a terminal that a long listing goes on (default)"},
	{"--no-spinner", OPT_FLAG, 0, NULL, "never show that"},
	{"--where", OPT_VALUE, OPT_REPEAT | OPT_OURS, "KEY=GLOB",
	 "only qubes that match; keys: name class state label template netvm tag feature:NAME; != negates", NULL,
	 COMP_WHERE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "qubes to list, by name or pattern (default: all)"},
	POS_END,
};

/* Combinations that the option table cannot express (tools-config 1.1, 1.3, 15). */
static int check_options(struct ctx *c)
{
	static const char *const raw[] = {"--raw-data", "--raw-list", "--null/-0"};
	static const char *const raw_names[] = {"--raw-data", "--raw-list", "--null"};
	const char *json = c->format == FORMAT_JSONL ? "--jsonl" : "--json";

	if (arg_has(&c->args, "--all") && arg_pos(&c->args, "VMNAME"))
		return fail_usage(c, "argument VMNAME: not allowed with argument --all");
	if (arg_has(&c->args, "--exclude") && !arg_has(&c->args, "--all") && !arg_has(&c->args, "--where"))
		return fail_usage(c, "--exclude can only be used with --all");
	for (size_t i = 0; c->format != FORMAT_TEXT && i < ARRAY_SIZE(raw); i++)
		if (arg_has(&c->args, raw_names[i]))
			return fail_usage(c, "argument %s: not allowed with argument %s", json, raw[i]);
	return STATUS_OK;
}

/* List has an error form of its own while names are looked up (tools-config 2.8). */
static int get_list(struct ctx *c, struct qubes *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	size_t len;
	int r = admin_call(&c->admin, &err, "dom0", "admin.vm.List", NULL, NULL, &body, &len);

	if (r == 0)
		r = qubes_parse(ret, body, len, &err);
	if (r == 0)
		return STATUS_OK;
	if (c->format == FORMAT_TEXT && arg_pos(&c->args, "VMNAME"))
		return fail_plain(c, "%s", err.text);
	return fail_err(c, &err, NULL, "admin.vm.List");
}

static void choose(struct selection *s, bool *chosen, size_t i)
{
	if (!chosen[i])
		s->v[s->n++] = &s->all.v[i];
	chosen[i] = true;
}

/* No names: all. Otherwise those given; a pattern may match nothing. */
static int select_names(struct ctx *c, struct selection *s)
{
	CLEANUP_STRV struct strv names = STRV_INIT, exclude = STRV_INIT;
	CLEANUP_FREE bool *chosen = xcalloc(s->all.n, sizeof *chosen);

	arg_poses(&c->args, "VMNAME", &names);
	arg_values(&c->args, "--exclude", &exclude);
	s->v = xcalloc(s->all.n, sizeof *s->v);
	for (size_t k = 0; k < names.n; k++) {
		const struct qube *q = qubes_find(&s->all, names.v[k]);

		if (glob_is_pattern(names.v[k])) {
			for (size_t i = 0; i < s->all.n; i++)
				if (glob_match(names.v[k], s->all.v[i].name))
					choose(s, chosen, i);
		} else if (q) {
			choose(s, chosen, (size_t)(q - s->all.v));
		} else {
			return no_such_qube(c, names.v[k]);
		}
	}
	for (size_t i = 0; !names.n && i < s->all.n; i++)
		if (!strv_has(&exclude, s->all.v[i].name))
			choose(s, chosen, i);
	return STATUS_OK;
}

static void choose_columns(struct ctx *c, struct columns *ret)
{
	const char *fields = arg_value(&c->args, "--fields");
	const char *format = arg_value(&c->args, "--format");

	if (arg_has(&c->args, "--raw-list") || arg_has(&c->args, "--null"))
		fields = "name";
	if (arg_has(&c->args, "--disk"))
		format = "disk";
	else if (arg_has(&c->args, "--network"))
		format = "network";
	else if (arg_has(&c->args, "--kernel"))
		format = "kernel";
	columns_parse(ret, fields && *fields ? fields : preset_fields(format ? format : "simple"));
}

static int row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->i > y->i) - (x->i < y->i);
}

/* One row per chosen qube, by name. */
static void rows_init(struct rows *rows, const struct selection *s)
{
	bool in_order = true;

	rows->v = xcalloc(s->n, sizeof *rows->v);
	rows->n = rows->cap = s->n;
	for (size_t k = 0; k < s->n; k++)
		rows->v[k].i = (size_t)(s->v[k] - s->all.v);
	for (size_t k = 1; k < s->n; k++)
		in_order = in_order && rows->v[k - 1].i < rows->v[k].i;
	if (!in_order)
		qsort(rows->v, s->n, sizeof *rows->v, row_cmp);
}

static bool any_of(const struct args *a, const char *x, const char *y, const char *z)
{
	return arg_has(a, x) || arg_has(a, y) || arg_has(a, z);
}

static void order_and_print(struct ctx *c, struct rows *rows, struct world *w, const struct columns *cols,
			    bool raw, bool tree)
{
	const char *sort = arg_value(&c->args, "--sort");
	size_t by = columns_find(cols, sort ? sort : "NAME");

	/* By name they are in order already. */
	if (tree)
		rows_tree(rows, w);
	else if (by < cols->n && any_of(&c->args, "--sort", "--reverse", "--ignore-case"))
		rows_sort(rows, cols, by, arg_has(&c->args, "--reverse"), arg_has(&c->args, "--ignore-case"));
	spinner_wipe(w);
	if (c->format != FORMAT_TEXT)
		print_json(c, rows, cols, tree);
	else if (raw)
		print_raw(c, rows, cols, arg_has(&c->args, "--null"));
	else
		print_table(c, rows, cols);
}

/* The last of the two switches counts. */
static bool spinner_wanted(const struct ctx *c, bool raw)
{
	bool on = true;

	for (size_t i = 0; i < c->args.n; i++) {
		const struct opt *o = c->args.v[i].opt;

		if (o && opt_is(o, "--no-spinner"))
			on = false;
		else if (o && opt_is(o, "--spinner"))
			on = true;
	}
	return on && !raw && c->err_tty && c->format == FORMAT_TEXT;
}

static int list(struct ctx *c, const struct selection *s, const struct columns *cols)
{
	const bool raw = any_of(&c->args, "--raw-data", "--raw-list", "--null");
	const bool tree = arg_has(&c->args, "--tree") && !raw;
	CLEANUP_WORLD struct world w;
	struct rows rows = {0};
	int status;

	world_init(&w, c, &s->all);
	w.spinner.allowed = spinner_wanted(c, raw);
	rows_init(&rows, s);
	status = rows_filter(&rows, &w);
	if (status == STATUS_OK)
		status = rows_fill(&rows, &w, cols, tree);
	if (status == STATUS_OK)
		order_and_print(c, &rows, &w, cols, raw, tree);
	rows_release(&rows, cols->n);
	return status;
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection s = {0};
	CLEANUP_COLUMNS struct columns cols = {0};
	int status;

	if (c->args.immediate) {
		if (opt_is(c->args.immediate, "--help-formats"))
			print_formats(c->out);
		else
			print_columns(c->out);
		return STATUS_OK;
	}
	status = check_options(c);
	if (status == STATUS_OK)
		status = get_list(c, &s.all);
	if (status == STATUS_OK)
		status = select_names(c, &s);
	if (status == STATUS_OK && arg_has(&c->args, "--where"))
		status = select_where(c, &s);
	if (status)
		return status;
	choose_columns(c, &cols);
	return list(c, &s, &cols);
}

const struct tool tool = {
	.name = "qvm-ls",
	.summary = "List qubes and what is known about them.",
	.flags = TOOL_JSON,
	.opts = opts,
	.pos = positionals,
	.run = run,
};
