/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subscriber: what the events say of each object. */
#include "hammer.h"

static struct object *find(struct hammer *h, bool (*is)(enum kind), const char *vm, const char *key)
{
	for (int k = 0; k < WRITERS; k++)
		for (size_t i = 0; i < OBJECTS; i++) {
			struct object *o = &h->writers[k].objects[i];

			if (is(o->kind) && strcmp(o->vm, vm) == 0 && strcmp(o->key, key) == 0)
				return o;
		}
	return NULL;
}

static bool is_feature(enum kind k) { return k == K_FEATURE; }
static bool is_tag(enum kind k) { return k == K_TAG; }
static bool is_timeout(enum kind k) { return k == K_TIMEOUT; }
static bool is_guivm(enum kind k) { return k == K_GUIVM; }

static void saw(struct object *o, const char *value)
{
	if (o)
		snprintf(o->seen, sizeof o->seen, "%s", value);
}

/* subject, event, key, value...: kv ends with an empty key. */
static void understand(struct hammer *h, const char *subject, const char *event, const char *const *kv)
{
	const char *name = strchr(event, ':') ? strchr(event, ':') + 1 : "";
	const char *value = "";

	for (; *kv[0]; kv += 2)
		if (strcmp(kv[0], "vm") == 0 || strcmp(kv[0], "value") == 0 || strcmp(kv[0], "newvalue") == 0)
			value = kv[1];
	if (strcmp(event, "domain-feature-set:the-end") == 0)
		h->stop = true;
	else if (strcmp(event, "domain-add") == 0)
		saw(find(h, is_qube, value, ""), "whole");
	else if (strcmp(event, "domain-delete") == 0)
		saw(find(h, is_qube, value, ""), "");
	else if (strncmp(event, "domain-feature-set:", 19) == 0)
		saw(find(h, is_feature, subject, name), value);
	else if (strncmp(event, "domain-feature-delete:", 22) == 0)
		saw(find(h, is_feature, subject, name), "");
	else if (strncmp(event, "domain-tag-add:", 15) == 0)
		saw(find(h, is_tag, subject, name), "on");
	else if (strncmp(event, "domain-tag-delete:", 18) == 0)
		saw(find(h, is_tag, subject, name), "");
	else if (strcmp(event, "property-set:qrexec_timeout") == 0)
		saw(find(h, is_timeout, subject, ""), value);
	else if (strcmp(event, "property-set:guivm") == 0)
		saw(find(h, is_guivm, subject, ""), value);
}

/* The length of the event at the front of p, understood; 0 when it is not whole. */
static size_t take_event(struct hammer *h, const char *p, size_t n)
{
	const char *field[64];
	size_t at = 2, fields = 0;

	while (fields < 64) {
		const char *nul = at < n ? memchr(p + at, '\0', n - at) : NULL;

		if (!nul)
			return 0;
		field[fields] = p + at;
		at = (size_t)(nul - p) + 1;
		if (fields >= 2 && fields % 2 == 0 && !*field[fields]) {
			understand(h, field[0], field[1], field + 2);
			return at;
		}
		fields++;
	}
	abort();
}

void *listen_on(void *data)
{
	struct hammer *h = data;
	size_t n = 0;
	ssize_t got;

	while ((got = recv(h->events, h->stream + n, STREAM_MAX - n, 0)) > 0) {
		size_t used = 0, len;

		n += (size_t)got;
		while (n - used > 2 && (len = take_event(h, h->stream + used, n - used)) > 0)
			used += len;
		n -= used;
		memmove(h->stream, h->stream + used, n);
		if (h->stop)
			break;
	}
	return NULL;
}

void check_seen(struct hammer *h)
{
	for (int k = 0; k < WRITERS; k++)
		for (size_t i = 0; i < OBJECTS; i++) {
			const struct object *o = &h->writers[k].objects[i];

			if (is_told(o->kind) && strcmp(o->seen, o->acked) != 0 &&
			    !(o->in_flight && strcmp(o->seen, o->flight) == 0))
				problem(h, "%s %s (kind %d): acknowledged '%s', the last event told of '%s'", o->vm,
					o->key, o->kind, o->acked, o->seen);
		}
}
