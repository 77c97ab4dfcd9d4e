/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qubes tell of their devices (vm-interface 5.2, 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strv.h"
#include "vmif/published.h"

/* "name=value" entries with | between them, below root; \0 in a value is written as $. */
static struct key_values entries(const char *root, const char *text)
{
	struct key_values l = KEY_VALUES_INIT;
	CLEANUP_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, text, '|');
	for (size_t i = 0; i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');
		CLEANUP_FREE char *key = xasprintf("%s/%.*s", root, (int)(eq - parts.v[i]), parts.v[i]);
		size_t len = strlen(eq + 1);

		for (char *c = eq + 1; *c; c++)
			if (*c == '$')
				*c = '\0';
		key_values_add(&l, key, eq + 1, len);
	}
	key_values_settle(&l);
	return l;
}

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

struct expectation {
	enum vmif_gen gen;
	const char *keys;
	const char *devices; /* one a line; how many were skipped, last */
};

static void run(const char *root, const struct expectation *table, size_t n,
		void (*read)(const struct key_values *, enum vmif_gen, struct published_list *),
		void (*show)(struct buf *, const struct published *))
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_KEY_VALUES struct key_values l = entries(root, table[i].keys);
		CLEANUP_PUBLISHED struct published_list got = {0};
		CLEANUP_BUF struct buf b = BUF_INIT;

		read(&l, table[i].gen, &got);
		for (size_t k = 0; k < got.n; k++)
			show(&b, &got.v[k]);
		buf_addf(&b, "%zu", got.skipped);
		if (!streq(buf_str(&b), table[i].devices))
			fail_msg("%s:\n%s\nexpected:\n%s", table[i].keys, buf_str(&b), table[i].devices);
	}
}

static void show_block(struct buf *b, const struct published *p)
{
	buf_addf(b, "%s serial=%s name=%s size=%llu mode=%c parent=%s if=%s\n", p->port, or_dash(p->serial),
		 or_dash(p->name), (unsigned long long)p->size, p->mode, or_dash(p->parent),
		 or_dash(p->parent_interface));
}

static void block(void **state)
{
	static const struct expectation table[] = {
		{ VMIF_R4, "", "0" },
		{ VMIF_R4, "sda=", "0" },
		{ VMIF_R4, "sda/desc=SANDISK_Ultra (DATA_1)|sda/size=8000000|sda/mode=r",
		  "sda serial=SANDISK Ultra name=DATA 1 size=8000000 mode=r parent=- if=-\n0" },
		{ VMIF_R4, "sda/desc=SANDISK Ultra (DATA)",
		  "sda serial=SANDISK name=ltra (DATA size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda/any=", "sda serial=- name=- size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda/desc=|sda/size=-1|sda/mode=x|sda/parent=",
		  "sda serial=- name=- size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda/desc=___ (_)", "sda serial=- name=- size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda/desc=a ()|sda/size=18446744073709551616",
		  "sda serial=a name=- size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda/desc=\303\244x\033[1m\n'\"$ (\177)|sda/size=1$2|sda/mode=r$",
		  "sda serial=x  1m name=- size=0 mode=w parent=- if=-\n0" },
		{ VMIF_R4, "sda1/parent=sda|sda1/size=5", "sda1 serial=- name=- size=5 mode=w parent=sda if=-\n0" },
		{ VMIF_R4, "sda/parent=1-1.2:1.0", "sda serial=- name=- size=0 mode=w parent=1-1.2 if=1.0\n0" },
		{ VMIF_R4, "sda/parent=../etc:1.0|sdb/parent=1-1:|sdc/parent=1-1:x|sdd/parent=SDA|sde/parent=1-1:1.0:2",
		  "sda serial=- name=- size=0 mode=w parent=- if=-\nsdb serial=- name=- size=0 mode=w parent=- if=-\n"
		  "sdc serial=- name=- size=0 mode=w parent=- if=-\nsdd serial=- name=- size=0 mode=w parent=- if=-\n"
		  "sde serial=- name=- size=0 mode=w parent=- if=-\n0" },
		/* names */
		{ VMIF_R4, "../x=|SDA/desc=a|sd.a/desc=a|abcdefghijklm/desc=a|abcdefghijkl/size=1|/size=1|s a/size=2",
		  "abcdefghijkl serial=- name=- size=1 mode=w parent=- if=-\n6" },
		/* one whose name goes on with a character before the slash */
		{ VMIF_R4, "sda/size=1|sda-1/size=2|sda1/size=3|sda/mode=r",
		  "sda-1 serial=- name=- size=2 mode=w parent=- if=-\nsda serial=- name=- size=1 mode=r parent=- if=-\n"
		  "sda1 serial=- name=- size=3 mode=w parent=- if=-\n0" },
		/* the older releases skip what is not whole */
		{ VMIF_R3, "sda/desc=USB_DISK (label)|sda/size=1|sda/mode=w|sda/device=/dev/sda",
		  "sda serial=USB DISK name=label size=1 mode=w parent=- if=-\n0" },
		{ VMIF_R2, "a/size=1|a/mode=w|b/desc=d|b/mode=w|c/desc=d|c/size=1|d/desc=|d/size=1|d/mode=w|"
			   "e/desc=a\nb|e/size=1|e/mode=w|f/desc=d|f/size=x|f/mode=w|g/desc=d|g/size=1|g/mode=rw|"
			   "h/desc=d|h/size=1|h/mode=r|h/device=/dev/../x y", "8" },
	};

	run("qubes-block-devices", table, sizeof table / sizeof *table, published_block, show_block);
}

static void show_usb(struct buf *b, const struct published *p)
{
	buf_addf(b, "%s %s vendor=%s product=%s serial=%s name=%s if=%s v=%d user=%s\n", p->port, p->ids,
		 or_dash(p->vendor), or_dash(p->product), or_dash(p->serial), or_dash(p->name),
		 or_dash(p->interfaces), p->usb_version, or_dash(p->connected_to));
}

static void usb(void **state)
{
	static const struct expectation table[] = {
		{ VMIF_R4, "2-1_4/desc=1d6b:0104 Linux_Foundation Multi\\x20Gadget CAFEBABE|2-1_4/usb-ver=2|"
			   "2-1_4/interfaces=:080650:|2-1_4/connected-to=work",
		  "2-1.4 1d6b:0104 vendor=Linux_Foundation product=Multi Gadget serial=CAFEBABE name=- if=u080650 v=2 "
		  "user=work\n0" },
		{ VMIF_R4, "1-1/desc=1d6b:0104 text only", "1-1 0000:0000 vendor=- product=- serial=- "
			   "name=1d6b:0104_text_only if=- v=0 user=-\n0" },
		{ VMIF_R4, "1-1/desc=zzzz:0104 a b c", "1-1 0000:0000 vendor=- product=- serial=- "
			   "name=zzzz:0104_a_b_c if=- v=0 user=-\n0" },
		{ VMIF_R4, "1-1/desc=1d6b:0104 a b c ", "1-1 0000:0000 vendor=- product=- serial=- "
			   "name=1d6b:0104_a_b_c_ if=- v=0 user=-\n0" },
		{ VMIF_R4, "1-1/desc=1d6b:0104 \\x1b[1m \303\244\\xc3\n \\x2|1-1/usb-ver=9|"
			   "1-1/interfaces=080650:03010:zz..zz:|1-1/connected-to=../x",
		  "1-1 1d6b:0104 vendor=_[1m product=____ serial=\\x2 name=- if=u080650u______ v=0 user=-\n0" },
		{ VMIF_R4, "1-1/x=|1-1_/desc=a|1/desc=a|a-1/desc=a|1-1_2_3/desc=a$b|-1/desc=|1.1/desc=x|1-1.2/desc=y",
		  "1-1 0000:0000 vendor=- product=- serial=- name=- if=- v=0 user=-\n"
		  "1-1.2.3 0000:0000 vendor=- product=- serial=- name=a_b if=- v=0 user=-\n6" },
		{ VMIF_R3, "1-1/usb-ver=2|1-2/desc=\303\244|1-3/desc=a b|1-4_1_2/desc=a|1-5_1/desc=c",
		  "1-3 0000:0000 vendor=- product=- serial=- name=a_b if=- v=0 user=-\n"
		  "1-5.1 0000:0000 vendor=- product=- serial=- name=c if=- v=0 user=-\n3" },
		{ VMIF_R2, "1-2/desc=\303\244\n",
		  "1-2 0000:0000 vendor=- product=- serial=- name=___ if=- v=0 user=-\n0" },
	};

	run("qubes-usb-devices", table, sizeof table / sizeof *table, published_usb, show_usb);
}

static void many(void **state)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
	CLEANUP_PUBLISHED struct published_list got = {0};
	char long_text[4000];

	memset(long_text, 'x', sizeof long_text);
	for (int i = 0; i < 10000; i++) {
		CLEANUP_FREE char *key = xasprintf("qubes-block-devices/d%05d/desc", i);

		key_values_add(&l, key, long_text, sizeof long_text);
	}
	key_values_settle(&l);
	published_block(&l, VMIF_R4, &got);
	assert_int_equal(got.n, PUBLISHED_MAX);
	assert_int_equal(got.skipped, 10000 - PUBLISHED_MAX);
	assert_string_equal(got.v[1].port, "d00001");
	assert_int_equal(strlen(got.v[1].serial), PUBLISHED_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block), cmocka_unit_test(usb), cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
