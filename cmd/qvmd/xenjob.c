/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains and their keys in XenStore, as those who build domains write them (vm-interface 2.5). */
#include "qvmd/xenjob.h"

#include <errno.h>

#include "base/mem.h"
#include "base/num.h"

#define DOMAINS "/local/domain"
/* A node for each domain that we have made: after a daemon that was killed, this is what can be taken away. */
#define OURS "/tool/qvmd"
#define BELOW_MAX 8192 /* nodes that a qube may have us read at once */

bool xen_is_fatal(int r)
{
	return r != -ENOENT && r != -EINVAL && r != -EPERM && r != -E2BIG && r != -ENOSPC && r != -EAGAIN;
}

static char *home(int64_t domid)
{
	return xasprintf(DOMAINS "/%jd", (intmax_t)domid);
}

static char *path_of(const struct xen_op *op)
{
	return xasprintf(DOMAINS "/%jd/%s", (intmax_t)op->domid, op->key);
}

static int remove_if_there(struct xenstore *x, const char *path, struct err *err)
{
	int r = xenstore_rm(x, path, err);

	return r == -ENOENT ? 0 : r;
}

/* ---- the operations ---- */

static int make(struct xenstore *x, const struct xen_op *op, struct err *err)
{
	CLEANUP_FREE char *root = home(op->domid), *domid_path = xasprintf("%s/domid", root);
	CLEANUP_FREE char *name_path = xasprintf("%s/name", root), *ours = xasprintf(OURS "/%jd", (intmax_t)op->domid);
	CLEANUP_FREE char *domid = xasprintf("%jd", (intmax_t)op->domid);
	int r = remove_if_there(x, root, err);

	if (r == 0)
		r = xenstore_write(x, ours, "", 0, err);
	if (r == 0)
		r = xenstore_write(x, root, "", 0, err);
	/* what is made below has the same */
	if (r == 0)
		r = xenstore_permit(x, root, 0, &op->domid, 1, err);
	if (r == 0)
		r = xenstore_write(x, name_path, op->key, strlen(op->key), err);
	if (r == 0)
		r = xenstore_write(x, domid_path, domid, strlen(domid), err);
	return r;
}

static int unmake(struct xenstore *x, int64_t domid, struct err *err)
{
	CLEANUP_FREE char *root = home(domid), *ours = xasprintf(OURS "/%jd", (intmax_t)domid);
	int r = remove_if_there(x, root, err);

	return r < 0 ? r : remove_if_there(x, ours, err);
}

static int permit(struct xenstore *x, const struct xen_op *op, struct err *err)
{
	CLEANUP_FREE char *path = path_of(op);
	int r = xenstore_permit(x, path, op->domid, op->readers, op->n_readers, err);

	return r == -ENOENT ? 0 : r;
}

static int write_key(struct xenstore *x, const struct xen_op *op, struct err *err)
{
	CLEANUP_FREE char *path = path_of(op);
	int r = xenstore_write(x, path, op->value, op->len, err);

	return r == 0 && op->owned ? permit(x, op, err) : r;
}

static int remove_key(struct xenstore *x, const struct xen_op *op, struct err *err)
{
	CLEANUP_FREE char *path = path_of(op);
	CLEANUP_STRV struct strv names = STRV_INIT;
	size_t n = strlen(path);
	int r;

	if (path[n - 1] != '/')
		return remove_if_there(x, path, err);
	path[n - 1] = '\0';
	r = xenstore_children(x, path, &names, err);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		CLEANUP_FREE char *child = xasprintf("%s/%s", path, names.v[i]);

		r = remove_if_there(x, child, err);
	}
	return r == -ENOENT ? 0 : r;
}

static int in_transaction(struct xenstore *x, void *data, struct err *err)
{
	const struct xen_job *j = data;
	int r = 0;

	for (size_t i = 0; i < j->n && r == 0; i++)
		switch (j->ops[i].kind) {
		case XEN_MAKE: r = make(x, &j->ops[i], err); break;
		case XEN_WRITE: r = write_key(x, &j->ops[i], err); break;
		case XEN_REMOVE: r = remove_key(x, &j->ops[i], err); break;
		case XEN_PERMIT: r = permit(x, &j->ops[i], err); break;
		case XEN_UNMAKE: r = unmake(x, j->ops[i].domid, err); break;
		}
	return r;
}

/* ---- domains come and go ---- */

/* Each watched key is its own token, so that an event tells which one it is about. */
static char *watched_path(int64_t domid, const char *key)
{
	char *path = xasprintf(DOMAINS "/%jd/%s", (intmax_t)domid, key);
	size_t n = strlen(path);

	if (path[n - 1] == '/')
		path[n - 1] = '\0';
	return path;
}

static int come(struct xenstore *x, int64_t domid, const struct strv *watch, struct err *err)
{
	int r = xenstore_introduce(x, domid, err);

	for (size_t i = 0; i < watch->n && r == 0; i++) {
		CLEANUP_FREE char *path = watched_path(domid, watch->v[i]);

		r = xenstore_watch(x, path, watch->v[i], err);
	}
	return r;
}

static int go(struct xenstore *x, int64_t domid, const struct strv *watch, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < watch->n && (r == 0 || r == -ENOENT); i++) {
		CLEANUP_FREE char *path = watched_path(domid, watch->v[i]);

		r = xenstore_unwatch(x, path, watch->v[i], err);
	}
	if (r == 0 || r == -ENOENT)
		r = xenstore_release(x, domid, err);
	return r == -ENOENT ? 0 : r;
}

int xen_job_do(struct xenstore *x, const struct xen_job *j, const struct strv *watch, struct err *err)
{
	int r = xenstore_transact(x, in_transaction, (void *)j, err);

	for (size_t i = 0; i < j->n && r == 0; i++)
		if (j->ops[i].kind == XEN_MAKE)
			r = come(x, j->ops[i].domid, watch, err);
		else if (j->ops[i].kind == XEN_UNMAKE)
			r = go(x, j->ops[i].domid, watch, err);
	return r;
}

int xen_job_clean(struct xenstore *x, struct err *err)
{
	CLEANUP_STRV struct strv domids = STRV_INIT;
	int r = xenstore_children(x, OURS, &domids, err);

	for (size_t i = 0; i < domids.n && r == 0; i++) {
		int64_t domid;

		if (num_i64(domids.v[i], &domid) < 0)
			continue;
		r = unmake(x, domid, err);
		if (r == 0)
			r = xenstore_release(x, domid, err);
		if (r == -ENOENT || r == -EINVAL)
			r = 0;
	}
	return r == -ENOENT ? 0 : r;
}

/* ---- hearing ---- */

/* The domain whose watched key the path is exactly; -1: what is below has changed, which is not told. */
static int64_t domain_of(const char *path, const char *token)
{
	const char *number = skip_prefix(path, DOMAINS "/"), *slash = number ? strchr(number, '/') : NULL;
	CLEANUP_FREE char *digits = slash ? xstrndup(number, (size_t)(slash - number)) : NULL;
	size_t n = strlen(token) - (token[strlen(token) - 1] == '/');
	int64_t domid;

	if (!digits || num_i64(digits, &domid) < 0 || domid < 0)
		return -1;
	return strncmp(slash + 1, token, n) == 0 && !slash[1 + n] ? domid : -1;
}

static int hear(struct xenstore *x, struct xen_heard *h, const char *path, const char *token, struct err *err)
{
	CLEANUP_FREE char *root = home(h->domid);
	CLEANUP_BUF struct buf value = BUF_INIT;
	size_t n = strlen(token);
	int r = xenstore_read(x, path, &value, err);

	h->key = xstrndup(token, n - (token[n - 1] == '/'));
	if (r == 0) {
		h->len = value.len;
		h->value = buf_steal(&value);
	}
	if (r == 0 && token[n - 1] == '/') {
		r = xenstore_dump(x, root, token, BELOW_MAX, &h->below, err);
		/* too much is as good as nothing */
		if (r == -EOVERFLOW) {
			key_values_release(&h->below);
			r = 0;
		}
		key_values_settle(&h->below);
	}
	return r == -ENOENT || r == -EPERM ? 0 : r;
}

int xen_job_hear(struct xenstore *x, struct xen_heard **ret, struct err *err)
{
	CLEANUP_FREE char *path = NULL, *token = NULL;
	int r = xenstore_event(x, &path, &token, err);
	int64_t domid = r > 0 ? domain_of(path, token) : -1;

	if (r <= 0 || domid < 0)
		return r;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->domid = domid;
	r = hear(x, *ret, path, token, err);
	return r < 0 ? r : 1;
}
