/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of disks: as people type them and as people read them. */
#include "model/size.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"

static const struct {
	const char *suffix;
	uint64_t factor;
} units[] = {
	{"", 1},
	{"K", 1000}, {"KB", 1000}, {"KI", 1u << 10}, {"KIB", 1u << 10},
	{"M", 1000000}, {"MB", 1000000}, {"MI", 1u << 20}, {"MIB", 1u << 20},
	{"G", 1000000000}, {"GB", 1000000000}, {"GI", 1u << 30}, {"GIB", 1u << 30},
};

int size_parse(const char *text, uint64_t *ret)
{
	CLEANUP_FREE char *s = NULL;
	size_t digits, blanks, n;
	uint64_t number;
	int r;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	s = xstrndup(text, n);
	digits = strspn(s, "0123456789");
	blanks = strspn(s + digits, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcasecmp(s + digits + blanks, units[i].suffix) != 0)
			continue;
		s[digits] = '\0';
		r = num_u64(s, &number);
		if (r < 0)
			return r;
		return __builtin_mul_overflow(number, units[i].factor, ret) ? -ERANGE : 0;
	}
	return -EINVAL;
}

char *size_text(uint64_t bytes)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024)
		return xasprintf("%u B", (unsigned)bytes);
	/* What would print as 1024.0 belongs to the next unit. */
	for (; n >= 1023.95 && unit + 1 < ARRAY_SIZE(names); unit++)
		n /= 1024;
	return xasprintf("%.1f %s", n, names[unit]);
}
