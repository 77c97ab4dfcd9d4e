/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties, packed: for each a character for its type, its name, NUL, its value, NUL; an empty one ends. */
#include "ls.h"

#include "base/mem.h"

#define FIRST_TYPE 'A' /* stands for the first of enum prop_type */

char *props_pack(const char *body, size_t len)
{
	CLEANUP_PROPS struct props props = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (props_parse(&props, body, len, NULL) < 0)
		return NULL;
	buf_reserve(&b, len);
	for (size_t i = 0; i < props.n; i++) {
		buf_addch(&b, (char)(FIRST_TYPE + props.v[i].type));
		buf_add(&b, props.v[i].name, strlen(props.v[i].name) + 1);
		buf_add(&b, props.v[i].value, strlen(props.v[i].value) + 1);
	}
	return xmemdup0(buf_str(&b), b.len);
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
