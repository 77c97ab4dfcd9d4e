/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short texts of others: the time from a clock qube, and monitors. The first byte says which: 't' the time, 'o' of the
 * older flow, anything else monitors. What was taken is written and read again as the same.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/clock.h"
#include "model/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void surprise(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

static void check_time(const char *text, size_t len)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *again = NULL;
	struct timespec t;

	if (clock_parse(&t, text, len, &err) < 0) {
		if (!err.text)
			surprise("refused without a word", "");
		return;
	}
	again = clock_text(&t, len == 26);
	if (strlen(again) + 1 != len || memcmp(again, text, len - 1) != 0 || text[len - 1] != '\n')
		surprise("another time", again);
}

static void check_legacy_time(const char *text, size_t len)
{
	CLEANUP_FREE char *again = NULL;
	struct timespec t, same;

	if (clock_parse_legacy(&t, text, len, NULL) < 0)
		return;
	again = clock_text(&t, true);
	if (clock_parse_legacy(&same, again, strlen(again), NULL) < 0 || same.tv_sec != t.tv_sec || t.tv_nsec)
		surprise("another time", again);
}

static void check_monitors(const char *text, size_t len)
{
	CLEANUP_LAYOUT struct layout l, same = {0};
	CLEANUP_BUF struct buf lines = BUF_INIT, again = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct screen s;

	if (layout_parse(&l, text, len, &err) < 0) {
		if (l.n || !err.text)
			surprise("refused, yet not empty or without a word", "");
		return;
	}
	layout_blur(&l);
	layout_print(&lines, &l);
	if (lines.len > 4096)
		surprise("more than a service takes", buf_str(&lines));
	if (layout_parse(&same, buf_str(&lines), lines.len, &err) < 0)
		surprise(err.text, buf_str(&lines));
	layout_print(&again, &same);
	if (!streq(buf_str(&lines), buf_str(&again)))
		surprise("another layout", buf_str(&lines));
	s = layout_screen(&l);
	if (!s.width != !l.n || !s.memory_kib)
		surprise("no screen", buf_str(&lines));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	if (data[0] == 't')
		check_time(text, size - 1);
	else if (data[0] == 'o')
		check_legacy_time(text, size - 1);
	else
		check_monitors(text, size - 1);
	return 0;
}
