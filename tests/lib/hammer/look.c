/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon shows, against what it said before. */
#include "hammer.h"

/* The value behind "default=False type=... ", or "" when it is the default. */
static void set_value(char to[static 32], const struct reply *r)
{
	const char *b = body(r), *type = strstr(b, "type="), *value = type ? strchr(type, ' ') : NULL;

	snprintf(to, 32, "%s", value && strncmp(b, "default=False", 13) == 0 ? value + 1 : "");
}

char *paint(struct hammer *h, const char *vm)
{
	static const char *const props[] = { "label", "template", "klass", "memory", "vcpus", "auto_cleanup" };
	struct reply *r = malloc(sizeof *r);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool there;

	if (!r || !f)
		die("memory");
	call(h->socket, r, "admin.vm.CurrentState", "", vm, "");
	there = is_ok(r);
	if (!there && !strstr(r->data + 2, "NotFound"))
		problem(h, "%s: cannot be looked at: %s", vm, r->data + 2);
	for (size_t i = 0; there && i < sizeof props / sizeof *props; i++) {
		call(h->socket, r, "admin.vm.property.Get", props[i], vm, "");
		fprintf(f, "%s %s\n", props[i], r->data + 2);
	}
	if (there)
		fprintf(f, "tags %s", ask(h, r, "admin.vm.tag.List", "", vm, ""));
	if (there)
		fprintf(f, "features %s", ask(h, r, "admin.vm.feature.List", "", vm, ""));
	for (int i = 0; there && i < 3; i++) {
		char feature[16];

		snprintf(feature, sizeof feature, "own%d", i);
		call(h->socket, r, "admin.vm.feature.Get", feature, vm, "");
		fprintf(f, "%s %s\n", feature, r->data + 2);
	}
	fclose(f);
	free(r);
	if (there)
		return text;
	free(text);
	return NULL;
}

/* The state of o as the daemon shows it. */
static void look(struct hammer *h, struct reply *r, const struct object *o, char to[static 32])
{
	const char *first;
	char *picture;

	to[0] = '\0';
	switch (o->kind) {
	case K_TIMEOUT:
		ask(h, r, "admin.vm.property.Get", "qrexec_timeout", o->vm, "");
		set_value(to, r);
		break;
	case K_GUIVM: {
		char tag[40];

		ask(h, r, "admin.vm.property.Get", "guivm", o->vm, "");
		set_value(to, r);
		/* the tag and the property are one change */
		snprintf(tag, sizeof tag, "guivm-%s\n", *to ? to : "dom0");
		ask(h, r, "admin.vm.tag.List", "", o->vm, "");
		first = strstr(body(r), "guivm-");
		if (!first || strncmp(first, tag, strlen(tag)) != 0 || strstr(first + 1, "guivm-"))
			problem(h, "%s: guivm is '%s', and its tags are %s", o->vm, to, body(r));
		break;
	}
	case K_NOTES:
		snprintf(to, 32, "%s", ask(h, r, "admin.vm.notes.Get", "", o->vm, ""));
		break;
	case K_FEATURE:
		call(h->socket, r, "admin.vm.feature.Get", o->key, o->vm, "");
		snprintf(to, 32, "%s", body(r));
		break;
	case K_TAG:
		snprintf(to, 32, "%s", *ask(h, r, "admin.vm.tag.Get", o->key, o->vm, "") == '1' ? "on" : "");
		break;
	case K_LABEL:
		call(h->socket, r, "admin.label.Get", o->key, "dom0", "");
		snprintf(to, 32, "%s", body(r));
		break;
	case K_APP:
	case K_DISP:
		picture = paint(h, o->vm);
		if (picture && strcmp(picture, h->portrait[o->kind == K_DISP]) != 0)
			problem(h, "%s is not whole:\n%sinstead of\n%s", o->vm, picture,
				h->portrait[o->kind == K_DISP]);
		snprintf(to, 32, "%s", picture ? "whole" : "");
		free(picture);
		break;
	}
}

void check(struct hammer *h)
{
	struct reply *r = malloc(sizeof *r);

	if (!r)
		die("memory");
	for (int k = 0; k < WRITERS; k++)
		for (size_t i = 0; i < OBJECTS; i++) {
			struct object *o = &h->writers[k].objects[i];
			bool unacked = o->in_flight && strcmp(o->flight, o->acked) != 0;
			char now[32];

			look(h, r, o, now);
			if (unacked && strcmp(now, o->flight) == 0)
				h->survived++;
			else if (strcmp(now, o->acked) != 0)
				problem(h, "%s %s (kind %d) is '%s'; acknowledged '%s'%s%s", o->vm, o->key, o->kind,
					now, o->acked, unacked ? ", under way " : "", unacked ? o->flight : "");
			else if (unacked && is_told(o->kind) && strcmp(o->seen, o->flight) == 0)
				problem(h, "%s %s (kind %d) is '%s', but an event told of '%s'", o->vm, o->key,
					o->kind, now, o->seen);
			snprintf(o->acked, sizeof o->acked, "%s", now);
			snprintf(o->seen, sizeof o->seen, "%s", now);
			o->in_flight = false;
		}
	free(r);
}

void check_disposables(struct hammer *h)
{
	struct reply *r = malloc(sizeof *r);
	const char *stayed;

	if (!r)
		die("memory");
	stayed = strstr(ask(h, r, "admin.vm.List", "", "dom0", ""), "\ndisp");
	if (stayed)
		problem(h, "a disposable stayed: %.80s", stayed + 1);
	free(r);
}
