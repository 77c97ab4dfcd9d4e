/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules of a fixture's qube. */
#include <errno.h>

#include "qvmd/fixture.h"

static int load_rule(struct load *l, void *data, yaml_node_t *item)
{
	CLEANUP_FREE char *s = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;
	struct fw_rule rule;
	struct fw_rules *rules = data;

	if (fixture_text(l, item, "firewall", &s) < 0)
		return -EINVAL;
	if (fw_rule_parse(&rule, s, strlen(s), FW_SERVER, &why) < 0)
		return fixture_bad_check(l, item, "firewall", &why);
	fw_rules_insert(rules, rules->n, &rule);
	return 0;
}

int load_firewall(struct load *l, struct vm *v, yaml_node_t *val)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	int r = each_item(l, val, "firewall", load_rule, &rules);

	if (r == 0)
		firewall_put(v, &rules);
	return r;
}
