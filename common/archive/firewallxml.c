/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of firewalls out of XML. */
#include "archive/firewallxml.h"

#include <errno.h>

#include "archive/xmldoc.h"
#include "base/mem.h"

static int bad(struct err *err, const char *why)
{
	return err_set(err, -EBADMSG, "", "firewall.xml: %s", why);
}

static int set(struct fw_rule *rule, const char *key, const char *value, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;
	int r = fw_rule_set(rule, key, value, &why);

	return r < 0 ? bad(err, why.text) : 0;
}

/* Takes over the rule when it is one. */
static int add(struct fw_rules *l, struct fw_rule *rule, struct err *err)
{
	CLEANUP_ERR struct err why = ERR_INIT;

	if (fw_rule_check(rule, &why) < 0)
		return bad(err, why.text);
	fw_rules_insert(l, l->n, rule);
	return 0;
}

/* ---- version 2 ---- */

static int read_rule(struct fw_rules *l, xmlNode *n, struct err *err)
{
	CLEANUP_FW_RULE struct fw_rule rule = {0};

	for XMLDOC_EACH (p, xmldoc_next(n->children, "properties"), "property") {
		CLEANUP_FREE char *key = xmldoc_attribute(p, "name");
		CLEANUP_FREE char *value = xmldoc_content(p);

		if (set(&rule, key ? key : "", value, err) < 0)
			return -EBADMSG;
	}
	return add(l, &rule, err);
}

static int read_rules(struct fw_rules *l, xmlNode *root, struct err *err)
{
	for XMLDOC_EACH (n, xmldoc_next(root->children, "rules"), "rule")
		if (read_rule(l, n, err) < 0)
			return -EBADMSG;
	return 0;
}

/* ---- the second generation (2.12) ---- */

static bool allows(xmlNode *root, const char *what)
{
	CLEANUP_FREE char *value = xmldoc_attribute(root, what);

	return value && streq(value, "allow");
}

static int add_plain(struct fw_rules *l, bool accept, const char *key, const char *value, struct err *err)
{
	CLEANUP_FW_RULE struct fw_rule rule = {0};
	int r = set(&rule, "action", accept ? "accept" : "drop", err);

	if (r == 0 && key)
		r = set(&rule, key, value, err);
	return r < 0 ? r : add(l, &rule, err);
}

static int set_ports(struct fw_rule *rule, xmlNode *n, struct err *err)
{
	CLEANUP_FREE char *from = xmldoc_attribute(n, "port"), *to = xmldoc_attribute(n, "toport");
	CLEANUP_FREE char *range = NULL;

	if (!from || streq(from, "0"))
		return 0;
	range = to ? xasprintf("%s-%s", from, to) : xstrdup(from);
	return set(rule, "dstports", range, err);
}

static int read_core2_rule(struct fw_rules *l, xmlNode *n, bool accept, struct err *err)
{
	CLEANUP_FW_RULE struct fw_rule rule = {0};
	CLEANUP_FREE char *address = xmldoc_attribute(n, "address"), *mask = xmldoc_attribute(n, "netmask");
	CLEANUP_FREE char *proto = xmldoc_attribute(n, "proto");
	CLEANUP_FREE char *host = mask && address ? xasprintf("%s/%s", address, mask) : NULL;
	int r = set(&rule, "action", accept ? "accept" : "drop", err);

	if (r == 0 && proto && !streq(proto, "any"))
		r = set(&rule, "proto", proto, err);
	if (r == 0 && address && !(mask && streq(mask, "0")))
		r = set(&rule, "dsthost", host ? host : address, err);
	if (r == 0)
		r = set_ports(&rule, n, err);
	return r < 0 ? r : add(l, &rule, err);
}

/* What is said of DNS and ICMP, then the exceptions from the policy, then the policy. */
static int read_core2(struct fw_rules *l, xmlNode *root, struct err *err)
{
	bool accept = allows(root, "policy");
	int r = add_plain(l, allows(root, "dns"), "specialtarget", "dns", err);

	if (r == 0)
		r = add_plain(l, allows(root, "icmp"), "proto", "icmp", err);
	for XMLDOC_EACH (n, root, "rule")
		if (r == 0)
			r = read_core2_rule(l, n, !accept, err);
	return r < 0 ? r : add_plain(l, accept, NULL, NULL, err);
}

int firewallxml_parse(struct fw_rules *ret, const char *xml, size_t len, struct err *err)
{
	CLEANUP_XMLDOC xmlDoc *doc = xmldoc_read("firewall.xml", xml, len, FIREWALL_XML_MAX, err);
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	int r;

	if (!root)
		return -EBADMSG;
	if (xmldoc_is(root, "QubesFirewallRules"))
		r = read_core2(&rules, root, err);
	else
		r = xmldoc_is(root, "firewall") ? read_rules(&rules, root, err) : bad(err, "not rules of a firewall");
	if (r < 0)
		return r;
	*ret = rules;
	rules = (struct fw_rules){0};
	return 0;
}
