/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin.pool.Add (admin-api 2.9.1, 2.9.2). */
#include <errno.h>

#include "base/chars.h"
#include "base/mem.h"
#include "qvmd/pool.h"
#include "qvmd/storage_call.h"

#define LONGEST_PATH 1024

static int protocol(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "ProtocolError", "%s", text);
}

/* The lines of the payload, name among them. */
static int read_options(const struct req *r, struct kvs *ret, struct err *err)
{
	CLEANUP_FREE char *text = xmemdup0(r->payload, r->payload_len);
	CLEANUP_STRV struct strv lines = STRV_INIT;

	for (size_t i = 0; i < r->payload_len; i++)
		if (!text[i] || (unsigned char)text[i] >= 0x80)
			return protocol(err, "Pool parameters contains non-ASCII characters");
	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *equal = strchr(lines.v[i], '=');

		if (!equal)
			return protocol(err, "Options must be separated by equal sign");
		*equal = '\0';
		if (kvs_get(ret, lines.v[i]))
			return protocol(err, "Options must be unique");
		kvs_put(ret, lines.v[i], equal + 1, true);
	}
	return 0;
}

static int take_name(struct kvs *options, char **ret, struct err *err)
{
	const char *name = kvs_get(options, "name");

	if (!name)
		return protocol(err, "Pool configuration must contain key: name");
	if (!*name || !chars_all(name, "A-Za-z0-9_.-"))
		return protocol(err, "Pool name must be in safe set: " SAFE_SET "-_.");
	*ret = xstrdup(name);
	kvs_del(options, "name");
	return 0;
}

/* The words of a list for which has() says no, joined; NULL when there are none. */
static char *words_not_in(const char *list, const struct kvs *options)
{
	CLEANUP_STRV struct strv words = STRV_INIT, missing = STRV_INIT;

	strv_split(&words, list, ' ');
	for (size_t i = 0; i < words.n; i++)
		if (!kvs_get(options, words.v[i]))
			strv_add(&missing, words.v[i]);
	return missing.n ? strv_join(&missing, " ") : NULL;
}

static char *unknown_options(const struct driver *d, const struct kvs *options)
{
	CLEANUP_STRV struct strv unknown = STRV_INIT;

	for (size_t i = 0; i < options->n; i++)
		if (!driver_has_option(d->options, options->v[i].key))
			strv_add(&unknown, options->v[i].key);
	return unknown.n ? strv_join(&unknown, " ") : NULL;
}

static int check_keys(const struct driver *d, const struct kvs *options, int compat, struct err *err)
{
	CLEANUP_FREE char *unknown = unknown_options(d, options), *missing = words_not_in(d->required, options);

	if (unknown && compat)
		return err_set(err, -EINVAL, "QubesException", "unexpected driver options: %s", unknown);
	if (unknown)
		return protocol(err, "Unexpected driver options found");
	if (missing)
		return err_set(err, -EINVAL, "QubesException", "missing required driver options: %s", missing);
	return 0;
}

static int check_truth(struct kvs *options, const char *key, struct err *err)
{
	const char *text = kvs_get(options, key);
	int truth = text ? payload_bool(text, strlen(text)) : -1;

	if (text && truth < 0)
		return err_set(err, -EINVAL, "QubesValueError", "Invalid literal for boolean property: '%s'", text);
	if (text)
		kvs_put(options, key, truth ? "True" : "False", true);
	return 0;
}

static int check_values(const struct driver *d, struct kvs *options, int compat, struct err *err)
{
	const char *keep = kvs_get(options, "revisions_to_keep"), *dir = kvs_get(options, "dir_path");
	const char *group = kvs_get(options, "volume_group");
	int64_t n = 0;

	if (keep && payload_number("Revisions to keep", keep, strlen(keep), true, &n, err) < 0)
		return -EINVAL;
	if (keep && pool_check_keep(d, n, compat, err) < 0)
		return -EINVAL;
	if (check_truth(options, "ephemeral_volatile", err) < 0 || check_truth(options, "setup_check", err) < 0)
		return -EINVAL;
	if (dir && (*dir != '/' || strlen(dir) > LONGEST_PATH))
		return err_set(err, -EINVAL, "QubesValueError", "dir_path must be an absolute path of at most %d bytes",
			       LONGEST_PATH);
	/* It becomes a part of the vids, which have no blanks. */
	if (group && (!*group || !chars_all(group, "A-Za-z0-9+_.-")))
		return err_set(err, -EINVAL, "QubesValueError", "volume_group is not the name of a volume group");
	return 0;
}

static int check(struct req *r, const struct driver *d, struct kvs *options, char **ret_name, struct err *err)
{
	if (read_options(r, options, err) < 0 || take_name(options, ret_name, err) < 0 ||
	    check_keys(d, options, r->sys->opt.compat, err) < 0 ||
	    check_values(d, options, r->sys->opt.compat, err) < 0)
		return -EINVAL;
	/* Before next it was an assertion that failed: no words. */
	if (pool_find(r->sys, *ret_name))
		return err_set(err, -EEXIST, r->sys->opt.compat ? "ProtocolError" : "QubesPoolInUseError",
			       "Storage pool is in use: '%s'", *ret_name);
	if (d->missing)
		return err_set(err, -EOPNOTSUPP, "QubesException", "Driver %s is not available here: %s", d->name,
			       d->missing);
	return 0;
}

void handle_pool_add(struct req *r)
{
	const struct driver *d = driver_find(r->arg);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *name = NULL;
	struct kvs options = {0};

	if (!d && r->sys->opt.compat)
		return req_fail(r, "QubesException", "unexpected driver name: %s", r->arg);
	if (!d)
		return req_fail(r, "PermissionDenied", "Argument not in 'available drivers'");
	if (check(r, d, &options, &name, &err) < 0) {
		req_fail_err(r, &err);
	} else {
		pool_complete(&options, d);
		pool_put(r->sys, name, d->name, &options);
		fire(r->sys, NULL, "pool-add", "pool", name, NULL);
		req_ok(r, "");
	}
	kvs_release(&options);
}
