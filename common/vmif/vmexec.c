/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of a command in the name of a service. */
#include "vmif/vmexec.h"

#include <errno.h>

#include "base/buf.h"
#include "base/chars.h"

/* The value of an upper-case digit, or -1. */
static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that stands behind a dash, and how many characters that takes; 0: none. */
static int escape(const char *p, char *ret)
{
	if (*p == '-') {
		*ret = '-';
		return 1;
	}
	if (digit(p[0]) < 0 || digit(p[1]) < 0)
		return 0;
	*ret = (char)(digit(p[0]) * 16 + digit(p[1]));
	/* A word cannot hold it. */
	return *ret ? 2 : 0;
}

static int decode_word(const char *p, const char *end, struct buf *b)
{
	while (p < end) {
		char c = *p++;

		if (c == '-') {
			int n = escape(p, &c);

			if (!n || p + n > end)
				return -EINVAL;
			p += n;
		} else if (!chars_all((char[]){ c, '\0' }, "A-Za-z0-9._")) {
			return -EINVAL;
		}
		buf_addch(b, c);
	}
	return 0;
}

int vmexec_decode(const char *encoded, struct strv *ret)
{
	const char *end;

	do {
		CLEANUP_BUF struct buf word = BUF_INIT;

		end = strchrnul(encoded, '+');
		if (decode_word(encoded, end, &word) < 0)
			return -EINVAL;
		strv_add(ret, buf_str(&word));
		encoded = end + 1;
	} while (*end);
	return 0;
}
