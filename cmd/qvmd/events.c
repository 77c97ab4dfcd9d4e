/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: who listens, and what they get to hear (admin-api 2.14, 11.1). */
#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/policy.h"
#include "qvmd/server.h"

struct subscriber {
	struct conn *conn;
	struct stats *stats; /* not NULL: a stream of numbers, which has no events */
	char uuid[37]; /* of the one qube it listens to (names may be given again), or "": everything */
	char source[37]; /* of the qube that listens, when policy says what it hears; else "" */
};

struct hub {
	struct subscriber *v;
	size_t n, cap;
	struct buf scratch;
};

/* Fired inside, never sent (admin-api 2.14). */
static bool is_private(const char *event)
{
	return skip_prefix(event, "admin-permission:") || skip_prefix(event, "device-get:") ||
	       skip_prefix(event, "device-list:") || skip_prefix(event, "device-list-attached:") ||
	       streq(event, "domain-is-fully-usable");
}

static bool wants(const struct subscriber *sub, const struct vm *subject, const char *event)
{
	if (sub->stats)
		return false;
	if (sub->uuid[0])
		return subject && streq(sub->uuid, subject->uuid);
	/* The qube has left the list already (admin-api 11.1). */
	return !streq(event, "domain-remove-from-disk");
}

/* What policy lets a qube hear: admin.Events with the event as argument (admin-api 2.14). */
static bool may_hear(struct sys *s, const struct subscriber *sub, const struct vm *subject, const char *event)
{
	CLEANUP_FREE char *arg = NULL;
	const struct vm *source;

	if (!sub->source[0])
		return true;
	source = vm_find_uuid(s, sub->source);
	arg = xstrdup(event);
	chars_replace(arg, ':', '_');
	return source && policy_lets(s, source, "admin.Events", arg, subject);
}

void fire(struct sys *s, const struct vm *subject, const char *event, ...)
{
	const char *kv[32];
	struct hub *h = s->hub;
	size_t n = 0;
	va_list ap;

	if (!h || h->n == 0 || is_private(event))
		return;
	va_start(ap, event);
	while ((kv[n] = va_arg(ap, const char *)))
		if (++n == ARRAY_SIZE(kv))
			abort();
	va_end(ap);
	buf_reset(&h->scratch);
	for (size_t i = 0; i < h->n; i++) {
		if (!wants(&h->v[i], subject, event) || !may_hear(s, &h->v[i], subject, event))
			continue;
		if (h->scratch.len == 0)
			event_encode(&h->scratch, subject ? subject->name : "", event, kv);
		conn_stream_add(h->v[i].conn, h->scratch.data, h->scratch.len);
	}
}

void hub_forget(struct sys *s, const struct conn *c)
{
	struct hub *h = s->hub;

	for (size_t i = 0; h && i < h->n; i++)
		if (h->v[i].conn == c) {
			stats_free(h->v[i].stats);
			h->v[i] = h->v[--h->n];
			return;
		}
}

void hub_free(struct sys *s)
{
	if (!s->hub)
		return;
	buf_release(&s->hub->scratch);
	free(s->hub->v);
	free(s->hub);
	s->hub = NULL;
}

void hub_add(struct req *r, struct stats *stats)
{
	struct sys *s = r->sys;
	struct subscriber sub = { .conn = r->conn, .stats = stats };

	if (!s->hub)
		s->hub = xcalloc(1, sizeof *s->hub);
	if (r->dest != s->dom0)
		memcpy(sub.uuid, r->dest->uuid, sizeof sub.uuid);
	if (r->source != s->dom0 && policy_is_on(s))
		memcpy(sub.source, r->source->uuid, sizeof sub.source);
	GROW(s->hub->v, s->hub->n, s->hub->cap);
	s->hub->v[s->hub->n++] = sub;
	buf_reset(&s->hub->scratch);
	event_encode(&s->hub->scratch, "", "connection-established", (const char *const[]){ NULL });
	conn_stream(r->conn, s->hub->scratch.data, s->hub->scratch.len);
	r->answered = true;
}

static void events(struct req *r)
{
	hub_add(r, NULL);
}

const struct method methods_events[] = {
	{"admin.Events", "S23N", DEST_ANY, PART_NONE, PART_NONE, ACCESS_READ, events},
	METHOD_END,
};
