/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules of qubes: Get, Set, Reload, and rules whose time is over (admin-api 2.12, 9). */
#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "qvmd/publish.h"
#include "qvmd/store.h"

/* The clock may be set, and stands still for the timer while the machine sleeps: looked at so often. */
#define LOOK_MS 60000

/* ---- the rules of a qube ---- */

const struct fw_rules *firewall_rules(const struct vm *v)
{
	static const struct fw_rule accept = { .has_action = true };
	static const struct fw_rules unset = { .v = (struct fw_rule *)&accept, .n = 1 };

	return v->firewall ? v->firewall : &unset;
}

/* Takes the place of what there was; rules is empty afterwards. */
static void replace(struct vm *v, struct fw_rules *rules)
{
	firewall_clear(v);
	v->firewall = xmalloc(sizeof *v->firewall);
	*v->firewall = *rules;
	*rules = (struct fw_rules){0};
}

void firewall_put(struct vm *v, struct fw_rules *rules)
{
	CLEANUP_BUF struct buf text = BUF_INIT;

	replace(v, rules);
	fw_rules_print(&text, v->firewall, FW_SERVER);
	store_firewall(v, buf_str(&text));
	firewall_watch(v);
}

int firewall_load(struct vm *v, const char *text)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	size_t line;

	if (fw_rules_parse(&rules, text, strlen(text), FW_SERVER, &line, NULL) < 0)
		return -EINVAL;
	replace(v, &rules);
	return 0;
}

void firewall_copy(struct vm *v, const struct vm *from)
{
	struct fw_rules copy;

	if (!from->firewall)
		return;
	fw_rules_copy(&copy, from->firewall);
	firewall_put(v, &copy);
}

void firewall_clear(struct vm *v)
{
	if (v->firewall)
		fw_rules_release(v->firewall);
	free(STEAL(v->firewall));
}

void firewall_changed(struct vm *v)
{
	publish_firewall(v);
	fire(v->sys, v, "firewall-changed", NULL);
}

/* ---- expiry ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_over(const struct fw_rule *r, int64_t ms)
{
	return fw_rule_expiry(r) <= ms / 1000;
}

static bool drop_expired(struct fw_rules *rules, int64_t ms)
{
	size_t before = rules->n;

	for (size_t i = rules->n; i > 0; i--)
		if (is_over(&rules->v[i - 1], ms))
			fw_rules_remove(rules, i - 1);
	return rules->n < before;
}

static void on_expiry(uv_timer_t *h);

/* At the latest then the rules are looked at. */
static void look_at(struct sys *s, int64_t at, int64_t now)
{
	if (at > now + LOOK_MS)
		at = now + LOOK_MS;
	if (!s->expiry || (s->expiry_at && s->expiry_at <= at))
		return;
	s->expiry_at = at;
	uv_timer_start(s->expiry, on_expiry, at > now ? (uint64_t)(at - now) : 0, 0);
}

void firewall_watch(struct vm *v)
{
	for (size_t i = 0; i < v->firewall->n; i++) {
		int64_t end = fw_rule_expiry(&v->firewall->v[i]);

		if (end != INT64_MAX)
			look_at(v->sys, end < INT64_MAX / 1000 ? end * 1000 : INT64_MAX, now_ms());
	}
}

static void on_expiry(uv_timer_t *h)
{
	struct sys *s = h->data;
	int64_t now = now_ms();

	s->expiry_at = 0;
	for (size_t i = 0; i < s->n_vms; i++) {
		struct vm *v = s->vms[i];
		struct fw_rules left = {0};

		if (!v->firewall)
			continue;
		if (!drop_expired(v->firewall, now)) {
			firewall_watch(v);
			continue;
		}
		left = *v->firewall;
		*v->firewall = (struct fw_rules){0};
		firewall_put(v, &left);
		firewall_changed(v);
		/* When this cannot be saved they are there again, and it is tried again. */
		look_at(s, now + LOOK_MS, now);
	}
}

void firewall_start(struct sys *s)
{
	s->expiry = xcalloc(1, sizeof *s->expiry);
	uv_timer_init(s->loop, s->expiry);
	s->expiry->data = s;
	on_expiry(s->expiry);
}

static void freed(uv_handle_t *h)
{
	free(h);
}

void firewall_stop(struct sys *s)
{
	if (s->expiry)
		uv_close((uv_handle_t *)STEAL(s->expiry), freed);
}

/* ---- the calls ---- */

/* That class has no firewall; upstream fails inside, in every generation. */
static bool refuse_remote(struct req *r)
{
	if (r->dest->class != CLASS_REMOTE)
		return false;
	req_refuse(r);
	return true;
}

static void handle_get(struct req *r)
{
	const struct fw_rules *rules = firewall_rules(r->dest);
	CLEANUP_BUF struct buf b = BUF_INIT;
	int64_t now = now_ms();

	if (refuse_remote(r))
		return;
	for (size_t i = 0; i < rules->n; i++) {
		if (is_over(&rules->v[i], now))
			continue;
		fw_rule_print(&b, &rules->v[i], FW_SERVER);
		buf_addch(&b, '\n');
	}
	req_ok_buf(r, &b);
}

static void handle_set(struct req *r)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t line;

	if (refuse_remote(r))
		return;
	for (size_t i = 0; i < r->payload_len; i++)
		if ((unsigned char)r->payload[i] >= 0x80)
			return req_fail(r, "ProtocolError", "Rules contains non-ASCII characters");
	if (fw_rules_parse(&rules, r->payload, r->payload_len, FW_SERVER, &line, &err) < 0)
		return req_fail(r, "QubesValueError", "rule %zu: %s", line, err.text);
	drop_expired(&rules, now_ms());
	firewall_put(r->dest, &rules);
	firewall_changed(r->dest);
	req_ok(r, "");
}

static void handle_reload(struct req *r)
{
	if (refuse_remote(r))
		return;
	firewall_changed(r->dest);
	req_ok(r, "");
}

/* An empty payload is the empty list, in all generations (admin-api 2.12). */
#define CALL(name, payload_, access_, handle_) \
	{ "admin.vm.firewall." name, "S23N", DEST_NOT_DOM0, PART_NONE, payload_, access_, handle_ }

const struct method methods_firewall[] = {
	CALL("Get", PART_NONE, ACCESS_READ, handle_get),
	CALL("Set", PART_OPTIONAL, ACCESS_WRITE, handle_set),
	CALL("Reload", PART_NONE, ACCESS_EXECUTE, handle_reload),
	METHOD_END,
};
