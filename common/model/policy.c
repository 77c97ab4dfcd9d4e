/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy says about a call (backup-policy-clock 6.4). */
#include "model/policy.h"

#include "base/mem.h"
#include "model/policy-parts.h"

void policy_answer_release(struct policy_answer *a)
{
	free(a->requested);
	free(a->target);
	strv_release(&a->choices);
	free(a->default_choice);
	free(a->why);
	*a = (struct policy_answer){0};
}

/* ---- tokens and qubes ---- */

static bool is_dispvm(const char *target)
{
	return streq(target, "@dispvm") || skip_prefix(target, POLICY_DISPVM);
}

/* A name or "uuid:..." in a rule stands for this qube. */
static bool is_named(const char *token, const struct policy_qube *q)
{
	const char *uuid = skip_prefix(token, "uuid:");

	return uuid ? q->uuid && streq(uuid, q->uuid) : streq(token, q->name);
}

static bool has_tag(const struct policy_qube *q, const char *tag)
{
	return q->tags && strv_has(q->tags, tag);
}

/* A token that can stand for a qube, and what it says of this one. */
static bool qube_matches(const char *token, const struct policy_qube *q)
{
	bool is_admin = streq(q->name, "dom0");
	const char *rest;

	if (streq(token, "*"))
		return true;
	if (streq(token, "@anyvm"))
		return !is_admin;
	if (streq(token, "@adminvm"))
		return is_admin;
	if ((rest = skip_prefix(token, POLICY_TAG)))
		return has_tag(q, rest);
	if ((rest = skip_prefix(token, POLICY_TYPE)))
		return streq(rest, q->class);
	return *token != '@' && is_named(token, q);
}

/* "@dispvm" of a caller is a disposable of its default template: that one's name, or NULL. */
static const char *template_of(const struct policy_qube *source, const char *target)
{
	return streq(target, "@dispvm") ? source->default_dispvm : policy_dispvm_of(target);
}

static bool dispvm_matches(const struct policy_world *w, const char *token, const struct policy_qube *source,
			   const char *target)
{
	const char *template = template_of(source, target), *tag = skip_prefix(token, POLICY_DISPVM_TAG);
	struct policy_qube q;

	if (streq(token, "@dispvm"))
		return streq(target, "@dispvm");
	if (!template || !w->find(w->data, template, &q))
		return false;
	if (tag)
		return has_tag(&q, tag);
	return policy_dispvm_of(token) && is_named(policy_dispvm_of(token), &q);
}

static bool target_matches(const struct policy_world *w, const char *token, const struct policy_qube *source,
			   const char *target)
{
	struct policy_qube q;

	if (streq(token, "*") || (streq(token, "@anyvm") && *target == '@'))
		return true;
	if (streq(target, "@default"))
		return streq(token, "@default");
	if (is_dispvm(target))
		return dispvm_matches(w, token, source, target);
	return w->find(w->data, target, &q) && qube_matches(token, &q);
}

/* Everything but the target. */
static bool call_matches(const struct policy_rule *r, const struct policy_call *c, const struct policy_qube *source)
{
	return (streq(r->service, "*") || streq(r->service, c->service)) &&
	       (streq(r->arg, "*") || streq(r->arg + 1, c->arg)) && qube_matches(r->source, source);
}

/* ---- answers ---- */

static void deny(struct policy_answer *a, char *why)
{
	a->action = POLICY_DENY;
	free(a->why);
	a->why = why;
}

static void deny_by(struct policy_answer *a, const char *what)
{
	deny(a, xasprintf("%s %s:%u", what, a->rule->file, a->rule->line));
}

static bool is_template(const struct policy_world *w, const char *name)
{
	struct policy_qube q;

	return w->find(w->data, name, &q) && q.dispvm_template;
}

/*
 * A target as qubes are named: dom0, a qube, or "@dispvm:" and a template that is one. NULL: there is no such. The
 * caller frees.
 */
static char *settle(const struct policy_world *w, const struct policy_qube *source, const char *target)
{
	struct policy_qube q;

	if (streq(target, "@adminvm"))
		target = "dom0";
	if (is_dispvm(target)) {
		const char *template = template_of(source, target);

		return template && is_template(w, template) ? xasprintf(POLICY_DISPVM "%s", template) : NULL;
	}
	return *target != '@' && w->find(w->data, target, &q) ? xstrdup(q.name) : NULL;
}

/* The target is decided: is it one that may be called? */
static void allow(const struct policy_world *w, const struct policy_qube *source, const char *target,
		  struct policy_answer *a)
{
	struct policy_qube q;

	if (streq(target, "@default"))
		return deny_by(a, "no target is named by the caller or by the policy at");
	a->target = settle(w, source, target);
	if (!a->target)
		return deny(a, xasprintf("there is no target '%s', which the policy allows at %s:%u", target,
					 a->rule->file, a->rule->line));
	if (streq(a->target, source->name))
		return deny(a, xstrdup("loopback qrexec connection not supported"));
	if (!a->rule->autostart && !streq(a->target, "dom0") &&
	    !(w->find(w->data, a->target, &q) && q.running))
		return deny_by(a, "the target does not run and may not be started, by policy");
	a->action = POLICY_ALLOW;
}

/* ---- choices of ask ---- */

struct choosing {
	const struct policy_world *w;
	const struct policy_qube *source;
	struct strv *choices; /* sorted */
};

static void choose(struct choosing *g, const char *target, bool add)
{
	CLEANUP_FREE char *name = settle(g->w, g->source, target);
	struct policy_qube q;

	if (!name || streq(name, g->source->name))
		return;
	if (g->w->find(g->w->data, name, &q) && q.internal)
		return;
	if (add) {
		strv_insert(g->choices, name);
		return;
	}
	for (size_t i = 0; i < g->choices->n; i++)
		if (streq(g->choices->v[i], name)) {
			strv_remove(g->choices, i);
			return;
		}
}

/* All that a token of a rule stands for. */
static void choose_token(struct choosing *g, const char *token, bool add)
{
	bool any = streq(token, "*") || streq(token, "@anyvm");
	const char *tag = skip_prefix(token, POLICY_DISPVM_TAG);
	struct policy_qube q;

	if (streq(token, "@default"))
		return;
	if (any)
		choose(g, "@dispvm", add);
	if (is_dispvm(token) && !tag) {
		choose(g, token, add);
		return;
	}
	for (size_t i = 0; g->w->at(g->w->data, i, &q); i++) {
		CLEANUP_FREE char *dispvm = xasprintf(POLICY_DISPVM "%s", q.name);

		if (q.dispvm_template && (any || (tag && has_tag(&q, tag))))
			choose(g, dispvm, add);
		if (!tag && qube_matches(token, &q))
			choose(g, q.name, add);
	}
}

/* From the last rule to the first: what stands in front decides. */
static void collect(const struct policy *p, const struct policy_call *c, struct choosing *g)
{
	for (size_t i = p->n; i-- > 0;) {
		const struct policy_rule *r = &p->v[i];

		if (!call_matches(r, c, g->source))
			continue;
		choose_token(g, r->redirect && r->action != POLICY_DENY ? r->redirect : r->target,
			     r->action != POLICY_DENY);
	}
}

static void ask(const struct policy *p, const struct policy_world *w, const struct policy_call *c,
		const struct policy_qube *source, struct policy_answer *a)
{
	struct choosing g = {w, source, &a->choices};
	char *preset;

	if (a->rule->redirect)
		choose(&g, a->rule->redirect, true);
	else
		collect(p, c, &g);
	if (!a->choices.n)
		return deny_by(a, "nobody could be asked for a target: there is none by policy");
	a->action = POLICY_ASK;
	preset = a->rule->default_target ? settle(w, source, a->rule->default_target) : NULL;
	if (preset && strv_has(&a->choices, preset))
		a->default_choice = STEAL(preset);
	free(preset);
}

/* ---- the call ---- */

/* What the caller asks for, with @default for a qube that is not there. NULL: it is a disposable that cannot be. */
static char *understand(const struct policy_world *w, const char *target)
{
	const char *template = policy_dispvm_of(target);
	struct policy_qube q;

	if (streq(target, "@adminvm"))
		return xstrdup("dom0");
	if (streq(target, "@dispvm"))
		return xstrdup(target);
	if (template)
		return is_template(w, template) ? xstrdup(target) : NULL;
	return xstrdup(*target != '@' && w->find(w->data, target, &q) ? q.name : "@default");
}

void policy_check(const struct policy *p, const struct policy_world *w, const struct policy_call *c,
		  struct policy_answer *ret)
{
	struct policy_qube source;

	*ret = (struct policy_answer){.action = POLICY_DENY};
	if (!w->find(w->data, c->source, &source))
		return deny(ret, xasprintf("there is no qube '%s'", c->source));
	ret->requested = understand(w, c->target);
	if (!ret->requested)
		return deny(ret, xasprintf("no disposable can be made for '%s'", c->target));
	for (size_t i = 0; i < p->n && !ret->rule; i++)
		if (call_matches(&p->v[i], c, &source) &&
		    target_matches(w, p->v[i].target, &source, ret->requested))
			ret->rule = &p->v[i];
	if (!ret->rule)
		return deny(ret, xstrdup("no matching rule found"));
	switch (ret->rule->action) {
	case POLICY_DENY:
		return deny_by(ret, "denied by policy");
	case POLICY_ALLOW:
		return allow(w, &source, ret->rule->redirect ? ret->rule->redirect : ret->requested, ret);
	case POLICY_ASK:
		return ask(p, w, c, &source, ret);
	}
}

void policy_resolve(const struct policy_world *w, const struct policy_call *c, struct policy_answer *a,
		    const char *target)
{
	struct policy_qube source;

	if (a->action != POLICY_ASK)
		return;
	if (!target)
		return deny(a, xstrdup("denied by the user"));
	if (!strv_has(&a->choices, target) || !w->find(w->data, c->source, &source))
		return deny(a, xasprintf("'%s' was not among the targets to choose from", target));
	allow(w, &source, target, a);
}
