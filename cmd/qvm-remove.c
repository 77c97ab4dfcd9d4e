/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-remove: removes qubes with all their data (tools-config 12). */
#include "admin/exc.h"
#include "base/mem.h"
#include "cli/each.h"
#include "model/propval.h"

static const struct opt options[] = {
	{"--force/-f", OPT_FLAG, 0, NULL, "do not ask"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ANY, COMP_QUBE_NODOM0, NULL, "name of a qube, or a pattern"},
	POS_END,
};

static const char *const global_users[] = {
	"default_dispvm", "default_netvm", "default_guivm", "default_audiovm",
	"default_template", "clockvm", "updatevm", "management_dispvm",
};
static const char *const qube_users[] = {
	"template", "netvm", "guivm", "audiovm", "default_dispvm", "management_dispvm",
};

/* Anything but one of the answers is a refusal, the end of input too. */
static bool confirmed(struct ctx *c, const char *prompt, const char *yes, const char *also)
{
	CLEANUP_FREE char *answer = NULL;

	return ask(c, prompt, &answer) && (streq(answer, yes) || streq(answer, also));
}

/* Without --exclude of a qube that exists, --all means every qube there is. */
static bool is_everything(struct ctx *c, const struct selection *sel)
{
	CLEANUP_STRV struct strv exclude = STRV_INIT;

	if (!arg_has(&c->args, "--all"))
		return false;
	arg_values(&c->args, "--exclude", &exclude);
	for (size_t i = 0; i < exclude.n; i++)
		if (qubes_find(&sel->all, exclude.v[i]))
			return false;
	return true;
}

static bool may_remove(struct ctx *c, const struct selection *sel)
{
	if (arg_has(&c->args, "--force"))
		return true;
	if (is_everything(c, sel)) {
		say(c, "WARNING!!! Removing all domains may leave your system in an unrecoverable state!");
		if (!confirmed(c, "Are you certain? [N/IKNOWWHATIAMDOING]", "IKNOWWHATIAMDOING", "IKNOWWHATIAMDOING"))
			return false;
	}
	say(c, "This will completely remove the selected VM(s)...");
	for (size_t i = 0; i < sel->n; i++) {
		fputs("  ", c->out);
		put_text(c, sel->v[i]->name, strlen(sel->v[i]->name));
		fputc('\n', c->out);
	}
	return confirmed(c, "Are you sure? [y/N] ", "y", "Y");
}

static const char *explicit_value(const struct props *props, const char *name)
{
	const struct propval *p = props_find(props, name);

	return p && !p->is_default ? p->value : "";
}

/* The queue of preloaded disposables goes away with its template. */
static bool is_counted(const struct props *props, const char *property, const char *victim)
{
	const struct propval *preload = props_find(props, "is_preload");
	const struct propval *template = props_find(props, "template");

	if (!preload || !streq(preload->value, "True"))
		return true;
	if (streq(property, "template"))
		return false;
	return !streq(property, "default_dispvm") || !template || !streq(template->value, victim);
}

/* Lines about every property that names the victim; what cannot be read is skipped. */
static void find_users(struct call *calls, size_t n, const char *victim, struct strv *lines)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_PROPS struct props props = {0};
		bool global = i == 0;
		const char *const *names = global ? global_users : qube_users;
		size_t count = global ? ARRAY_SIZE(global_users) : ARRAY_SIZE(qube_users);

		if (calls[i].result < 0 || props_parse(&props, calls[i].body, calls[i].body_len, NULL) < 0)
			continue;
		for (size_t k = 0; k < count; k++) {
			const struct propval *p = props_find(&props, names[k]);

			if (global && p && streq(p->value, victim))
				strv_addf(lines, " - global property %s", names[k]);
			else if (!global && streq(explicit_value(&props, names[k]), victim) &&
				 is_counted(&props, names[k], victim))
				strv_addf(lines, " - %s for %s", names[k], calls[i].dest);
		}
	}
}

static void print_users(struct ctx *c, const struct selection *sel, const char *victim)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	struct call *calls = xcalloc(sel->all.n + 1, sizeof *calls);
	size_t n = 0;

	calls[n++] = (struct call){.dest = "dom0", .method = "admin.property.GetAll"};
	for (size_t i = 0; i < sel->all.n; i++)
		if (!streq(sel->all.v[i].name, victim))
			calls[n++] = (struct call){.dest = sel->all.v[i].name, .method = "admin.vm.property.GetAll"};
	admin_run(&c->admin, calls, n);
	find_users(calls, n, victim, &lines);
	if (lines.n)
		say(c, "VM %s cannot be removed. It is in use as:", victim);
	for (size_t i = 0; i < lines.n; i++)
		say(c, "%s", lines.v[i]);
	calls_free(calls, n);
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection sel = {0};
	int status = select_qubes(c, "VMNAME", &sel);

	if (status)
		return status;
	for (size_t i = 0; i < sel.n; i++) {
		if (streq(sel.v[i]->name, "dom0")) {
			say(c, "Domain 'dom0' cannot be removed.");
			return STATUS_FAILED;
		}
	}
	if (sel.n == 0)
		return STATUS_OK;
	if (!may_remove(c, &sel)) {
		say(c, "Remove cancelled.");
		return STATUS_FAILED;
	}
	for (size_t i = 0; i < sel.n; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		const char *name = sel.v[i]->name;

		if (admin_call(&c->admin, &err, name, "admin.vm.Remove", NULL, NULL, NULL, NULL) == 0)
			continue;
		if (err_is(&err, "QubesVMInUseError"))
			print_users(c, &sel, name);
		return fail_err(c, &err, name, "admin.vm.Remove");
	}
	return STATUS_OK;
}

const struct tool tool = {
	.name = "qvm-remove",
	.summary = "Remove qubes and all their data.",
	.flags = TOOL_QUBES,
	.opts = options,
	.pos = positionals,
	.run = run,
};
