/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device arguments and properties, and the words for qrexec. */
#include "cli/qrexec.h"
#include "model/device.h"

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
		cmocka_unit_test(arguments), cmocka_unit_test(properties), cmocka_unit_test(properties_refused),
		cmocka_unit_test(written),   cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
