/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on keys: collected once, handed to each store in one go. */
#include "qvmd/publish_batch.h"

#include "base/mem.h"
#include "qvmd/server.h"

static void add(struct batch *b, const struct key_op *op)
{
	GROW(b->v, b->n, b->cap);
	b->v[b->n++] = *op;
}

void batch_add_kind(struct batch *b, struct vm *v, enum key_op_kind kind)
{
	add(b, &(struct key_op){ .kind = kind, .vm = v });
}

void batch_add_permit(struct batch *b, struct vm *v, const struct key_def *def)
{
	add(b, &(struct key_op){ .kind = KEY_OP_PERMIT, .vm = v, .def = def, .key = xstrdup(def->name) });
}

static void add_value(struct batch *b, struct vm *v, struct key_value *kv)
{
	add(b, &(struct key_op){
		.kind = kv->value ? KEY_OP_PUT : KEY_OP_REMOVE, .vm = v, .def = key_find(kv->key),
		.key = STEAL(kv->key), .value = STEAL(kv->value), .len = kv->len,
	});
}

void batch_add(struct batch *b, struct vm *v, struct key_values *l)
{
	for (size_t i = 0; i < l->n; i++)
		add_value(b, v, &l->v[i]);
}

static bool has(const struct batch *b, const struct vm *v, const struct key_value *kv)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct key_op *op = &b->v[i];

		if (op->vm == v && op->key && streq(op->key, kv->key) &&
		    (op->value && kv->value ? streq(op->value, kv->value) : !op->value && !kv->value))
			return true;
	}
	return false;
}

void batch_add_once(struct batch *b, struct vm *v, struct key_values *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!has(b, v, &l->v[i]))
			add_value(b, v, &l->v[i]);
}

void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free((char *)b->v[i].key);
		free((char *)b->v[i].value);
	}
	free(b->v);
	strv_release(&b->iptables);
	b->v = NULL;
	b->n = b->cap = 0;
}

static bool is_for(const struct key_op *op, enum key_store store)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct vm *v = op->vm;

	if (op->kind == KEY_OP_CREATE || op->kind == KEY_OP_DESTROY)
		return true;
	if (key_store(op->key, v->sys->opt.vmif) != store)
		return false;
	if (op->kind == KEY_OP_REMOVE) {
		/* a directory, without its slash */
		CLEANUP_FREE char *name = xstrdup(op->key);
		size_t n = strlen(name);

		if (n && name[n - 1] == '/')
			name[n - 1] = '\0';
		return key_fits(store, v->xid, name, 0, NULL) == 0;
	}
	if (key_fits(store, v->xid, op->key, op->len, &err) == 0)
		return true;
	log_line(v->sys, "%s: no key '%s': %s", v->name, op->key, err.text);
	return false;
}

void batch_apply(struct batch *b, struct key_sink *sinks)
{
	for (struct key_sink *k = sinks; k; k = k->next) {
		CLEANUP_FREE struct key_op *part = xcalloc(b->n + 1, sizeof(*part));
		CLEANUP_ERR struct err err = ERR_INIT;
		size_t n = 0;

		for (size_t i = 0; i < b->n; i++)
			if (is_for(&b->v[i], k->store))
				part[n++] = b->v[i];
		if (n && k->apply(k, part, n, &err) < 0)
			log_line(b->sys, "%s: %s", key_store_names[k->store], err.text);
	}
}
