/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of firewalls out of XML, of both generations (backup-policy-clock 2.12, 3.9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "archive/firewallxml.h"
#include "base/mem.h"

static void same(const char *xml, const char *want)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (firewallxml_parse(&rules, xml, strlen(xml), &err) < 0)
		fail_msg("%s", err.text);
	fw_rules_print(&b, &rules, FW_CLIENT);
	assert_string_equal(buf_str(&b), want);
}

static void refused(const char *xml, const char *why)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	assert_true(firewallxml_parse(&rules, xml, strlen(xml), &err) < 0);
	assert_string_equal(err.text, why);
	assert_int_equal(rules.n, 0);
}

#define PROPERTY(name, value) "<property name=\"" name "\">" value "</property>"
#define RULE(properties) "<rule><properties>" properties "</properties></rule>"
#define RULES(rules) "<firewall version=\"2\"><rules>" rules "</rules></firewall>"

static void version2(void **state)
{
	same(RULES(""), "");
	same(RULES(RULE(PROPERTY("action", "accept") PROPERTY("proto", "tcp") PROPERTY("dsthost", "192.168.0.0/24")
			PROPERTY("dstports", "22") PROPERTY("expire", "1500000000") PROPERTY("comment", "a b"))
		   RULE(PROPERTY("action", "accept") PROPERTY("specialtarget", "dns"))
		   RULE(PROPERTY("action", "drop") PROPERTY("proto", "icmp") PROPERTY("icmptype", "8"))
		   RULE(PROPERTY("action", "accept") PROPERTY("dsthost", "::1"))),
	     "action=accept proto=tcp dst4=192.168.0.0/24 dstports=22-22 expire=1500000000 comment=a b\n"
	     "action=accept specialtarget=dns\n"
	     "action=drop proto=icmp icmptype=8\n"
	     "action=accept dst6=::1/128\n");
}

static void second_generation(void **state)
{
	same("<QubesFirewallRules policy=\"deny\" dns=\"allow\" icmp=\"deny\">"
	     "<rule address=\"10.0.0.1\" netmask=\"32\" proto=\"tcp\" port=\"22\" toport=\"25\"/>"
	     "<rule address=\"example.org\" proto=\"udp\" port=\"53\"/>"
	     "<rule address=\"0.0.0.0\" netmask=\"0\" proto=\"any\"/></QubesFirewallRules>",
	     "action=accept specialtarget=dns\n"
	     "action=drop proto=icmp\n"
	     "action=accept proto=tcp dst4=10.0.0.1/32 dstports=22-25\n"
	     "action=accept proto=udp dsthost=example.org dstports=53-53\n"
	     "action=accept\n"
	     "action=drop\n");
	same("<QubesFirewallRules policy=\"allow\"/>",
	     "action=drop specialtarget=dns\naction=drop proto=icmp\naction=accept\n");
}

static void wrong(void **state)
{
	refused("", "firewall.xml: empty");
	refused("<firewall", "firewall.xml: is not well-formed");
	refused("<!DOCTYPE a [<!ENTITY b \"c\">]><firewall version=\"2\"/>",
		"firewall.xml: a document type is not accepted");
	refused("<rules/>", "firewall.xml: not rules of a firewall");
	refused(RULES(RULE(PROPERTY("nothing", "x"))), "firewall.xml: Invalid rule element: nothing=x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version2),
		cmocka_unit_test(second_generation),
		cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
