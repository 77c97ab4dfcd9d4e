/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.vm.Stats: a stream of numbers about running qubes (admin-api 2.14, 11.4). */
#include "base/mem.h"
#include "base/num.h"
#include "qvmd/power.h"
#include "qvmd/server.h"

/* One stream. */
struct stats {
	struct sys *sys;
	struct conn *conn;
	char uuid[37];     /* of the one qube, or "": all that run */
	uint64_t round_ns; /* when the last round was; 0: none yet */
	uv_timer_t timer;
};

/* A number as text, for the list of an event. */
struct digits {
	char s[24];
};

static struct digits digits(uint64_t n)
{
	struct digits d;

	snprintf(d.s, sizeof d.s, "%llu", (unsigned long long)n);
	return d;
}

static void add_vm(struct buf *b, struct stats *st, struct vm *v, uint64_t now)
{
	struct power_numbers n = power_numbers(v);
	uint64_t vcpus = v->class == CLASS_ADMIN ? 1 : (uint64_t)prop_get_int(v, "vcpus", 1);
	uint64_t share = 0;

	/* What a qube uses is the same at any time (power.h), so one round needs no memory of another. */
	if (st->round_ns && now > v->started_ns)
		share = n.cpu_ns * 100 / (now - (v->class == CLASS_ADMIN ? 0 : v->started_ns));

	struct digits mem = digits(n.mem_kb), time = digits(n.cpu_ns / 1000000), online = digits(vcpus);
	struct digits usage = digits(share / vcpus), raw = digits(share);
	struct digits used = v->used_kib < 0 ? mem : digits((uint64_t)v->used_kib);
	struct digits swap = digits(v->swap_kib < 0 ? 0 : (uint64_t)v->swap_kib);

	if (st->sys->opt.compat)
		event_encode(b, v->name, "vm-stats",
			     (const char *const[]){ "memory_kb", mem.s, "cpu_time", time.s, "cpu_usage", usage.s,
						    "cpu_usage_raw", raw.s, NULL });
	else
		event_encode(b, v->name, "vm-stats",
			     (const char *const[]){ "memory_kb", mem.s, "memory_assigned_total", mem.s,
						    "memory_assigned_usable", mem.s, "memory_with_swap_used", used.s,
						    "cpu_time", time.s, "cpu_usage", usage.s, "online_vcpus", online.s,
						    v->swap_kib < 0 ? NULL : "swap_used", swap.s, NULL });
}

static bool has_numbers(const struct vm *v)
{
	return v->class == CLASS_ADMIN || (power_is_switched(v) && vm_is_running(v));
}

static void send_round(uv_timer_t *h)
{
	struct stats *st = h->data;
	struct sys *s = st->sys;
	CLEANUP_FREE char *interval = global_get(s, "stats_interval", NULL);
	CLEANUP_BUF struct buf b = BUF_INIT;
	uint64_t now = uv_hrtime(), seconds = 0;

	if (st->uuid[0]) {
		struct vm *v = vm_find_uuid(s, st->uuid);

		if (v && has_numbers(v))
			add_vm(&b, st, v, now);
	} else {
		for (size_t i = 0; i < s->n_vms; i++)
			if (has_numbers(s->vms[i]))
				add_vm(&b, st, s->vms[i], now);
	}
	st->round_ns = now;
	if (b.len)
		conn_stream_add(st->conn, b.data, b.len);
	if (num_u64(interval, &seconds) < 0 || seconds == 0 || seconds > 86400)
		seconds = 1;
	uv_timer_start(&st->timer, send_round, seconds * 1000, 0);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void stats_free(struct stats *st)
{
	if (st)
		uv_close((uv_handle_t *)&st->timer, on_closed);
}

/* Here a refusal comes behind the beginning of the stream (admin-api 1.6). */
static void refuse_halted(struct req *r)
{
	CLEANUP_FREE char *text = xasprintf("Domain not running (either powered off or paused): '%s'", r->dest->name);
	CLEANUP_BUF struct buf b = BUF_INIT;

	event_encode(&b, "", "connection-established", (const char *const[]){ NULL });
	reply_encode_exception(&b, "QubesVMNotRunningError", NULL, text);
	r->answered = true;
	conn_reply(r->conn, b.data, b.len, NULL, 0);
}

static void stats(struct req *r)
{
	if (r->dest != r->sys->dom0 && !has_numbers(r->dest))
		return refuse_halted(r);

	struct stats *st = xcalloc(1, sizeof *st);

	st->sys = r->sys;
	st->conn = r->conn;
	if (r->dest != r->sys->dom0)
		memcpy(st->uuid, r->dest->uuid, sizeof st->uuid);
	uv_timer_init(r->sys->loop, &st->timer);
	st->timer.data = st;
	hub_add(r, st);
	send_round(&st->timer);
}

const struct method methods_stats[] = {
	{"admin.vm.Stats", "S23N", DEST_ANY, PART_NONE, PART_NONE, ACCESS_READ, stats},
	METHOD_END,
};
