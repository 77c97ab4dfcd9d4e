/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning a restore: names, templates and netvms, here and in the backup (backup-policy-clock 3.4). */
#include <grp.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/select.h"
#include "model/names.h"
#include "model/propval.h"
#include "qvm-backup-restore/mark.h"
#include "qvm-backup-restore/plan.h"

#define NAME_LEN 31 /* of a qube */
#define TRIES 99

struct planning {
	struct ctx *c;
	struct plan *plan;
	const struct plan_rules *rules;
	struct qubes host;
	struct pairs asked; /* "QUBE PROPERTY": what the daemon said */
};

void plan_rules_release(struct plan_rules *p)
{
	strv_release(&p->only);
	strv_release(&p->exclude);
}

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].template);
		free(p->v[i].why);
		strv_release(&p->v[i].volumes);
	}
	free(p->v);
}

struct entry *plan_find(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].qube->name, name))
			return &p->v[i];
	return NULL;
}

const char *plan_name(const struct plan *p, const char *name)
{
	const struct entry *e = plan_find(p, name);

	return e && !e->problems ? e->name : name;
}

/* ---- what is asked of this system ---- */

/* The value of a property, "" when it has none or cannot be read. qube NULL: of the system. Borrowed. */
static const char *property(struct planning *p, const char *qube, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("%s %s", qube ? qube : "", name);
	CLEANUP_PROPVAL struct propval value = {0};
	CLEANUP_FREE char *body = NULL;
	size_t len;

	if (pairs_get(&p->asked, key))
		return pairs_get(&p->asked, key);
	if (admin_call(&p->c->admin, NULL, qube ? qube : "dom0",
		       qube ? "admin.vm.property.Get" : "admin.property.Get", name, NULL, &body, &len) == 0)
		propval_parse(&value, body, len, NULL);
	pairs_add(&p->asked, key, value.value ? value.value : "");
	return pairs_get(&p->asked, key);
}

static bool host_has_true(struct planning *p, const char *qube, const char *name)
{
	return bool_word(property(p, qube, name)) == 1;
}

static bool recorded_true(const struct backup_qube *q, const char *name)
{
	const char *value = pairs_get(&q->props, name);

	return value && bool_word(value) == 1;
}

/* ---- names ---- */

static bool name_is_taken(const struct planning *p, const char *name)
{
	for (size_t i = 0; i < p->plan->n; i++)
		if (streq(p->plan->v[i].name, name) || streq(p->plan->v[i].qube->name, name))
			return true;
	return qubes_find(&p->host, name) != NULL;
}

/* NAME-1 to NAME-99, cut so that it is no longer than a name may be. NULL when all are taken. */
static char *free_name(const struct planning *p, const char *name)
{
	for (unsigned i = 1; i <= TRIES; i++) {
		CLEANUP_FREE char *try = xasprintf("%.*s-%u", i < 10 ? NAME_LEN - 2 : NAME_LEN - 3, name, i);

		if (!name_is_taken(p, try))
			return STEAL(try);
	}
	return NULL;
}

/* What an interrupted restore has left of it, under its own name or another. */
static bool resume(struct planning *p, struct entry *e)
{
	for (size_t i = 0; i < p->host.n; i++) {
		const struct qube *q = &p->host.v[i];
		bool own = streq(q->name, e->qube->name);

		if (!own && !mark_could_name(q->name, e->qube->name))
			continue;
		if (!mark_is_of(p->c, q, e, p->rules->backup_id))
			continue;
		free(e->name);
		e->name = xstrdup(q->name);
		e->resume = true;
		return true;
	}
	return false;
}

static void plan_conflict(struct planning *p, struct entry *e)
{
	char *other;

	if (p->rules->verify_only || e->problems & PROBLEM_EXCLUDED)
		return;
	if (p->rules->resume && resume(p, e))
		return;
	if (!qubes_find(&p->host, e->qube->name))
		return;
	if (p->rules->resume) {
		e->problems |= PROBLEM_DONE;
		return;
	}
	other = p->rules->rename_conflicting ? free_name(p, e->qube->name) : NULL;
	if (!other) {
		e->problems |= PROBLEM_EXISTS;
		return;
	}
	free(e->name);
	e->name = other;
}

/* ---- what a qube needs ---- */

static bool is_disposable(const struct backup_qube *q)
{
	return streq(q->class, "DispVM");
}

static bool template_is_here(struct planning *p, const struct backup_qube *q, const char *name)
{
	const struct qube *host = qubes_find(&p->host, name);

	if (!host)
		return false;
	return is_disposable(q) ? host_has_true(p, name, "template_for_dispvms") :
				  streq(host->class, "TemplateVM");
}

static bool template_is_in_backup(const struct planning *p, const struct backup_qube *q, const char *name)
{
	const struct entry *e = plan_find(p->plan, name);

	if (!e || e->problems)
		return false;
	return is_disposable(q) ? recorded_true(e->qube, "template_for_dispvms") :
				  streq(e->qube->class, "TemplateVM");
}

static void plan_template(struct planning *p, struct entry *e)
{
	const char *name = pairs_get(&e->qube->props, "template"), *other = "";

	free(e->template);
	e->template = NULL;
	if (!name || !*name)
		return;
	/* One that is made along with it comes first: it may have another name than the one here. */
	if (template_is_in_backup(p, e->qube, name) || template_is_here(p, e->qube, name)) {
		e->template = xstrdup(plan_name(p->plan, name));
		return;
	}
	if (p->rules->ignore_missing)
		other = property(p, NULL, is_disposable(e->qube) ? "default_dispvm" : "default_template");
	if (*other)
		e->template = xstrdup(other);
	else
		e->problems |= PROBLEM_TEMPLATE;
}

static void plan_netvm(struct planning *p, struct entry *e)
{
	const char *name = pairs_get(&e->qube->props, "netvm");
	const struct entry *saved;

	if (!name || !*name || e->drop_netvm)
		return;
	saved = plan_find(p->plan, name);
	if (saved && !saved->problems && recorded_true(saved->qube, "provides_network"))
		return;
	if (qubes_find(&p->host, name) && host_has_true(p, name, "provides_network"))
		return;
	if (p->rules->ignore_missing)
		e->drop_netvm = true;
	else
		e->problems |= PROBLEM_NETVM;
}

/* dom0's home goes to the user who has it here. */
static void plan_home(const struct planning *p, struct entry *e)
{
	const struct group *g = getgrnam("qubes");
	const char *slash = e->qube->path ? strrchr(e->qube->path, '/') : NULL;
	const char *user = slash ? slash + 1 : "";

	if (p->rules->verify_only || p->rules->ignore_username || !g || !g->gr_mem[0])
		return;
	if (!streq(user, g->gr_mem[0]))
		e->problems |= PROBLEM_USER;
}

/* A qube that is left out may be what another one needs: until nothing changes. Problems only get more. */
static void plan_needs(struct planning *p)
{
	bool changed = !p->rules->verify_only;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < p->plan->n; i++) {
			struct entry *e = &p->plan->v[i];
			unsigned before = e->problems;

			if (e->is_home || before)
				continue;
			plan_template(p, e);
			plan_netvm(p, e);
			changed = changed || e->problems != before;
		}
	}
}

/* ---- the plan ---- */

static bool is_excluded(const struct plan_rules *rules, const struct backup_qube *q)
{
	return (rules->only.n && !strv_has(&rules->only, q->name)) || strv_has(&rules->exclude, q->name);
}

static void add_entry(struct plan *plan, const struct backup_qube *q, const struct plan_rules *rules)
{
	struct entry *e = &plan->v[plan->n++];

	e->qube = q;
	e->name = xstrdup(q->name);
	e->is_home = streq(q->class, "AdminVM");
	if (is_excluded(rules, q) || (e->is_home && rules->skip_dom0_home))
		e->problems = PROBLEM_EXCLUDED;
}

static void add_entries(struct plan *plan, const struct backup_qubes *all, const struct plan_rules *rules)
{
	plan->v = xcalloc(all->n + 1, sizeof *plan->v);
	for (int home = 0; home < 2; home++)
		for (size_t i = 0; i < all->n; i++)
			if (all->v[i].included && streq(all->v[i].class, "AdminVM") == home)
				add_entry(plan, &all->v[i], rules);
}

/* Names that the backup has not: a wrong word must not mean fewer qubes in silence. */
static int check_names(struct ctx *c, const struct plan *plan, const struct plan_rules *rules)
{
	for (size_t i = 0; i < rules->only.n; i++)
		if (!plan_find(plan, rules->only.v[i]))
			return fail(c, "'%s' is not in the backup", rules->only.v[i]);
	for (size_t i = 0; i < rules->exclude.n; i++)
		if (!plan_find(plan, rules->exclude.v[i]))
			log_warning(c, "app", "'%s' is not in the backup", rules->exclude.v[i]);
	return STATUS_OK;
}

int plan_make(struct ctx *c, struct plan *ret, const struct backup_qubes *all, const struct plan_rules *rules)
{
	struct planning p = { .c = c, .plan = ret, .rules = rules };
	int status;

	add_entries(ret, all, rules);
	status = check_names(c, ret, rules);
	if (status == STATUS_OK && !rules->verify_only)
		status = list_qubes(c, &p.host);
	for (size_t i = 0; status == STATUS_OK && i < ret->n; i++) {
		if (ret->v[i].is_home)
			plan_home(&p, &ret->v[i]);
		else
			plan_conflict(&p, &ret->v[i]);
	}
	if (status == STATUS_OK)
		plan_needs(&p);
	qubes_release(&p.host);
	pairs_release(&p.asked);
	return status;
}
