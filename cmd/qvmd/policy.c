/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy of --policy-dir, kept as its files are, and asked about calls of qubes. */
#include "qvmd/policy.h"

#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/create.h"
#include "qvmd/policy_agent.h"
#include "qvmd/server.h"

/* A file that was changed so shortly before it was read may be changed again without a trace. */
#define SETTLED_NS 100000000ll
/* No oftener than this are the files looked at. */
#define LOOK_NS 1000000

struct policy_state {
	struct policy policy;
	struct buf signature; /* of all files and directories when they were read; empty: read again */
	uint64_t looked;      /* when the files were looked at; 0: never */
	char *broken;         /* why there is no policy; NULL: there is one */
};

/* ---- files ---- */

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What tells whether a file was changed; ret_latest: when the last of them was. */
static void sign(const struct strv *files, struct buf *ret, int64_t *ret_latest)
{
	*ret_latest = 0;
	for (size_t i = 0; i < files->n; i++) {
		struct stat st = {0};

		if (stat(files->v[i], &st) == 0 && ns_of(st.st_ctim) > *ret_latest)
			*ret_latest = ns_of(st.st_ctim);
		buf_addf(ret, "%ju %ju %jd %jd %jd\n", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
			 (intmax_t)st.st_size, (intmax_t)ns_of(st.st_mtim), (intmax_t)ns_of(st.st_ctim));
	}
}

static int load(struct sys *s, struct err *err)
{
	const struct policy_dirs dirs = {.main = s->opt.policy_dir};
	struct policy_state *p = s->policy;
	struct timespec now;
	int64_t latest;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	policy_release(&p->policy);
	free(STEAL(p->broken));
	buf_reset(&p->signature);
	r = policy_load(&p->policy, &dirs, &policy_disk, err);
	if (r < 0)
		p->broken = xstrdup(err->text);
	sign(&p->policy.files, &p->signature, &latest);
	if (latest > ns_of(now) - SETTLED_NS)
		buf_reset(&p->signature);
	return r;
}

/* The policy as it is now. */
static struct policy_state *current(struct sys *s)
{
	struct policy_state *p = s->policy;
	CLEANUP_BUF struct buf now = BUF_INIT;
	CLEANUP_ERR struct err e = ERR_INIT;
	int64_t latest;

	/* Lists and events ask thousands of times in a turn. */
	if (now_ns() - p->looked < LOOK_NS)
		return p;
	p->looked = now_ns();
	sign(&p->policy.files, &now, &latest);
	if (p->signature.len && streq(buf_str(&now), buf_str(&p->signature)))
		return p;
	if (load(s, &e) < 0)
		log_line(s, "there is no policy: %s", e.text);
	return p;
}

int policy_open(struct sys *s, struct err *err)
{
	if (!s->opt.policy_dir)
		return 0;
	s->policy = xcalloc(1, sizeof *s->policy);
	return load(s, err);
}

void policy_close(struct sys *s)
{
	struct policy_state *p = s->policy;

	if (!p)
		return;
	policy_release(&p->policy);
	buf_release(&p->signature);
	free(p->broken);
	free(p);
	s->policy = NULL;
}

bool policy_is_on(const struct sys *s)
{
	return s->policy;
}

/* ---- qubes ---- */

static void describe(struct vm *v, struct policy_qube *ret)
{
	const struct vm *dispvm = vm_has_prop(v, "default_dispvm") ? prop_get_vm(v, "default_dispvm") : NULL;
	const char *internal = feature_get(v, "internal");

	*ret = (struct policy_qube){
		.name = v->name,
		.uuid = v->uuid,
		.class = class_names[v->class],
		.tags = &v->tags,
		.default_dispvm = dispvm ? dispvm->name : NULL,
		.dispvm_template = is_dispvm_template(v),
		.running = v->power == POWER_RUNNING,
		.internal = internal && *internal,
	};
}

static bool world_at(void *data, size_t i, struct policy_qube *ret)
{
	struct sys *s = data;

	if (i >= s->n_vms)
		return false;
	describe(s->vms[i], ret);
	return true;
}

static bool world_find(void *data, const char *name, struct policy_qube *ret)
{
	const char *uuid = skip_prefix(name, "uuid:");
	struct vm *v = uuid ? vm_find_uuid(data, uuid) : vm_find(data, name);

	if (v)
		describe(v, ret);
	return v;
}

static struct policy_world world_of(struct sys *s)
{
	return (struct policy_world){s, world_at, world_find};
}

/* ---- calls ---- */

static void check(struct sys *s, const struct policy_call *c, struct policy_answer *ret)
{
	const struct policy_state *p = s->policy ? current(s) : NULL;
	const struct policy_world world = world_of(s);

	*ret = (struct policy_answer){.action = POLICY_DENY};
	if (p && !p->broken)
		policy_check(&p->policy, &world, c, ret);
	else
		ret->why = xasprintf("there is no policy%s%s", p ? ": " : "", p ? p->broken : "");
}

static void forbid(struct policy_answer *a, const char *why)
{
	a->action = POLICY_DENY;
	free(a->why);
	a->why = xstrdup(why);
}

/* The decision is made: who wants to know of it? A call that no rule is for counts as one that a rule denies. */
static void announce(struct sys *s, const struct policy_call *c, const struct policy_answer *a)
{
	if (a->action == POLICY_DENY)
		log_line(s, "policy: %s may not call %s+%s of %s: %s", c->source, c->service, c->arg, c->target,
			 a->why);
	if (!a->rule || a->rule->notify)
		policy_agent_notify(s, c, a);
}

void policy_judge(struct sys *s, const struct policy_call *c, struct policy_answer *ret)
{
	const char *refusal;

	check(s, c, ret);
	refusal = ret->action == POLICY_ASK ? policy_agent_refuses(s, c->source) : NULL;
	if (refusal)
		forbid(ret, refusal);
	if (ret->action != POLICY_ASK)
		announce(s, c, ret);
}

bool policy_is_admin(const struct policy_answer *a)
{
	return a->action == POLICY_ALLOW && streq(a->target, "dom0");
}

bool policy_lets(struct sys *s, const struct vm *source, const char *service, const char *arg, const struct vm *about)
{
	const struct policy_call c = {source->name, service, arg, about ? about->name : "dom0"};
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};

	check(s, &c, &a);
	return policy_is_admin(&a);
}

/* ---- asking ---- */

struct question {
	struct sys *sys;
	char *source, *service, *arg, *target;
	char uuid[37]; /* of the source: a name may be given again */
	void (*done)(void *data, const struct policy_answer *a);
	void *data;
};

static void question_free(struct question *q)
{
	free(q->source);
	free(q->service);
	free(q->arg);
	free(q->target);
	free(q);
}

/* The policy and the qubes may be others than when the question was put. */
static void on_choice(void *data, const char *choice, bool ended)
{
	struct question *q = data;
	const struct policy_call c = {q->source, q->service, q->arg, q->target};
	const struct policy_world world = world_of(q->sys);
	const struct vm *source = vm_find(q->sys, q->source);
	CLEANUP_POLICY_ANSWER struct policy_answer a = {0};

	if (ended) {
		q->done(q->data, NULL);
		question_free(q);
		return;
	}
	check(q->sys, &c, &a);
	if (!source || !streq(source->uuid, q->uuid))
		forbid(&a, "the source has gone");
	policy_resolve(&world, &c, &a, choice);
	announce(q->sys, &c, &a);
	q->done(q->data, &a);
	question_free(q);
}

void policy_ask(struct sys *s, const struct policy_call *c, const struct policy_answer *a,
		void (*done)(void *data, const struct policy_answer *a), void *data)
{
	struct question *q = xcalloc(1, sizeof *q);
	const struct vm *source = vm_find(s, c->source);

	*q = (struct question){
		.sys = s, .source = xstrdup(c->source), .service = xstrdup(c->service), .arg = xstrdup(c->arg),
		.target = xstrdup(c->target), .done = done, .data = data,
	};
	memcpy(q->uuid, source->uuid, sizeof q->uuid);
	policy_agent_ask(s, c, a, on_choice, q);
}
