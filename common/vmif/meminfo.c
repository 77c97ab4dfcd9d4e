/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Used memory from what a qube wrote: hostile text, with numbers of any size. */
#include "vmif/meminfo.h"

#include <errno.h>

#include "base/chars.h"
#include "base/num.h"
#include "base/strv.h"

#define LENGTH_MAX 4096
#define DIGITS_MAX 20 /* of the one number of release 4 */
#define NUMBER_MAX (UINT64_C(1) << 50) /* KiB: more than any machine has, and sums of six do not overflow */

enum field { TOTAL, FREE, BUFFERS, CACHED, SWAP_TOTAL, SWAP_FREE, FIELDS };

static int number(const char *s, uint64_t *ret)
{
	uint64_t n;

	if (num_u64(s, &n) < 0 || n > NUMBER_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* "MemTotal: 400000 kB" */
static int line(char *text, uint64_t fields[FIELDS], unsigned *seen)
{
	static const char *const names[FIELDS] = {
		"MemTotal:", "MemFree:", "Buffers:", "Cached:", "SwapTotal:", "SwapFree:",
	};
	CLEANUP_STRV struct strv words = STRV_INIT, packed = STRV_INIT;

	strv_split(&words, text, ' ');
	for (size_t i = 0; i < words.n; i++)
		if (*words.v[i])
			strv_add(&packed, words.v[i]);
	if (packed.n < 2)
		return -EINVAL;
	for (int f = 0; f < FIELDS; f++)
		if (streq(packed.v[0], names[f])) {
			if (*seen & (1U << f))
				return -EINVAL;
			*seen |= 1U << f;
			return number(packed.v[1], &fields[f]);
		}
	return -EINVAL;
}

static int six_lines(const char *value, uint64_t *ret)
{
	CLEANUP_STRV struct strv lines = STRV_INIT;
	uint64_t f[FIELDS] = {0};
	unsigned seen = 0;

	strv_split(&lines, value, '\n');
	if (lines.n != FIELDS)
		return -EINVAL;
	for (size_t i = 0; i < lines.n; i++)
		if (line(lines.v[i], f, &seen) < 0)
			return -EINVAL;
	if (f[SWAP_FREE] > f[SWAP_TOTAL] || f[FREE] + f[CACHED] + f[BUFFERS] > f[TOTAL])
		return -EINVAL;
	*ret = f[TOTAL] - f[FREE] - f[CACHED] - f[BUFFERS] + f[SWAP_TOTAL] - f[SWAP_FREE];
	return 0;
}

int meminfo_parse(const char *value, size_t len, uint64_t *ret_kib)
{
	if (len == 0 || len > LENGTH_MAX || strlen(value) != len)
		return -EINVAL;
	if (chars_all(value, "0-9"))
		return len <= DIGITS_MAX ? number(value, ret_kib) : -EINVAL;
	return six_lines(value, ret_kib);
}
