/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers. */
#include "base/num.h"

#include <errno.h>

int num_u64(const char *s, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

int num_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t n;
	int r = num_u64(s + negative, &n);

	if (r < 0)
		return r;
	if (n > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return 0;
}

int num_seconds(const char *s, uint64_t *ret_ns)
{
	uint64_t ns = 0, unit = 1000000000;
	bool digits = false;

	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		if (__builtin_mul_overflow(ns, 10, &ns) ||
		    __builtin_add_overflow(ns, (uint64_t)(*s - '0'), &ns))
			return -ERANGE;
	if (__builtin_mul_overflow(ns, unit, &ns))
		return -ERANGE;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, digits = true) {
			unit /= 10;
			if (__builtin_add_overflow(ns, (uint64_t)(*s - '0') * unit, &ns))
				return -ERANGE;
		}
	if (*s || !digits)
		return -EINVAL;
	*ret_ns = ns > INT64_MAX ? INT64_MAX : ns;
	return 0;
}
