/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in both directions, exceptions, events split anywhere, and the parsers of the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admin/exc.h"
#include "admin/frame.h"
#include "base/escape.h"
#include "base/num.h"
#include "model/glob.h"
#include "model/names.h"
#include "model/propval.h"
#include "model/qubes.h"

#define BYTES(s) (s), sizeof(s) - 1

static void request(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct request r;

	request_encode(&b, "admin.vm.property.Set", "netvm", "dom0", "work", "sys-net", 7);
	assert_int_equal(b.len, sizeof "admin.vm.property.Set+netvm dom0 name work\0sys-net" - 1);
	assert_memory_equal(b.data, "admin.vm.property.Set+netvm dom0 name work\0sys-net", b.len);
	assert_int_equal(request_decode(b.data, b.len, &r), 0);
	assert_string_equal(r.method, "admin.vm.property.Set");
	assert_string_equal(r.arg, "netvm");
	assert_string_equal(r.source, "dom0");
	assert_string_equal(r.dest, "work");
	assert_int_equal(r.payload_len, 7);
	assert_memory_equal(r.payload, "sys-net", 7);
}

static void request_forms(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		bool ok;
		const char *method, *arg, *dest;
	} cases[] = {
		{BYTES("admin.vm.List dom0 name dom0\0"), true, "admin.vm.List", "", "dom0"},
		{BYTES("a+b+c dom0 name dom0\0"), true, "a", "b+c", "dom0"},
		{BYTES("a+ dom0 keyword adminvm\0"), true, "a", "", "dom0"},
		{BYTES("a+ dom0 name x y\0"), true, "a", "", "x y"},
		{BYTES("a+ dom0 keyword dom0\0"), false},
		{BYTES("a+ dom0 type dom0\0"), false},
		{BYTES("a+ dom0 name\0"), false},
		{BYTES("a+ dom0 name dom0"), false},
		{BYTES("a+\xc3\xa4 dom0 name dom0\0"), false},
		{BYTES(""), false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct request r;

		buf_add(&b, cases[i].data, cases[i].len);
		assert_int_equal(request_decode(buf_reserve(&b, 0) - b.len, b.len, &r) == 0, cases[i].ok);
		if (!cases[i].ok)
			continue;
		assert_string_equal(r.method, cases[i].method);
		assert_string_equal(r.arg, cases[i].arg);
		assert_string_equal(r.dest, cases[i].dest);
	}
}

static void replies(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *type; /* NULL: OK */
		const char *text; /* of the error, or the body */
	} cases[] = {
		{BYTES("0\0"), NULL, ""},
		{BYTES("0\0dom0\n"), NULL, "dom0\n"},
		{BYTES("2\0QubesValueError\0\0Failed to parse property value as int\0"), "QubesValueError",
		 "Failed to parse property value as int"},
		{BYTES("2\0QubesException\0trace\nback\0" "100% full %s\0"), "QubesException", "100% full %s"},
		{BYTES("2\0QubesException\0\0" "100%% full\0"), "QubesException", "100% full"},
		{BYTES("2\0QubesException\0\0%s has %d%%, %d\0work\0" "42\0x\0"), "QubesException",
		 "work has 42%, %d"},
		{BYTES("2\0QubesException\0\0none\0more\0\0"), "QubesException", "none"},
		{BYTES("2\0DeviceNotAssigned\0\0'block device sda not attached to work'\0"), "DeviceNotAssigned",
		 "block device sda not attached to work"},
		{BYTES(""), EXC_ACCESS, "Got empty response from qubesd. See journalctl in dom0 for details."},
		{BYTES("0"), EXC_COMMUNICATION, "Invalid response format"},
		{BYTES("1\0\0connection-established\0\0"), EXC_COMMUNICATION, "Invalid response format"},
		{BYTES("0\0one\0two"), EXC_COMMUNICATION, "Invalid response format"},
		{BYTES("0\0\0"), EXC_COMMUNICATION, "Invalid response format"},
		{BYTES("2\0X"), EXC_COMMUNICATION, "Invalid response format"},
		{BYTES("\0\0\0\0"), EXC_COMMUNICATION, "Invalid response format"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		CLEANUP_BUF struct buf b = BUF_INIT;
		size_t off = 0;

		buf_add(&b, cases[i].data, cases[i].len);

		int r = reply_decode(b.data, b.len, &off, &err);

		if (!cases[i].type) {
			assert_int_equal(r, 0);
			assert_string_equal(b.data + off, cases[i].text);
			continue;
		}
		assert_true(r < 0);
		assert_string_equal(err.type, cases[i].type);
		assert_string_equal(err.text, cases[i].text);
	}
}

/* The worked event of admin-api 13, cut at every byte: nothing until the last one is there. */
static void event_split(void **state)
{
	static const char bytes[] = "1\0work\0property-set:memory\0name\0memory\0newvalue\000500\0oldvalue\000400\0";
	size_t len = sizeof bytes; /* the literal's own NUL is the end of the event */
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *kv[] = {"name", "memory", "newvalue", "500", "oldvalue", "400", NULL};

	event_encode(&b, "work", "property-set:memory", kv);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, bytes, len);
	for (size_t n = 0; n <= len; n++) {
		struct event e = {0};
		size_t used = 0;
		int r = event_decode(bytes, n, &e, &used);

		assert_int_equal(r, n == len ? 1 : 0);
		if (r) {
			assert_int_equal(used, len);
			assert_string_equal(e.subject, "work");
			assert_string_equal(e.name, "property-set:memory");
			assert_string_equal(event_get(&e, "oldvalue"), "400");
			event_release(&e);
		}
	}
}

static void exception_tree(void **state)
{
	assert_true(exc_is("QubesVMNotRunningError", "QubesVMNotStartedError"));
	assert_true(exc_is("QubesVMNotRunningError", "QubesException"));
	assert_false(exc_is("QubesVMNotHaltedError", "QubesVMNotStartedError"));
	assert_true(exc_is("NeverHeardOfError", "QubesException"));
	assert_false(exc_is("ProtocolError", "QubesException"));
	assert_true(exc_is("QubesInvalidTagError", "ProtocolError"));
}

static void property_values(void **state)
{
	struct props p = {0};
	struct propval v = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	static const char all[] = "netvm default=True type=vm sys-firewall\n"
				  "kernelopts default=False type=str a\\nb\\\\c\n"
				  "xid default=True type=int \n"
				  "odd default=True type=str x\ry\n";

	assert_int_equal(props_parse(&p, all, sizeof all - 1, &err), 0);
	assert_int_equal(p.n, 4);
	assert_string_equal(props_find(&p, "kernelopts")->value, "a\nb\\c");
	assert_false(props_find(&p, "kernelopts")->is_default);
	assert_true(propval_is_unset(props_find(&p, "xid")));
	assert_string_equal(props_find(&p, "odd")->value, "x\ry");
	assert_null(props_find(&p, "nope"));
	props_release(&p);

	assert_int_equal(propval_parse(&v, BYTES("default=True type=vm "), &err), 0);
	assert_true(propval_is_none(&v));
	propval_release(&v);
	assert_true(propval_parse(&v, BYTES("default=True type=float 1"), &err) < 0);
	assert_string_equal(err.text, "Received invalid value type: float");
	assert_true(propval_parse(&v, BYTES("garbage"), &err) < 0);
	assert_true(props_parse(&p, BYTES("noname\n"), &err) < 0);
	err_release(&err);
	assert_true(props_parse(&p, BYTES("na\0me default=True type=str x\n"), &err) < 0);
}

static void list_of_qubes(void **state)
{
	struct qubes q;
	CLEANUP_ERR struct err err = ERR_INIT;
	static const char body[] = "work class=AppVM state=Halted uuid=1 new=word\ndom0 class=AdminVM state=Running\n";

	assert_int_equal(qubes_parse(&q, body, sizeof body - 1, &err), 0);
	assert_int_equal(q.n, 2);
	assert_string_equal(q.v[0].name, "dom0");
	assert_string_equal(qubes_find(&q, "work")->uuid, "1");
	assert_null(qubes_find(&q, "wor"));
	qubes_release(&q);
	assert_true(qubes_parse(&q, BYTES("work\n"), &err) < 0);
	assert_true(qubes_parse(&q, BYTES(" class=x\n"), &err) < 0);
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{"*", "", true},          {"*", ".x", true},       {"s?s-*", "sys-net", true},
		{"work", "work", true},   {"work", "Work", false}, {"[sw]ork", "work", true},
		{"[!w]ork", "work", false}, {"[!x]ork", "work", true}, {"[^w]ork", "work", true},
		{"[^x]ork", "work", false}, {"[ab", "[ab", true},  {"[]]", "]", true},
		{"[a-c]x", "bx", true},   {"[a-c]x", "dx", false}, {"*-*-*", "a-b", false},
		{"*a*b", "xaxxb", true},  {"a*", "b", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(glob_match(cases[i].pattern, cases[i].name), cases[i].match);
}

static void names(void **state)
{
	static const struct {
		const char *name, *text; /* NULL: legal */
	} cases[] = {
		{"work", NULL},
		{"a.b_c-9", NULL},
		{"None", NULL},
		{"abcdefghijklmnopqrstuvwxyzabcde", NULL},
		{"abcdefghijklmnopqrstuvwxyzabcdef", "VM name must be shorter than 32 characters"},
		{"-x", "VM name cannot start with hyphen, underscore, dot or numbers"},
		{"1x", "VM name cannot start with hyphen, underscore, dot or numbers"},
		{"@dispvm", "VM name contains illegal characters"},
		{"", "VM name contains illegal characters"},
		{"Domain-0", "VM name cannot be 'Domain-0'"},
		{"none", "VM name cannot be 'none' nor 'default'"},
		{"x-dm", "VM name cannot end with -dm"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_equal(name_check_qube(cases[i].name, &err) == 0, !cases[i].text);
		if (cases[i].text)
			assert_string_equal(err.text, cases[i].text);
	}
}

static void numbers(void **state)
{
	uint64_t n = 7;
	int64_t i;

	assert_int_equal(num_u64("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_true(num_u64("18446744073709551616", &n) < 0);
	assert_true(num_u64("", &n) < 0);
	assert_true(num_u64(" 1", &n) < 0);
	assert_true(num_u64("+1", &n) < 0);
	assert_int_equal(num_i64("-9223372036854775808", &i), 0);
	assert_true(i == INT64_MIN);
	assert_true(num_i64("9223372036854775808", &i) < 0);
	assert_int_equal(num_seconds("1.25", &n), 0);
	assert_true(n == 1250000000);
	assert_true(num_seconds(".", &n) < 0);
	assert_true(num_seconds("1s", &n) < 0);
}

static void terminal(void **state)
{
	static const char bad[] = "a\033[31m\tb\xe2\x80\xae" "c\xff\xc3\xa4\n";
	CLEANUP_BUF struct buf b = BUF_INIT;

	term_escape(&b, bad, sizeof bad - 1, false);
	assert_string_equal(b.data, "a_[31m_b_c_\xc3\xa4_");
	buf_reset(&b);
	term_escape(&b, bad, sizeof bad - 1, true);
	assert_string_equal(b.data, "a_[31m\tb_c_\xc3\xa4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request),        cmocka_unit_test(request_forms), cmocka_unit_test(replies),
		cmocka_unit_test(event_split),    cmocka_unit_test(exception_tree), cmocka_unit_test(property_values),
		cmocka_unit_test(list_of_qubes),  cmocka_unit_test(patterns),      cmocka_unit_test(names),
		cmocka_unit_test(numbers),        cmocka_unit_test(terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
