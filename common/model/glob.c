/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shell patterns as Python's fnmatch knows them. */
#include "model/glob.h"

bool glob_is_pattern(const char *name)
{
	return name[strcspn(name, "*?[]!")] != '\0';
}

/* The ']' that ends the set whose '[' stands at p, or NULL when the set is open. */
static const char *set_end(const char *p)
{
	p++;
	if (*p == '!')
		p++;
	if (*p == ']')
		p++;
	return strchr(p, ']');
}

/* p stands at '[', end at its ']'. */
static bool set_match(const char *p, const char *end, char c)
{
	bool negate = p[1] == '!', found = false;

	p += negate ? 2 : 1;
	while (p < end) {
		if (p + 2 < end && p[1] == '-') {
			found |= (unsigned char)c >= (unsigned char)p[0] &&
				 (unsigned char)c <= (unsigned char)p[2];
			p += 3;
		} else {
			found |= c == *p++;
		}
	}
	return found != negate;
}

bool glob_match(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL; /* the last '*', and where its match was tried */

	while (*name) {
		const char *end = *pattern == '[' ? set_end(pattern) : NULL;

		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (end ? set_match(pattern, end, *name) : *pattern == '?' || *pattern == *name) {
			pattern = end ? end + 1 : pattern + 1;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
