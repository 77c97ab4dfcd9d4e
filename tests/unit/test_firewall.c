/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules in the three forms: admin-api 9, tools-runtime 11.2 and 11.3, vm-interface 7.3 and 7.4. */
#include <errno.h>

#include "base/mem.h"
#include "model/firewall.h"

/* cmocka takes the word `fail` for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What line, read in one form, is in another; or "! TEXT" of the refusal. The caller frees. */
static char *convert(const char *line, enum fw_form from, enum fw_form to)
{
	CLEANUP_FW_RULE struct fw_rule rule = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	struct buf b = BUF_INIT;

	if (fw_rule_parse(&rule, line, strlen(line), from, &err) < 0) {
		assert_string_equal(err.type, "QubesValueError");
		buf_addf(&b, "! %s", err.text);
	} else {
		fw_rule_print(&b, &rule, to);
	}
	return buf_steal(&b);
}

struct row {
	const char *line, *want; /* want NULL: as line */
};

static void check_rows(const struct row *rows, size_t n, enum fw_form from, enum fw_form to)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *got = convert(rows[i].line, from, to);

		if (!streq(got, rows[i].want ? rows[i].want : rows[i].line))
			print_error("line: %s\n", rows[i].line);
		assert_string_equal(got, rows[i].want ? rows[i].want : rows[i].line);
	}
}
#define CHECK_ROWS(rows, from, to) check_rows(rows, ARRAY_SIZE(rows), from, to)

static void server_accepts(void **state)
{
	static const struct row rows[] = {
		{"action=accept"},
		{"action=drop"},
		{"action=accept specialtarget=dns dsthost=1.1.1.1 proto=udp expire=9999999999 dstports=53 comment=c",
		 "action=accept expire=9999999999 dst4=1.1.1.1/32 proto=udp specialtarget=dns dstports=53-53 "
		 "comment=c"},
		{"proto=icmp icmptype=08 action=accept", "action=accept proto=icmp icmptype=8"},
		{"action=accept proto=icmp icmptype=000", "action=accept proto=icmp icmptype=0"},
		{"action=accept proto=icmp icmptype=255"},
		{"action=accept dst4=1.2.3.4/08"},
		{"action=accept dst4=0.0.0.0/0"},
		{"action=accept dst4=10.0.0.1/32"},
		{"action=accept dst4=10.0.0.1/8"},
		{"action=accept dst6=FE80::1", "action=accept dst6=FE80::1/128"},
		{"action=accept dst6=::/0"},
		{"action=accept dst6=::ffff:1.2.3.4/128"},
		{"action=accept dst4=example.com", "action=accept dsthost=example.com"},
		{"action=accept dst6=10.0.0.1", "action=accept dst4=10.0.0.1/32"},
		{"action=accept dstname=a.b-c_d", "action=accept dsthost=a.b-c_d"},
		{"action=accept dsthost=1.2.3", "action=accept dsthost=1.2.3"},
		{"action=accept dsthost=01.2.3.4", "action=accept dsthost=01.2.3.4"},
		{"action=accept dsthost=1.2.3.400"},
		{"action=accept proto=tcp dstports=0-65535"},
		{"action=accept proto=tcp dstports=00080", "action=accept proto=tcp dstports=80-80"},
		{"action=accept proto=udp dstports=7-7"},
		{"action=accept expire=007"},
		{"  action=drop proto=tcp \t\r", "action=drop proto=tcp"},
		{"action=drop comment=", "action=drop"},
		{"action=drop comment=one, two; [x]_./:-", NULL},
		{"action=drop comment= a  b \t", "action=drop comment= a  b"},
		{"action=dropcomment=x", "action=drop comment=x"},
		{"action=drop   comment=x", "action=drop comment=x"},
	};

	CHECK_ROWS(rows, FW_SERVER, FW_SERVER);
}

static void server_refuses(void **state)
{
	static const struct row rows[] = {
		{"", "! missing action="},
		{" ", "! missing action="},
		{"comment=x", "! missing action="},
		{"proto=tcp", "! missing action="},
		{"action=", "! invalid action: "},
		{"action=reject", "! invalid action: reject"},
		{"action=Accept", "! invalid action: Accept"},
		{"action", "! invalid rule description: action"},
		{"action=accept  proto=tcp", "! invalid rule description: "},
		{"action=accept\tproto=tcp", "! invalid characters in action"},
		{"action=accept foo=bar", "! Unknown rule elements: foo"},
		{"action=accept dpi=HTTP", "! Unknown rule elements: dpi"},
		{"action=accept =x", "! Unknown rule elements: "},
		{"action=accept proto=sctp", "! invalid proto: sctp"},
		{"action=accept proto=t=cp", "! invalid characters in proto"},
		{"action=accept proto=tcp\"", "! invalid characters in proto"},
		{"action=accept dsthost=", "! Invalid hostname"},
		{"action=accept dsthost=WWW.example.com", "! Invalid hostname"},
		{"action=accept dsthost=a:b", "! Invalid hostname"},
		{"action=accept dst4=host/24", "! Invalid IP address: host"},
		{"action=accept dst4=1.2.3/24", "! Invalid IP address: 1.2.3"},
		{"action=accept dst4=1.2.3.4/24/1", "! Too many /: 1.2.3.4/24/1"},
		{"action=accept dst4=1.2.3.4/", "! invalid netmask: "},
		{"action=accept dst4=1.2.3.4/x", "! invalid netmask: x"},
		{"action=accept dst4=1.2.3.4/33", "! netmask for IPv4 must be <= 32"},
		{"action=accept dst4=1.2.3.4/99999999999999999999", "! netmask for IPv4 must be <= 32"},
		{"action=accept dst6=fd00::/129", "! netmask for IPv6 must be <= 128"},
		{"action=accept dst4=1.2.3.4/-1", "! netmask must be non-negative"},
		{"action=accept dst4=1.2.3.4 dst6=::1", "! dst6 is given twice"},
		{"action=accept dsthost=a dstname=a", "! dstname is given twice"},
		{"action=accept action=accept", "! action is given twice"},
		{"action=accept dstports=80", "! dstports valid only for 'tcp' and 'udp' protocols"},
		{"action=accept proto=icmp dstports=80", "! dstports valid only for 'tcp' and 'udp' protocols"},
		{"action=accept proto=tcp dstports=65536", "! Ports out of range"},
		{"action=accept proto=tcp dstports=99999999999999999999", "! Ports out of range"},
		{"action=accept proto=tcp dstports=20-10", "! Invalid port range"},
		{"action=accept proto=tcp dstports=", "! Invalid port range"},
		{"action=accept proto=tcp dstports=-5", "! Invalid port range"},
		{"action=accept proto=tcp dstports=5-", "! Invalid port range"},
		{"action=accept proto=tcp dstports=1-2-3", "! Invalid port range"},
		{"action=accept proto=tcp dstports=http", "! Invalid port range"},
		{"action=accept icmptype=8", "! icmptype valid only for 'icmp' protocol"},
		{"action=accept proto=icmp icmptype=256", "! ICMP type out of range"},
		{"action=accept proto=icmp icmptype=0008", "! ICMP type out of range"},
		{"action=accept proto=icmp icmptype=x", "! ICMP type out of range"},
		{"action=accept specialtarget=ntp", "! invalid specialtarget: ntp"},
		{"action=accept expire=", "! invalid expire: "},
		{"action=accept expire=-1", "! invalid expire: -1"},
		{"action=accept expire=soon", "! invalid expire: soon"},
		{"action=accept expire=9223372036854775808", "! invalid expire: 9223372036854775808"},
		{"action=drop comment=a=b", "! invalid characters in comment"},
		{"action=drop comment=caf\xc3\xa9", "! invalid characters in comment"},
		{"action=drop comment=a\rb", "! invalid characters in comment"},
		{"action=drop comment=\x1b[31m", "! invalid characters in comment"},
	};

	CHECK_ROWS(rows, FW_SERVER, FW_SERVER);
}

/* tools-runtime 11.2: what the tool reads, as it sends it back. */
static void client(void **state)
{
	static const struct row rows[] = {
		{"action=accept dst4=10.0.0.0/8 proto=tcp dstports=443-443",
		 "action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443"},
		{"action=accept expire=9999999999 dst4=1.1.1.1/32 proto=udp specialtarget=dns dstports=53-53 comment=c",
		 "action=accept proto=udp dst4=1.1.1.1/32 dstports=53-53 specialtarget=dns expire=9999999999 "
		 "comment=c"},
		{"action=accept dst4=0.0.0.0/0", "action=accept"},
		{"action=accept dst6=::/000", "action=accept"},
		{"action=accept dst4=0.0.0.0/32"},
		{"action=accept proto=icmp icmptype=08"},
		{"action=accept dst4=1.2.3.4/08"},
		{"action=accept comment=some text = here  "},
		{"action=accept comment=a comment=b"},
		{"action=accept comment=", "action=accept"},
		{"  action=accept   proto=tcp ", "action=accept proto=tcp"},
		{"action=accept comment=\x1b]0;x\x07"},
		{"proto=tcp", "! missing action="},
		{"action=accept foo=bar", "! Unknown rule elements: foo"},
		{"action=accept dstname=a", "! Unknown rule elements: dstname"},
	};

	CHECK_ROWS(rows, FW_CLIENT, FW_CLIENT);
}

/* The table of vm-interface 7.3, and of what the server refuses. */
static void to_entry(void **state)
{
	static const struct row rows[] = {
		{"action=accept dst4=8.8.8.8 proto=udp dstports=53",
		 "action=accept dst4=8.8.8.8/32 proto=udp dstports=53-53"},
		{"action=drop specialtarget=dns proto=tcp", "action=drop proto=tcp specialtarget=dns"},
		{"action=accept proto=icmp icmptype=8 dsthost=a.b comment=hello world",
		 "action=accept dsthost=a.b proto=icmp icmptype=8"},
		{"action=accept dst6=2001:db8::1", "action=accept dst6=2001:db8::1/128"},
		{"action=accept proto=tcp dstports=80-443 specialtarget=dns",
		 "action=accept proto=tcp specialtarget=dns dstports=80-443"},
		{"action=accept expire=4000000000", "action=accept"},
		{"action=accept proto=icmp icmptype=008", "action=accept proto=icmp icmptype=8"},
	};

	CHECK_ROWS(rows, FW_SERVER, FW_ENTRY);
}

/* vm-interface 7.4: an agent refuses all that is not the fixed form. */
static void entry(void **state)
{
	static const struct row rows[] = {
		{"action=accept"},
		{"action=accept dst4=8.8.8.8/32 proto=udp specialtarget=dns dstports=53-53"},
		{"action=accept dst4=8.8.8.8", "action=accept dst4=8.8.8.8/32"},
		{"action=accept proto=icmp icmptype=8 dpi=NO"},
		{"action=accept dpi=HTTP"},
		{"action=accept dpi=", "! invalid dpi: "},
		{"action=accept dpi=H2", "! invalid dpi: H2"},
		{"", "! missing action="},
		{"action=accept action=drop", "! action is given twice"},
		{"proto=tcp action=accept", "! proto is out of order"},
		{"action=accept proto=tcp dst4=1.2.3.4/32", "! dst4 is out of order"},
		{"action=accept  proto=tcp", "! invalid rule description: "},
		{" action=accept", "! invalid rule description: "},
		{"action=accept ", "! invalid rule description: "},
		{"action=accept\n", "! invalid characters in action"},
		{"action=accept tcp", "! invalid rule description: tcp"},
		{"action=accept proto=bogus", "! invalid proto: bogus"},
		{"action=accept proto=tcp icmptype=8", "! icmptype valid only for 'icmp' protocol"},
		{"action=accept dstports=80-80", "! dstports valid only for 'tcp' and 'udp' protocols"},
		{"action=accept dst4=::1", "! invalid dst4: ::1/128"},
		{"action=accept dst6=1.2.3.4/32", "! invalid dst6: 1.2.3.4/32"},
		{"action=accept dst4=a.b", "! invalid dst4: a.b"},
		{"action=accept dsthost=1.2.3.4", "! invalid dsthost: 1.2.3.4/32"},
		{"action=accept dstname=a.b", "! Unknown rule elements: dstname"},
		{"action=accept expire=1", "! Unknown rule elements: expire"},
		{"action=accept comment=x", "! Unknown rule elements: comment"},
	};

	CHECK_ROWS(rows, FW_ENTRY, FW_ENTRY);
}

/* The longest entry has 3071 bytes, however long the comment beside it is. */
static void length(void **state)
{
	static const char head[] = "action=drop dsthost=";
	CLEANUP_FREE char *host = xasprintf("%0*d", FW_ENTRY_MAX + 1 - (int)strlen(head), 0);
	CLEANUP_FREE char *text = xasprintf("%s%s comment=%04000d", head, host + 1, 0);
	CLEANUP_FREE char *longer = xasprintf("%s%s", head, host);
	CLEANUP_FREE char *got = convert(text, FW_SERVER, FW_ENTRY);
	CLEANUP_FREE char *again = convert(got, FW_ENTRY, FW_SERVER);
	CLEANUP_FREE char *by_server = convert(longer, FW_SERVER, FW_ENTRY);
	CLEANUP_FREE char *by_agent = convert(longer, FW_ENTRY, FW_ENTRY);
	CLEANUP_FREE char *by_client = convert(longer, FW_CLIENT, FW_CLIENT);

	assert_int_equal(strlen(got), FW_ENTRY_MAX);
	assert_string_equal(again, got);
	assert_string_equal(by_server, "! rule is longer than 3071 bytes");
	assert_string_equal(by_agent, "! rule is longer than 3071 bytes");
	assert_string_equal(by_client, longer);
}

/* The values of tools-runtime 11.3, one part after the other. */
static void parts(void **state)
{
	static const char *const words[][2] = {
		{"action", "accept"}, {"dsthost", "1.2.3.4/08"}, {"dsthost", "FD00::/8"}, {"proto", "udp"},
		{"dstports", "00080"}, {"specialtarget", "dns"}, {"expire", "99"}, {"comment", "a = b"},
	};
	CLEANUP_FW_RULE struct fw_rule rule = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;

	assert_int_equal(fw_rule_check(&rule, &err), -EINVAL);
	assert_string_equal(err.text, "missing action=");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(fw_rule_set(&rule, words[i][0], words[i][1], &err), 0);
	assert_int_equal(fw_rule_check(&rule, &err), 0);
	fw_rule_print(&b, &rule, FW_CLIENT);
	assert_string_equal(buf_str(&b),
			    "action=accept proto=udp dst6=FD00::/8 dstports=80-80 specialtarget=dns expire=99 "
			    "comment=a = b");
	assert_int_equal(fw_rule_set(&rule, "foo", "bar", &err), -ENOENT);
	assert_string_equal(err.text, "Invalid rule element: foo=bar");
	assert_int_equal(fw_rule_set(&rule, "dpi", "NO", &err), -ENOENT);
	assert_int_equal(fw_rule_set(&rule, "dstname", "a", &err), -ENOENT);
	assert_int_equal(fw_rule_family(&rule), 6);
	assert_string_equal(fw_rule_proto(&rule), "udp");
	assert_int_equal(fw_rule_expiry(&rule), 99);
	assert_false(fw_rule_matches_all(&rule));
}

static void all_matched(void **state)
{
	static const struct {
		const char *line;
		bool all;
	} rows[] = {
		{"action=accept", true}, {"action=drop expire=5 comment=x", true},
		{"action=accept dst4=1.2.3.4/0", true},
		{"action=accept dst4=1.2.3.4/1", false}, {"action=drop proto=tcp", false},
		{"action=drop specialtarget=dns", false}, {"action=drop dsthost=a", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FW_RULE struct fw_rule rule = {0};

		assert_int_equal(fw_rule_parse(&rule, rows[i].line, strlen(rows[i].line), FW_SERVER, NULL), 0);
		assert_int_equal(fw_rule_matches_all(&rule), rows[i].all);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *text, *want; /* want "! LINE TEXT": refused */
		size_t len;              /* 0: of the text */
	} rows[] = {
		{"", ""},
		{"action=drop", "action=drop\n"},
		{"action=drop\n", "action=drop\n"},
		{" action=accept \r\n\taction=drop\r\n", "action=accept\naction=drop\n"},
		{"\n", "! 1 missing action="},
		{"action=drop\n\naction=drop\n", "! 2 missing action="},
		{"action=drop\n\n", "! 2 missing action="},
		{"action=drop\nproto=x\n", "! 2 invalid proto: x"},
		{"action=drop\nac\0tion=drop", "! 2 a rule holds a zero byte", 24},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FW_RULES struct fw_rules rules = {0};
		CLEANUP_ERR struct err err = ERR_INIT;
		CLEANUP_BUF struct buf b = BUF_INIT;
		size_t line = 0, len = rows[i].len ? rows[i].len : strlen(rows[i].text);

		if (fw_rules_parse(&rules, rows[i].text, len, FW_SERVER, &line, &err) < 0)
			buf_addf(&b, "! %zu %s", line, err.text);
		else
			fw_rules_print(&b, &rules, FW_SERVER);
		assert_string_equal(buf_str(&b), rows[i].want);
	}
}

static void insert_and_remove(void **state)
{
	CLEANUP_FW_RULES struct fw_rules rules = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	static const char *const lines[] = {"action=drop", "action=accept", "action=drop proto=tcp"};
	static const size_t at[] = {0, 0, 1};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct fw_rule rule = {0};

		assert_int_equal(fw_rule_parse(&rule, lines[i], strlen(lines[i]), FW_SERVER, NULL), 0);
		fw_rules_insert(&rules, at[i], &rule);
		assert_false(rule.has_action);
	}
	fw_rules_remove(&rules, 2);
	fw_rules_print(&b, &rules, FW_SERVER);
	assert_string_equal(buf_str(&b), "action=accept\naction=drop proto=tcp\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_accepts), cmocka_unit_test(server_refuses), cmocka_unit_test(client),
		cmocka_unit_test(to_entry), cmocka_unit_test(entry), cmocka_unit_test(length),
		cmocka_unit_test(parts), cmocka_unit_test(all_matched), cmocka_unit_test(lists),
		cmocka_unit_test(insert_and_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
