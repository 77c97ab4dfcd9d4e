/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the table and lists of keys. */
#include "vmif/keys.h"

#include <errno.h>

#include "base/chars.h"
#include "base/mem.h"

const char *const vmif_gen_names[VMIF_GENS] = { "r2", "r3", "r4" };
const char *const key_store_names[KEY_STORES] = { "qubesdb", "xenstore" };

int vmif_gen_from_name(const char *name)
{
	for (int g = 0; g < VMIF_GENS; g++)
		if (streq(name, vmif_gen_names[g]))
			return g;
	return -1;
}

/* ---- what a store can hold ---- */

#define DOMAIN_PATH_MAX 32 /* "/local/domain/65535/" and some */

static int fits_qubesdb(const char *key, size_t value_len, struct err *err)
{
	size_t n = strlen(key);

	if (!n || key[n - 1] == '/' || !chars_all(key, "A-Za-z0-9/_@.:-"))
		return err_set(err, -EINVAL, "", "QubesDB cannot hold this name");
	if (n + 1 > QDB_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "", "the name is too long for QubesDB");
	if (value_len > QDB_VALUE_MAX)
		return err_set(err, -E2BIG, "", "the value is too long for QubesDB (%zu bytes, %d are possible)",
			       value_len, QDB_VALUE_MAX);
	return 0;
}

static int fits_xenstore(int64_t domid, const char *key, size_t value_len, struct err *err)
{
	size_t n = strlen(key);
	char head[DOMAIN_PATH_MAX];
	int path = snprintf(head, sizeof head, "/local/domain/%jd/", (intmax_t)domid);

	if (!n || key[0] == '/' || key[n - 1] == '/' || strstr(key, "//") || !chars_all(key, "A-Za-z0-9/_@-"))
		return err_set(err, -EINVAL, "", "XenStore cannot hold this name");
	if (n > XS_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "", "the name is too long for XenStore");
	if ((size_t)path + n + 1 + value_len > XS_PAYLOAD_MAX)
		return err_set(err, -E2BIG, "", "the value is too long for XenStore (%zu bytes)", value_len);
	return 0;
}

int key_fits(enum key_store store, int64_t domid, const char *key, size_t value_len, struct err *err)
{
	return store == KEY_QUBESDB ? fits_qubesdb(key, value_len, err) : fits_xenstore(domid, key, value_len, err);
}

/* ---- rows ---- */

static size_t part_len(const char *s)
{
	return strcspn(s, "/");
}

static bool part_matches(const char *pattern, size_t pattern_len, const char *part, size_t len)
{
	if (pattern_len == 1 && *pattern == '*')
		return len > 0;
	if (pattern_len == 1 && *pattern == '#')
		return len > 0 && strspn(part, "0123456789") >= len;
	return len == pattern_len && memcmp(pattern, part, len) == 0;
}

/* *ret_star, *ret_len: what the first star stands for. */
static bool row_matches(const struct key_def *def, const char *key, const char **ret_star, size_t *ret_len)
{
	const char *p = def->name;

	*ret_star = NULL;
	for (;;) {
		size_t pn = part_len(p), n = part_len(key);

		if (!part_matches(p, pn, key, n))
			return false;
		if (!*ret_star && pn == 1 && *p == '*') {
			*ret_star = key;
			*ret_len = n;
		}
		if (!p[pn] || !key[n])
			return !p[pn] && !key[n];
		p += pn + 1;
		key += n + 1;
	}
}

const struct key_def *key_find(const char *key)
{
	const struct key_def *found = NULL;
	const char *star;
	size_t len;

	for (const struct key_def *d = key_defs; d->name; d++) {
		if (!row_matches(d, key, &star, &len))
			continue;
		if (!strpbrk(d->name, "*#"))
			return d;
		if (!found)
			found = d;
	}
	return found;
}

enum key_store key_store(const char *key, enum vmif_gen gen)
{
	bool memory = streq(key, "memory") || skip_prefix(key, "memory/");

	return gen == VMIF_R2 || memory ? KEY_XENSTORE : KEY_QUBESDB;
}

bool key_check(const char *key, const char *value, size_t len)
{
	const struct key_def *def = key_find(key);
	CLEANUP_FREE char *star = NULL;
	const char *at;
	size_t n;

	if (!def || !def->format->check(value, len))
		return false;
	if (!def->star || !row_matches(def, key, &at, &n))
		return true;
	star = xstrndup(at, n);
	return def->star->check(star, n);
}

bool key_follows(const struct key_def *def, const char *change, const char **ret_star)
{
	const char *star = NULL;

	for (const char *word = def->live; word && *word; word += strspn(word, " ")) {
		size_t n = strcspn(word, " ");

		if (n && word[n - 1] == '*' && strncmp(word, change, n - 1) == 0)
			star = change + n - 1;
		else if (strlen(change) != n || memcmp(word, change, n) != 0) {
			word += n;
			continue;
		}
		if (ret_star)
			*ret_star = star;
		return true;
	}
	return false;
}

/* ---- lists ---- */

void key_values_release(struct key_values *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	*l = KEY_VALUES_INIT;
}

void key_values_add(struct key_values *l, const char *key, const void *value, size_t len)
{
	GROW(l->v, l->n, l->cap);
	l->v[l->n++] = (struct key_value){ xstrdup(key), xmemdup0(value, len), len };
}

void key_values_addstr(struct key_values *l, const char *key, const char *value)
{
	key_values_add(l, key, value, strlen(value));
}

void key_values_add_gone(struct key_values *l, const char *key)
{
	GROW(l->v, l->n, l->cap);
	l->v[l->n++] = (struct key_value){ .key = xstrdup(key) };
}

/* A removal of a directory takes what was written below it before. */
static void apply_removals(struct key_values *l)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strlen(l->v[i].key);

		if (l->v[i].value || !n || l->v[i].key[n - 1] != '/')
			continue;
		for (size_t k = 0; k < i; k++)
			if (skip_prefix(l->v[k].key, l->v[i].key))
				free(STEAL(l->v[k].value));
	}
}

static int by_key(const void *a, const void *b)
{
	const struct key_value *x = *(const struct key_value *const *)a, *y = *(const struct key_value *const *)b;
	int r = strcmp(x->key, y->key);

	/* Both are in one array: the later write has the greater address. */
	return r ? r : (x > y) - (x < y);
}

void key_values_settle(struct key_values *l)
{
	CLEANUP_FREE struct key_value **order = xreallocarray(NULL, l->n + 1, sizeof(*order));
	struct key_values result = KEY_VALUES_INIT;

	apply_removals(l);
	for (size_t i = 0; i < l->n; i++)
		order[i] = &l->v[i];
	qsort(order, l->n, sizeof(*order), by_key);
	for (size_t i = 0; i < l->n; i++) {
		bool last = i + 1 == l->n || !streq(order[i]->key, order[i + 1]->key);

		if (!last || !order[i]->value)
			continue;
		GROW(result.v, result.n, result.cap);
		result.v[result.n++] = *order[i];
		*order[i] = (struct key_value){0};
	}
	key_values_release(l);
	*l = result;
}

static int compare_key(const void *key, const void *at)
{
	return strcmp(key, ((const struct key_value *)at)->key);
}

const struct key_value *key_values_get(const struct key_values *l, const char *key)
{
	return l->n ? bsearch(key, l->v, l->n, sizeof(*l->v), compare_key) : NULL;
}

bool key_value_agrees(const struct key_value *have, const struct key_value *want)
{
	const struct key_def *def = key_find(want->key);
	const char *a = have->value, *b = want->value;

	if (def && (def->flags & KEY_VOLATILE))
		return def->format->check(a, have->len);
	if (streq(want->key, "qubes-iptables-header") && *a == '#' && *b == '#') {
		/* its first line holds a date */
		a = strchrnul(a, '\n');
		b = strchrnul(b, '\n');
		return streq(a, b);
	}
	return have->len == want->len && memcmp(a, b, want->len) == 0;
}
