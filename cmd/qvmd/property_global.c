/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The properties of the system (admin-api 4.7). */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "qvmd/property.h"

static PROP_FALLBACK(fallback_pool)
{
	const char *thin = NULL, *files = NULL;

	if (pool_find(s, "default"))
		return xstrdup("default");
	for (size_t i = 0; i < s->n_pools; i++) {
		const struct pool *p = s->pools[i];
		const char *dir = kvs_get(&p->config, "dir_path");

		if (!thin && streq(p->driver, "lvm_thin"))
			thin = p->name;
		if (!files && skip_prefix(p->driver, "file") && dir && streq(dir, "/var/lib/qubes"))
			files = p->name;
	}
	if (!thin)
		thin = files;
	return thin ? xstrdup(thin) : NULL;
}

static PROP_FALLBACK(fallback_default_pool)
{
	return prop_value(s, NULL, prop_def_find(NULL, "default_pool"), NULL);
}

static PROP_FALLBACK(fallback_maxmem)
{
	return xasprintf("%jd", (intmax_t)physical_memory());
}

static PROP_FALLBACK(fallback_no_cpus)
{
	return xasprintf("%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

static int clean_pool(const struct prop_change *c, char **value, struct err *err)
{
	if (pool_find(c->sys, *value))
		return 0;
	return err_set(err, -EINVAL, "QubesPropertyValueError", "No such storage pool");
}

const struct prop_def global_prop_defs[] = {
	{ "check_updates_vm", PROP_BOOL, .text = "True",
	  .help = "Qubes look for updates; the setting of those created from now on." },
	{ "clockvm", PROP_VM, .fallback = default_none, .react = react_clockvm,
	  .help = "Qube that provides the time for all others." },
	{ "default_audiovm", PROP_VM, .text = "dom0", .react = react_default_tag,
	  .help = "Audio qube of the qubes that have none set." },
	{ "default_dispvm", PROP_VM, .fallback = default_none, .check = check_disposable_template,
	  .react = react_default_dispvm,
	  .help = "Qube that disposables are based on when the one that opens them says nothing else." },
	{ "default_guivm", PROP_VM, .text = "dom0", .react = react_default_tag,
	  .help = "GUI qube of the qubes that have none set." },
	{ "default_kernel", PROP_STR, .check = check_kernel,
	  .help = "Kernel of the qubes that have none set, directly or by their template." },
	{ "default_netvm", PROP_VM, .fallback = default_none, .check = check_default_netvm,
	  .react = react_default_netvm,
	  .help = "Netvm of the qubes that have none set; templates stay offline." },
	{ "default_pool", PROP_STR, .fallback = fallback_pool, .clean = clean_pool,
	  .help = "Storage pool for volumes of new qubes." },
	{ "default_pool_kernel", PROP_STR, .fallback = fallback_default_pool, .clean = clean_pool,
	  .help = "Storage pool for kernel volumes of new qubes." },
	{ "default_pool_private", PROP_STR, .fallback = fallback_default_pool, .clean = clean_pool,
	  .help = "Storage pool for private volumes of new qubes." },
	{ "default_pool_root", PROP_STR, .fallback = fallback_default_pool, .clean = clean_pool,
	  .help = "Storage pool for root volumes of new qubes." },
	{ "default_pool_volatile", PROP_STR, .fallback = fallback_default_pool, .clean = clean_pool,
	  .help = "Storage pool for volatile volumes of new qubes." },
	{ "default_qrexec_timeout", PROP_INT, .text = "60",
	  .help = "Seconds to wait for a qrexec agent in the qubes that have no other number set." },
	{ "default_shutdown_timeout", PROP_INT, .text = "60",
	  .help = "Seconds to wait for a shutdown of the qubes that have no other number set." },
	{ "default_template", PROP_VM, .clean = clean_template,
	  .help = "Template of new qubes for which none is named." },
	{ "management_dispvm", PROP_VM, .fallback = default_none, .check = check_disposable_template,
	  .help = "Qube that managing disposables are based on, for the qubes that have none set." },
	{ "maxmem", PROP_INT, .mode = MODE_RO, .fallback = fallback_maxmem,
	  .help = "Memory of the machine, in MiB." },
	{ "no_cpus", PROP_INT, .mode = MODE_RO, .fallback = fallback_no_cpus,
	  .help = "Number of processors of the machine." },
	{ "stats_interval", PROP_INT, .text = "3",
	  .help = "Seconds between two reports of statistics." },
	{ "updatevm", PROP_VM, .fallback = default_none,
	  .help = "Qube that downloads updates for dom0." },
	{ 0 },
};

char *global_get(struct sys *s, const char *prop, bool *ret_default)
{
	const struct prop_def *def = prop_def_find(NULL, prop);
	char *value = def ? prop_value(s, NULL, def, ret_default) : NULL;

	return value ? value : xstrdup("");
}

struct vm *global_get_vm(struct sys *s, const char *prop)
{
	const char *set = kvs_get(&s->globals, prop);
	CLEANUP_FREE char *name = NULL;

	/* Explicit values need no copy; every qube's netvm is looked up this way. */
	if (set)
		return *set ? vm_find(s, set) : NULL;
	name = global_get(s, prop, NULL);
	return *name ? vm_find(s, name) : NULL;
}
