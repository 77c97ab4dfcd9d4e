/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property values on the wire and as people see them (admin-api 2.5, 4.8; tools-config 1.7). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum prop_type { PROP_STR, PROP_INT, PROP_BOOL, PROP_VM, PROP_LABEL, PROP_LIST };

struct propval {
	char *name; /* NULL when parsed from Get */
	enum prop_type type;
	bool is_default;
	char *value; /* unescaped; never NULL; may hold any byte but NUL */
};

struct props {
	struct propval *v; /* sorted by name */
	size_t n;
	size_t cap;
};

void propval_release(struct propval *p);
#define CLEANUP_PROPVAL CLEANUP(propval_release)
void props_release(struct props *p);
#define CLEANUP_PROPS CLEANUP(props_release)

/* Body of Get ("default=True type=vm x") or GetDefault (without default=). -EBADMSG with err. */
int propval_parse(struct propval *ret, const char *body, size_t len, struct err *err);

/* One line of GetAll as it stands there: borrowed, without NULs, the value still escaped. */
struct propslice {
	const char *name, *value;
	size_t name_len, value_len;
	enum prop_type type;
	bool is_default;
};

/* Takes a line off the front of *body. 1: there was one, 0: the end, -EBADMSG with err: what is there is none. */
int propslice_next(struct propslice *ret, const char **body, const char *end, struct err *err);

/* Body of GetAll. Lines that are none, or of an unknown type, fail the whole with err. */
int props_parse(struct props *ret, const char *body, size_t len, struct err *err);
/* NULL when absent. Borrowed. */
const struct propval *props_find(const struct props *p, const char *name);

const char *prop_type_name(enum prop_type t);
int prop_type_from_name(const char *name, enum prop_type *ret);
/* bool and int with empty value: no value at all (admin-api 14.7). */
bool propval_is_unset(const struct propval *p);
/* vm and label with empty value. */
bool propval_is_none(const struct propval *p);

/* One GetAll line, escaped, newline included. */
void propval_encode_line(struct buf *b, const char *name, bool is_default, enum prop_type t,
			 const char *value);
/* The body of Get. */
void propval_encode(struct buf *b, bool is_default, enum prop_type t, const char *value);
