/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of one qube in XenStore. */
#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "vmif/xenstore.h"

/* One watch; its token is its number in the list. */
struct watch {
	char *key;  /* as it was asked for; NULL: taken back */
	char *path; /* of the node */
	bool told;  /* the event of the registration, which is none, has come */
};

struct xs_channel {
	struct channel c; /* first: it is the same to our callers */
	struct xenstore *x;
	int64_t domid;
	char *root; /* "/local/domain/<domid>" */
	struct watch *watches;
	size_t n_watches, cap_watches;
	struct key_values dump; /* between its two halves */
};

static struct xs_channel *of(struct channel *c)
{
	return (struct xs_channel *)c;
}

/* The path of a key that may end in "/", without that; "" is the root. The caller frees. */
static char *path_of(const struct xs_channel *x, const char *key)
{
	size_t n = strlen(key);

	if (n && key[n - 1] == '/')
		n--;
	return n ? xasprintf("%s/%.*s", x->root, (int)n, key) : xstrdup(x->root);
}

static bool is_directory(const char *key)
{
	return !*key || key[strlen(key) - 1] == '/';
}

static int check(const struct xs_channel *x, const char *key, size_t len, struct err *err)
{
	CLEANUP_FREE char *node = xstrndup(key, strlen(key) - (*key && is_directory(key)));

	return key_fits(KEY_XENSTORE, x->domid, node, len, err);
}

static int xc_read(struct channel *c, const char *key, struct buf *ret, struct err *err)
{
	CLEANUP_FREE char *path = path_of(of(c), key);
	int r = check(of(c), key, 0, err);

	return r < 0 ? r : xenstore_read(of(c)->x, path, ret, err);
}

static int xc_write(struct channel *c, const char *key, const void *value, size_t len, struct err *err)
{
	CLEANUP_FREE char *path = path_of(of(c), key);
	int r = is_directory(key) ? err_set(err, -EINVAL, "", "XenStore cannot hold this name") :
				    check(of(c), key, len, err);

	return r < 0 ? r : xenstore_write(of(c)->x, path, value, len, err);
}

static int xc_rm(struct channel *c, const char *key, struct err *err)
{
	CLEANUP_FREE char *path = path_of(of(c), key);
	CLEANUP_STRV struct strv names = STRV_INIT;
	int r = *key && !streq(key, "/") ? check(of(c), key, 0, err) : 0;

	if (r < 0)
		return r;
	if (!is_directory(key))
		return xenstore_rm(of(c)->x, path, err);
	r = xenstore_children(of(c)->x, path, &names, err);
	if (r == 0 && names.n == 0)
		return err_set(err, -ENOENT, "", "XenStore: %s: nothing is below it", path);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		CLEANUP_FREE char *child = xasprintf("%s/%s", path, names.v[i]);

		r = xenstore_rm(of(c)->x, child, err);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* ---- dump ---- */

static int xc_dump_begin(struct channel *c, const char *prefix, struct err *err)
{
	struct xs_channel *x = of(c);
	int r;

	key_values_release(&x->dump);
	r = xenstore_dump(x->x, x->root, prefix, CHANNEL_KEYS_MAX, &x->dump, err);
	if (r == 0)
		key_values_settle(&x->dump);
	return r;
}

static int xc_dump_step(struct channel *c, struct key_values *ret, struct err *err)
{
	key_values_release(ret);
	*ret = of(c)->dump;
	of(c)->dump = KEY_VALUES_INIT;
	return 1;
}

static int xc_list(struct channel *c, const char *prefix, struct strv *ret, struct err *err)
{
	CLEANUP_KEY_VALUES struct key_values all = KEY_VALUES_INIT;
	int r = xenstore_dump(of(c)->x, of(c)->root, prefix, CHANNEL_KEYS_MAX, &all, err);

	key_values_settle(&all);
	for (size_t i = 0; i < all.n && r == 0; i++)
		strv_add(ret, all.v[i].key);
	return r;
}

/* ---- watches ---- */

static int xc_watch(struct channel *c, const char *key, struct err *err)
{
	struct xs_channel *x = of(c);
	char token[24];

	for (size_t i = 0; i < x->n_watches; i++)
		if (x->watches[i].key && streq(x->watches[i].key, key))
			return 0;
	GROW(x->watches, x->n_watches, x->cap_watches);

	struct watch w = { .key = xstrdup(key), .path = path_of(x, key) };
	int r = *key ? check(x, key, 0, err) : 0;

	snprintf(token, sizeof token, "%zu", x->n_watches);
	if (r == 0)
		r = xenstore_watch(x->x, w.path, token, err);
	if (r < 0) {
		free(w.key);
		free(w.path);
		return r;
	}
	x->watches[x->n_watches++] = w;
	return 0;
}

static int xc_unwatch(struct channel *c, const char *key, struct err *err)
{
	struct xs_channel *x = of(c);

	for (size_t i = 0; i < x->n_watches; i++) {
		char token[24];

		if (!x->watches[i].key || !streq(x->watches[i].key, key))
			continue;
		free(STEAL(x->watches[i].key));
		snprintf(token, sizeof token, "%zu", i);
		return xenstore_unwatch(x->x, x->watches[i].path, token, err);
	}
	return err_set(err, -ENOENT, "", "this key is not watched");
}

static bool is_there(struct xs_channel *x, const char *path)
{
	CLEANUP_BUF struct buf value = BUF_INIT;

	return xenstore_read(x->x, path, &value, NULL) == 0;
}

/* The key that an event of w is about, or NULL when it is nothing that was asked for. The caller frees. */
static char *event_key(struct xs_channel *x, struct watch *w, const char *path)
{
	const char *below = skip_prefix(path, x->root);

	/* A parent has gone: xenstored names the node that is watched, and our own root may be that. */
	if (!below || (*below && *below != '/'))
		return NULL;
	if (!streq(path, w->path))
		return is_directory(w->key) ? xstrdup(below + 1) : NULL;
	if (!is_directory(w->key))
		return xstrdup(w->key);
	if (is_there(x, path))
		return *w->key ? xstrndup(w->key, strlen(w->key) - 1) : NULL;
	return xstrdup(*w->key ? w->key : "/");
}

static int xc_event(struct channel *c, char **ret_key, struct err *err)
{
	struct xs_channel *x = of(c);

	for (;;) {
		CLEANUP_FREE char *path = NULL, *token = NULL;
		int r = xenstore_event(x->x, &path, &token, err);
		uint64_t i = 0;

		if (r <= 0)
			return r;
		if (num_u64(token, &i) < 0 || i >= x->n_watches || !x->watches[i].key)
			continue;
		if (!x->watches[i].told) {
			x->watches[i].told = true;
			continue;
		}
		*ret_key = event_key(x, &x->watches[i], path);
		if (*ret_key)
			return 1;
	}
}

/* ---- the rest ---- */

static int xc_begin(struct channel *c, struct err *err)
{
	return xenstore_begin(of(c)->x, err);
}

static int xc_commit(struct channel *c, struct err *err)
{
	return xenstore_commit(of(c)->x, err);
}

static int xc_fd(const struct channel *c)
{
	return xenstore_fd(((const struct xs_channel *)c)->x);
}

static void xc_close(struct channel *c)
{
	struct xs_channel *x = of(c);

	xenstore_close(x->x);
	for (size_t i = 0; i < x->n_watches; i++) {
		free(x->watches[i].key);
		free(x->watches[i].path);
	}
	free(x->watches);
	key_values_release(&x->dump);
	free(x->root);
	free(x);
}

/* The number of the domain that we are: those who build domains write it there. */
static int own_domid(struct xenstore *x, int64_t *ret, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r = xenstore_read(x, "domid", &b, err);

	if (r == 0 && (num_i64(buf_str(&b), ret) < 0 || *ret < 0))
		r = err_set(err, -EPROTO, "", "XenStore: domid is no number");
	return r;
}

int xenstore_channel_open(int64_t domid, struct channel **ret, struct err *err)
{
	static const struct channel_ops ops = {
		.store = KEY_XENSTORE,
		.read = xc_read, .write = xc_write, .rm = xc_rm, .list = xc_list,
		.dump_begin = xc_dump_begin, .dump_step = xc_dump_step,
		.watch = xc_watch, .unwatch = xc_unwatch, .event = xc_event,
		.begin = xc_begin, .commit = xc_commit, .fd = xc_fd, .close = xc_close,
	};
	CLEANUP_XENSTORE struct xenstore *x = NULL;
	int r = xenstore_open(&x, err);

	if (r == 0 && domid < 0)
		r = own_domid(x, &domid, err);
	if (r < 0)
		return r;

	struct xs_channel *c = xcalloc(1, sizeof *c);

	*c = (struct xs_channel){ .c.ops = &ops, .x = STEAL(x), .domid = domid };
	c->root = xasprintf("/local/domain/%jd", (intmax_t)domid);
	*ret = &c->c;
	return 0;
}
