/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defaults and computed values of qubes' properties (admin-api 4.4, 4.5), the network's apart. */
#include <unistd.h>

#include "base/mem.h"
#include "qvmd/device.h"
#include "qvmd/property.h"

/* guivm may lead round in a ring; nobody nests them this deep. */
#define GUIVM_DEPTH 16

struct vm *template_of(struct vm *v)
{
	bool based = v->class == CLASS_APP || v->class == CLASS_DISP;
	const char *name = based ? kvs_get(&v->props, "template") : NULL;

	return name ? vm_find(v->sys, name) : NULL;
}

int64_t physical_memory(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) / (1048576 / (int64_t)sysconf(_SC_PAGESIZE));
}

static char *number(int64_t n)
{
	return xasprintf("%jd", (intmax_t)n);
}

static char *truth(bool b)
{
	return xstrdup(b ? "True" : "False");
}

static bool feature_true(const struct vm *v, const char *feature)
{
	const char *value = feature_get(v, feature);

	return value && *value;
}

static bool feature_template_true(struct vm *v, const char *feature)
{
	const char *value = feature_check_template(v, feature);

	return value && *value;
}

/* "inherit" of admin-api 4.2: true when there is a template, whose value (NULL for none) *ret becomes. */
static bool inherit(struct vm *v, const struct prop_def *def, char **ret)
{
	struct vm *t = template_of(v);

	if (!t || !vm_has_prop(t, def->name))
		return false;
	*ret = prop_value(t->sys, t, def, NULL);
	return true;
}

PROP_FALLBACK(default_none)
{
	return NULL;
}

PROP_FALLBACK(default_from_system)
{
	CLEANUP_FREE char *name = xasprintf("default_%s", def->name);
	const struct prop_def *global = prop_def_find(NULL, name);

	if (!global)
		global = prop_def_find(NULL, def->name);
	return global ? prop_value(s, NULL, global, NULL) : NULL;
}

PROP_FALLBACK(default_inherit)
{
	char *value;

	if (inherit(v, def, &value))
		return value;
	return def->text ? xstrdup(def->text) : default_from_system(s, v, def);
}

/* ---- what struct vm holds ---- */

PROP_FALLBACK(value_dispid)
{
	return number(v->dispid);
}

PROP_FALLBACK(value_klass)
{
	return xstrdup(class_names[v->class]);
}

PROP_FALLBACK(value_name)
{
	return xstrdup(v->name);
}

PROP_FALLBACK(value_qid)
{
	return number(v->qid);
}

PROP_FALLBACK(value_start_time)
{
	return *v->start_time ? xstrdup(v->start_time) : NULL;
}

PROP_FALLBACK(value_stubdom_xid)
{
	return number(v->stubdom_xid);
}

PROP_FALLBACK(value_uuid)
{
	return xstrdup(v->uuid);
}

PROP_FALLBACK(value_xid)
{
	return number(v->xid);
}

/* ---- the computed ones ---- */

PROP_FALLBACK(default_appvm_bootmode)
{
	const char *mode = feature_get(v, "boot-mode.appvm-default");

	return xstrdup(mode ? mode : "default");
}

static bool bootmode_exists(struct vm *v, const char *mode)
{
	CLEANUP_FREE char *feature = xasprintf("boot-mode.kernelopts.%s", mode);

	return feature_check_template(v, feature);
}

PROP_FALLBACK(default_bootmode)
{
	struct vm *t = template_of(v);
	const char *active = feature_get(v, "boot-mode.active");

	if (active && bootmode_exists(v, active))
		return xstrdup(active);
	if (t && vm_has_prop(t, "appvm_default_bootmode")) {
		CLEANUP_FREE char *mode = prop_get(t, "appvm_default_bootmode", NULL);

		if (bootmode_exists(v, mode))
			return STEAL(mode);
	}
	return xstrdup("default");
}

PROP_FALLBACK(default_dispvm)
{
	struct vm *t = v->class == CLASS_DISP ? template_of(v) : NULL;

	return t ? xstrdup(t->name) : default_from_system(s, v, def);
}

PROP_FALLBACK(default_icon)
{
	const char *label = kvs_get(&v->props, "label");
	const char *kind = "appvm";

	if (v->class == CLASS_ADMIN)
		return xstrdup("adminvm-black");
	if (v->class == CLASS_TEMPLATE || (v->class == CLASS_APP && prop_get_bool(v, "template_for_dispvms")))
		kind = "templatevm";
	else if (feature_true(v, "servicevm"))
		kind = "servicevm";
	else if (v->class == CLASS_DISP)
		kind = "dispvm";
	else if (v->class == CLASS_STANDALONE)
		kind = "standalonevm";
	else if (v->class == CLASS_REMOTE)
		kind = "remotevm";
	return xasprintf("%s-%s", kind, label ? label : "");
}

PROP_FALLBACK(default_include_in_backups)
{
	if (v->class == CLASS_DISP)
		return truth(!prop_get_bool(v, "auto_cleanup"));
	return truth(v->class != CLASS_REMOTE);
}

/* The queue of preloaded disposables is a feature of their template, a list of names. */
PROP_FALLBACK(default_is_preload)
{
	CLEANUP_STRV struct strv queue = STRV_INIT;
	struct vm *t = template_of(v);
	const char *names = t ? feature_get(t, "preload-dispvm") : NULL;

	if (names)
		strv_split(&queue, names, ' ');
	return truth(strv_has(&queue, v->name));
}

PROP_FALLBACK(default_kernelopts)
{
	CLEANUP_FREE char *kernel = prop_get(v, "kernel", NULL);
	char *value;

	/* No kernel of the lab brings options for qubes with pci devices. */
	if (!*kernel || vm_has_pci(v))
		return xstrdup("");
	return inherit(v, def, &value) ? value : xstrdup("swiotlb=2048");
}

PROP_FALLBACK(default_keyboard)
{
	for (int depth = 0; depth < GUIVM_DEPTH && v->class != CLASS_ADMIN; depth++) {
		const char *set;

		v = prop_get_vm(v, "guivm");
		if (!v)
			break;
		set = kvs_get(&v->props, def->name);
		if (set)
			return xstrdup(set);
	}
	return xstrdup("us++");
}

PROP_FALLBACK(default_virt_mode)
{
	return vm_has_pci(v) ? xstrdup("hvm") : default_inherit(s, v, def);
}

static bool announces_services(struct vm *v)
{
	for (; v; v = template_of(v))
		for (size_t i = 0; i < v->features.n; i++)
			if (skip_prefix(v->features.v[i].key, "supported-service."))
				return true;
	return false;
}

static bool balancing_possible(struct vm *v)
{
	CLEANUP_FREE char *mode = prop_get(v, "virt_mode", NULL);

	if (vm_has_pci(v))
		return false;
	if (!streq(mode, "hvm"))
		return true;
	if (!feature_template_true(v, "qrexec"))
		return false;
	return !announces_services(v) || feature_template_true(v, "supported-service.meminfo-writer");
}

PROP_FALLBACK(default_maxmem)
{
	int64_t half = physical_memory() / 2, wanted = 4000, memory;
	const char *os;
	char *value;

	if (v->class == CLASS_ADMIN)
		return number(physical_memory());
	if (!balancing_possible(v))
		return number(0);
	if (inherit(v, def, &value))
		return value;
	/* Only the qube's own feature counts here (admin-api 14, 10). */
	os = feature_get(v, "os");
	memory = prop_get_int(v, "memory", 0);
	if (os && streq(os, "Linux"))
		wanted = memory < half ? 10 * memory : half;
	return number(wanted < half ? wanted : half);
}

PROP_FALLBACK(default_netvm)
{
	return v->class == CLASS_TEMPLATE ? NULL : default_from_system(s, v, def);
}

PROP_FALLBACK(default_updateable)
{
	return truth(v->class != CLASS_APP && v->class != CLASS_DISP);
}
