/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-check: whether qubes exist, run, and so on, by exit status (tools-config 9). */
#include "admin/exc.h"
#include "base/mem.h"
#include "cli/each.h"
#include "cli/record.h"
#include "model/propval.h"

static const struct opt options[] = {
	{"--running", OPT_FLAG, 0, NULL, "whether the qube runs (paused qubes do)"},
	{"--paused", OPT_FLAG, 0, NULL, "whether the qube is paused"},
	{"--template", OPT_FLAG, 0, NULL, "whether the qube is a template"},
	{"--networked", OPT_FLAG, 0, NULL, "whether the qube has or provides a network"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE, NULL, "exact name of a qube"},
	POS_END,
};

enum test { RUNNING, PAUSED, TEMPLATE, NETWORKED, N_TESTS };

static const char *const words[N_TESTS] = {"running", "paused", "template", "networked"};

struct item {
	const struct qube *qube;
	bool is[N_TESTS];
	bool pass;
};

struct check {
	struct ctx *c;
	struct selection sel;
	struct item *items; /* one for each in sel, by name */
	struct strv missing;
	bool wanted[N_TESTS];
	bool any; /* at least one test is wanted */
};

static int item_cmp(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->qube->name, ((const struct item *)b)->qube->name);
}

/* Names are taken as they are, without patterns; unknown ones are no error yet. */
static int find_names(struct check *k)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int status = list_qubes(k->c, &k->sel.all);

	if (status)
		return status;
	arg_poses(&k->c->args, "VMNAME", &names);
	k->sel.v = xcalloc(names.n, sizeof *k->sel.v);
	for (size_t i = 0; i < names.n; i++) {
		const struct qube *q = qubes_find(&k->sel.all, names.v[i]);

		if (q)
			k->sel.v[k->sel.n++] = q;
		else if (!strv_has(&k->missing, names.v[i]))
			strv_add(&k->missing, names.v[i]);
	}
	return STATUS_OK;
}

static bool is_literal(const struct args *a)
{
	return arg_pos(a, "VMNAME") && !arg_has(a, "--all") && !arg_has(a, "--where") && !arg_has(a, "--exclude");
}

/* True when Get was answered with a value other than false and none; a qube that lacks it has none. */
static int property_is_set(struct ctx *c, struct call *call, const char *property, bool *ret)
{
	CLEANUP_PROPVAL struct propval p = {0};

	if (call->result < 0) {
		property_error(&call->err, property);
		if (err_is(&call->err, "QubesNoSuchPropertyError") || err_is_access(&call->err))
			return STATUS_OK;
		return fail_err(c, &call->err, call->dest, call->method);
	}
	if (propval_parse(&p, call->body, call->body_len, &call->err) < 0)
		return fail_err(c, &call->err, call->dest, call->method);
	*ret = p.type == PROP_BOOL ? streq(p.value, "True") : *p.value != '\0';
	return STATUS_OK;
}

/* Sets is[NETWORKED] of each distinct qube that is not networked yet and has the property. */
static int ask_property(struct check *k, const char *property)
{
	CLEANUP_FREE const char **names = xcalloc(k->sel.n + 1, sizeof *names);
	struct call *calls;
	size_t n = 0;
	int status = STATUS_OK;

	for (size_t i = 0; i < k->sel.n; i++)
		if (!k->items[i].is[NETWORKED] && (!n || !streq(names[n - 1], k->items[i].qube->name)))
			names[n++] = k->items[i].qube->name;
	calls = each_call(k->c, names, n, "admin.vm.property.Get", property);
	for (size_t j = 0; j < n && !status; j++) {
		bool set = false;

		status = property_is_set(k->c, &calls[j], property, &set);
		for (size_t i = 0; set && i < k->sel.n; i++)
			if (streq(k->items[i].qube->name, names[j]))
				k->items[i].is[NETWORKED] = true;
	}
	calls_free(calls, n);
	return status;
}

/* Most is in the list already; only the network costs calls. */
static int evaluate(struct check *k)
{
	int status = STATUS_OK;

	k->items = xcalloc(k->sel.n + 1, sizeof *k->items);
	for (size_t i = 0; i < k->sel.n; i++) {
		const struct qube *q = k->sel.v[i];

		k->items[i] = (struct item){
			.qube = q,
			.is = {state_is_running(q->state), streq(q->state, "Paused"), streq(q->class, "TemplateVM")},
		};
	}
	qsort(k->items, k->sel.n, sizeof *k->items, item_cmp);
	if (k->wanted[NETWORKED]) {
		status = ask_property(k, "provides_network");
		if (!status)
			status = ask_property(k, "netvm");
	}
	for (size_t i = 0; i < k->sel.n; i++) {
		k->items[i].pass = true;
		for (size_t t = 0; t < N_TESTS; t++)
			k->items[i].pass &= !k->wanted[t] || k->items[i].is[t];
	}
	return status;
}

/* The words of the tests in their fixed order, or "exists"; the caller frees it. */
static char *test_words(const struct check *k)
{
	struct buf b = BUF_INIT;

	for (size_t t = 0; t < N_TESTS; t++)
		if (k->wanted[t])
			buf_addf(&b, "%s%s", b.len ? ", " : "", words[t]);
	if (!k->any)
		buf_addstr(&b, "exists");
	return buf_steal(&b);
}

static void print_text(const struct check *k, size_t passed)
{
	CLEANUP_FREE char *text = test_words(k);

	for (size_t i = 0; i < k->sel.n; i++) {
		const char *name = k->items[i].qube->name;

		if (k->items[i].pass && (!k->any || i == 0 || !streq(name, k->items[i - 1].qube->name)))
			log_info(k->c, "qvm-check", "%s: %s", name, text);
	}
	if (k->any && !passed)
		log_info(k->c, "qvm-check", "None of qubes: %s", text);
	/* -q silences these too, unlike the Python tool. */
	for (size_t i = 0; i < k->missing.n && k->c->verbosity > 0; i++)
		log_warning(k->c, "qvm-check", "%s: non-existent!", k->missing.v[i]);
}

static void print_json(const struct check *k)
{
	const char *const keys[] = {"exists", words[RUNNING], words[PAUSED], words[TEMPLATE], words[NETWORKED]};
	size_t n = k->wanted[NETWORKED] ? 5 : 4;
	struct json *j = json_begin(k->c, JSON_KEYED);

	for (size_t i = 0; i < k->sel.n; i++) {
		const struct item *it = &k->items[i];
		const struct val vals[] = {V_BOOL(true), V_BOOL(it->is[RUNNING]), V_BOOL(it->is[PAUSED]),
					   V_BOOL(it->is[TEMPLATE]), V_BOOL(it->is[NETWORKED])};

		if (i == 0 || !streq(it->qube->name, it[-1].qube->name))
			json_record(j, it->qube->name, n, keys, vals);
	}
	for (size_t i = 0; i < k->missing.n; i++) {
		const struct val vals[] = {V_BOOL(false), V_BOOL(false), V_BOOL(false), V_BOOL(false), V_BOOL(false)};

		json_record(j, k->missing.v[i], n, keys, vals);
	}
	json_end(j);
}

static int report(const struct check *k)
{
	size_t passed = 0;

	for (size_t i = 0; i < k->sel.n; i++)
		passed += k->items[i].pass;
	if (k->c->format == FORMAT_TEXT)
		print_text(k, passed);
	else
		print_json(k);
	if (k->missing.n || (!k->any && !passed))
		return STATUS_FAILED;
	if (passed == k->sel.n)
		return STATUS_OK;
	return passed ? STATUS_PARTIAL : STATUS_FAILED;
}

static int run(struct ctx *c)
{
	struct check k = {.c = c};
	int status;

	for (size_t t = 0; t < N_TESTS; t++) {
		CLEANUP_FREE char *option = xasprintf("--%s", words[t]);

		k.wanted[t] = arg_has(&c->args, option);
		k.any |= k.wanted[t];
	}
	status = is_literal(&c->args) ? find_names(&k) : select_qubes(c, "VMNAME", &k.sel);
	if (!status)
		status = evaluate(&k);
	if (!status)
		status = report(&k);
	free(k.items);
	strv_release(&k.missing);
	selection_release(&k.sel);
	return status;
}

const struct tool tool = {
	.name = "qvm-check",
	.summary = "Check whether qubes exist, run, are paused, are templates or have a network.",
	.flags = TOOL_QUBES | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
