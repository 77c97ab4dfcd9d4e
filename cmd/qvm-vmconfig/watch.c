/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-vmconfig watch: changes of the keys of a qube, as they come. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "qvm-vmconfig/vmconfig.h"

struct watch {
	struct ctx *c;
	const struct settings *s;
	struct channel *ch[KEY_STORES]; /* NULL: not looked at */
	struct json *json;              /* NULL: text */
	bool counted;                   /* left counts */
	int64_t left;
	bool ended;                     /* the qube has stopped */
};

static void watch_release(struct watch *w)
{
	for (int i = 0; i < KEY_STORES; i++)
		channel_close(w->ch[i]);
	if (w->json)
		json_end(w->json);
}
#define CLEANUP_WATCH CLEANUP(watch_release)

/* ---- beginning ---- */

/* The keys that were named, or all of this interface. */
static int watch_keys(struct watch *w, enum key_store store, struct err *err)
{
	CLEANUP_STRV struct strv keys = STRV_INIT;
	const char *prefix = settings_prefix(w->s, store);
	struct channel *ch = w->ch[store];
	int r = 0;

	arg_poses(&w->c->args, "KEY", &keys);
	for (size_t i = 0; i < keys.n && r == 0; i++) {
		const char *key = keys.v[i] + (*keys.v[i] == '/');

		if (w->s->chosen || key_store(key, w->s->gen) == store)
			r = ch->ops->watch(ch, key, err);
	}
	if (keys.n == 0)
		r = ch->ops->watch(ch, *prefix ? "memory/" : "", err);
	return r;
}

static int watch_begin(struct watch *w, const struct qube_keys *q)
{
	for (int i = 0; i < KEY_STORES; i++) {
		CLEANUP_ERR struct err err = ERR_INIT;

		if (!w->s->use[i])
			continue;
		if (open_keys(q, (enum key_store)i, &w->ch[i], &err) < 0 ||
		    watch_keys(w, (enum key_store)i, &err) < 0)
			return fail_err(w->c, &err, NULL, NULL);
	}
	w->json = w->c->format == FORMAT_TEXT ? NULL : json_begin(w->c, JSON_ARRAY);
	return STATUS_OK;
}

/* ---- a change ---- */

static void show(struct watch *w, const struct shown_key *k)
{
	CLEANUP_BUF struct buf line = BUF_INIT;

	if (w->json) {
		put_key(w->json, k);
	} else {
		buf_addf(&line, k->value ? "%s = " : "%s is gone", k->key);
		if (k->value)
			shown_value(&line, k->value, k->len);
		buf_addch(&line, '\n');
		put_text(w->c, buf_str(&line), line.len);
	}
	flush_out(w->c);
}

static int changed(struct watch *w, enum key_store store, const char *key, struct err *err)
{
	CLEANUP_BUF struct buf value = BUF_INIT;
	struct channel *ch = w->ch[store];
	bool directory = !*key || key[strlen(key) - 1] == '/';
	int r = directory ? -ENOENT : ch->ops->read(ch, key, &value, err);
	const struct shown_key k = {
		.key = key, .value = r == 0 ? buf_str(&value) : NULL, .len = value.len,
		.store = store, .def = directory ? NULL : def_of(w->s, store, key),
	};

	if (r < 0 && r != -ENOENT)
		return r;
	/* The domain's directory itself. */
	if (streq(key, "/"))
		w->ended = true;
	else
		show(w, &k);
	return 0;
}

/* ---- the loop ---- */

static bool is_over(const struct watch *w)
{
	return w->ended || (w->counted && w->left <= 0) || w->c->write_errno;
}

/* All that has come through one channel. */
static int drain(struct watch *w, enum key_store store)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = 0;

	while (!is_over(w)) {
		CLEANUP_FREE char *key = NULL;

		r = w->ch[store]->ops->event(w->ch[store], &key, &err);
		if (r == 0)
			return STATUS_OK;
		if (r > 0) {
			w->left--;
			r = changed(w, store, key, &err);
		}
		/* Its database ends with the qube. */
		if (r == -EPIPE || r == -ECONNRESET || r == -ECONNREFUSED)
			w->ended = true;
		else if (r < 0)
			return fail_err(w->c, &err, NULL, NULL);
	}
	return STATUS_OK;
}

static int watch_loop(struct watch *w)
{
	for (;;) {
		struct pollfd fds[KEY_STORES] = {0};

		for (int i = 0; i < KEY_STORES; i++) {
			int status = w->ch[i] ? drain(w, (enum key_store)i) : STATUS_OK;

			if (status)
				return status;
			fds[i] = (struct pollfd){.fd = w->ch[i] ? w->ch[i]->ops->fd(w->ch[i]) : -1, .events = POLLIN};
		}
		if (is_over(w))
			return STATUS_OK;
		if (poll(fds, KEY_STORES, -1) < 0 && errno != EINTR)
			return fail(w->c, "cannot wait: %s", strerror(errno));
	}
}

int watch_run(struct ctx *c, const struct settings *s)
{
	CLEANUP_WATCH struct watch w = {.c = c, .s = s};
	CLEANUP_QUBE_KEYS struct qube_keys q = {0};
	const char *count = arg_value(&c->args, "--count");
	int status;

	if (count && (num_i64(count, &w.left) < 0 || w.left < 1))
		return fail_usage(c, "argument --count: a number from 1 on is expected");
	w.counted = count != NULL;
	status = find_qube(c, &q);
	if (!status)
		status = watch_begin(&w, &q);
	return status ? status : watch_loop(&w);
}
