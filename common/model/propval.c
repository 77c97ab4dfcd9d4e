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

int prop_type_from_name(const char *name, enum prop_type *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
		if (streq(type_names[i], name)) {
			*ret = (enum prop_type)i;
			return 0;
		}
	return -EINVAL;
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

/* Takes the word that begins with key off the front of *s (up to a space); NULL when it is not there. */
static char *take_word(const char **s, const char *end, const char *key)
{
	size_t n = strlen(key);
	const char *start = *s + n, *space;

	if ((size_t)(end - *s) < n || memcmp(*s, key, n) != 0)
		return NULL;
	space = memchr(start, ' ', (size_t)(end - start));
	if (!space)
		return NULL;
	*s = space + 1;
	return xstrndup(start, (size_t)(space - start));
}

int propval_parse(struct propval *ret, const char *body, size_t len, struct err *err)
{
	const char *end = body + len;
	CLEANUP_FREE char *is_default = take_word(&body, end, "default=");
	CLEANUP_FREE char *type = take_word(&body, end, "type=");
	enum prop_type t;

	if (!type || memchr(body, '\0', (size_t)(end - body)))
		return malformed(err);
	if (prop_type_from_name(type, &t) < 0)
		return err_set(err, -EBADMSG, "QubesDaemonCommunicationError", "Received invalid value type: %s",
			       type);
	*ret = (struct propval){
		.type = t,
		.is_default = !is_default || streq(is_default, "True"),
		.value = xmemdup0(body, (size_t)(end - body)),
	};
	return 0;
}

static int cmp(const void *a, const void *b)
{
	return strcmp(((const struct propval *)a)->name, ((const struct propval *)b)->name);
}

int props_parse(struct props *ret, const char *body, size_t len, struct err *err)
{
	CLEANUP_PROPS struct props p = {0};
	const char *end = body + len;

	/* Lines end at \n only: a value may hold \r and worse (admin-api 14.5). */
	while (body < end) {
		const char *nl = memchr(body, '\n', (size_t)(end - body));
		const char *stop = nl ? nl : end;
		const char *rest = body;
		char *name = take_word(&rest, stop, "");
		int r;

		if (!name)
			return malformed(err);
		GROW(p.v, p.n, p.cap);
		r = propval_parse(&p.v[p.n], rest, (size_t)(stop - rest), err);
		if (r < 0) {
			free(name);
			return r;
		}
		p.v[p.n].name = name;
		getall_unescape(p.v[p.n].value, strlen(p.v[p.n].value));
		p.n++;
		body = stop + 1;
	}
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
