/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the policy (../lib/policyworld.h says how the input holds them) and calls of all qubes to all targets. What
 * was read is read the same when it is written as lines; an answer is one that can be acted on.
 */
#include <stdio.h>

#include "../lib/policyworld.h"

#define RULES_ENOUGH 200
#define SERVICES_ENOUGH 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void surprise(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

static void write_rule(struct buf *b, const struct policy_rule *r)
{
	static const char *const actions[] = {"deny", "allow", "ask"};

	buf_addf(b, "%s %s %s %s %s notify=%s", r->service, r->arg, r->source, r->target, actions[r->action],
		 r->notify ? "yes" : "no");
	if (r->action != POLICY_DENY)
		buf_addf(b, " autostart=%s", r->autostart ? "yes" : "no");
	if (r->redirect)
		buf_addf(b, " target=%s", r->redirect);
	if (r->default_target)
		buf_addf(b, " default_target=%s", r->default_target);
	if (r->user)
		buf_addf(b, " user=%s", r->user);
	buf_addch(b, '\n');
}

static void write_rules(struct buf *b, const struct policy *p)
{
	for (size_t i = 0; i < p->n; i++)
		write_rule(b, &p->v[i]);
}

static void check_again(const struct policy *p)
{
	static const struct policy_dirs dirs = {.main = "/p"};
	CLEANUP_BUF struct buf file = BUF_INIT, again = BUF_INIT;
	CLEANUP_POLICY struct policy q = {0};
	CLEANUP_ERR struct err e = ERR_INIT;
	struct texts t;
	struct policy_files from = texts_files(&t);
	const char *text;

	buf_addstr(&file, "== /p/f.policy\n");
	write_rules(&file, p);
	t = (struct texts){file.data, file.data + file.len};
	if (policy_load(&q, &dirs, &from, &e) < 0)
		surprise("what was read is not read again", e.text);
	write_rules(&again, &q);
	text = strchr(file.data, '\n') + 1;
	if (!streq(text, buf_str(&again)))
		surprise("read again it is another", text);
}

/* It is dom0, a qube that is there, or a disposable of a template that is one; and not who calls. */
static void check_target(const char *source, const char *target)
{
	const char *template = skip_prefix(target, "@dispvm:");
	struct policy_qube q;

	if (streq(source, target) || !world_find(NULL, template ? template : target, &q) ||
	    (template && !q.dispvm_template))
		surprise("allowed or offered", target);
}

static void check_choices(const struct policy *p, const struct policy_call *c, const struct policy_answer *a)
{
	if (!a->choices.n || (a->default_choice && !strv_has(&a->choices, a->default_choice)))
		surprise("a question without an answer", a->requested);
	for (size_t i = 0; i <= a->choices.n; i++) {
		CLEANUP_POLICY_ANSWER struct policy_answer again = {0};
		const char *choice = i < a->choices.n ? a->choices.v[i] : "gone";

		policy_check(p, &world, c, &again);
		policy_resolve(&world, c, &again, choice);
		if (i < a->choices.n)
			check_target(c->source, choice);
		if (again.action == POLICY_ASK || (i == a->choices.n && again.action == POLICY_ALLOW))
			surprise("a question is not decided", choice);
	}
}

static void check_call(const struct policy *p, const struct policy_call *c)
{
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};

	policy_check(p, &world, c, &a);
	if (a.action != POLICY_DENY && !a.rule)
		surprise("no rule allows it", c->target);
	if (a.action == POLICY_DENY && !a.why)
		surprise("denied for no reason", c->target);
	if (a.action == POLICY_ALLOW)
		check_target(c->source, a.target);
	if (a.action == POLICY_ASK)
		check_choices(p, c, &a);
}

static void check_calls(const struct policy *p)
{
	static const char *const targets[] = {"", "@default", "@dispvm", "@dispvm:dvm", "@dispvm:vault", "@adminvm",
					      "gone", "uuid:22222222-2222-2222-2222-222222222222"};
	struct policy_qube source, target;

	for (size_t i = 0; i < p->n && i < SERVICES_ENOUGH; i++)
		for (size_t s = 0; world_at(NULL, s, &source); s++) {
			struct policy_call c = {source.name, p->v[i].service, p->v[i].arg + 1};

			for (size_t t = 0; t < ARRAY_SIZE(targets); t++) {
				c.target = targets[t];
				check_call(p, &c);
			}
			for (size_t t = 0; world_at(NULL, t, &target); t++) {
				c.target = target.name;
				check_call(p, &c);
			}
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_dirs dirs = {"/p", "/run", "/old"};
	struct texts t = {(const char *)data, (const char *)data + size};
	struct policy_files from = texts_files(&t);
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_ERR struct err e = ERR_INIT;

	if (policy_load(&p, &dirs, &from, &e) < 0) {
		if (p.n || !strchr(e.text, ':'))
			surprise("refused, yet not empty or without a place", e.text);
		return 0;
	}
	if (p.n > RULES_ENOUGH)
		return 0;
	check_again(&p);
	check_calls(&p);
	return 0;
}
