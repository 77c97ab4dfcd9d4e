/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties, packed: for each a character for its type, its name, NUL, its value, NUL; an empty one ends. */
#include "ls.h"

#include "base/escape.h"
#include "base/mem.h"

#define FIRST_TYPE 'A' /* stands for the first of enum prop_type */

char *props_pack(const char *body, size_t len)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *end = body + len;
	struct propslice p;
	int r;

	buf_reserve(&b, len);
	while ((r = propslice_next(&p, &body, end, NULL)) > 0) {
		size_t value;

		buf_addch(&b, (char)(FIRST_TYPE + p.type));
		buf_add(&b, p.name, p.name_len);
		buf_addch(&b, '\0');
		value = b.len;
		buf_add(&b, p.value, p.value_len);
		b.len = value + getall_unescape(b.data + value, p.value_len);
		buf_addch(&b, '\0');
	}
	return r < 0 ? NULL : xmemdup0(buf_str(&b), b.len);
}

bool props_packed_find(const char *packed, const char *name, struct propval *ret)
{
	for (const char *p = packed; *p;) {
		const char *value = p + strlen(p) + 1;

		if (streq(p + 1, name)) {
			*ret = (struct propval){.type = (enum prop_type)(*p - FIRST_TYPE), .value = (char *)value};
			return true;
		}
		p = value + strlen(value) + 1;
	}
	return false;
}
