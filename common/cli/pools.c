/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of storage pools. */
#include "cli/pools.h"

#include "base/escape.h"
#include "base/mem.h"

int pool_names(struct ctx *c, struct strv *ret, struct err *err)
{
	CLEANUP_FREE char *body = NULL;
	int r = admin_call(&c->admin, err, "dom0", "admin.pool.List", NULL, NULL, &body, NULL);

	if (r == 0)
		strv_split(ret, body, '\n');
	return r;
}

int pools_check(struct ctx *c, const struct strv *names, const struct strv *known)
{
	CLEANUP_STRV struct strv quoted = STRV_INIT;
	CLEANUP_FREE char *text = NULL;
	bool all = true;

	for (size_t i = 0; i < names->n; i++) {
		all = all && strv_has(known, names->v[i]);
		strv_take(&quoted, quote_py(names->v[i]));
	}
	text = strv_join(&quoted, ", ");
	return all ? STATUS_OK : fail_usage(c, "No such pools: [%s]", text);
}
