/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time that the clock qube tells (backup-policy-clock 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/clock.h"

#define GOOD "2035-06-01T12:13:14,123456789+00:00\n"
#define SHORT "2035-06-01T12:13:14+00:00\n"

static void test_good(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
		long ns;
	} rows[] = {
		{GOOD, 2064312794, 123456789},
		{SHORT, 2064312794, 0},
		{"2022-07-10T17:08:32+00:00\n", 1657472912, 0},
		{"2024-02-29T23:59:59,000000001+00:00\n", 1709251199, 1},
		{"9999-12-31T23:59:59,999999999+00:00\n", 253402300799, 999999999},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct timespec t = {0};

		assert_int_equal(clock_parse(&t, rows[i].text, strlen(rows[i].text), NULL), 0);
		assert_int_equal(t.tv_sec, rows[i].s);
		assert_int_equal(t.tv_nsec, rows[i].ns);
	}
}

/* A byte changed anywhere is another time or none; each length but the two is none. */
static void test_changed(void **state)
{
	static const char *const good[] = {GOOD, SHORT};

	for (size_t g = 0; g < ARRAY_SIZE(good); g++)
		for (size_t i = 0; i < strlen(good[g]); i++)
			for (int c = 0; c < 256; c++) {
				CLEANUP_FREE char *text = xstrdup(good[g]);
				CLEANUP_FREE char *again = NULL;
				CLEANUP_ERR struct err err = ERR_INIT;
				struct timespec t = {0};

				text[i] = (char)c;
				if (clock_parse(&t, text, strlen(good[g]), &err) < 0) {
					assert_non_null(err.text);
					continue;
				}
				assert_true(c == (unsigned char)good[g][i] || (c >= '0' && c <= '9'));
				again = clock_text(&t, g == 1);
				assert_memory_equal(again, text, strlen(again));
			}
	for (size_t n = 0; n < 80; n++) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		struct timespec t;

		while (b.len < n)
			buf_addstr(&b, GOOD);
		assert_int_equal(clock_parse(&t, buf_str(&b), n, NULL), n == 36 ? 0 : -22);
	}
}

static void test_legacy(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"2035-06-01T12:13:14+00:00", true}, {"2035-06-01T12:13:14+0000\n", true},
		{" \t\r\n2035-06-01T12:13:14+00:00\v\f\n ", true}, {"1970-01-01T00:00:00+00:00", true},
		{"", false}, {"\n", false}, {GOOD, false}, {"2035-06-01T12:13:14+00:00x", false},
		{"2035-06-01T12:13:14+00:0", false}, {"2035-06-01T12:13:14Z", false},
		{"2035-06-01T12:13:14+01:00", false}, {"2035-02-30T12:13:14+00:00", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_ERR struct err err = ERR_INIT;
		struct timespec t;
		int r = clock_parse_legacy(&t, rows[i].text, strlen(rows[i].text), &err);

		assert_int_equal(r == 0, rows[i].good);
		if (r < 0)
			assert_string_equal(err.text, "Invalid date output, aborting!");
	}
}

static void test_text(void **state)
{
	static const char *const texts[] = {"0035-06-30T12:13:14+00:00", "0000-01-01T00:00:00+00:00",
					    "9999-12-31T23:59:59+00:00"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct timespec t;
		CLEANUP_FREE char *again = NULL;

		assert_int_equal(clock_parse_legacy(&t, texts[i], strlen(texts[i]), NULL), 0);
		again = clock_text(&t, true);
		assert_string_equal(again, texts[i]);
	}
}

static void test_offset(void **state)
{
	static const struct {
		struct timespec a, b;
		const char *offset;
	} rows[] = {
		{{5, 0}, {5, 0}, "+0.000000000"},
		{{5, 1}, {5, 0}, "+0.000000001"},
		{{5, 0}, {5, 1}, "-0.000000001"},
		{{6, 0}, {5, 999999999}, "+0.000000001"},
		{{5, 999999999}, {6, 0}, "-0.000000001"},
		{{0, 0}, {1, 500000000}, "-1.500000000"},
		{{2, 500000000}, {0, 900000000}, "+1.600000000"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_FREE char *got = clock_offset(&rows[i].a, &rows[i].b);

		assert_string_equal(got, rows[i].offset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_changed), cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_text), cmocka_unit_test(test_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
