/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of pools: in what they differ, and what their configuration says (admin-api 2.9.1). */
#include "base/mem.h"
#include "base/num.h"
#include "qvmd/storage.h"

const struct driver drivers[] = {
	{ "callback", DRIVER_CALLBACK, .options = "conf_id", .required = "conf_id",
	  .missing = "it runs programs of dom0" },
	{ "file", DRIVER_FILE, .options = "revisions_to_keep dir_path ephemeral_volatile", .required = "dir_path",
	  .most_kept = 1, .too_many = "FilePool supports maximum 1 volume revision to keep" },
	{ "file-reflink", DRIVER_REFLINK, .options = "revisions_to_keep dir_path setup_check ephemeral_volatile",
	  .required = "dir_path", .most_kept = INT64_MAX },
	{ "linux-kernel", DRIVER_KERNEL, .options = "dir_path", .required = "dir_path",
	  .too_many = "LinuxKernel supports only revisions_to_keep=0" },
	{ "lvm_thin", DRIVER_THIN, .options = "revisions_to_keep volume_group thin_pool ephemeral_volatile",
	  .required = "volume_group thin_pool", .most_kept = INT64_MAX },
	{ "zfs", DRIVER_ZFS,
	  .options = "revisions_to_keep container ephemeral_volatile snap_on_start_forensics",
	  .required = "container", .missing = "there is no ZFS" },
	{ 0 },
};

const struct driver *driver_find(const char *name)
{
	for (const struct driver *d = drivers; d->name; d++)
		if (streq(d->name, name))
			return d;
	return NULL;
}

bool driver_has_option(const char *options, const char *option)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	strv_split(&words, options, ' ');
	return strv_has(&words, option);
}

/* Every pool has a known driver: Add and fixtures see to it. */
const struct driver *pool_driver(const struct pool *p)
{
	const struct driver *d = driver_find(p->driver);

	if (!d)
		abort();
	return d;
}

int64_t pool_keep(const struct pool *p)
{
	const char *text = kvs_get(&p->config, "revisions_to_keep");
	int64_t n = 0;

	return text && num_i64(text, &n) == 0 ? n : 0;
}

bool pool_is_ephemeral(const struct pool *p)
{
	const char *text = kvs_get(&p->config, "ephemeral_volatile");

	return text && streq(text, "True");
}

void pool_complete(struct kvs *config, const struct driver *d)
{
	static const struct {
		const char *key, *value;
	} defaults[] = { {"ephemeral_volatile", "False"}, {"revisions_to_keep", "1"} };

	/* Only says whether Add looks at the file system. */
	kvs_del(config, "setup_check");
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (driver_has_option(d->options, defaults[i].key) && !kvs_get(config, defaults[i].key))
			kvs_put(config, defaults[i].key, defaults[i].value, true);
}

char *pool_dir(const struct pool *p)
{
	const char *group = kvs_get(&p->config, "volume_group"), *dir = kvs_get(&p->config, "dir_path");

	if (pool_driver(p)->kind == DRIVER_THIN)
		return xasprintf("/dev/%s", group ? group : "");
	return xstrdup(dir ? dir : "");
}
