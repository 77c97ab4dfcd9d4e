/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's whole dispatch: a small system, then the requests of the input, one after another. What must hold
 * behind each: replies are replies, the lists and all properties can be read by the tools, nobody refers to a
 * qube that is not there, netvms make no loop, and the store holds what memory holds.
 *
 * The first byte sets the daemon's options. Behind it stand pieces that end at a byte 0xff: a request as it comes
 * over the socket ("METHOD+ARG dom0 name DEST", NUL, payload), or one word to the loop:
 *   !t  the next job or timer       !b  the next request shares the turn of the one behind it
 *   !f  the next commit fails     !c  the listeners of events go away
 */
#include <stdio.h>

#include "base/mem.h"
#include "lib/inmem.h"
#include "model/qubes.h"
#include "qvmd/device.h"
#include "qvmd/power.h"
#include "qvmd/property.h"
#include "qvmd/publish.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"
#include "qvmd/tree.h"

#define PIECES_MAX 64
#define SEPARATOR '\xff'

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char system_yaml[] =
	"kernels: [6.1, 6.6]\n"
	"labels: {pink: '0xff69b4'}\n"
	"pools: [{name: vm-pool, driver: lvm_thin, config: {volume_group: vg, thin_pool: x}}]\n"
	"globals: {default_kernel: 6.6, default_template: tpl, default_netvm: fw, default_dispvm: dvm}\n"
	"qubes:\n"
	" - {name: tpl, class: TemplateVM, features: {qrexec: 1, os: Linux}}\n"
	" - {name: net, template: tpl, netvm: none, properties: {provides_network: true}}\n"
	" - {name: fw, template: tpl, netvm: net, properties: {provides_network: true}}\n"
	" - {name: dom0, devices: [{class: mic, port: mic}, {class: pci, port: 00_14.0, id: a:p0c0330}]}\n"
	" - {name: work, template: tpl, tags: [office], notes: \"a\\nb\", features: {x: y}, devices: ["
	"{class: block, port: sda, size: 1}, {class: block, port: sdb, mode: r, parent: block:sda},"
	"{class: usb, port: 2-1, id: 1:2:3:u030101}, {class: testclass, port: t}],"
	"assigned: [{class: mic, device: dom0:mic}]}\n"
	" - {name: dvm, template: tpl, properties: {template_for_dispvms: true}}\n"
	" - {name: d1, class: DispVM, template: dvm, properties: {auto_cleanup: true}}\n"
	" - {name: alone, class: StandaloneVM, properties: {virt_mode: hvm}}\n"
	" - {name: far, class: RemoteVM, properties: {relayvm: work}}\n";

/* ---- what must hold ---- */

static void dump_kvs(struct buf *b, const char *what, const struct kvs *k)
{
	for (size_t i = 0; i < k->n; i++)
		buf_addf(b, "  %s %s=%s\n", what, k->v[i].key, k->v[i].value);
}

static void dump_assigned(struct buf *b, const struct vm *v)
{
	for (size_t i = 0; v->devices && i < v->devices->assigned.n; i++) {
		const struct devuse *u = &v->devices->assigned.v[i];

		buf_addf(b, "  assigned %s %s+%s:%s %s %s\n", devclass_names[u->class], u->ref.backend, u->ref.port,
			 u->ref.id, devmode_names[u->mode], u->frontend ? u->frontend : "(none)");
		dump_kvs(b, "option", &u->options);
	}
}

static void dump_content(struct buf *b, const char *what, const struct content *c)
{
	buf_addf(b, "    %s gen=%lld size=%llu valid=%llu\n", what, (long long)c->gen, (unsigned long long)c->size,
		 (unsigned long long)c->valid);
}

static void dump_volume(struct buf *b, const struct volume *v)
{
	buf_addf(b, "  volume %s pool=%s rw=%d ephemeral=%d keep=%lld\n", volume_names[v->id], v->pool->name, v->rw,
		 v->ephemeral, (long long)v->keep);
	dump_content(b, "now", &v->now);
	for (size_t i = 0; i < v->n_revs; i++)
		dump_content(b, v->revs[i].name, &v->revs[i].content);
}

/* Everything that the store keeps. */
static void dump(struct buf *b, const struct sys *s)
{
	dump_kvs(b, "global", &s->globals);
	for (size_t i = 0; i < s->n_labels; i++)
		buf_addf(b, "label %lld %s %s\n", (long long)s->labels[i].index, s->labels[i].name,
			 s->labels[i].color);
	for (size_t i = 0; i < s->n_pools; i++) {
		buf_addf(b, "pool %s %s\n", s->pools[i]->name, s->pools[i]->driver);
		dump_kvs(b, "config", &s->pools[i]->config);
	}
	for (size_t i = 0; i < s->kernels.n; i++)
		buf_addf(b, "kernel %s\n", s->kernels.v[i]);
	for (size_t i = 0; i < s->n_vms; i++) {
		const struct vm *v = s->vms[i];

		buf_addf(b, "vm %s %s %lld %s %lld notes=%s\n", v->name, class_names[v->class],
			 (long long)v->qid, v->uuid, (long long)v->dispid, v->notes ? v->notes : "(none)");
		dump_kvs(b, "prop", &v->props);
		dump_kvs(b, "feature", &v->features);
		for (int k = 0; v->volumes && k < VOLUME_COUNT; k++)
			dump_volume(b, &v->volumes[k]);
		dump_assigned(b, v);
		for (size_t k = 0; k < v->tags.n; k++)
			buf_addf(b, "  tag %s\n", v->tags.v[k]);
		buf_addf(b, "  firewall%s\n", v->firewall ? "" : " unset");
		fw_rules_print(b, firewall_rules(v), FW_SERVER);
	}
}

static void check_same(const char *a, const char *b)
{
	if (streq(a, b))
		return;
	fprintf(stderr, "one:\n%s\nother:\n%s\n", a, b);
	abort();
}

static void check_refs(struct sys *s, struct vm *v, const struct kvs *values)
{
	for (size_t i = 0; i < values->n; i++) {
		const struct prop_def *def = prop_def_find(v, values->v[i].key);

		if (!def)
			abort();
		if (def->type == PROP_VM && *values->v[i].value && !vm_find(s, values->v[i].value)) {
			fprintf(stderr, "%s: %s names '%s'\n", v ? v->name : "system", def->name, values->v[i].value);
			abort();
		}
	}
}

static void check_netvms(struct vm *v)
{
	size_t n = 0;

	for (struct vm *up = v; up; up = vm_has_prop(up, "netvm") ? prop_get_vm(up, "netvm") : NULL)
		if (n++ > v->sys->n_vms) {
			fprintf(stderr, "netvm loop at %s\n", v->name);
			abort();
		}
}

static void check_list(struct sys *s)
{
	CLEANUP_QUBES struct qubes q = {0};
	size_t len = 0;
	CLEANUP_FREE char *body = inmem_ask(s, "dom0", "admin.vm.List", NULL, &len);

	if (!body || qubes_parse(&q, body, len, NULL) < 0 || q.n != s->n_vms)
		abort();
	for (size_t i = 0; i < q.n; i++)
		if (!streq(q.v[i].name, s->vms[i]->name))
			abort();
}

static void check_props(struct sys *s, const char *dest, const char *method)
{
	CLEANUP_PROPS struct props p = {0};
	CLEANUP_ERR struct err e = ERR_INIT;
	size_t len = 0;
	CLEANUP_FREE char *body = inmem_ask(s, dest, method, NULL, &len);

	if (!body || props_parse(&p, body, len, &e) < 0 || !p.n) {
		fprintf(stderr, "%s of %s: %s\n%s\n", method, dest, e.text ? e.text : "no list", body ? body : "");
		abort();
	}
}

/* What is assigned is of a qube that is there; what is attached is offered, and by one that runs to one that runs. */
static void check_devices(struct vm *v)
{
	const struct vm_devices *d = v->devices;

	for (size_t i = 0; d && i < d->assigned.n; i++)
		if (!vm_find(v->sys, d->assigned.v[i].ref.backend))
			abort();
	for (size_t i = 0; d && i < d->attached.n; i++) {
		const struct devuse *u = &d->attached.v[i];
		struct vm *backend = vm_find(v->sys, u->ref.backend);
		const struct device *there = backend ? device_find(backend, u->class, u->ref.port) : NULL;

		if (!there || !streq(there->ref.id, u->ref.id) || !vm_is_running(v) || !vm_is_running(backend) ||
		    device_holder(v->sys, u->class, &u->ref) != v)
			abort();
	}
}

/* What the store names is there, and large enough. */
static void check_file(const struct volume *v, const struct content *c)
{
	CLEANUP_FREE char *path = volume_gen_path(v, c->gen);
	struct stat st;

	if (c->valid > c->size)
		abort();
	if (c->gen && (tree_stat(storage_root(v->pool->sys), path, &st) < 0 || (uint64_t)st.st_size < c->valid)) {
		fprintf(stderr, "%s is not what it should be\n", path);
		abort();
	}
}

static void check_volumes(const struct vm *vm)
{
	bool wanted = vm->class != CLASS_ADMIN && vm->class != CLASS_REMOTE;

	if (wanted != (vm->volumes != NULL))
		abort();
	for (int id = 0; wanted && id < VOLUME_COUNT; id++) {
		const struct volume *v = &vm->volumes[id];

		if (pool_find(vm->sys, v->pool->name) != v->pool || volume_pool(v)->sys != vm->sys)
			abort();
		check_file(v, &v->now);
		for (size_t i = 0; i < v->n_revs; i++)
			check_file(v, &v->revs[i].content);
	}
}

static void check_vm(struct vm *v)
{
	const char *label = kvs_get(&v->props, "label");

	if (!label || !label_find(v->sys, label) || vm_find_uuid(v->sys, v->uuid) != v)
		abort();
	if (v->qid < 0 || (size_t)v->qid >= v->sys->n_qids || !v->sys->qids[v->qid])
		abort();
	check_refs(v->sys, v, &v->props);
	check_netvms(v);
	check_devices(v);
	check_volumes(v);
}

static void check_all(struct sys *s)
{
	check_list(s);
	check_refs(s, NULL, &s->globals);
	for (size_t i = 0; i < s->n_vms; i++) {
		if (i && strcmp(s->vms[i - 1]->name, s->vms[i]->name) >= 0)
			abort();
		check_vm(s->vms[i]);
	}
}

static void check_all_props(struct sys *s)
{
	check_props(s, "dom0", "admin.property.GetAll");
	for (size_t i = 0; i < s->n_vms; i++)
		check_props(s, s->vms[i]->name, "admin.vm.property.GetAll");
}

/* The store, read again, is what memory was. */
static void check_store(struct sys *s)
{
	CLEANUP_BUF struct buf before = BUF_INIT, after = BUF_INIT;
	CLEANUP_ERR struct err e = ERR_INIT;

	dump(&before, s);
	if (store_load(s, &e) < 0)
		abort();
	dump(&after, s);
	check_same(buf_str(&before), buf_str(&after));
	check_all(s);
}

/* ---- the input ---- */

/* Dozens of disposables made ahead of time teach no more than some do. */
static bool is_slow(const char *p, size_t n)
{
	const char *at = memmem(p, n, "preload-dispvm-max", 18);
	int digits = 0;

	for (; at && at < p + n; at++) {
		digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
		if (digits > 1)
			return true;
	}
	return false;
}

/* The destination's properties, when the request named a qube that is (still) there. */
static void check_dest(struct sys *s, const char *p, size_t n)
{
	CLEANUP_FREE char *copy = xmemdup0(p, n);
	struct request q;
	const struct vm *v = request_decode(copy, n, &q) == 0 ? vm_find(s, q.dest) : NULL;

	if (v)
		check_props(s, v->name, "admin.vm.property.GetAll");
}

struct run {
	struct sys *s;
	bool more;         /* the next request does not end the turn */
	bool changed;      /* something was, in any turn */
	struct buf before; /* what there was, when this turn's commit is to fail */
};

/* True when something was changed in it. */
static bool end_turn(struct run *r)
{
	/* A part that was committed ahead of the end is not taken back. */
	bool whole = !inmem_settled(), changed = inmem_turn_end(r->s);

	if (changed && whole && r->before.len) {
		CLEANUP_BUF struct buf after = BUF_INIT;

		dump(&after, r->s);
		check_same(buf_str(&r->before), buf_str(&after));
	}
	buf_reset(&r->before);
	if (changed)
		check_all(r->s);
	r->changed = r->changed || changed;
	return changed;
}

static void loop_word(struct run *r, char word)
{
	if (word == 't') {
		inmem_tick(r->s);
		end_turn(r);
	} else if (word == 'b') {
		r->more = true;
	} else if (word == 'c') {
		inmem_end_streams(r->s);
	} else if (word == 'f') {
		buf_reset(&r->before);
		if (!store_is_dirty(r->s))
			dump(&r->before, r->s);
		inmem_fail();
	}
}

static void request(struct run *r, const char *p, size_t n)
{
	if (is_slow(p, n))
		return;
	inmem_request(r->s, p, n);
	if (!r->more && end_turn(r))
		check_dest(r->s, p, n);
	r->more = false;
}

/* True when something was changed. */
static bool run(struct sys *s, const char *p, size_t size)
{
	struct run r = {.s = s};

	for (size_t pieces = 0; size && pieces < PIECES_MAX; pieces++) {
		const char *end = memchr(p, SEPARATOR, size);
		size_t n = end ? (size_t)(end - p) : size;

		if (n == 2 && p[0] == '!')
			loop_word(&r, p[1]);
		else
			request(&r, p, n);
		p += n + (end != NULL);
		size -= n + (end != NULL);
	}
	end_turn(&r);
	buf_release(&r.before);
	return r.changed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int compat[] = {0, 42, 43, 0};
	struct sys s = {0};

	if (size < 2)
		return 0;
	s.opt.compat = compat[data[0] & 3];
	s.opt.start_delay_ms = data[0] & 4 ? 1000 : 0;
	s.opt.stop_delay_ms = data[0] & 8 ? 1000 : 0;
	s.opt.debug = data[0] & 16;
	s.opt.policy_dir = "/nonexistent/policy.d";
	s.opt.vmif = (data[0] >> 5 & 3) % VMIF_GENS;
	inmem_open_again(&s, system_yaml, sizeof system_yaml - 1);
	power_on(vm_find(&s, "work"));
	devices_boot(&s);
	publish_running(&s);
	if (run(&s, (const char *)data + 1, size - 1)) {
		check_all_props(&s);
		check_store(&s);
	}
	/* Whoever waits is answered in the end. */
	inmem_end_streams(&s);
	for (int i = 0; i < 1000 && inmem_tick(&s); i++)
		inmem_turn_end(&s);
	if (inmem_waiting())
		abort();
	check_all(&s);
	inmem_close(&s);
	return 0;
}
