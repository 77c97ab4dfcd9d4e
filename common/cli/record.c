/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printers over records: JSON. */
#include "cli/record.h"

#include <json-c/json.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"

struct json {
	struct ctx *c;
	enum json_shape shape;
	char *qube;   /* key of the object we are inside of, in JSONL */
	bool any;     /* something was printed on this level */
	bool any_up;  /* ... and on the level above */
	bool nested;
};

/* JSON strings are Unicode: what is not becomes the replacement character. */
static struct json_object *new_string(const char *s, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = utf8_next(s + i, n - i, &cp);

		if (len)
			buf_add(&b, s + i, len);
		else
			buf_addstr(&b, "\xef\xbf\xbd");
		i += len ? len : 1;
	}

	struct json_object *o = json_object_new_string_len(buf_str(&b), (int)b.len);

	buf_release(&b);
	return o;
}

static void add_escape(struct buf *b, uint32_t cp)
{
	if (cp < 0x10000)
		buf_addf(b, "\\u%04x", cp);
	else
		buf_addf(b, "\\u%04x\\u%04x", 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
}

/* The library escapes below 0x20 only; a terminal acts on more (DEL, C1, bidi), and JSON can spell that too. */
static void add_json(struct buf *b, struct json_object *o)
{
	const char *s =
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	for (size_t n = strlen(s), i = 0, len; i < n; i += len) {
		uint32_t cp = 0xfffd;

		len = utf8_next(s + i, n - i, &cp);
		if (!len) {
			buf_addstr(b, "\xef\xbf\xbd");
			len = 1;
		} else if (cp == 0xfffd || codepoint_is_safe(cp)) {
			buf_add(b, s + i, len);
		} else {
			add_escape(b, cp);
		}
	}
}

void json_quote(struct buf *b, const char *s, size_t n)
{
	struct json_object *o = new_string(s, n);

	add_json(b, o);
	json_object_put(o);
}

static struct json_object *new_value(struct val v)
{
	struct json_object *o;

	switch (v.type) {
	case VAL_STR:
		return v.str ? new_string(v.str, v.counted ? (size_t)v.num : strlen(v.str)) : NULL;
	case VAL_INT:
		return json_object_new_int64(v.num);
	case VAL_BOOL:
		return json_object_new_boolean(v.num != 0);
	case VAL_LIST:
		o = json_object_new_array();
		for (size_t i = 0; i < v.list->n; i++)
			json_object_array_add(o, new_string(v.list->v[i], strlen(v.list->v[i])));
		return o;
	case VAL_MAP:
		o = json_object_new_object();
		for (size_t i = 0; i < v.keys->n; i++)
			json_object_object_add(o, v.keys->v[i], new_string(v.list->v[i], strlen(v.list->v[i])));
		return o;
	case VAL_NULL:
		break;
	}
	return NULL;
}

struct json *json_begin(struct ctx *c, enum json_shape shape)
{
	struct json *j = xcalloc(1, sizeof *j);

	*j = (struct json){.c = c, .shape = shape};
	if (c->format == FORMAT_JSON && shape != JSON_SCALAR)
		fputc(shape == JSON_ARRAY ? '[' : '{', c->out);
	return j;
}

/* What stands before an element: the comma, and the key of a member. */
static void put_lead(struct json *j, const char *key)
{
	if (j->c->format != FORMAT_JSON || j->shape == JSON_SCALAR)
		return;
	fputs(j->any ? ",\n" : "\n", j->c->out);
	j->any = true;
	if (key) {
		struct buf b = BUF_INIT;

		json_quote(&b, key, strlen(key));
		fprintf(j->c->out, "%s:", b.data);
		buf_release(&b);
	}
}

static void put_object(struct json *j, struct json_object *o)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	add_json(&b, o);
	fputs(buf_str(&b), j->c->out);
	if (j->c->format == FORMAT_JSONL || j->shape == JSON_SCALAR)
		fputc('\n', j->c->out);
	json_object_put(o);
}

/* In JSONL the keys which JSON has outside of a record go into it. */
static void add_names(struct json *j, struct json_object *o, const char *key)
{
	if (j->c->format != FORMAT_JSONL)
		return;
	if (j->qube)
		json_object_object_add(o, "qube", new_string(j->qube, strlen(j->qube)));
	if (key && j->shape == JSON_KEYED)
		json_object_object_add(o, "name", new_string(key, strlen(key)));
}

void json_record(struct json *j, const char *key, size_t n, const char *const *keys, const struct val *vals)
{
	struct json_object *o = json_object_new_object();

	add_names(j, o, key);
	for (size_t i = 0; i < n; i++)
		json_object_object_add(o, keys[i], new_value(vals[i]));
	put_lead(j, key);
	put_object(j, o);
}

void json_value(struct json *j, const char *key, struct val v)
{
	struct json_object *o;

	put_lead(j, key);
	if (j->c->format == FORMAT_JSONL && j->shape == JSON_KEYED) {
		o = json_object_new_object();
		add_names(j, o, key);
		json_object_object_add(o, "value", new_value(v));
	} else {
		o = new_value(v);
	}
	put_object(j, o);
}

void json_down(struct json *j, const char *key)
{
	put_lead(j, key);
	if (j->c->format == FORMAT_JSON)
		fputc('{', j->c->out);
	j->any_up = j->any;
	j->any = false;
	j->nested = true;
	j->qube = xstrdup(key);
}

void json_up(struct json *j)
{
	if (j->c->format == FORMAT_JSON)
		fputs(j->any ? "\n}" : "}", j->c->out);
	j->any = j->any_up;
	j->nested = false;
	free(j->qube);
	j->qube = NULL;
}

void json_end(struct json *j)
{
	if (j->c->format == FORMAT_JSON && j->shape != JSON_SCALAR)
		fprintf(j->c->out, "%s%c\n", j->any ? "\n" : "", j->shape == JSON_ARRAY ? ']' : '}');
	free(j->qube);
	free(j);
}
