/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a channel holds against what it should hold. */
#include "base/mem.h"
#include "qvm-vmconfig/check.h"

const char *const difference_names[] = {"missing", "differs", "unexpected"};

/* At any time it holds what is true now. */
static bool is_current(const struct key_def *def)
{
	return def->live && !(def->flags & KEY_LATE);
}

/*
 * What dom0 says there and can be compared. A qube says what it likes in its own keys, and takes random ones away
 * once it has read them. Where a key does not hold what is true now, a change that waits for the next start looks as
 * if somebody had written there: nobody tells what was true at the last one.
 */
static bool is_comparable(const struct settings *s, const struct key_def *def)
{
	return def && def->way == KEY_TO_QUBE && !(def->flags & KEY_VOLATILE) && (!s->live || is_current(def));
}

/* "qubes-firewall/10.137.0.4/" of "qubes-firewall/10.137.0.4/policy": what belongs to one client. */
static char *client_part(const char *key)
{
	size_t dir = strcspn(key, "/") + 1, part = dir <= strlen(key) ? dir + strcspn(key + dir, "/") : dir - 1;

	return xasprintf("%.*s/", (int)part, key);
}

/* Nothing is to be there of the client that a key is of: what is left of one that has gone may stay. */
static bool client_has_gone(const struct key_values *want, const char *key)
{
	CLEANUP_FREE char *part = client_part(key);
	size_t n = strlen(part) - 1;

	for (size_t i = 0; i < want->n; i++) {
		const char *other = want->v[i].key;

		if (strncmp(other, part, n) == 0 && (!other[n] || other[n] == '/'))
			return false;
	}
	return true;
}

static bool may_be_there(const struct subject *q, const struct key_def *def, const char *key)
{
	return (def->flags & KEY_BY_HAND) || ((def->flags & KEY_LEFT) && client_has_gone(&q->want, key));
}

/* A store that cannot hold the key is not given it. */
static bool is_wanted(const struct settings *s, const struct subject *q, enum key_store store,
		      const struct key_value *want)
{
	return is_comparable(s, def_of(s, store, want->key)) &&
	       key_fits(store, q->domid, want->key, want->len, NULL) == 0;
}

static void compare_store(const struct settings *s, const struct subject *q, enum key_store store,
			  void (*found)(void *data, const struct drift *d), void *data)
{
	const struct key_values *have = &q->have[store], *want = &q->want;

	for (size_t h = 0, w = 0; h < have->n || w < want->n;) {
		int order = h == have->n ? 1 : w == want->n ? -1 : strcmp(have->v[h].key, want->v[w].key);
		struct drift d = {
			.store = store,
			.have = order <= 0 ? &have->v[h] : NULL,
			.want = order >= 0 ? &want->v[w] : NULL,
		};
		const char *key = (d.have ? d.have : d.want)->key;

		h += order <= 0;
		w += order >= 0;
		if (d.want && !is_wanted(s, q, store, d.want))
			continue;
		d.def = def_of(s, store, key);
		if (!is_comparable(s, d.def) || (d.have && d.want && key_value_agrees(d.have, d.want)) ||
		    (!d.want && may_be_there(q, d.def, key)))
			continue;
		d.what = !d.have ? DIFF_MISSING : d.want ? DIFF_DIFFERS : DIFF_UNEXPECTED;
		found(data, &d);
	}
}

void compare(const struct settings *s, const struct subject *q, void (*found)(void *data, const struct drift *d),
	     void *data)
{
	for (int store = 0; store < KEY_STORES; store++)
		if (s->use[store])
			compare_store(s, q, (enum key_store)store, found, data);
}
