/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device arguments and properties, and the words for qrexec. */
#include "base/mem.h"
#include "cli/qrexec.h"
#include "model/interface.h"

/* cmocka takes the word `fail` for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void arguments(void **state)
{
	static const struct {
		const char *backend, *port, *id, *want;
	} cases[] = {
		{"sys-usb", "sda", "*", "sys-usb+sda+_"},
		{"sys-usb", "1-2", "0000:0000::?******", "sys-usb+1-2+0000+0000++_______"},
		{"sys-usb", "*", "0781:5567::u080650", "sys-usb+_+0781+5567++u080650"},
		{"sys-usb", "sda1", ":None:1", "sys-usb+sda1++None+1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_FREE char *arg = device_arg(cases[i].backend, cases[i].port, cases[i].id);

		assert_string_equal(arg, cases[i].want);
	}
}

/* The rules of admin-api 8.4, and the example below it. */
static void arguments_read(void **state)
{
	static const struct {
		const char *arg, *port, *id; /* port NULL: refused */
	} cases[] = {
		{"sys-usb+sda", "sda", "*"},
		{"sys-usb+sda+_", "sda", "*"},
		{"sys-usb+sda:*", "sda", "*"},
		{"sys-usb+sda:_", "sda", "*"},
		{"sys-usb+sda+", "sda", "*"},
		{"sys-usb+_+0781+5567++u080650", "*", "0781:5567::u080650"},
		{"sys-usb+sda1++None+1", "sda1", ":None:1"},
		{"sys-usb+1-2+0000+0000++_______", "1-2", "0000:0000::?******"},
		{"sys-usb+1-2+a+u03____", "1-2", "a:u03____"},
		{"sys-usb", NULL}, {"sys-usb+", NULL}, {"+sda", NULL}, {"sys-usb++x", NULL}, {"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_DEVICE_REF struct device_ref r = {0};
		CLEANUP_ERR struct err err = ERR_INIT;
		int code = device_arg_parse(&r, cases[i].arg, &err);

		if (!cases[i].port) {
			assert_true(code < 0 && err.text);
			continue;
		}
		assert_int_equal(code, 0);
		assert_string_equal(r.backend, "sys-usb");
		assert_string_equal(r.port, cases[i].port);
		assert_string_equal(r.id, cases[i].id);
	}
}

/* Preference and matching of admin-api 8.2: "*" in the pattern is any. */
static void matching(void **state)
{
	static const char *const device = "b:sda:x:1";
	static const struct {
		const char *pattern;
		bool matches;
		int rank;
	} cases[] = {
		{"b:sda:x:1", true, 3}, {"b:sda:*", true, 2}, {"b:sda", true, 2}, {"b:*:x:1", true, 1},
		{"b:_:_", true, 0},     {"b:sdb:*", false, 2}, {"b:*:x:2", false, 1}, {"c:*:*", false, 0},
	};
	CLEANUP_DEVICE_REF struct device_ref d = {0};

	assert_int_equal(device_ref_parse(&d, device), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_DEVICE_REF struct device_ref p = {0};

		assert_int_equal(device_ref_parse(&p, cases[i].pattern), 0);
		assert_int_equal(device_ref_matches(&p, &d), cases[i].matches);
		assert_int_equal(device_ref_rank(&p), cases[i].rank);
		assert_int_equal(device_ref_matches(&d, &p), device_ref_eq(&d, &p));
	}
}

static void lines(void **state)
{
	const struct device_context offered = {"block", "sys-usb"}, given = {"block", NULL};
	CLEANUP_DEVICE struct device d = {0}, a = {0};

	assert_int_equal(device_line_parse(&d, &offered, "sda1::None:1 port_id='sda1' name='it\\'s' serial='unknown'",
					   NULL), 0);
	assert_string_equal(d.ref.backend, "sys-usb");
	assert_string_equal(d.ref.port, "sda1");
	assert_string_equal(d.ref.id, ":None:1");
	assert_string_equal(device_text(&d, "name"), "it's");
	assert_string_equal(device_text(&d, "serial"), "");
	assert_string_equal(device_text(&d, "vendor"), "");
	assert_int_equal(device_line_parse(&a, &given, "sys-usb+*:* device_id='a:b' mode='required'", NULL), 0);
	assert_string_equal(a.ref.backend, "sys-usb");
	assert_string_equal(a.ref.port, "*");
	assert_string_equal(a.ref.id, "a:b");
}

static void denied(void **state)
{
	static const char codes[] = "u0e0100u010100b******";

	assert_null(interfaces_denied(codes, ""));
	assert_null(interfaces_denied(codes, "u03****m******"));
	assert_ptr_equal(interfaces_denied(codes, "m******u01****"), codes + 7);
	assert_ptr_equal(interfaces_denied(codes, "b******"), codes + 14);
	assert_ptr_equal(interfaces_denied(codes, "*******"), codes);
	assert_null(interfaces_denied("", "*******"));
	assert_int_equal(interfaces_check(codes, NULL), 0);
	assert_int_not_equal(interfaces_check("u0e010", NULL), 0);
}

static void characters(void **state)
{
	static const struct {
		const char *key, *value, *want;
	} cases[] = {
		{"a", "~ !", NULL},
		{"!#$%&()*+,-./:;<>?@[\\]^_{|}~", "", NULL},
		{"a=", "", "Invalid chars in property name: {'='}"},
		{"a b'\"`", "", "Invalid chars in property name: {' ', '\"', \"'\", '`'}"},
		{"a", "\t\xc3", "Invalid chars in property value: {'\\x09', '\\xc3'}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_DEVICE_PROPS struct device_props p = {0};
		CLEANUP_ERR struct err err = ERR_INIT;

		device_props_put(&p, cases[i].key, "old");
		device_props_put(&p, cases[i].key, cases[i].value);
		assert_int_equal(p.keys.n, 1);
		assert_int_equal(device_props_check(&p, &err) < 0, cases[i].want != NULL);
		if (cases[i].want)
			assert_string_equal(err.text, cases[i].want);
	}
}

static void properties(void **state)
{
	static const char text[] = " port_id='sda' name='it\\'s a \\' =x' empty='' back='a\\' _read-only='yes'\n";
	CLEANUP_DEVICE_PROPS struct device_props p = {0};

	assert_int_equal(device_props_parse(&p, text, NULL), 0);
	assert_int_equal(p.keys.n, 5);
	assert_string_equal(device_props_get(&p, "port_id"), "sda");
	assert_string_equal(device_props_get(&p, "name"), "it's a ' =x");
	assert_string_equal(device_props_get(&p, "empty"), "");
	assert_string_equal(device_props_get(&p, "back"), "a\\");
	assert_string_equal(device_props_get(&p, "_read-only"), "yes");
	assert_null(device_props_get(&p, "read-only"));
}

static void properties_refused(void **state)
{
	static const char *const bad[] = {"a", "a=", "a='", "='b'", "a='b", "a='b' c", "a='='b'", "a='b'c='d'"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_DEVICE_PROPS struct device_props p = {0};
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_not_equal(device_props_parse(&p, bad[i], &err), 0);
		assert_non_null(err.text);
	}
}

static void written(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	device_prop_add(&b, "a", "it's");
	device_prop_add(&b, "b", "");
	assert_string_equal(b.data, "a='it\\'s' b=''");
}

/* The tables of tools-runtime 6.4. */
static void words(void **state)
{
	static const char *const cases[][6] = {
		{"ls", "-a", "--b=c", "\xc3\xa9", NULL},
		{"ls", "a b", "c'd", "$x", "", NULL},
		{"--", "x", NULL},
		{"", NULL},
	};
	static const char *const exec[] = {"ls+--a+----b-3Dc+-C3-A9", "ls+a-20b+c-27d+-24x+", "----+x", ""};
	static const char *const shell[] = {"ls -a --b=c '\xc3\xa9'", "ls 'a b' 'c'\"'\"'d' '$x' ''", "-- x", "''"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_BUF struct buf e = BUF_INIT, s = BUF_INIT;

		vmexec_encode(&e, cases[i]);
		shell_quote(&s, cases[i]);
		assert_string_equal(buf_str(&e), exec[i]);
		assert_string_equal(buf_str(&s), shell[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments), cmocka_unit_test(arguments_read), cmocka_unit_test(matching),
		cmocka_unit_test(lines), cmocka_unit_test(denied), cmocka_unit_test(characters),
		cmocka_unit_test(properties), cmocka_unit_test(properties_refused),
		cmocka_unit_test(written),   cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
