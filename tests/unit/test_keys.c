/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys, what stores can hold, lists of keys, and memory as a qube tells it. */
#include <errno.h>

#include "base/mem.h"
#include "vmif/keys.h"
#include "vmif/meminfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void rows_are_found(void **state)
{
	static const struct {
		const char *key, *row;
	} cases[] = {
		{ "qubes-ip", "qubes-ip" },
		{ "qubes-service/cups", "qubes-service/*" },
		{ "qubes-service/meminfo-writer", "qubes-service/meminfo-writer" },
		{ "qubes-service", NULL },
		{ "qubes-service/", NULL },
		{ "qubes-service/a/b", NULL },
		{ "qubes-firewall/10.137.0.7", "qubes-firewall/*" },
		{ "qubes-firewall/10.137.0.7/policy", "qubes-firewall/*/policy" },
		{ "qubes-firewall/10.137.0.7/0010", "qubes-firewall/*/#" },
		{ "qubes-firewall/10.137.0.7/001x", NULL },
		{ "qubes-iptables-domainrules/17", "qubes-iptables-domainrules/#" },
		{ "qubes-usb-devices/2-1_4/usb-ver", "qubes-usb-devices/*/usb-ver" },
		{ "", NULL },
		{ "nothing", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct key_def *d = key_find(cases[i].key);

		if (!cases[i].row)
			assert_null(d);
		else
			assert_string_equal(d->name, cases[i].row);
	}
	/* Each row is found by its own name, once. */
	for (const struct key_def *d = key_defs; d->name; d++) {
		CLEANUP_FREE char *name = xstrdup(d->name);

		for (char *p = name; *p; p++)
			*p = *p == '*' ? 'x' : *p == '#' ? '0' : *p;
		assert_ptr_equal(key_find(name), d);
		assert_true(d->gens && d->format && d->meaning);
	}
}

static void stores_of_generations(void **state)
{
	assert_int_equal(key_store("qubes-ip", VMIF_R2), KEY_XENSTORE);
	assert_int_equal(key_store("qubes-ip", VMIF_R3), KEY_QUBESDB);
	assert_int_equal(key_store("qubes-ip", VMIF_R4), KEY_QUBESDB);
	for (enum vmif_gen g = 0; g < VMIF_GENS; g++)
		assert_int_equal(key_store("memory/meminfo", g), KEY_XENSTORE);
	assert_int_equal(vmif_gen_from_name("r3"), VMIF_R3);
	assert_int_equal(vmif_gen_from_name("r5"), -1);
}

static void what_fits(void **state)
{
	char name[2100];

	memset(name, 'a', sizeof name);
	name[62] = '\0';
	assert_int_equal(key_fits(KEY_QUBESDB, 0, name, QDB_VALUE_MAX, NULL), 0);
	assert_int_equal(key_fits(KEY_QUBESDB, 0, name, QDB_VALUE_MAX + 1, NULL), -E2BIG);
	name[62] = 'a', name[63] = '\0';
	assert_int_equal(key_fits(KEY_QUBESDB, 0, name, 0, NULL), -ENAMETOOLONG);
	assert_int_equal(key_fits(KEY_XENSTORE, 5, name, 0, NULL), 0);
	name[63] = 'a', name[2048] = '\0';
	assert_int_equal(key_fits(KEY_XENSTORE, 5, name, 0, NULL), 0);
	name[2048] = 'a', name[2049] = '\0';
	assert_int_equal(key_fits(KEY_XENSTORE, 5, name, 0, NULL), -ENAMETOOLONG);
	/* 4096 - strlen(path) - 1 */
	assert_int_equal(key_fits(KEY_XENSTORE, 5, "abc", 4096 - strlen("/local/domain/5/abc") - 1, NULL), 0);
	assert_int_equal(key_fits(KEY_XENSTORE, 5, "abc", 4096 - strlen("/local/domain/5/abc"), NULL), -E2BIG);
	for (const char *const *p = (const char *const[]){ "a.b", "a:b", "a//b", NULL }; *p; p++) {
		assert_int_equal(key_fits(KEY_XENSTORE, 5, *p, 0, NULL), -EINVAL);
		assert_int_equal(key_fits(KEY_QUBESDB, 0, *p, 0, NULL), 0);
	}
	for (const char *const *p = (const char *const[]){ "", "a/", "a b", "a+b", "a,b", "\xc5", NULL }; *p; p++) {
		assert_int_equal(key_fits(KEY_XENSTORE, 5, *p, 0, NULL), -EINVAL);
		assert_int_equal(key_fits(KEY_QUBESDB, 0, *p, 0, NULL), -EINVAL);
	}
}

static void values_are_checked(void **state)
{
	static const struct {
		const char *key, *value;
		bool ok;
	} cases[] = {
		{ "qubes-vm-type", "ProxyVM", true }, { "qubes-vm-type", "proxyvm", false },
		{ "qubes-vm-updateable", "True", true }, { "qubes-vm-updateable", "1", false },
		{ "qubes-vm-persistence", "rw-only", true }, { "qubes-vm-persistence", "", false },
		{ "qubes-timezone", "Europe/Warsaw", true }, { "qubes-timezone", "/etc", false },
		{ "qubes-timezone", "UTC\n", false },
		{ "keyboard-layout", "us++", true }, { "keyboard-layout", "fr", true },
		{ "keyboard-layout", "fr+oss", true }, { "keyboard-layout", "pl++compose:caps", true },
		{ "keyboard-layout", "", true }, { "keyboard-layout", "+x", false },
		{ "keyboard-layout", "a+b+c+d", false },
		{ "qubes-service/cups", "0", true }, { "qubes-service/cups", "2", false },
		{ "qubes-service/cups", "", false }, { "qubes-service/..", "1", false },
		{ "qubes-secondary-dns", "10.139.1.2", true }, { "qubes-secondary-dns", "10.139.1.256", false },
		{ "qubes-mac", "00:16:3e:5e:6c:00", true }, { "qubes-mac", "00:16:3E:5E:6C:00", false },
		{ "qubes-mac", "0:016:3e:5e:6c:00", false },
		{ "connected-ips", "", true }, { "connected-ips", "10.137.0.7 10.137.0.8", true },
		{ "connected-ips", "10.137.0.7 ", false }, { "connected-ips", "10.137.0.7  10.137.0.8", false },
		{ "qubes-firewall/10.137.0.7", "", true }, { "qubes-firewall/10.137.0.7", "x", false },
		{ "qubes-firewall/x/policy", "drop", false }, { "qubes-firewall/::1/policy", "drop", true },
		{ "qubes-iptables", "reload", true }, { "qubes-iptables", "", false },
		{ "qubes-block-devices/sda/mode", "r", true }, { "qubes-block-devices/sda/mode", "x", false },
		{ "qubes-block-devices/abcdefghijklm/mode", "r", false },
		{ "qubes-block-devices/SDA/mode", "r", false },
		{ "qubes-block-devices/../mode", "r", false },
		{ "qubes-usb-devices/2-1_4/usb-ver", "3", true }, { "qubes-usb-devices/2-1_4/usb-ver", "9", false },
		{ "qubes-usb-devices/2-1_/usb-ver", "3", false }, { "qubes-usb-devices/2_1/usb-ver", "3", false },
		{ "qubes-usb-devices/2-1-1/usb-ver", "3", false },
		{ "features-request/os", "Linux", true }, { "features-request/os", "a\033b", false },
		{ "no-such-key", "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (key_check(cases[i].key, cases[i].value, strlen(cases[i].value)) != cases[i].ok)
			fail_msg("%s = '%s'", cases[i].key, cases[i].value);
	assert_false(key_check("qubes-debug-mode", "1\0", 2));
}

static void changes_and_rows(void **state)
{
	const char *star;

	assert_true(key_follows(key_find("qubes-service/x"), "feature:service.cups", &star));
	assert_string_equal(star, "cups");
	assert_true(key_follows(key_find("keyboard-layout"), "property:keyboard_layout", &star));
	assert_null(star);
	assert_true(key_follows(key_find("keyboard-layout"), "layout", NULL));
	assert_false(key_follows(key_find("keyboard-layout"), "property:keyboard", NULL));
	assert_false(key_follows(key_find("keyboard-layout"), "property:keyboard_layout2", NULL));
	assert_false(key_follows(key_find("qubes-debug-mode"), "property:debug", NULL));
	assert_true(key_follows(key_find("qubes-timezone"), "zone", NULL));
}

static void lists_settle(void **state)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;

	key_values_addstr(&l, "b", "1");
	key_values_addstr(&l, "d/x", "1");
	key_values_addstr(&l, "d", "");
	key_values_add_gone(&l, "d/");
	key_values_addstr(&l, "d/y", "2");
	key_values_addstr(&l, "a", "1");
	key_values_addstr(&l, "b", "2");
	key_values_addstr(&l, "c", "3");
	key_values_add_gone(&l, "c");
	key_values_settle(&l);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.v[0].key, "a");
	assert_string_equal(l.v[1].key, "b");
	assert_string_equal(l.v[1].value, "2");
	assert_string_equal(l.v[2].key, "d");
	assert_string_equal(l.v[3].key, "d/y");
	assert_string_equal(key_values_get(&l, "d/y")->value, "2");
	assert_null(key_values_get(&l, "d/x"));
}

static void what_agrees(void **state)
{
	struct key_value a = { (char[]){ "qubes-iptables-header" }, (char[]){ "# Monday\n*filter\n" }, 17 };
	struct key_value b = { a.key, (char[]){ "# Tuesday\n*filter\n" }, 18 };
	struct key_value c = { a.key, (char[]){ "# Monday\n*nat\n" }, 14 };

	assert_true(key_value_agrees(&a, &b));
	assert_false(key_value_agrees(&a, &c));
	a.key = b.key = (char[]){ "name" };
	assert_false(key_value_agrees(&a, &b));
	assert_true(key_value_agrees(&a, &a));
}

static void memory(void **state)
{
#define SIX(total, free_, buffers, cached, stotal, sfree) \
	"MemTotal: " total " kB\nMemFree: " free_ " kB\nBuffers: " buffers " kB\nCached: " cached \
	" kB\nSwapTotal: " stotal " kB\nSwapFree: " sfree " kB"
	static const struct {
		const char *text;
		int64_t kib; /* -1: none */
	} cases[] = {
		{ SIX("400000", "100000", "20000", "80000", "1000000", "990000"), 210000 },
		{ SIX("400000", "100000", "20000", "80000", "1000000", "990000") "\n", 210000 },
		{ "210000", 210000 },
		{ "", -1 }, { "-1", -1 }, { " 1", -1 }, { "1\n", -1 }, { "x", -1 },
		{ "99999999999999999999999", -1 }, { "00000000000000000001", 1 }, { "000000000000000000001", -1 },
		{ SIX("-1", "0", "0", "0", "0", "0"), -1 },
		{ SIX("1", "2", "0", "0", "0", "0"), -1 },
		{ SIX("9", "0", "0", "0", "1", "2"), -1 },
		{ SIX("18446744073709551615", "18446744073709551615", "1", "0", "0", "0"), -1 },
		{ SIX("1", "1", "x", "0", "0", "0"), -1 },
		{ SIX("1", "1", "0", "0", "0", "0") "\nMemTotal: 1 kB", -1 },
		{ "MemTotal: 1 kB\nMemTotal: 1 kB\nMemTotal: 1 kB\nMemTotal: 1 kB\nMemTotal: 1 kB\n"
		  "MemTotal: 1 kB", -1 },
		{ "MemTotal: 1 kB\nMemFree: 1 kB\nBuffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t kib = 0;
		int r = meminfo_parse(cases[i].text, strlen(cases[i].text), &kib);

		if (cases[i].kib < 0 ? r != -EINVAL : r != 0 || kib != (uint64_t)cases[i].kib)
			fail_msg("%s: %d, %ju", cases[i].text, r, (uintmax_t)kib);
	}
	assert_int_equal(meminfo_parse("1\0", 2, &(uint64_t){0}), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found), cmocka_unit_test(stores_of_generations),
		cmocka_unit_test(what_fits), cmocka_unit_test(values_are_checked),
		cmocka_unit_test(changes_and_rows), cmocka_unit_test(lists_settle),
		cmocka_unit_test(what_agrees), cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
