/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writers: changes of all kinds, each remembered before it is asked for and once it is acknowledged. */
#include "hammer.h"

/* One change of o: what is asked for, and the state that it leads to. */
static void change(struct writer *w, struct object *o, struct reply *r)
{
	struct hammer *h = w->h;
	bool there = o->acked[0];
	unsigned n = ++w->count;
	char payload[64], to[32] = "";
	const char *class = o->kind == K_APP ? "admin.vm.Create.AppVM" : "admin.vm.Create.DispVM";

	snprintf(to, sizeof to, "%u", n % 1000 + 1);
	switch (o->kind) {
	case K_GUIVM: snprintf(to, sizeof to, "%s", strcmp(o->acked, "dom0") == 0 ? "sys-usb" : "dom0"); break;
	case K_NOTES: snprintf(to, sizeof to, "line %u\nend", n); break;
	case K_LABEL: snprintf(to, sizeof to, "0x%06x", n & 0xffffff); break;
	case K_APP:
	case K_DISP: snprintf(to, sizeof to, "whole"); break;
	case K_TAG: snprintf(to, sizeof to, "on"); break;
	default: break;
	}
	if (there && (o->kind >= K_TAG || (o->kind == K_FEATURE && n % 3 == 0)))
		to[0] = '\0';
	snprintf(o->flight, sizeof o->flight, "%s", to);
	o->in_flight = true;
	switch (o->kind) {
	case K_TIMEOUT: call(h->socket, r, "admin.vm.property.Set", "qrexec_timeout", o->vm, to); break;
	case K_GUIVM: call(h->socket, r, "admin.vm.property.Set", "guivm", o->vm, to); break;
	case K_NOTES: call(h->socket, r, "admin.vm.notes.Set", "", o->vm, to); break;
	case K_FEATURE:
		call(h->socket, r, *to ? "admin.vm.feature.Set" : "admin.vm.feature.Remove", o->key, o->vm, to);
		break;
	case K_TAG: call(h->socket, r, *to ? "admin.vm.tag.Set" : "admin.vm.tag.Remove", o->key, o->vm, ""); break;
	case K_LABEL:
		call(h->socket, r, *to ? "admin.label.Create" : "admin.label.Remove", o->key, "dom0", to);
		break;
	case K_APP:
	case K_DISP:
		snprintf(payload, sizeof payload, "name=%s label=red", o->vm);
		if (*to)
			call(h->socket, r, class, o->kind == K_APP ? "" : "default-dvm", "dom0", payload);
		else
			call(h->socket, r, "admin.vm.Remove", "", o->vm, "");
		break;
	}
	if (!is_ok(r))
		return;
	snprintf(o->acked, sizeof o->acked, "%s", to);
	o->in_flight = false;
	w->acked++;
}

void *write_on(void *data)
{
	struct writer *w = data;
	struct hammer *h = w->h;
	struct reply *r = malloc(sizeof *r);

	if (!r)
		die("memory");
	for (unsigned n = 0; n != h->quota; n++) {
		/* now and then one that nobody will miss */
		if (rand_r(&w->seed) % 32 == 0)
			call(h->socket, r, "admin.vm.CreateDisposable", "", "default-dvm", "");
		else
			change(w, &w->objects[(unsigned)rand_r(&w->seed) % OBJECTS], r);
		if (r->len > 2 && !is_ok(r)) {
			problem(h, "a writer was refused: %s", r->data + 2);
			break;
		}
		if (r->len == 0) {
			w->lost++;
			break;
		}
	}
	free(r);
	return NULL;
}
