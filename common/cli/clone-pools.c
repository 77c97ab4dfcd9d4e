/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating and cloning: the pools that -p and -P of the command line name. */
#include "base/mem.h"
#include "cli/clone.h"

static int check(struct ctx *c, const char *what, const char *name)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	return create_check_name(what, name, &err) < 0 ? fail(c, "%s", err.text) : STATUS_OK;
}

/* VOLUME=POOL; the last one for a volume wins. */
static bool add_pair(struct strv *pairs, const char *pair)
{
	const char *eq = strchr(pair, '=');

	if (!eq || strchr(eq + 1, '='))
		return false;
	for (size_t i = 0; i < pairs->n; i++)
		if (strncmp(pairs->v[i], pair, (size_t)(eq - pair) + 1) == 0)
			strv_remove(pairs, i--);
	strv_add(pairs, pair);
	return true;
}

int create_pools(struct ctx *c, char **ret)
{
	CLEANUP_STRV struct strv given = STRV_INIT, pairs = STRV_INIT;
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *one = arg_value(&c->args, "-P");
	int status = STATUS_OK;

	arg_values(&c->args, "--pool", &given);
	for (size_t i = 0; i < given.n; i++)
		if (!add_pair(&pairs, given.v[i]))
			return fail_usage(c, "Pool argument must be of form: -p volume_name=pool_name");
	strv_sort(&pairs);
	for (size_t i = 0; i < pairs.n && !status; i++) {
		status = check(c, "Pool argument", pairs.v[i]);
		buf_addf(&b, " pool:%s", pairs.v[i]);
	}
	if (one && !status) {
		status = check(c, "Pool name", one);
		buf_addf(&b, " pool=%s", one);
	}
	*ret = buf_steal(&b);
	return status;
}
