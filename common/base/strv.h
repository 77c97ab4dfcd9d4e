/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing vector of owned strings, NULL-terminated once it holds one. */
#pragma once

#include "base/attr.h"

struct strv {
	char **v; /* v[n] is NULL; v itself is NULL while nothing was added */
	size_t n;
	size_t cap;
};

#define STRV_INIT ((struct strv){0})

void strv_release(struct strv *s);
#define CLEANUP_STRV CLEANUP(strv_release)

/* Adds a copy of s. */
void strv_add(struct strv *s, const char *str);
/* Adds a copy of n bytes. */
void strv_addn(struct strv *s, const char *str, size_t n);
/* Adds str itself: the vector owns it from now on. */
void strv_take(struct strv *s, char *str);
void strv_addf(struct strv *s, const char *fmt, ...) PRINTF(2, 3);
bool strv_has(const struct strv *s, const char *str);
/* Orders by bytes (strcmp), the order of everything in Qubes. */
void strv_sort(struct strv *s);
/* Adds a copy of str at its place in a sorted vector; false when it is there already. */
bool strv_insert(struct strv *s, const char *str);
/* Drops the element at i and keeps the order. */
void strv_remove(struct strv *s, size_t i);
/* Adds the pieces of str between sep; an empty str adds nothing, a final empty piece is left out. */
void strv_split(struct strv *s, const char *str, char sep);
/* All strings joined by sep; the caller frees it; never NULL. */
char *strv_join(const struct strv *s, const char *sep);
/* For qsort over arrays of char *. */
int strv_cmp(const void *a, const void *b);
