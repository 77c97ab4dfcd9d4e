/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XenStore as a store of keys: the daemon's side of the thread. */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/heard.h"
#include "qvmd/property.h"
#include "qvmd/publish.h"
#include "qvmd/server.h"
#include "qvmd/xenworker.h"

struct xen_sink {
	struct key_sink sink; /* first */
	struct sys *sys;
	struct xen_worker *worker;
	uv_async_t wake;
};

/* ---- writing ---- */

/* Network qubes behind v that run. */
static void add_readers(const struct vm *v, struct xen_op *op)
{
	struct sys *s = v->sys;

	op->readers = xcalloc(s->n_vms, sizeof(*op->readers));
	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i]->published && provides_network(s->vms[i]) && netvm_of(s->vms[i]) == v)
			op->readers[op->n_readers++] = s->vms[i]->xid;
}

static struct xen_op translate(const struct xen_sink *s, const struct key_op *op)
{
	static const enum xen_op_kind kinds[] = {
		[KEY_OP_CREATE] = XEN_MAKE, [KEY_OP_PUT] = XEN_WRITE, [KEY_OP_REMOVE] = XEN_REMOVE,
		[KEY_OP_PERMIT] = XEN_PERMIT, [KEY_OP_DESTROY] = XEN_UNMAKE,
	};
	const char *key = op->kind == KEY_OP_CREATE ? op->vm->name : op->key;
	struct xen_op x = {
		.kind = kinds[op->kind], .domid = op->vm->xid, .key = key ? xstrdup(key) : NULL,
		.value = op->value ? xmemdup0(op->value, op->len) : NULL, .len = op->len,
		.owned = op->def && (op->def->owned & (1U << s->sys->opt.vmif)),
	};

	if (x.owned && (op->def->flags & KEY_SHARED))
		add_readers(op->vm, &x);
	return x;
}

static int apply(struct key_sink *k, const struct key_op *ops, size_t n, struct err *err)
{
	struct xen_sink *s = (struct xen_sink *)k;
	struct xen_job job = { xcalloc(n, sizeof(*job.ops)), n };
	int r;

	for (size_t i = 0; i < n; i++)
		job.ops[i] = translate(s, &ops[i]);
	r = xen_worker_do(s->worker, &job, err);
	/* That it is lost was or will be said once. */
	return r == -ENOTCONN ? 0 : r;
}

/* ---- hearing ---- */

static struct vm *by_xid(struct sys *s, int64_t xid)
{
	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i]->xid == xid && s->vms[i]->published)
			return s->vms[i];
	return NULL;
}

static void memory(struct vm *v, const struct xen_heard *h)
{
	heard_memory(v, h->value, h->len);
}

static void swap(struct vm *v, const struct xen_heard *h)
{
	heard_swap(v, h->value, h->len);
}

static void block_devices(struct vm *v, const struct xen_heard *h)
{
	devices_told(v, DEV_BLOCK, &h->below, false);
}

static void usb_devices(struct vm *v, const struct xen_heard *h)
{
	devices_told(v, DEV_USB, &h->below, false);
}

static void firewall_error(struct vm *v, const struct xen_heard *h)
{
	heard_firewall_error(v, h->value, h->len);
}

/* The keys by which qubes tell something; "/": with what is below. */
static const struct {
	const char *key;
	void (*heard)(struct vm *v, const struct xen_heard *h);
} listened[] = {
	{ "memory/meminfo", memory }, { "memory/swapinfo", swap }, { "qubes-block-devices/", block_devices },
	{ "qubes-usb-devices/", usb_devices }, { "qubes-iptables-error", firewall_error },
};

static size_t name_len(const char *key)
{
	size_t n = strlen(key);

	return n - (key[n - 1] == '/');
}

static void heard(struct vm *v, const struct xen_heard *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++)
		if (strlen(h->key) == name_len(listened[i].key) && skip_prefix(listened[i].key, h->key))
			listened[i].heard(v, h);
}

static void on_wake(uv_async_t *a)
{
	struct xen_sink *s = a->data;
	CLEANUP_FREE char *why = xen_worker_lost(s->worker);
	struct xen_heard *h;

	while ((h = xen_worker_heard(s->worker))) {
		struct vm *v = by_xid(s->sys, h->domid);

		if (v)
			heard(v, h);
		xen_heard_free(h);
	}
	if (why)
		log_line(s->sys, "there is no XenStore any more: %s", why);
}

/* Those that are in XenStore in this generation. */
static void watched_keys(enum vmif_gen gen, struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++) {
		CLEANUP_FREE char *name = xstrndup(listened[i].key, name_len(listened[i].key));

		if (key_in_gen(key_find(name), gen) && key_store(name, gen) == KEY_XENSTORE)
			strv_add(ret, listened[i].key);
	}
}

/* ---- begin and end ---- */

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

/* All that run, in one go. */
static void unmake_all(struct xen_sink *k)
{
	struct sys *s = k->sys;
	struct xen_job job = { xcalloc(s->n_vms, sizeof(*job.ops)), 0 };
	CLEANUP_ERR struct err err = ERR_INIT;

	for (size_t i = 0; i < s->n_vms; i++)
		if (s->vms[i]->published)
			job.ops[job.n++] = (struct xen_op){ .kind = XEN_UNMAKE, .domid = s->vms[i]->xid };
	if (job.n == 0)
		xen_job_release(&job);
	else if (xen_worker_do(k->worker, &job, &err) < 0)
		log_line(s, "%s", err.text);
}

static void close_sink(struct key_sink *k)
{
	struct xen_sink *s = (struct xen_sink *)k;

	unmake_all(s);

	xen_worker_stop(s->worker);
	uv_close((uv_handle_t *)&s->wake, on_closed);
}

struct key_sink *xenstore_sink(struct sys *s, struct err *err)
{
	CLEANUP_STRV struct strv watch = STRV_INIT;
	struct xen_sink *k = xcalloc(1, sizeof *k);

	*k = (struct xen_sink){ .sink = { .store = KEY_XENSTORE, .apply = apply, .close = close_sink }, .sys = s };
	watched_keys(s->opt.vmif, &watch);
	uv_async_init(s->loop, &k->wake, on_wake);
	k->wake.data = k;
	setenv("XENSTORED_PATH", s->opt.xenstore, 1);
	if (xen_worker_start(&watch, &k->wake, &k->worker, err) == 0)
		return &k->sink;
	uv_close((uv_handle_t *)&k->wake, on_closed);
	return NULL;
}
