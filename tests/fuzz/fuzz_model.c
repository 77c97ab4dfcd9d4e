/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of qubes, property values, names, patterns and escapes of any bytes. */
#include <ctype.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/glob.h"
#include "model/names.h"
#include "model/propval.h"
#include "model/qubes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- lists ---- */

static void check_qubes(const struct qubes *q)
{
	for (size_t i = 0; i < q->n; i++) {
		const struct qube *v = &q->v[i];

		if (!*v->name || !*v->class || !v->state || !v->uuid || strpbrk(v->name, " \n"))
			abort();
		if ((i && strcmp(q->v[i - 1].name, v->name) > 0) || !qubes_find(q, v->name))
			abort();
	}
}

/* Written as the daemon writes it and read again, it is the same. */
static void check_props(const struct props *p)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_PROPS struct props again = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	for (size_t i = 0; i < p->n; i++) {
		if (!props_find(p, p->v[i].name))
			abort();
		if (i && streq(p->v[i - 1].name, p->v[i].name))
			return; /* which of the two is first is nobody's promise */
		propval_encode_line(&b, p->v[i].name, p->v[i].is_default, p->v[i].type, p->v[i].value);
	}
	if (props_parse(&again, buf_str(&b), b.len, &err) < 0 || again.n != p->n)
		abort();
	for (size_t i = 0; i < p->n; i++)
		if (!streq(p->v[i].name, again.v[i].name) || !streq(p->v[i].value, again.v[i].value) ||
		    p->v[i].type != again.v[i].type || p->v[i].is_default != again.v[i].is_default)
			abort();
}

static void check_value(const struct propval *v)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_PROPVAL struct propval again = {0};

	if (propval_is_none(v) && propval_is_unset(v))
		abort();
	propval_encode(&b, v->is_default, v->type, v->value);
	if (propval_parse(&again, b.data, b.len, NULL) < 0 || !streq(again.value, v->value) ||
	    again.type != v->type || again.is_default != v->is_default)
		abort();
}

static void try_lists(const char *text, size_t size)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_QUBES struct qubes q = {0};
	CLEANUP_PROPS struct props p = {0};
	CLEANUP_PROPVAL struct propval v = {0};

	if (qubes_parse(&q, text, size, &err) == 0)
		check_qubes(&q);
	if (props_parse(&p, text, size, &err) == 0)
		check_props(&p);
	if (propval_parse(&v, text, size, &err) == 0)
		check_value(&v);
}

/* ---- names: none that is accepted means more to a shell, a path, qrexec or a list than itself ---- */

static void check_plain(const char *name)
{
	if (!*name)
		abort();
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			abort();
}

static void check_qube_name(const char *name)
{
	if (strlen(name) > 31 || !isalpha((unsigned char)*name) || glob_is_pattern(name))
		abort();
	check_plain(name);
}

static void check_label_value(const char *value)
{
	char *end;

	strtoul(value, &end, 16);
	if (strlen(value) != 8 || *end)
		abort();
}

static void check_uuid(const char *uuid)
{
	check_plain(uuid);
	if (strlen(uuid) != 36 || bool_word(uuid) >= 0)
		abort();
}

static void try_names(const char *text)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (name_check_qube(text, &err) == 0)
		check_qube_name(text);
	if (name_check_label(text, true, &err) == 0 && name_check_label(text, false, &err) == 0)
		check_plain(text);
	if (name_check_tag(text, &err) == 0)
		check_plain(text);
	if (name_check_feature(text, &err) == 0)
		check_plain(text);
	if (name_check_label_value(text, &err) == 0)
		check_label_value(text);
	if (uuid_is_valid(text))
		check_uuid(text);
	bool_word(text);
}

/* ---- patterns and escapes ---- */

/* More of anything around it matches too. */
static void check_match(const char *pattern, const char *text)
{
	CLEANUP_FREE char *any = xasprintf("*%s*", pattern);

	if (!glob_match(any, text) || !glob_match("*", text))
		abort();
}

static void try_glob(const char *text)
{
	size_t half = strlen(text) / 2;
	CLEANUP_FREE char *pattern = xstrndup(text, half);

	if (glob_match(pattern, text + half))
		check_match(pattern, text + half);
}

static void check_escapes(const char *text, size_t size)
{
	CLEANUP_BUF struct buf shown = BUF_INIT, escaped = BUF_INIT;

	term_escape(&shown, text, size, false);
	for (size_t i = 0; i < shown.len; i++)
		if ((unsigned char)shown.data[i] < 0x20 || shown.data[i] == 0x7f)
			abort();
	if (!utf8_valid(buf_str(&shown), shown.len))
		abort();

	getall_escape(&escaped, text, size);
	if (memchr(buf_str(&escaped), '\n', escaped.len))
		abort();
	buf_reserve(&escaped, 0);
	if (getall_unescape(escaped.data, escaped.len) != size || memcmp(escaped.data, text, size) != 0)
		abort();
	free(quote_py(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xmemdup0(data, size);

	try_lists(text, size);
	try_names(text);
	try_glob(text);
	check_escapes(text, size);
	return 0;
}
