/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firewall rules of any bytes, in each form. What is read and written again is read the same; what the server writes a
 * client reads, writes, and reads the same; and what goes to a network qube is always what its agent reads.
 */
#include <stdio.h>

#include "model/firewall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void surprise(const char *what, const char *line)
{
	fprintf(stderr, "%s: %s\n", what, line);
	abort();
}

/* Writes the rule in a form and reads that: the same rule. */
static void check_round(const struct fw_rule *rule, enum fw_form form)
{
	CLEANUP_BUF struct buf once = BUF_INIT, twice = BUF_INIT;
	CLEANUP_FW_RULE struct fw_rule again = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	fw_rule_print(&once, rule, form);
	if (fw_rule_parse(&again, buf_str(&once), once.len, form, &err) < 0)
		surprise(err.text, buf_str(&once));
	fw_rule_print(&twice, &again, form);
	if (!streq(buf_str(&once), buf_str(&twice)) || !fw_rule_equal(rule, &again, form))
		surprise("read and written again it is another", buf_str(&once));
}

/* A rule that the server took is one for the tool and for the agent. */
static void check_server(const struct fw_rule *rule)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FW_RULE struct fw_rule at_client = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	fw_rule_print(&b, rule, FW_SERVER);
	if (strpbrk(buf_str(&b), "\n\r\t"))
		surprise("more than a line", buf_str(&b));
	if (fw_rule_parse(&at_client, buf_str(&b), b.len, FW_CLIENT, &err) < 0)
		surprise(err.text, buf_str(&b));
	check_round(&at_client, FW_CLIENT);
	check_round(rule, FW_ENTRY);
	if (fw_rule_expiry(rule) < 0 || fw_rule_family(rule) != fw_rule_family(&at_client))
		surprise("the tool sees another rule", buf_str(&b));
}

static void check_list(const struct fw_rules *rules, enum fw_form form)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FW_RULES struct fw_rules again = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	size_t line;

	for (size_t i = 0; i < rules->n; i++) {
		check_round(&rules->v[i], form);
		if (form == FW_SERVER)
			check_server(&rules->v[i]);
	}
	fw_rules_print(&b, rules, form);
	if (fw_rules_parse(&again, buf_str(&b), b.len, form, &line, &err) < 0 || again.n != rules->n)
		surprise("a list is another when it is read again", buf_str(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum fw_form form = FW_SERVER; form <= FW_ENTRY; form++) {
		CLEANUP_FW_RULES struct fw_rules rules = {0};
		CLEANUP_ERR struct err err = ERR_INIT;
		size_t line;

		if (fw_rules_parse(&rules, (const char *)data, size, form, &line, &err) == 0)
			check_list(&rules, form);
		else if (rules.n || !err.text)
			surprise("refused, yet not empty or without a reason", "");
	}
	return 0;
}
