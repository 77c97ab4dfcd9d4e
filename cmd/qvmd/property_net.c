/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the network: addresses, the netvm and the rules and events that hang on it. */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/property.h"
#include "qvmd/publish.h"

/* A chain of netvms has no loop; this bounds one that a damaged store could hold. */
#define CHAIN_MAX 4096

#define NET_PREFIX_QUBE "10.137"
#define NET_PREFIX_DISP "10.138"
#define BLOCK_DEVICES "/qubes-block-devices"

static bool has_network_props(const struct vm *v)
{
	return v->class != CLASS_ADMIN && v->class != CLASS_REMOTE;
}

/* Says whether the netvm follows default_netvm. */
static bool follows_default(const struct vm *v)
{
	return has_network_props(v) && v->class != CLASS_TEMPLATE && !kvs_get(&v->props, "netvm");
}

struct vm *netvm_of(struct vm *v)
{
	const char *set;

	if (!has_network_props(v))
		return NULL;
	set = kvs_get(&v->props, "netvm");
	if (set)
		return *set ? vm_find(v->sys, set) : NULL;
	return follows_default(v) ? global_get_vm(v->sys, "default_netvm") : NULL;
}

bool provides_network(const struct vm *v)
{
	const char *set = kvs_get(&v->props, "provides_network");

	return set && streq(set, "True");
}

static bool is_networked(struct vm *v)
{
	return provides_network(v) || netvm_of(v);
}

static bool ipv6_is_on(struct vm *v)
{
	for (int i = 0; v && i < CHAIN_MAX; v = netvm_of(v), i++) {
		const char *feature = feature_get(v, "ipv6");

		if (feature)
			return *feature;
	}
	return false;
}

/* ---- defaults ---- */

PROP_FALLBACK(default_dns)
{
	return is_networked(v) ? xstrdup("10.139.1.1 10.139.1.2") : NULL;
}

PROP_FALLBACK(default_ip)
{
	bool disp = v->class == CLASS_DISP;
	int64_t id = disp ? v->dispid : v->qid;
	int64_t third = id / 256, fourth = id % 256;

	if (!is_networked(v))
		return NULL;
	if (id >= 255) {
		third = (id - 1) / 254;
		fourth = (id - 1) % 254 + 1;
	}
	return xasprintf("%s.%jd.%jd", disp ? NET_PREFIX_DISP : NET_PREFIX_QUBE, (intmax_t)third,
			 (intmax_t)fourth);
}

PROP_FALLBACK(default_ip6)
{
	bool disp = v->class == CLASS_DISP;

	if (!is_networked(v) || !ipv6_is_on(v))
		return NULL;
	return xasprintf("fd09:24ef:4179::%s:%jx", disp ? "a8a" : "a89",
			 (uintmax_t)(disp ? v->dispid : v->qid));
}

/* Another property of the same or another qube; NULL for none. */
static char *value_of(struct vm *v, const char *prop)
{
	return prop_value(v->sys, v, prop_def_find(v, prop), NULL);
}

PROP_FALLBACK(default_visible_ip)
{
	const char *fake = feature_check_template(v, "net.fake-ip");

	return fake && *fake ? xstrdup(fake) : value_of(v, "ip");
}

PROP_FALLBACK(default_visible_ip6)
{
	return value_of(v, "ip6");
}

PROP_FALLBACK(default_gateway)
{
	return provides_network(v) ? value_of(v, "visible_ip") : NULL;
}

PROP_FALLBACK(default_gateway6)
{
	return provides_network(v) && ipv6_is_on(v) ? value_of(v, "visible_ip6") : NULL;
}

PROP_FALLBACK(default_visible_gateway)
{
	const char *fake = feature_check_template(v, "net.fake-gateway");
	struct vm *n = netvm_of(v);

	if (fake && *fake)
		return xstrdup(fake);
	return n && has_network_props(n) ? value_of(n, "gateway") : NULL;
}

PROP_FALLBACK(default_visible_gateway6)
{
	struct vm *n = netvm_of(v);

	return n && has_network_props(n) ? value_of(n, "gateway6") : NULL;
}

PROP_FALLBACK(default_visible_netmask)
{
	const char *fake = feature_check_template(v, "net.fake-netmask");

	if (fake && *fake)
		return xstrdup(fake);
	return netvm_of(v) ? xstrdup("255.255.255.255") : NULL;
}

/* ---- rules ---- */

static bool same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static int check_attach(struct vm *v, struct vm *netvm, struct err *err)
{
	if (netvm && vm_is_running(v) && !vm_is_running(netvm))
		return err_set(err, -EINVAL, "QubesVMNotStartedError",
			       "Cannot dynamically attach to stopped qube %s", netvm->name);
	return 0;
}

int check_netvm(const struct prop_change *c, struct err *err)
{
	struct vm *netvm = c->new ? vm_find(c->sys, c->new) : NULL;
	struct vm *up = netvm;

	if (netvm && !c->reset && !provides_network(netvm))
		return err_set(err, -EINVAL, "QubesValueError", "The %s qube does not provide network",
			       netvm->name);
	for (int i = 0; up && i < CHAIN_MAX; up = netvm_of(up), i++)
		if (up == c->vm)
			return err_set(err, -EINVAL, "QubesValueError", "Loops in network are unsupported");
	/* A Reset that changes something is told as a Set as well (admin-api 11.3). */
	if (c->reset && !same(c->old, c->new))
		announce_set(c, "property-pre-set");
	return check_attach(c->vm, netvm, err);
}

int check_provides_network(const struct prop_change *c, struct err *err)
{
	if (streq(c->new, "True"))
		return 0;
	for (size_t i = 0; i < c->sys->n_vms; i++)
		if (netvm_of(c->sys->vms[i]) == c->vm)
			return err_set(err, -EINVAL, "QubesValueError",
				       "The qube is still used by other qubes, change theirs 'netvm' first");
	return 0;
}

/* The same change, seen as one of another qube's property. */
static struct prop_change change_of(const struct prop_change *c, struct vm *v, const char *prop)
{
	struct prop_change result = *c;

	result.vm = v;
	result.def = prop_def_find(v, prop);
	result.has_old = true;
	return result;
}

int check_default_netvm(const struct prop_change *c, struct err *err)
{
	struct vm *netvm = c->new ? vm_find(c->sys, c->new) : NULL;
	struct vm *up = netvm;

	/* Up the chain, the first qube that has no netvm of its own would get the new default: a loop. */
	for (int i = 0; up && i < CHAIN_MAX; up = netvm_of(up), i++)
		if (follows_default(up))
			return err_set(err, -EINVAL, "QubesPropertyValueError", "Network loop on '%s'",
				       up->name);
	for (size_t i = 0; i < c->sys->n_vms; i++) {
		struct vm *v = c->sys->vms[i];
		struct prop_change n;

		if (!prop_at_default(v, "netvm"))
			continue;
		n = change_of(c, v, "netvm");
		announce_set(&n, "property-pre-set");
		if (follows_default(v) && !same(c->old, c->new)) {
			int r = check_attach(v, netvm, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- reactions ---- */

/* What a running qube does when its netvm has changed: before and after the event that tells of it. */
static void reconnect(const struct prop_change *c)
{
	struct vm *netvm = c->new ? vm_find(c->sys, c->new) : NULL;

	if (!netvm || !vm_is_running(c->vm))
		return;
	fire(c->sys, c->vm, "domain-qdb-create", NULL);
	fire(c->sys, netvm, "net-domain-connect", "vm", c->vm->name, NULL);
}

static void reconnected(const struct prop_change *c)
{
	if (!c->new || !vm_is_running(c->vm))
		return;
	/* The key is written anew, which the watch on it takes for a change. */
	fire(c->sys, c->vm, "device-list-change:block", NULL);
	fire(c->sys, c->vm, "domain-qdb-change:" BLOCK_DEVICES, "path", BLOCK_DEVICES, NULL);
}

void react_netvm(const struct prop_change *c)
{
	if (c->reset && same(c->old, c->new))
		return;
	publish_netvm(c->vm, c->old);
	reconnect(c);
	if (c->reset)
		announce_set(c, "property-set");
}

void late_netvm(const struct prop_change *c)
{
	if (!c->reset || !same(c->old, c->new))
		reconnected(c);
}

void react_default_netvm(const struct prop_change *c)
{
	for (size_t i = 0; i < c->sys->n_vms; i++) {
		struct vm *v = c->sys->vms[i];
		struct prop_change n;

		if (!prop_at_default(v, "netvm"))
			continue;
		n = change_of(c, v, "netvm");
		n.reset = true;
		/* A template is announced too, though its netvm stays none (admin-api 11.3). */
		if (!follows_default(v))
			n.new = NULL;
		react_netvm(&n);
		announce_reset(&n, "property-reset");
		late_netvm(&n);
	}
}

void react_ip(const struct prop_change *c)
{
	prop_changed(c->vm, streq(c->def->name, "ip") ? "visible_ip" : "visible_ip6");
}

void react_provides_network(const struct prop_change *c)
{
	CLEANUP_ERR struct err ignored = ERR_INIT;

	if (streq(c->new, "True"))
		feature_set(c->vm, "servicevm", "1", &ignored);
	else if (feature_get(c->vm, "servicevm"))
		feature_remove(c->vm, "servicevm");
	prop_changed(c->vm, "icon");
	prop_changed(c->vm, "gateway");
	prop_changed(c->vm, "gateway6");
}
