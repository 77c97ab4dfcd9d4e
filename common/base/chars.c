/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of characters. */
#include "base/chars.h"

bool chars_all(const char *s, const char *set)
{
	for (; *s; s++) {
		bool found = false;

		for (const char *p = set; *p && !found; p++) {
			if (p[1] == '-' && p[2]) {
				found = *s >= p[0] && *s <= p[2];
				p += 2;
			} else {
				found = *s == *p;
			}
		}
		if (!found)
			return false;
	}
	return true;
}

void chars_replace(char *s, char from, char to)
{
	for (; *s; s++)
		if (*s == from)
			*s = to;
}
