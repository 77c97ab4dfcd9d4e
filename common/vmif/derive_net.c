/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a qube that are of the network: its own, and what it knows of its clients (vm-interface 4.1, 4.4). */
#include "base/mem.h"
#include "base/num.h"
#include "vmif/derive_impl.h"

/* ---- addresses of releases 2 and 3 ---- */

static uint64_t number_prop(const struct deriving *d, const char *qube, const char *prop)
{
	CLEANUP_FREE char *text = prop_of(d, qube, prop);
	uint64_t n = 0;

	return num_u64(text, &n) == 0 ? n : 0;
}

/* Those releases numbered their network qubes by themselves; here the number follows from the qid, 1 to 253. */
static unsigned netid(const struct deriving *d, const char *netvm)
{
	uint64_t qid = number_prop(d, netvm, "qid");

	return (unsigned)((qid + 252) % 253 + 1);
}

static char *old_address(const struct deriving *d, const char *netvm, unsigned last)
{
	return xasprintf("10.137.%u.%u", netid(d, netvm), last);
}

static char *old_client_ip(const struct deriving *d, const char *client, const char *netvm)
{
	if (prop_is(d, client, "klass", "DispVM"))
		return xasprintf("10.138.%u.%u", netid(d, netvm),
				 (unsigned)(number_prop(d, client, "dispid") % 254 + 1));
	return old_address(d, netvm, (unsigned)(number_prop(d, client, "qid") % 253 + 2));
}

/* ---- what both ends need ---- */

static char *word(const char *text, size_t which)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	strv_split(&words, text, ' ');
	return xstrdup(which < words.n ? words.v[which] : "");
}

/* The DNS servers in the network behind netvm; own: as that one's property says it. */
static void dns_behind(const struct deriving *d, const char *netvm, const char *own, char **ret_first,
		       char **ret_second)
{
	if (d->gen == VMIF_R4) {
		CLEANUP_FREE char *dns = prop_of(d, own, "dns");

		*ret_first = word(dns, 0);
		*ret_second = word(dns, 1);
	} else {
		*ret_first = old_address(d, netvm, 1);
		*ret_second = old_address(d, netvm, 254);
	}
}

char *client_ip(const struct deriving *d, const char *client)
{
	CLEANUP_FREE char *netvm = NULL;

	if (d->gen == VMIF_R4)
		return prop_of(d, client, "ip");
	netvm = derive_netvm(d->src, client);
	return *netvm ? old_client_ip(d, client, netvm) : xstrdup("");
}

void client_dns(const struct deriving *d, const char *client, char **ret_first, char **ret_second)
{
	CLEANUP_FREE char *netvm = derive_netvm(d->src, client);

	dns_behind(d, netvm, client, ret_first, ret_second);
}

/* ---- keys ---- */

void derive_own_network(const struct deriving *d)
{
	bool r4 = d->gen == VMIF_R4;
	CLEANUP_FREE char *gateway = NULL, *gateway6 = NULL, *network = NULL, *first = NULL, *second = NULL;

	if (!is_network(d, d->qube))
		return;
	gateway = r4 ? prop_of(d, d->qube, "gateway") : old_address(d, d->qube, 1);
	/* Release 4 has no network of this kind any more: only that the key is there counts. */
	network = r4 ? xstrdup(gateway) : old_address(d, d->qube, 0);
	gateway6 = prop_of(d, d->qube, "gateway6");
	dns_behind(d, d->qube, d->qube, &first, &second);
	put_if(d, "qubes-netvm-network", network);
	put_if(d, "qubes-netvm-gateway", gateway);
	put_if(d, "qubes-netvm-gateway6", gateway6);
	put(d, "qubes-netvm-netmask", r4 ? "255.255.255.255" : "255.255.255.0");
	put_if(d, "qubes-netvm-primary-dns", first);
	put_if(d, "qubes-netvm-secondary-dns", second);
}

static void netvm_domid(const struct deriving *d, const char *netvm)
{
	int64_t domid = derive_domid(d->src, netvm);

	if (!is_network(d, d->qube))
		return;
	if (domid < 0)
		put(d, "qubes-netvm-domid", "");
	else
		putf(d, "qubes-netvm-domid", "%jd", (intmax_t)domid);
}

void derive_uplink(const struct deriving *d)
{
	bool r4 = d->gen == VMIF_R4;
	CLEANUP_FREE char *netvm = derive_netvm(d->src, d->qube);
	CLEANUP_FREE char *mac = NULL, *ip = NULL, *netmask = NULL, *gateway = NULL, *first = NULL, *second = NULL;
	CLEANUP_FREE char *ip6 = NULL, *gateway6 = NULL;

	if (!*netvm)
		return;
	mac = prop_of(d, d->qube, "mac");
	ip = r4 ? prop_of(d, d->qube, "visible_ip") : old_client_ip(d, d->qube, netvm);
	netmask = r4 ? prop_of(d, d->qube, "visible_netmask") : xstrdup("255.255.255.0");
	gateway = r4 ? prop_of(d, d->qube, "visible_gateway") : old_address(d, netvm, 1);
	ip6 = prop_of(d, d->qube, "visible_ip6");
	gateway6 = prop_of(d, d->qube, "visible_gateway6");
	dns_behind(d, netvm, d->qube, &first, &second);
	put_if(d, "qubes-mac", mac);
	put_if(d, "qubes-ip", ip);
	put_if(d, "qubes-netmask", netmask);
	put_if(d, "qubes-gateway", gateway);
	put_if(d, "qubes-primary-dns", first);
	put_if(d, "qubes-secondary-dns", second);
	put_if(d, "qubes-ip6", ip6);
	put_if(d, "qubes-gateway6", gateway6);
	netvm_domid(d, netvm);
}

/* ---- in a network qube, of its clients ---- */

static void connected(const struct deriving *d, const struct strv *clients, const char *key, const char *prop)
{
	CLEANUP_STRV struct strv addresses = STRV_INIT;
	CLEANUP_FREE char *joined = NULL;

	for (size_t i = 0; i < clients->n; i++) {
		CLEANUP_FREE char *address = prop_of(d, clients->v[i], prop);

		if (*address)
			strv_take(&addresses, STEAL(address));
	}
	joined = strv_join(&addresses, " ");
	put(d, key, joined);
}

void derive_connected(const struct key_source *s, enum vmif_gen gen, const char *netvm, struct key_values *ret)
{
	const struct deriving d = { s, gen, netvm, ret };

	CLEANUP_STRV struct strv clients = STRV_INIT;

	if (gen != VMIF_R4)
		return;
	naming(&d, "netvm", &clients);
	connected(&d, &clients, "connected-ips", "visible_ip");
	connected(&d, &clients, "connected-ips6", "visible_ip6");
}

static void mapped(const struct deriving *d, const char *client, const char *ip, const char *prop, const char *name)
{
	CLEANUP_FREE char *key = xasprintf("mapped-ip/%s/%s", ip, name);
	CLEANUP_FREE char *value = prop_of(d, client, prop);

	if (*value)
		put(d, key, value);
	else
		key_values_add_gone(d->ret, key);
}

void derive_client(const struct key_source *s, enum vmif_gen gen, const char *netvm, const char *client,
		   struct key_values *ret)
{
	const struct deriving d = { s, gen, netvm, ret };
	CLEANUP_FREE char *ip = client_ip(&d, client);

	if (gen != VMIF_R4 || !*ip)
		return;
	mapped(&d, client, ip, "visible_ip", "visible-ip");
	mapped(&d, client, ip, "visible_gateway", "visible-gateway");
}
