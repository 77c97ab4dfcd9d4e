/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which qubes a command is about. */
#include "cli/select.h"

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "model/glob.h"
#include "model/names.h"

void selection_release(struct selection *s)
{
	free(s->name);
	free(s->v);
	qubes_release(&s->all);
	*s = (struct selection){0};
}

int list_qubes(struct ctx *c, struct qubes *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	size_t len;

	if (admin_call(&c->admin, &err, "dom0", "admin.vm.List", NULL, NULL, &body, &len) < 0 ||
	    qubes_parse(ret, body, len, &err) < 0)
		return fail_err(c, &err, "dom0", "admin.vm.List");
	return STATUS_OK;
}

int no_such_qube(struct ctx *c, const char *name)
{
	CLEANUP_FREE char *quoted = quote_py(name);

	return fail_usage(c, "no such domain: %s", quoted);
}

static void choose(struct selection *s, const struct qube *q)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == q)
			return;
	s->v = xreallocarray(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n++] = q;
}

static void choose_all(struct ctx *c, struct selection *s)
{
	CLEANUP_STRV struct strv exclude = STRV_INIT;

	arg_values(&c->args, "--exclude", &exclude);
	s->v = xreallocarray(s->v, s->all.n, sizeof *s->v);
	for (size_t i = 0; i < s->all.n; i++)
		if (!streq(s->all.v[i].class, "AdminVM") && !strv_has(&exclude, s->all.v[i].name))
			s->v[s->n++] = &s->all.v[i];
}

/* Names in the order given, patterns expanded in name order, nothing twice (tools-config 1.3). */
static int choose_names(struct ctx *c, struct selection *s, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];

		if (glob_is_pattern(name)) {
			for (size_t k = 0; k < s->all.n; k++)
				if (glob_match(name, s->all.v[k].name))
					choose(s, &s->all.v[k]);
			continue;
		}

		const struct qube *q = qubes_find(&s->all, name);

		if (!q)
			return no_such_qube(c, name);
		choose(s, q);
	}
	return STATUS_OK;
}

int select_qubes(struct ctx *c, const char *pos, struct selection *ret)
{
	const struct args *a = &c->args;
	bool all = arg_has(a, "--all"), where = arg_has(a, "--where");
	CLEANUP_STRV struct strv names = STRV_INIT;
	int status;

	*ret = (struct selection){0};
	arg_poses(a, pos, &names);
	if (names.n && (all || where))
		return fail_usage(c, "argument %s: not allowed with argument %s", pos, all ? "--all" : "--where");
	if (!names.n && !all && !where)
		return fail_usage(c, "one of the arguments --all %s is required", pos);
	if (!all && !where && arg_has(a, "--exclude"))
		return fail_usage(c, "--exclude can only be used with --all");
	status = list_qubes(c, &ret->all);
	if (status)
		return status;
	if (names.n)
		return choose_names(c, ret, &names);
	choose_all(c, ret);
	return where ? select_where(c, ret) : STATUS_OK;
}

/* A plain name costs no call: whether it exists, the reply will tell. */
static int choose_plain(struct ctx *c, struct selection *s, const char *name)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	bool printable = true;

	for (const char *p = name; *p; p++)
		printable &= *p > ' ' && *p <= '~';
	if (!printable) {
		CLEANUP_FREE char *quoted = quote_py(name);

		return fail(c, "invalid character in %s", quoted);
	}
	if (name_check_qube(name, &err) < 0)
		return no_such_qube(c, name);
	s->name = xstrdup(name);
	s->named = (struct qube){s->name, "", "", ""};
	choose(s, &s->named);
	return STATUS_OK;
}

int select_one(struct ctx *c, const struct qubes *all, const char *name, const struct qube **ret)
{
	size_t n = 0;

	if (!glob_is_pattern(name)) {
		*ret = qubes_find(all, name);
		return *ret ? STATUS_OK : no_such_qube(c, name);
	}
	for (size_t i = 0; i < all->n; i++)
		if (glob_match(name, all->v[i].name)) {
			*ret = &all->v[i];
			n++;
		}
	if (n > 1) {
		CLEANUP_FREE char *quoted = quote_py(name);

		return fail_usage(c, "%s matches more than one domain", quoted);
	}
	return n ? STATUS_OK : no_such_qube(c, name);
}

/* The one qube of the list that a name or a pattern stands for. */
static int choose_listed(struct ctx *c, struct selection *s, const char *name)
{
	const struct qube *q = NULL;
	int status = list_qubes(c, &s->all);

	if (status == STATUS_OK)
		status = select_one(c, &s->all, name, &q);
	if (status == STATUS_OK)
		choose(s, q);
	return status;
}

int select_qube(struct ctx *c, const char *pos, struct selection *ret)
{
	const struct args *a = &c->args;
	bool all = arg_has(a, "--all"), where = arg_has(a, "--where");
	int status;

	*ret = (struct selection){0};
	if (all || where) {
		ret->many = true;
		status = list_qubes(c, &ret->all);
		if (status)
			return status;
		choose_all(c, ret);
		return where ? select_where(c, ret) : STATUS_OK;
	}
	if (arg_has(a, "--exclude"))
		return fail_usage(c, "--exclude can only be used with --all");

	const char *name = arg_pos(a, pos);

	return glob_is_pattern(name) ? choose_listed(c, ret, name) : choose_plain(c, ret, name);
}

int select_listed(struct ctx *c, const char *pos, struct selection *ret)
{
	*ret = (struct selection){0};
	return choose_listed(c, ret, arg_pos(&c->args, pos));
}

bool qube_is_missing(const struct err *e, const char *qube)
{
	CLEANUP_FREE char *quoted = quote_py(qube);

	return err_is(e, "QubesVMNotFoundError") && strstr(e->text, quoted);
}

bool qube_is_gone(struct ctx *c, const struct err *e, const char *qube)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_FREE char *body = NULL;
	size_t len;

	if (qube_is_missing(e, qube))
		return true;
	if (!streq(e->type, EXC_ACCESS) && !streq(e->type, EXC_PROPERTY_ACCESS))
		return false;
	if (admin_call(&c->admin, NULL, "dom0", "admin.vm.List", NULL, NULL, &body, &len) < 0 ||
	    qubes_parse(&all, body, len, NULL) < 0)
		return false;
	return !qubes_find(&all, qube);
}

int qube_error(struct ctx *c, const struct err *e, const char *qube, const char *method)
{
	return qube_is_gone(c, e, qube) ? no_such_qube(c, qube) : fail_err(c, e, qube, method);
}
