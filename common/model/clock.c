/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and writing the time, by position, strictly. */
#include "model/clock.h"

#include <errno.h>
#include <inttypes.h>

#include "base/mem.h"

#define SHAPE "dddd-dd-ddTdd:dd:dd" /* d: a digit */
#define SHAPE_LEN (sizeof SHAPE - 1)
#define ZONE "+00:00"
#define OLDEST "2022-07-10T17:08:31"
#define SECONDS_LEN 26
#define NS_LEN 36

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_shape(const char *s, const char *shape)
{
	for (; *shape; s++, shape++)
		if (*shape == 'd' ? !is_digit(*s) : *s != *shape)
			return false;
	return true;
}

static int number(const char *s, size_t digits)
{
	int n = 0;

	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (s[i] - '0');
	return n;
}

/* Seconds since 1970 of a text of that shape; -EINVAL when there is no such time. */
static int seconds_of(const char *s, time_t *ret)
{
	struct tm tm = {
		.tm_year = number(s, 4) - 1900, .tm_mon = number(s + 5, 2) - 1, .tm_mday = number(s + 8, 2),
		.tm_hour = number(s + 11, 2), .tm_min = number(s + 14, 2), .tm_sec = number(s + 17, 2),
	}, back;

	*ret = timegm(&tm);
	/* timegm() takes the 31st of June for the 1st of July. */
	if (!gmtime_r(ret, &back) || back.tm_mon != number(s + 5, 2) - 1 || back.tm_mday != number(s + 8, 2) ||
	    back.tm_hour != number(s + 11, 2) || back.tm_min != number(s + 14, 2) || back.tm_sec != number(s + 17, 2))
		return -EINVAL;
	return 0;
}

static int refuse(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "", "%s, aborting!", text);
}

int clock_parse(struct timespec *ret, const char *data, size_t len, struct err *err)
{
	time_t s;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)data[i] >= 0x80)
			return refuse(err, "Received non-ASCII date");
	if (len != NS_LEN && len != SECONDS_LEN)
		return err_set(err, -EINVAL, "", "Invalid date length (expected %d or %d bytes, got %zu), aborting!",
			       SECONDS_LEN, NS_LEN, len);
	if (memcmp(data + len - 7, ZONE "\n", 7) != 0)
		return refuse(err, "Date not in UTC");
	if (!has_shape(data, len == NS_LEN ? SHAPE ",ddddddddd" ZONE "\n" : SHAPE ZONE "\n") ||
	    seconds_of(data, &s) < 0)
		return refuse(err, "Invalid date received");
	if (memcmp(data, OLDEST, SHAPE_LEN) <= 0)
		return refuse(err, "Received a date older than this program");
	*ret = (struct timespec){s, len == NS_LEN ? number(data + SHAPE_LEN + 1, 9) : 0};
	return 0;
}

int clock_parse_legacy(struct timespec *ret, const char *data, size_t len, struct err *err)
{
	static const char blanks[] = " \t\n\v\f\r";
	time_t s;

	while (len && memchr(blanks, data[0], sizeof blanks - 1)) {
		data++;
		len--;
	}
	while (len && memchr(blanks, data[len - 1], sizeof blanks - 1))
		len--;
	if (!(len == SHAPE_LEN + 6 && has_shape(data, SHAPE ZONE)) &&
	    !(len == SHAPE_LEN + 5 && has_shape(data, SHAPE "+0000")))
		return refuse(err, "Invalid date output");
	if (seconds_of(data, &s) < 0)
		return refuse(err, "Invalid date output");
	*ret = (struct timespec){.tv_sec = s};
	return 0;
}

char *clock_text(const struct timespec *t, bool seconds)
{
	struct tm tm = {0};
	CLEANUP_FREE char *text = NULL;

	gmtime_r(&t->tv_sec, &tm);
	text = xasprintf("%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			 tm.tm_min, tm.tm_sec);
	return seconds ? xasprintf("%s" ZONE, text) : xasprintf("%s,%09ld" ZONE, text, t->tv_nsec);
}

char *clock_offset(const struct timespec *a, const struct timespec *b)
{
	int64_t s = (int64_t)a->tv_sec - (int64_t)b->tv_sec, ns = (int64_t)a->tv_nsec - (int64_t)b->tv_nsec;
	bool behind = s < 0 || (s == 0 && ns < 0);

	if (behind) {
		s = -s;
		ns = -ns;
	}
	if (ns < 0) {
		s--;
		ns += 1000000000;
	}
	return xasprintf("%c%" PRId64 ".%09" PRId64, behind ? '-' : '+', s, ns);
}
