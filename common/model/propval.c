/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property values on the wire. */
#include "model/propval.h"

#include <errno.h>

#include "base/escape.h"
#include "base/mem.h"

static const char *const type_names[] = {
	[PROP_STR] = "str", [PROP_INT] = "int",     [PROP_BOOL] = "bool",
	[PROP_VM] = "vm",   [PROP_LABEL] = "label", [PROP_LIST] = "list",
};

const char *prop_type_name(enum prop_type t)
{
	return type_names[t];
}

void propval_release(struct propval *p)
{
	free(p->name);
	free(p->value);
	*p = (struct propval){0};
}

void props_release(struct props *p)
{
	for (size_t i = 0; i < p->n; i++)
		propval_release(&p->v[i]);
	free(p->v);
	*p = (struct props){0};
}

static int malformed(struct err *err)
{
	return err_set(err, -EBADMSG, "QubesDaemonCommunicationError", "Invalid response format");
}

/* Takes the word that begins with key off the front of *s (up to a space); false when it is not there. */
static bool take_word(const char **s, const char *end, const char *key, const char **ret, size_t *ret_len)
{
	size_t n = strlen(key);
	const char *start = *s + n, *space;

	if ((size_t)(end - *s) < n || memcmp(*s, key, n) != 0)
		return false;
	space = memchr(start, ' ', (size_t)(end - start));
	if (!space)
		return false;
	*s = space + 1;
	*ret = start;
	*ret_len = (size_t)(space - start);
	return true;
}

static bool type_parse(const char *name, size_t len, enum prop_type *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
		if (strlen(type_names[i]) == len && memcmp(type_names[i], name, len) == 0) {
			*ret = (enum prop_type)i;
			return true;
		}
	return false;
}

int prop_type_from_name(const char *name, enum prop_type *ret)
{
	return type_parse(name, strlen(name), ret) ? 0 : -EINVAL;
}

/* What follows the name, up to end. */
static int slice_parse(struct propslice *ret, const char *body, const char *end, struct err *err)
{
	const char *word;
	size_t len;

	ret->is_default = !take_word(&body, end, "default=", &word, &len) ||
			  (len == strlen("True") && memcmp(word, "True", len) == 0);
	if (!take_word(&body, end, "type=", &word, &len) || memchr(word, '\0', (size_t)(end - word)))
		return malformed(err);
	if (!type_parse(word, len, &ret->type))
		return err_set(err, -EBADMSG, "QubesDaemonCommunicationError", "Received invalid value type: %.*s",
			       (int)len, word);
	ret->value = body;
	ret->value_len = (size_t)(end - body);
	return 0;
}

int propval_parse(struct propval *ret, const char *body, size_t len, struct err *err)
{
	struct propslice slice = {0};
	int r = slice_parse(&slice, body, body + len, err);

	if (r < 0)
		return r;
	*ret = (struct propval){
		.type = slice.type,
		.is_default = slice.is_default,
		.value = xmemdup0(slice.value, slice.value_len),
	};
	return 0;
}

int propslice_next(struct propslice *ret, const char **body, const char *end, struct err *err)
{
	const char *start = *body, *nl;
	int r;

	if (start >= end)
		return 0;
	/* Lines end at \n only: a value may hold \r and worse (admin-api 14.5). */
	nl = memchr(start, '\n', (size_t)(end - start));
	*ret = (struct propslice){0};
	/* Without its newline a line was cut off: its value may be any beginning of what it was. */
	if (!nl)
		return malformed(err);
	*body = nl + 1;
	if (!take_word(&start, nl, "", &ret->name, &ret->name_len) || memchr(ret->name, '\0', ret->name_len))
		return malformed(err);
	r = slice_parse(ret, start, nl, err);
	return r < 0 ? r : 1;
}

static int cmp(const void *a, const void *b)
{
	return strcmp(((const struct propval *)a)->name, ((const struct propval *)b)->name);
}

int props_parse(struct props *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP_PROPS struct props p = {0};
	const char *end = body + len;
	struct propslice slice;
	int r;

	while ((r = propslice_next(&slice, &body, end, err)) > 0) {
		char *value = xmemdup0(slice.value, slice.value_len);

		getall_unescape(value, slice.value_len);
		GROW(p.v, p.n, p.cap);
		p.v[p.n++] = (struct propval){
			.name = xmemdup0(slice.name, slice.name_len),
			.type = slice.type,
			.is_default = slice.is_default,
			.value = value,
		};
	}
	if (r < 0)
		return r;
	if (p.n > 1)
		qsort(p.v, p.n, sizeof *p.v, cmp);
	*ret = p;
	p = (struct props){0};
	return 0;
}

const struct propval *props_find(const struct props *p, const char *name)
{
	struct propval key = {.name = (char *)name};

	return p->n ? bsearch(&key, p->v, p->n, sizeof *p->v, cmp) : NULL;
}

bool propval_is_unset(const struct propval *p)
{
	return (p->type == PROP_INT || p->type == PROP_BOOL) && !*p->value;
}

bool propval_is_none(const struct propval *p)
{
	return (p->type == PROP_VM || p->type == PROP_LABEL) && !*p->value;
}

void propval_encode(struct buf *b, bool is_default, enum prop_type t, const char *value)
{
	buf_addf(b, "default=%s type=%s ", is_default ? "True" : "False", type_names[t]);
	buf_addstr(b, value);
}

void propval_encode_line(struct buf *b, const char *name, bool is_default, enum prop_type t,
			 const char *value)
{
	buf_addstr(b, name);
	buf_addch(b, ' ');
	propval_encode(b, is_default, t, "");
	getall_escape(b, value, strlen(value));
	buf_addch(b, '\n');
}
