/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fixture's YAML: errors with their place, values of entries that repeat, mappings and lists. */
#include <errno.h>

#include "base/mem.h"
#include "qvmd/fixture.h"
#include "qvmd/property.h"

/* ---- nodes ---- */

static yaml_node_t *node(struct load *l, int id)
{
	return yaml_document_get_node(&l->doc, id);
}

int fixture_bad(struct load *l, const yaml_node_t *at, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(l->err, -EINVAL, "", "%s:%zu:%zu: %s%s%s", l->path, at->start_mark.line + 1,
		       at->start_mark.column + 1, key, *key ? ": " : "", text);
}

int fixture_bad_check(struct load *l, const yaml_node_t *at, const char *key, struct err *why)
{
	int r = fixture_bad(l, at, key, "%s", why->text);

	err_release(why);
	return r;
}

bool fixture_is_null(const yaml_node_t *n)
{
	const char *s = (const char *)n->data.scalar.value;

	return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*s || streq(s, "~") || streq(s, "null"));
}

/* Writes the number of the round for {n}, with leading zeros for {n:4}. */
static char *expand(const struct load *l, const char *s)
{
	struct buf b = BUF_INIT;

	for (const char *p = s; *p; p++) {
		const char *at = l->repeated ? skip_prefix(p, "{n") : NULL;
		int width = 0;

		if (at && at[0] == ':' && at[1] >= '1' && at[1] <= '9') {
			width = at[1] - '0';
			at += 2;
		}
		if (at && *at == '}') {
			buf_addf(&b, "%0*lld", width, (long long)l->round);
			p = at;
		} else {
			buf_addch(&b, *p);
		}
	}
	return buf_steal(&b);
}

int fixture_text(struct load *l, yaml_node_t *n, const char *key, char **ret)
{
	if (n->type == YAML_SEQUENCE_NODE && l->repeated) {
		int64_t count = n->data.sequence.items.top - n->data.sequence.items.start;

		if (count)
			n = node(l, n->data.sequence.items.start[(l->round - 1) % count]);
	}
	if (n->type != YAML_SCALAR_NODE)
		return fixture_bad(l, n, key, "a single value is expected");
	if (strlen((const char *)n->data.scalar.value) != n->data.scalar.length)
		return fixture_bad(l, n, key, "NUL bytes are not allowed");
	*ret = fixture_is_null(n) ? xstrdup("") : expand(l, (const char *)n->data.scalar.value);
	return 0;
}

int fixture_value(struct load *l, struct vm *v, yaml_node_t *n, const char *key, char **ret)
{
	struct prop_change c = {.sys = l->sys, .vm = v, .def = prop_def_find(v, key)};
	CLEANUP_FREE char *s = NULL, *canonical = NULL;
	CLEANUP_ERR struct err why = ERR_INIT;
	int r = fixture_text(l, n, key, &s);

	if (r < 0)
		return r;
	if (c.def->type == PROP_VM && streq(s, "none"))
		*s = '\0';
	r = prop_parse(&c, s, strlen(s), &canonical, &why);
	if (r == 0 && c.def->clean)
		r = c.def->clean(&c, &canonical, &why);
	if (r < 0)
		return fixture_bad_check(l, n, key, &why);
	*ret = STEAL(canonical);
	return 0;
}

/* ---- mappings ---- */

int each_pair(struct load *l, yaml_node_t *n, const char *what, pair_fn fn, void *data)
{
	if (n->type == YAML_SCALAR_NODE && fixture_is_null(n))
		return 0;
	if (n->type != YAML_MAPPING_NODE)
		return fixture_bad(l, n, what, "keys and values are expected");
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		CLEANUP_FREE char *key = NULL;
		yaml_node_t *at = node(l, p->key);
		int r = fixture_text(l, at, what, &key);

		for (yaml_node_pair_t *q = n->data.mapping.pairs.start; r == 0 && q < p; q++)
			if (streq((char *)node(l, q->key)->data.scalar.value, (char *)at->data.scalar.value))
				r = fixture_bad(l, at, key, "given twice");
		if (r == 0)
			r = fn(l, data, key, at, node(l, p->value));
		if (r < 0)
			return r;
	}
	return 0;
}

int each_item(struct load *l, yaml_node_t *n, const char *what, item_fn fn, void *data)
{
	if (n->type == YAML_SCALAR_NODE && fixture_is_null(n))
		return 0;
	if (n->type != YAML_SEQUENCE_NODE)
		return fixture_bad(l, n, what, "a list is expected");
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
		int r = fn(l, data, node(l, *i));

		if (r < 0)
			return r;
	}
	return 0;
}

yaml_node_t *fixture_get(struct load *l, yaml_node_t *n, const char *key)
{
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		yaml_node_t *k = node(l, p->key);

		if (k->type == YAML_SCALAR_NODE && streq((char *)k->data.scalar.value, key))
			return node(l, p->value);
	}
	return NULL;
}
