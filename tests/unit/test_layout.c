/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitors: what xrandr prints, the lines of qubes.SetMonitorLayout, the whole screen (vm-interface 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/layout.h"

#define SCREEN "Screen 0: minimum 8 x 8, current 4480 x 1440, maximum 32767 x 32767\n"
#define TAIL " (normal left inverted right x axis y axis) "

static const struct {
	const char *in, *out;
} rows[] = {
	{"", ""},
	{"\n \n", ""},
	{SCREEN, ""},
	/* the example of the document, and around it what xrandr prints */
	{SCREEN "eDP-1 connected primary 1920x1080+0+0" TAIL "344mm x 194mm\n"
		"   1920x1080     60.02*+  59.93\n   1680x1050     59.88\n"
		"HDMI-1 disconnected" TAIL "\nDP-1 connected" TAIL "\n   2560x1440     59.95 +\n"
		"DP-2 connected 2560x1440+1920+0" TAIL "597mm x 336mm\nVGA-1 unknown connection\n",
	 "1920 1080 0 0 508 285\n2560 1440 1920 0 677 381\n"},
	{"A connected 1280x1024+1920+0\n", "1280 1024 1920 0\n"},
	{"A connected 1280x1024+1920+0" TAIL "0mm x 0mm\n", "1280 1024 1920 0\n"},
	{"A connected 1280x1024+1920+0" TAIL "0mm x 10mm\n", "1280 1024 1920 0\n"},
	{"A connected 1280x1024+1920+0" TAIL "10mm x 0mm\n", "1280 1024 1920 0\n"},
	{"A connected 1080x1920+0+0 left" TAIL "344mm x 194mm\r\n", "1080 1920 0 0 285 508\n"},
	{"A disconnected 1280x1024+0+0" TAIL "0mm x 0mm\n", ""},
	{"A connected primary\n", ""},
	/* each step of the resolution: 96, 150, 200, 300 */
	{"A connected 1500x1500+0+0 254mm x 254mm\n", "1500 1500 0 0 396 396\n"},
	{"A connected 1510x1510+0+0 254mm x 254mm\n", "1510 1510 0 0 255 255\n"},
	{"A connected 2000x2000+0+0 254mm x 254mm\n", "2000 2000 0 0 338 338\n"},
	{"A connected 2010x2010+0+0 254mm x 254mm\n", "2010 2010 0 0 255 255\n"},
	{"A connected 3000x3000+0+0 254mm x 254mm\n", "3000 3000 0 0 381 381\n"},
	{"A connected 3010x3010+0+0 254mm x 254mm\n", "3010 3010 0 0 254 254\n"},
	{"A connected 65535x1+0+0 1mm x 1mm\n", "65535 1 0 0\n"},
	/* the longest sides; what was made of them is read as well */
	{"A connected 9x65535+0+0 2mm x 16160mm\n", "9 65535 0 0 2 17339\n"},
	{"65535 65535 0 0 17339 17339\n", "65535 65535 0 0 17339 17339\n"},
	/* lines as they are sent */
	{"1920 1080 0 0 344 194\n", "1920 1080 0 0 344 194\n"},
	{"1920 1080 0 0\n1 1 65535 65535\n", "1920 1080 0 0\n1 1 65535 65535\n"},
	{"1920 1080 0 0 0 194", "1920 1080 0 0\n"},
	/* what is none */
	{"hello\n", "line 1 of the layout: not what xrandr prints"},
	{"\nCan't open display\n", "line 2 of the layout: not what xrandr prints"},
	{"A connected 0x1080+0+0\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x0+0+0\n", "line 1 of the layout: not a monitor"},
	{"A connected 65536x1080+0+0\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+0+65536\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+0+0x\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+0+-5\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+18446744073709551616+0\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+0+0" TAIL "344 x 194mm\n", "line 1 of the layout: not a monitor"},
	{"A connected 1920x1080+0+0" TAIL "344mm x 17340mm\n", "line 1 of the layout: not a monitor"},
	{SCREEN "A connected 1x1+0+0\nB connected 1x1+0\nC connected x1+0+0\n", "line 3 of the layout: not a monitor"},
	{"1920 1080 0\n", "line 1 of the layout: not a monitor"},
	{"1920 1080 0 0 1\n", "line 1 of the layout: not a monitor"},
	{"1920 1080 0 0 1 1 1\n", "line 1 of the layout: not a monitor"},
	{"1920 1080 0 0\nA connected 1x1+0+0\n", "line 2 of the layout: not a monitor"},
	{"1920 1080 0 -1\n", "line 1 of the layout: not a monitor"},
	{"0 1080 0 0\n", "line 1 of the layout: not a monitor"},
	{"1920 1080 0 0\n\xff\n", "line 2 of the layout: not a line of text"},
};

static char *sent(const char *text, size_t len)
{
	CLEANUP_LAYOUT struct layout l;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct buf b = BUF_INIT;

	if (layout_parse(&l, text, len, &err) < 0) {
		assert_int_equal(l.n, 0);
		return xstrdup(err.text);
	}
	layout_blur(&l);
	layout_print(&b, &l);
	return buf_steal(&b);
}

static void test_lines(void **state)
{
	size_t wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FREE char *got = sent(rows[i].in, strlen(rows[i].in));

		if (streq(got, rows[i].out))
			continue;
		print_error("%s  got:    %s\n  wanted: %s\n", rows[i].in, got, rows[i].out);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_many(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *nul = sent("A connected 1x1+0+0\0\n", 21);

	assert_string_equal(nul, "line 1 of the layout: not a line of text");
	for (int i = 0; i <= MONITORS_MAX; i++) {
		CLEANUP_FREE char *got = sent(buf_str(&b), b.len);

		assert_string_equal(got, buf_str(&b));
		buf_addf(&b, "1 1 %d 0\n", i);
	}

	CLEANUP_FREE char *many = sent(b.data, b.len);

	assert_string_equal(many, "line 33 of the layout: too many monitors");
}

static void test_screen(void **state)
{
	static const struct {
		const char *text;
		struct screen s;
	} screens[] = {
		{"", {0, 0, 24, 1}},
		{"1920 1080 0 0\n", {1920, 1080, 24, 8101}},
		{"1920 1080 0 0\n2560 1440 1920 0\n", {4480, 1440, 24, 25201}},
		{"100 100 0 500\n200 50 0 0\n", {200, 600, 24, 469}},
		{"65535 65535 65535 65535\n", {131070, 131070, 24, 67106817}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(screens); i++) {
		CLEANUP_LAYOUT struct layout l;
		struct screen s;

		assert_int_equal(layout_parse(&l, screens[i].text, strlen(screens[i].text), NULL), 0);
		s = layout_screen(&l);
		assert_memory_equal(&s, &screens[i].s, sizeof s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_many), cmocka_unit_test(test_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
