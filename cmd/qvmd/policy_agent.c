/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program of --policy-agent, run as "PROGRAM policy.Ask" and "PROGRAM policy.Notify" with JSON on its stdin. To a
 * question it answers "allow:TARGET" or "deny"; anything else is deny.
 */
#include "qvmd/policy_agent.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"
#include "qvmd/job.h"
#include "qvmd/server.h"

#define ANSWER_MAX 4096
#define PATIENCE_NS (300 * 1000000000ull)
/* A job has a thread, and others need theirs: whatever qubes do, so many are the most. */
#define QUESTIONS_MAX 8
#define NOTES_MAX 8

struct talk {
	struct job job;
	struct talk *next; /* in sys.talks */
	const char *service;
	char *program, *source, *text;
	int other;   /* what job.wake is connected to */
	char *choice; /* what was answered; NULL: deny */
	void (*done)(void *data, const char *choice, bool ended); /* of a question */
	void *data;
};

/* ---- what is under way ---- */

static size_t count(const struct sys *s, const char *service, const char *source)
{
	size_t n = 0;

	for (const struct talk *t = s->talks; t; t = t->next)
		n += streq(t->service, service) && (!source || streq(t->source, source));
	return n;
}

const char *policy_agent_refuses(struct sys *s, const char *source)
{
	if (!s->opt.policy_agent)
		return "there is nobody to ask";
	if (count(s, "policy.Ask", source))
		return "a question of this qube waits for its answer";
	return count(s, "policy.Ask", NULL) >= QUESTIONS_MAX ? "too many questions wait for their answers" : NULL;
}

/* ---- in the thread ---- */

/* Writes what goes of the text; closes at its end, or when nobody reads it. */
static void push(const struct talk *t, struct child *c, size_t *sent)
{
	ssize_t n = write(c->in, t->text + *sent, strlen(t->text) - *sent);

	if (n > 0)
		*sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || !t->text[*sent])
		closep(&c->in);
}

/* Takes what is there. 1: more may come, 0: the end. */
static int pull(int fd, struct buf *answer)
{
	char *to = buf_reserve(answer, 512);
	ssize_t n = read(fd, to, 512);

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	answer->len += (size_t)n;
	answer->data[answer->len] = '\0';
	return answer->len > ANSWER_MAX ? -EFBIG : n > 0;
}

static int converse(struct talk *t, struct child *c, struct buf *answer)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	size_t sent = 0;
	int r = 1;

	set_nonblock(c->in, true);
	while (r > 0) {
		struct pollfd p[] = {{c->out, POLLIN, 0}, {t->job.wake, POLLIN, 0}, {c->in, POLLOUT, 0}};
		uint64_t now = now_ns();

		if (now >= end)
			return -ETIMEDOUT;
		if (poll(p, ARRAY_SIZE(p), (int)((end - now) / 1000000) + 1) < 0)
			continue;
		if (atomic_load(&t->job.cancelled))
			return -ECANCELED;
		if (p[2].revents)
			push(t, c, &sent);
		if (p[0].revents)
			r = pull(c->out, answer);
	}
	return r;
}

/* "allow:TARGET", a newline behind it or not. */
static char *choice_of(const struct buf *answer)
{
	const char *target = answer->len == strlen(buf_str(answer)) ? skip_prefix(buf_str(answer), "allow:") : NULL;
	size_t n = target ? strcspn(target, "\n") : 0;

	return target && (!target[n] || !target[n + 1]) ? xstrndup(target, n) : NULL;
}

static int work(struct job *j, struct err *err)
{
	struct talk *t = (struct talk *)j;
	char *argv[] = {t->program, (char *)t->service, NULL};
	CLEANUP_CHILD struct child c = CHILD_INIT;
	CLEANUP_BUF struct buf answer = BUF_INIT;
	int r = spawn(&c, argv, SPAWN_STDIN | SPAWN_STDOUT);

	if (r == 0)
		r = converse(t, &c, &answer);
	if (r < 0 && c.pid > 0)
		kill(c.pid, SIGKILL);
	if (r == 0)
		r = child_wait(&c) == 0 ? 0 : -EIO;
	if (r == 0)
		t->choice = choice_of(&answer);
	return r < 0 ? err_set(err, r, "", "%s %s: %s", t->program, t->service, strerror(-r)) : 0;
}

/* ---- in the loop ---- */

static void finished(struct job *j, int result, struct err *err)
{
	struct talk *t = (struct talk *)j;

	if (result < 0)
		log_line(j->sys, "%s", err->text);
	if (t->done)
		STEAL(t->done)(t->data, result < 0 ? NULL : t->choice, false);
}

static void release(struct job *j)
{
	struct talk *t = (struct talk *)j, **at = &j->sys->talks;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (t->done)
		t->done(t->data, NULL, true);
	closep(&j->wake);
	closep(&t->other);
	free(t->program);
	free(t->source);
	free(t->text);
	free(t->choice);
	free(t);
}

/* Takes text over. */
static struct talk *talk_new(struct sys *s, const char *service, const char *source, char *text)
{
	struct talk *t = xcalloc(1, sizeof *t);
	int pair[2] = {-1, -1};

	/* Without it the end of the daemon waits for the answer. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		pair[0] = pair[1] = -1;
	*t = (struct talk){
		.job = {.work = work, .done = finished, .release = release, .wake = pair[0]},
		.next = s->talks, .service = service, .program = xstrdup(s->opt.policy_agent),
		.source = xstrdup(source), .text = text, .other = pair[1],
	};
	s->talks = t;
	return t;
}

static void add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static char *text_of(struct json_object *o)
{
	int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	char *text = xstrdup(json_object_to_json_string_ext(o, flags));

	json_object_put(o);
	return text;
}

static struct json_object *describe(const struct policy_call *c)
{
	struct json_object *o = json_object_new_object();
	CLEANUP_FREE char *arg = xasprintf("+%s", c->arg);

	add(o, "source", c->source);
	add(o, "service", c->service);
	add(o, "argument", arg);
	return o;
}

void policy_agent_notify(struct sys *s, const struct policy_call *c, const struct policy_answer *a)
{
	struct json_object *o;

	if (!s->opt.policy_agent || count(s, "policy.Notify", NULL) >= NOTES_MAX)
		return;
	o = describe(c);
	add(o, "resolution", a->action == POLICY_ALLOW ? "allow" : "deny");
	add(o, "target", a->action == POLICY_ALLOW ? a->target : a->requested ? a->requested : c->target);
	job_start(s, &talk_new(s, "policy.Notify", c->source, text_of(o))->job);
}

static void add_icon(struct sys *s, struct json_object *icons, const char *target)
{
	const char *template = skip_prefix(target, "@dispvm:");
	const struct vm *v = vm_find(s, template ? template : target);
	const char *label = v ? kvs_get(&v->props, "label") : NULL;
	CLEANUP_FREE char *icon = xasprintf("%s-%s", template ? "dispvm" : "appvm", label ? label : "black");

	add(icons, target, icon);
}

void policy_agent_ask(struct sys *s, const struct policy_call *c, const struct policy_answer *a,
		      void (*done)(void *data, const char *choice, bool ended), void *data)
{
	struct json_object *o = describe(c), *targets = json_object_new_array(), *icons = json_object_new_object();
	struct talk *t;

	for (size_t i = 0; i < a->choices.n; i++) {
		json_object_array_add(targets, json_object_new_string(a->choices.v[i]));
		add_icon(s, icons, a->choices.v[i]);
	}
	add_icon(s, icons, c->source);
	json_object_object_add(o, "targets", targets);
	add(o, "default_target", a->default_choice ? a->default_choice : "");
	json_object_object_add(o, "icons", icons);
	t = talk_new(s, "policy.Ask", c->source, text_of(o));
	t->done = done;
	t->data = data;
	job_start(s, &t->job);
}
