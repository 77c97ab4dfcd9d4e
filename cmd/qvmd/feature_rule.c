/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the names service.*, vm-config.*, custom-persist.* and preload-dispvm-* ask of their values. */
#include <errno.h>

#include "base/num.h"
#include "model/names.h"
#include "qvmd/feature.h"

static int bad(struct err *err, const char *text)
{
	return err_set(err, -EINVAL, "QubesValueError", "%s", text);
}

/* ---- before ---- */

static int service_rule(const char *name, struct err *err)
{
	if (!*name)
		return bad(err, "Service name cannot be empty");
	if (strchr(name, '/'))
		return bad(err, "Service name cannot contain a slash");
	if (streq(name, ".") || streq(name, ".."))
		return bad(err, "Service name cannot be \".\" or \"..\"");
	if (strlen(name) > 48 && !skip_prefix(name, "app-dispvm."))
		return bad(err, "Service name must not exceed 48 bytes");
	return 0;
}

static bool is_true(const char *value)
{
	return value && *value;
}

/* Set on dom0 it counts for the default disposable template, so that one has to be able to preload. */
static int preload_max_rule(struct vm *v, const char *value, struct err *err)
{
	static const char rpc[] = "qubes.WaitForRunningSystem";
	struct vm *t = v->class == CLASS_ADMIN ? global_get_vm(v->sys, "default_dispvm") : v;

	if (t && !is_true(feature_check_template(t, "qrexec")))
		return bad(err, "Qube does not support qrexec");
	if (t && !is_true(feature_check_template(t, "supported-rpc.qubes.WaitForRunningSystem")))
		return err_set(err, -EINVAL, "QubesValueError", "Qube does not support the RPC(s) '%s'", rpc);
	if (!chars_all(value, "0-9"))
		return bad(err, "Invalid preload-dispvm-max value: not a digit");
	return 0;
}

static bool is_number(const char *value)
{
	uint64_t ns;

	return num_seconds(*value == '-' || *value == '+' ? value + 1 : value, &ns) == 0;
}

int feature_rule_before(struct vm *v, const char *feature, const char *value, struct err *err)
{
	const char *name = skip_prefix(feature, "service.");

	if (name)
		return service_rule(name, err);
	if (streq(feature, "preload-dispvm-max"))
		return preload_max_rule(v, value, err);
	if (streq(feature, "preload-dispvm-threshold") && v->class == CLASS_ADMIN && !chars_all(value, "0-9"))
		return bad(err, "Invalid preload-dispvm-threshold value: not a digit");
	if (streq(feature, "preload-dispvm-delay") && *value && !is_number(value))
		return bad(err, "Invalid preload-dispvm-delay value: not an integer or float");
	return 0;
}

/* ---- after ---- */

static int config_rule(const char *name, struct err *err)
{
	if (strlen(name) > 52)
		return bad(err, "VM config name must not exceed 46 bytes");
	if (!*name)
		return bad(err, "Empty config name not allowed");
	if (!chars_all((const char[]){ *name, '\0' }, "A-Za-z"))
		return bad(err, "Config name must start with an ASCII letter");
	return 0;
}

/* A path, or file|dir:owner:group:mode:path. */
static int persist_rule(const char *key, const char *value, struct err *err)
{
	CLEANUP_STRV struct strv part = STRV_INIT;

	if (!*key)
		return bad(err, "custom-persist key cannot be empty");
	if (strlen(key) > 54)
		return err_set(err, -EINVAL, "QubesValueError",
			       "custom-persist key is too long (max 54), ignoring: %s", key);
	if (*value == '/')
		return 0;
	strv_split(&part, value, ':');
	if (part.n != 5 || part.v[4][0] != '/')
		return err_set(err, -EINVAL, "QubesValueError", "invalid value format: '%s'", value);
	if (!streq(part.v[0], "file") && !streq(part.v[0], "dir"))
		return err_set(err, -EINVAL, "QubesValueError", "invalid resource type option '%s' in value '%s'",
			       part.v[0], value);
	if (!part.v[3][0] || strlen(part.v[3]) > 4 || !chars_all(part.v[3], "0-7"))
		return err_set(err, -EINVAL, "QubesValueError", "invalid mode option '%s' in value '%s'",
			       part.v[3], value);
	return 0;
}

/* The service is another name for memory balancing and does not stay as a feature. */
static int meminfo_rule(struct vm *v, const char *value, struct err *err)
{
	int r = 0;

	if (vm_has_prop(v, "maxmem") && v->class != CLASS_ADMIN)
		r = *value ? prop_reset(v, "maxmem", err) : prop_set(v, "maxmem", "0", err);
	if (r < 0)
		return r;
	feature_remove(v, "service.meminfo-writer");
	return 0;
}

int feature_rule_after(struct vm *v, const char *feature, const char *value, struct err *err)
{
	const char *rest;

	if (streq(feature, "service.meminfo-writer"))
		return meminfo_rule(v, value, err);
	rest = skip_prefix(feature, "vm-config.");
	if (rest)
		return config_rule(rest, err);
	rest = skip_prefix(feature, "custom-persist.");
	return rest ? persist_rule(rest, value, err) : 0;
}
