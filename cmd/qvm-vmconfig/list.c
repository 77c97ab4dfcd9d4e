/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-vmconfig list, get, set, unset: the keys of one qube. */
#include <errno.h>

#include "base/mem.h"
#include "qvm-vmconfig/vmconfig.h"

/* ---- list ---- */

static void add_row(struct table *t, const struct shown_key *k)
{
	CLEANUP_BUF struct buf value = BUF_INIT;
	CLEANUP_FREE char *meaning = NULL;
	bool bad = k->def && !key_check(k->key, k->value, k->len);

	shown_value(&value, k->value, k->len);
	meaning = xasprintf("%s%s", k->def ? k->def->meaning : "-", bad ? " (malformed)" : "");

	const char *cells[] = {k->key, writer_of(k->def), meaning, buf_str(&value)};

	table_row(t, cells);
}

static int read_store(struct ctx *c, const struct settings *s, const struct qube_keys *q, enum key_store store,
		      struct key_values *ret)
{
	CLEANUP_CHANNEL struct channel *ch = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = open_keys(q, store, &ch, &err);

	if (r == 0)
		r = channel_dump(ch, settings_prefix(s, store), ret, &err);
	return r < 0 ? fail_err(c, &err, NULL, NULL) : STATUS_OK;
}

int list_run(struct ctx *c, const struct settings *s)
{
	CLEANUP_QUBE_KEYS struct qube_keys q = {0};
	CLEANUP_TABLE struct table *t = table_new(4);
	struct json *j;
	int status = find_qube(c, &q);
	static const char *const heads[] = {"KEY", "WRITER", "MEANING", "VALUE"};

	if (status)
		return status;
	table_row(t, heads);
	j = c->format == FORMAT_TEXT ? NULL : json_begin(c, JSON_ARRAY);
	for (int store = 0; store < KEY_STORES; store++) {
		CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
		int r = s->use[store] ? read_store(c, s, &q, (enum key_store)store, &l) : STATUS_OK;

		status = r ? r : status;
		for (size_t i = 0; !r && i < l.n; i++) {
			const struct shown_key k = {
				.key = l.v[i].key, .value = l.v[i].value, .len = l.v[i].len,
				.store = (enum key_store)store, .def = def_of(s, (enum key_store)store, l.v[i].key),
			};

			if (j)
				put_key(j, &k);
			else
				add_row(t, &k);
		}
	}
	if (j)
		json_end(j);
	else
		table_print(t, c);
	return status;
}

/* ---- one key ---- */

/* The qube, the key, and the channel to where that is. */
struct one_key {
	struct qube_keys q;
	const char *key;
	enum key_store store;
	struct channel *ch;
};

static void one_key_release(struct one_key *k)
{
	qube_keys_release(&k->q);
	channel_close(k->ch);
}
#define CLEANUP_ONE_KEY CLEANUP(one_key_release)

/* The name as the table has it: a slash in front, as QubesDB has it, is left out. */
static const char *key_arg(const struct ctx *c)
{
	const char *key = arg_pos(&c->args, "KEY");

	return *key == '/' ? key + 1 : key;
}

static int open_one(struct ctx *c, const struct settings *s, const char *key, struct one_key *ret)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int status;

	*ret = (struct one_key){.key = key, .store = key_store(key, s->gen)};
	if (s->chosen)
		ret->store = s->use[KEY_QUBESDB] ? KEY_QUBESDB : KEY_XENSTORE;
	status = find_qube(c, &ret->q);
	if (!status && open_keys(&ret->q, ret->store, &ret->ch, &err) < 0)
		status = fail_err(c, &err, NULL, NULL);
	return status;
}

int get_run(struct ctx *c, const struct settings *s)
{
	CLEANUP_ONE_KEY struct one_key k = {0};
	CLEANUP_BUF struct buf value = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = open_one(c, s, key_arg(c), &k), r;

	if (status)
		return status;
	r = k.ch->ops->read(k.ch, k.key, &value, &err);
	if (r == -ENOENT)
		return fail(c, "%s has no key '%s'", k.q.name, k.key);
	if (r < 0)
		return fail_err(c, &err, NULL, NULL);
	if (c->format == FORMAT_TEXT) {
		buf_addch(&value, '\n');
		put_text(c, buf_str(&value), value.len);
		return STATUS_OK;
	}

	struct json *j = json_begin(c, JSON_SCALAR);
	const struct shown_key shown = {
		.key = k.key, .value = buf_str(&value), .len = value.len,
		.store = k.store, .def = def_of(s, k.store, k.key),
	};

	put_key(j, &shown);
	json_end(j);
	return STATUS_OK;
}

/* Only what nobody else writes: anything else would be wrong at once, or overwritten later. */
static int may_be_set(struct ctx *c, const struct settings *s, const char *key)
{
	const struct key_def *def = key_find(key);

	if (!def)
		return fail(c, "there is no key '%s'", key);
	if (!key_in_gen(def, s->gen))
		return fail(c, "generation %s has no key '%s'", vmif_gen_names[s->gen], key);
	if (def->way == KEY_TO_DOM0)
		return fail(c, "'%s' is a key that the qube writes", key);
	if (!(def->flags & KEY_BY_HAND))
		return fail(c, "'%s' is a key that dom0 writes by itself, from: %s", key,
			    def->source ? def->source : def->meaning);
	return STATUS_OK;
}

int set_run(struct ctx *c, const struct settings *s)
{
	CLEANUP_ONE_KEY struct one_key k = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *key = key_arg(c), *value = arg_pos(&c->args, "VALUE");
	int status = may_be_set(c, s, key);

	if (!status && !key_check(key, value, strlen(value)))
		status = fail(c, "this is no value of '%s': %s is expected", key, key_find(key)->format->name);
	if (!status)
		status = open_one(c, s, key, &k);
	if (!status && k.ch->ops->write(k.ch, k.key, value, strlen(value), &err) < 0)
		status = fail_err(c, &err, NULL, NULL);
	return status;
}

int unset_run(struct ctx *c, const struct settings *s)
{
	CLEANUP_ONE_KEY struct one_key k = {0};
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *key = key_arg(c);
	int status = may_be_set(c, s, key), r;

	if (!status)
		status = open_one(c, s, key, &k);
	if (status)
		return status;
	r = k.ch->ops->rm(k.ch, k.key, &err);
	/* It is as it should be. */
	return r < 0 && r != -ENOENT ? fail_err(c, &err, NULL, NULL) : STATUS_OK;
}
