/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data goes out as records; table, raw and JSON are printers over the same records. */
#pragma once

#include "cli/tool.h"

enum val_type { VAL_NULL, VAL_STR, VAL_INT, VAL_BOOL, VAL_LIST, VAL_MAP };

struct val {
	enum val_type type;
	const char *str;          /* VAL_STR; borrowed until the record was added */
	bool counted;             /* VAL_STR: num says how many bytes, there may be NULs among them */
	int64_t num;              /* VAL_INT, VAL_BOOL */
	const struct strv *list;  /* VAL_LIST; the values of VAL_MAP */
	const struct strv *keys;  /* VAL_MAP: keys.v[i] goes with list.v[i] */
};

#define V_NULL ((struct val){.type = VAL_NULL})
#define V_STR(s) ((struct val){.type = VAL_STR, .str = (s)})
#define V_BYTES(s, n) ((struct val){.type = VAL_STR, .str = (s), .counted = true, .num = (int64_t)(n)})
#define V_INT(i) ((struct val){.type = VAL_INT, .num = (i)})
#define V_BOOL(b) ((struct val){.type = VAL_BOOL, .num = (b)})
#define V_LIST(l) ((struct val){.type = VAL_LIST, .list = (l)})
#define V_MAP(k, l) ((struct val){.type = VAL_MAP, .keys = (k), .list = (l)})

/* ---- tables of text: the rules of tools-config 1.8 ---- */

struct table;

struct table *table_new(size_t columns);
void table_free(struct table *t); /* NULL accepted */
static inline void table_freep(struct table **t)
{
	table_free(*t);
}
#define CLEANUP_TABLE CLEANUP(table_freep)
/* Adds one row of `columns` cells (copied). A header is a row like any other. */
void table_row(struct table *t, const char *const *cells);
/* The same with texts from malloc(), which are the table's from then on. */
void table_take(struct table *t, char *const *cells);
/* Prints: width by display columns, two blanks between, the last not padded. Only once. */
void table_print(struct table *t, struct ctx *c);

/* ---- JSON ---- */

/*
 * A stream of JSON on ctx->out: with FORMAT_JSON one document (an array of objects or one object), with
 * FORMAT_JSONL one object a line. Output is valid UTF-8 always: bytes that are not become U+FFFD.
 */
struct json;

enum json_shape {
	JSON_ARRAY, /* records are elements; in JSONL: lines */
	JSON_SCALAR, /* the one record or value is the document; in JSONL: a line */
	JSON_KEYED, /* records are members of one object, by their key; in JSONL: lines with "name" added */
};

struct json *json_begin(struct ctx *c, enum json_shape shape);
/* One record: n keys and values. key names the member for JSON_KEYED, else NULL. */
void json_record(struct json *j, const char *key, size_t n, const char *const *keys, const struct val *vals);
/* One plain value as the element / member. */
void json_value(struct json *j, const char *key, struct val v);
/* Opens an object of objects below key (for "--where" output keyed by qube); close with json_up. */
void json_down(struct json *j, const char *key);
void json_up(struct json *j);
/* Ends the document, frees j. */
void json_end(struct json *j);
/* One JSON string literal of any bytes, quotes included. */
void json_quote(struct buf *b, const char *s, size_t n);
