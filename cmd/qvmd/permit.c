/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may call a service: dom0, and those whom the policy lets. */
#include "qvmd/permit.h"

#include "base/mem.h"
#include "qvmd/policy.h"

/* Somebody is asked. */
struct asking {
	permit_fn *done;
	void *data;
};

static void tell(const struct policy_answer *a, permit_fn *done, void *data)
{
	const char *user = a && a->rule ? a->rule->user : NULL;
	struct permit p;

	if (!a || a->action != POLICY_ALLOW)
		return done(data, NULL);
	p = (struct permit){ .target = a->target, .user = user ? user : "", .starts = !a->rule || a->rule->autostart };
	done(data, &p);
}

static void answered(void *data, const struct policy_answer *a)
{
	struct asking *k = data;

	tell(a, k->done, k->data);
	free(k);
}

static void ask_policy(struct sys *s, const struct policy_call *c, permit_fn *done, void *data)
{
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};
	struct asking *k;

	policy_judge(s, c, &a);
	if (a.action != POLICY_ASK)
		return tell(&a, done, data);
	k = xmalloc(sizeof *k);
	*k = (struct asking){ done, data };
	policy_ask(s, c, &a, answered, k);
}

void permit_ask(struct sys *s, const struct permit_call *c, permit_fn *done, void *data)
{
	const struct permit as_asked = { .target = c->target, .user = c->user };
	const char *plus = strchrnul(c->service, '+');
	CLEANUP_FREE char *name = xstrndup(c->service, (size_t)(plus - c->service));
	const struct policy_call call = { c->source->name, name, *plus ? plus + 1 : "", c->target };

	if (c->source == s->dom0)
		return done(data, &as_asked);
	if (!policy_is_on(s))
		return done(data, NULL);
	/* The dispatcher asks for itself. */
	if (skip_prefix(name, "admin."))
		return done(data, &as_asked);
	ask_policy(s, &call, done, data);
}
