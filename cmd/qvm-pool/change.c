/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-pool: adding, removing and changing pools (admin-api 2.9). */
#include "pool.h"

#include <errno.h>

#include "base/mem.h"

int pool_add(struct ctx *c, const char *name, const char *driver, const struct config *options, struct err *err)
{
	CLEANUP_BUF struct buf payload = BUF_INIT;

	buf_addf(&payload, "name=%s\n", name);
	for (size_t i = 0; i < options->n; i++)
		buf_addf(&payload, "%s=%s\n", options->v[i].key, options->v[i].value);
	/* A newline would add options of its own. */
	if (strchr(name, '\n'))
		return err_set(err, -EINVAL, "", "Pool name could not contain newline");
	return admin_call(&c->admin, err, "dom0", "admin.pool.Add", driver, buf_str(&payload), NULL, NULL);
}

int pool_remove(struct ctx *c, const char *name, struct err *err)
{
	return admin_call(&c->admin, err, "dom0", "admin.pool.Remove", name, NULL, NULL, NULL);
}

int pool_set(struct ctx *c, const char *name, const struct setting *option, struct err *err)
{
	CLEANUP_FREE char *method = xasprintf("admin.pool.Set.%s", option->key);

	if (!streq(option->key, "revisions_to_keep") && !streq(option->key, "ephemeral_volatile"))
		return -ENOTSUP;
	return admin_call(&c->admin, err, "dom0", method, name, option->value, NULL, NULL);
}
