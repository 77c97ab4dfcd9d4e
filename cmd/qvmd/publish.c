/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When which keys are written (vm-interface 4.7). */
#include "qvmd/publish.h"

#include "base/mem.h"
#include "qvmd/heard.h"
#include "qvmd/property.h"
#include "qvmd/publish_batch.h"
#include "qvmd/server.h"
#include "qvmd/store.h"
#include "vmif/derive.h"

enum note_kind { NOTE_CHANGE, NOTE_NETVM, NOTE_FIREWALL };

/* Something that happened to a qube in this turn of the loop. */
struct note {
	enum note_kind kind;
	char uuid[37];  /* "": the system */
	char *text;     /* the change, or the name of the former netvm, or NULL */
};

struct publisher {
	struct key_sink *sinks;
	char *zone; /* of dom0; NULL: not known */
	struct note *notes;
	size_t n_notes, cap_notes;
};

/* ---- a batch: derived, then handed to the stores ---- */

static void batch_begin(struct batch *b, struct sys *s)
{
	*b = (struct batch){ .sys = s };
	publish_source_init(&b->src, s, s->publisher->zone);
}

/* Once for each network qube, however many of its clients have changed. */
static void add_iptables(struct batch *b)
{
	for (size_t i = 0; i < b->iptables.n; i++) {
		CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
		struct vm *netvm = vm_find_uuid(b->sys, b->iptables.v[i]);

		derive_iptables(&b->src, b->sys->opt.vmif, netvm->name, &l);
		batch_add(b, netvm, &l);
	}
}

static void batch_end(struct batch *b)
{
	add_iptables(b);
	batch_apply(b, b->sys->publisher->sinks);
	batch_release(b);
}

static void add_change(struct batch *b, struct vm *v, const char *change)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	if (!v->published)
		return;
	derive_change(&b->src, v->sys->opt.vmif, v->name, change, &l);
	batch_add_once(b, v, &l);
}

static void add_connected(struct batch *b, struct vm *netvm)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	if (!netvm || !netvm->published)
		return;
	derive_connected(&b->src, netvm->sys->opt.vmif, netvm->name, &l);
	batch_add_once(b, netvm, &l);
}

static void add_client(struct batch *b, struct vm *netvm, struct vm *client)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	if (!netvm || !netvm->published)
		return;
	derive_client(&b->src, netvm->sys->opt.vmif, netvm->name, client->name, &l);
	batch_add_once(b, netvm, &l);
}

static void add_rules(struct batch *b, struct vm *netvm, struct vm *client)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	if (!netvm || !netvm->published)
		return;
	derive_rules(&b->src, netvm->sys->opt.vmif, netvm->name, client->name, &l);
	batch_add(b, netvm, &l);
}

/* Keys of a network qube that another behind it may read, when that one comes or goes. */
static void add_permits(struct batch *b, struct vm *netvm, const struct vm *client)
{
	if (!netvm || !netvm->published || !provides_network(client))
		return;
	for (const struct key_def *def = key_defs; def->name; def++)
		if ((def->flags & KEY_SHARED) && (def->owned & (1U << b->sys->opt.vmif)))
			batch_add_permit(b, netvm, def);
}

static void want_iptables(struct batch *b, const struct vm *netvm)
{
	if (netvm && netvm->published && !strv_has(&b->iptables, netvm->uuid))
		strv_add(&b->iptables, netvm->uuid);
}

static void add_set(struct batch *b, struct vm *v)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
	CLEANUP_FREE char *seed = seed_new();

	b->src.seed = seed;
	derive_set(&b->src, v->sys->opt.vmif, v->name, &l);
	b->src.seed = NULL;
	batch_add(b, v, &l);
}

static void add_memory(struct batch *b, struct vm *v)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	derive_memory(&b->src, v->sys->opt.vmif, v->name, &l);
	batch_add(b, v, &l);
}

/* ---- life cycle ---- */

void publish_start(struct vm *v)
{
	struct vm *netvm = netvm_of(v);
	struct batch b;

	if (!v->sys->publisher)
		return;
	batch_begin(&b, v->sys);
	add_connected(&b, netvm);
	add_client(&b, netvm, v);
	add_rules(&b, netvm, v);
	want_iptables(&b, netvm);
	batch_add_kind(&b, v, KEY_OP_CREATE);
	v->published = true;
	add_memory(&b, v);
	add_set(&b, v);
	add_permits(&b, netvm, v);
	batch_end(&b);
}

void publish_up(struct vm *v)
{
	struct sys *s = v->sys;
	struct batch b;

	if (!s->publisher)
		return;
	batch_begin(&b, s);
	add_rules(&b, netvm_of(v), v);
	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *q = s->vms[i];

		if (!q->published || q == v)
			continue;
		if (prop_get_vm(q, "guivm") == v)
			add_change(&b, q, "guivm");
		if (prop_get_vm(q, "audiovm") == v)
			add_change(&b, q, "audiovm");
	}
	batch_end(&b);
}

void publish_stop(struct vm *v)
{
	struct batch b;

	if (!v->published)
		return;
	v->published = false;
	batch_begin(&b, v->sys);
	add_permits(&b, netvm_of(v), v);
	batch_add_kind(&b, v, KEY_OP_DESTROY);
	batch_end(&b);
}

/* ---- notes ---- */

static void note_add(struct sys *s, const struct vm *v, enum note_kind kind, const char *text)
{
	struct publisher *p = s->publisher;
	struct note n = { .kind = kind };

	if (v)
		memcpy(n.uuid, v->uuid, sizeof n.uuid);
	for (size_t i = 0; i < p->n_notes; i++) {
		const struct note *have = &p->notes[i];

		if (have->kind == kind && streq(have->uuid, n.uuid) &&
		    (have->text && text ? streq(have->text, text) : have->text == text))
			return;
	}
	n.text = text ? xstrdup(text) : NULL;
	GROW(p->notes, p->n_notes, p->cap_notes);
	p->notes[p->n_notes++] = n;
}

static void notes_release(struct note *notes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(notes[i].text);
	free(notes);
}

/* A remote qube is a key of its relay: of the one that it had, and of the one that it will have. */
static void note_remote(struct vm *v)
{
	CLEANUP_FREE char *change = xasprintf("remote:%s", v->name);
	struct vm *relay = prop_get_vm(v, "relayvm");

	if (relay && relay->published)
		note_add(v->sys, relay, NOTE_CHANGE, change);
	note_add(v->sys, v, NOTE_CHANGE, "remote");
}

static bool something_follows(const char *change)
{
	for (const struct key_def *def = key_defs; def->name; def++)
		if (key_follows(def, change, NULL))
			return true;
	return false;
}

void publish_note(struct sys *s, struct vm *v, const char *what, const char *name)
{
	CLEANUP_FREE char *change = NULL;

	if (!s->publisher)
		return;
	if (v && v->class == CLASS_REMOTE && (streq(name, "relayvm") || streq(name, "remote_name")))
		return note_remote(v);
	/* What others make of a qube counts even while its own keys are nowhere. */
	if (v && !v->published && !streq(name, "keyboard_layout"))
		return;
	if (!v && !streq(name, "default_audiovm"))
		return;
	change = xasprintf("%s:%s", what, name);
	if (!v || something_follows(change))
		note_add(s, v, NOTE_CHANGE, change);
}

void publish_netvm(struct vm *v, const char *old)
{
	if (v->published)
		note_add(v->sys, v, NOTE_NETVM, old);
}

void publish_firewall(struct vm *v)
{
	if (!v->published)
		return;
	note_add(v->sys, v, NOTE_FIREWALL, NULL);
	/* A mere reload is answered at once. */
	if (!store_is_dirty(v->sys))
		publish_flush(v->sys);
}

void publish_forget(struct sys *s)
{
	struct publisher *p = s->publisher;

	if (!p)
		return;
	notes_release(STEAL(p->notes), p->n_notes);
	p->n_notes = p->cap_notes = 0;
}

/* ---- what follows from them ---- */

static void all_with_default(struct batch *b, const char *prop, const char *change)
{
	for (size_t i = 0; i < b->sys->n_vms; i++) {
		struct vm *v = b->sys->vms[i];

		if (v->published && prop_at_default(v, prop))
			add_change(b, v, change);
	}
}

static void system_changed(struct batch *b, const char *change)
{
	if (streq(change, "property:default_audiovm"))
		return all_with_default(b, "audiovm", "property:audiovm");
	for (size_t i = 0; i < b->sys->n_vms; i++)
		add_change(b, b->sys->vms[i], change);
}

/* The qubes that v shows, and that have no layout of their own, have its layout. */
static void layout_changed(struct batch *b, struct vm *guivm)
{
	for (size_t i = 0; i < b->sys->n_vms; i++) {
		struct vm *v = b->sys->vms[i];

		if (v->published && v != guivm && prop_at_default(v, "keyboard_layout") &&
		    prop_get_vm(v, "guivm") == guivm)
			add_change(b, v, "layout");
	}
}

static void remote_changed(struct batch *b, struct vm *v)
{
	CLEANUP_FREE char *change = xasprintf("remote:%s", v->name);
	struct vm *relay = prop_get_vm(v, "relayvm");

	if (relay)
		add_change(b, relay, change);
}

static void qube_changed(struct batch *b, struct vm *v, const char *change)
{
	if (streq(change, "remote"))
		return remote_changed(b, v);
	add_change(b, v, change);
	if (streq(change, "property:keyboard_layout"))
		layout_changed(b, v);
}

static void netvm_changed(struct batch *b, struct vm *v, const char *old_name)
{
	struct vm *old = old_name ? vm_find(b->sys, old_name) : NULL, *new = netvm_of(v);

	if (old != new) {
		add_connected(b, old);
		add_permits(b, old, v);
		want_iptables(b, old);
	}
	if (!new)
		return;
	add_connected(b, new);
	add_set(b, v);
	add_client(b, new, v);
	add_rules(b, new, v);
	add_permits(b, new, v);
	want_iptables(b, new);
}

static void firewall_follows(struct batch *b, struct vm *v)
{
	struct vm *netvm = netvm_of(v);

	add_rules(b, netvm, v);
	want_iptables(b, netvm);
}

static void note_follow(struct batch *b, const struct note *n)
{
	struct vm *v = *n->uuid ? vm_find_uuid(b->sys, n->uuid) : NULL;

	if (!*n->uuid)
		return system_changed(b, n->text);
	if (!v)
		return;
	if (n->kind == NOTE_CHANGE)
		qube_changed(b, v, n->text);
	else if (!v->published)
		return;
	else if (n->kind == NOTE_NETVM)
		netvm_changed(b, v, n->text);
	else
		firewall_follows(b, v);
}

void publish_flush(struct sys *s)
{
	struct publisher *p = s->publisher;
	struct note *notes;
	size_t n;
	struct batch b;

	if (!p || !p->n_notes)
		return;
	notes = STEAL(p->notes);
	n = p->n_notes;
	p->n_notes = p->cap_notes = 0;
	batch_begin(&b, s);
	for (size_t i = 0; i < n; i++)
		note_follow(&b, &notes[i]);
	batch_end(&b);
	notes_release(notes, n);
}

/* ---- what comes back ---- */

static void heard(struct vm *v, const char *key)
{
	CLEANUP_FREE char *event = xasprintf("domain-qdb-change:/%s", key);

	fire(v->sys, v, event, "path", strchr(event, '/'), NULL);
}

void publish_heard(struct vm *v, const char *key, const char *value, size_t len)
{
	if (streq(key, "qubes-iptables-error")) {
		heard_firewall_error(v, value, len);
		heard(v, key);
	}
}

/* ---- begin and end ---- */

void publish_open(struct sys *s)
{
	s->publisher = xcalloc(1, sizeof *s->publisher);
}

void publish_add_sink(struct sys *s, struct key_sink *k)
{
	k->next = s->publisher->sinks;
	s->publisher->sinks = k;
}

void publish_running(struct sys *s)
{
	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i]->xid > 0)
			publish_start(s->vms[i]);
}

void publish_zone(struct sys *s, const char *zone)
{
	struct publisher *p = s->publisher;

	if (zone && p->zone ? streq(zone, p->zone) : !zone && !p->zone)
		return;
	free(p->zone);
	p->zone = zone ? xstrdup(zone) : NULL;
	note_add(s, NULL, NOTE_CHANGE, "zone");
}

void publish_close(struct sys *s)
{
	struct publisher *p = s->publisher;

	if (!p)
		return;
	publish_forget(s);
	while (p->sinks) {
		struct key_sink *k = p->sinks;

		p->sinks = k->next;
		k->close(k);
	}
	for (size_t i = 0; i < s->n_vms; i++)
		s->vms[i]->published = false;
	free(p->zone);
	free(STEAL(s->publisher));
}
