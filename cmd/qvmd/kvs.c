/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and values: properties, features, what a pool is made of. */
#include "base/mem.h"
#include "qvmd/qvmd.h"

static struct kv *kvs_find(const struct kvs *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (streq(k->v[i].key, key))
			return &k->v[i];
	return NULL;
}

const char *kvs_get(const struct kvs *k, const char *key)
{
	const struct kv *kv = kvs_find(k, key);

	return kv ? kv->value : NULL;
}

void kvs_put(struct kvs *k, const char *key, const char *value, bool sorted)
{
	struct kv *kv = kvs_find(k, key);
	size_t at = k->n;

	if (kv) {
		/* value may be the old one itself */
		char *copy = xstrdup(value);

		free(kv->value);
		kv->value = copy;
		return;
	}
	if (k->n >= k->cap) {
		/* small steps: most qubes have a handful of each */
		k->cap = k->cap ? k->cap * 2 : 4;
		k->v = xreallocarray(k->v, k->cap, sizeof *k->v);
	}
	if (sorted)
		while (at > 0 && strcmp(k->v[at - 1].key, key) > 0)
			at--;
	memmove(&k->v[at + 1], &k->v[at], (k->n - at) * sizeof *k->v);
	k->v[at] = (struct kv){ xstrdup(key), xstrdup(value) };
	k->n++;
}

bool kvs_del(struct kvs *k, const char *key)
{
	struct kv *kv = kvs_find(k, key);

	if (!kv)
		return false;
	free(kv->key);
	free(kv->value);
	memmove(kv, kv + 1, (size_t)(k->v + k->n - (kv + 1)) * sizeof *kv);
	k->n--;
	return true;
}

void kvs_release(struct kvs *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->v[i].key);
		free(k->v[i].value);
	}
	free(k->v);
	*k = (struct kvs){0};
}
