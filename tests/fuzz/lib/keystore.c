/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores of keys that keep nothing, but see that all is right. */
#include "lib/keystore.h"

#include "base/mem.h"
#include "qvmd/publish.h"

/* A store that holds who is there, and sees that nothing is written to others. */
struct store_of_keys {
	struct key_sink sink;
	struct strv there; /* uuids */
};

static void check_op(struct store_of_keys *st, const struct key_op *op)
{
	bool there = strv_has(&st->there, op->vm->uuid);

	if (there == (op->kind == KEY_OP_CREATE))
		abort();
	if (op->kind == KEY_OP_CREATE) {
		strv_add(&st->there, op->vm->uuid);
	} else if (op->kind == KEY_OP_DESTROY) {
		for (size_t i = 0; i < st->there.n; i++)
			if (streq(st->there.v[i], op->vm->uuid))
				strv_remove(&st->there, i);
	} else if (op->kind == KEY_OP_PUT) {
		if (!op->def || op->def != key_find(op->key) || strlen(op->value) != op->len)
			abort();
		if (key_fits(st->sink.store, op->vm->xid, op->key, op->len, NULL) < 0)
			abort();
	}
}

static int keys_apply(struct key_sink *k, const struct key_op *ops, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		check_op((struct store_of_keys *)k, &ops[i]);
	return 0;
}

static void keys_close(struct key_sink *k)
{
	strv_release(&((struct store_of_keys *)k)->there);
	free(k);
}

void keystore_open(struct sys *s)
{
	publish_open(s);
	for (enum key_store store = 0; store < KEY_STORES; store++) {
		struct store_of_keys *st = xcalloc(1, sizeof *st);

		st->sink = (struct key_sink){ .store = store, .apply = keys_apply, .close = keys_close };
		publish_add_sink(s, &st->sink);
	}
	publish_zone(s, "Europe/Warsaw");
	publish_running(s);
}
