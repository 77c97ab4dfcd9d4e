/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features of qubes: the calls of admin-api 2.6, who is asked when a qube has none of its own, events. */
#include <errno.h>

#include "base/mem.h"
#include "model/names.h"
#include "qvmd/feature.h"
#include "qvmd/told.h"

const char *feature_get(const struct vm *v, const char *feature)
{
	return kvs_get(&v->features, feature);
}

static struct vm *related(struct vm *v, const char *prop)
{
	return vm_has_prop(v, prop) ? prop_get_vm(v, prop) : NULL;
}

/* Asks v, then what its property prop names, and so on. Neither templates nor networks form loops. */
static const char *check_along(struct vm *v, const char *prop, const char *feature)
{
	for (; v; v = related(v, prop)) {
		const char *value = feature_get(v, feature);

		if (value)
			return value;
	}
	return NULL;
}

const char *feature_check_template(struct vm *v, const char *feature)
{
	return check_along(v, "template", feature);
}

/* ---- changing ---- */

int feature_set(struct vm *v, const char *feature, const char *value, struct err *err)
{
	const char *now = feature_get(v, feature);
	CLEANUP_FREE char *old = now ? xstrdup(now) : NULL;
	CLEANUP_FREE char *pre = xasprintf("domain-feature-pre-set:%s", feature);
	CLEANUP_FREE char *post = xasprintf("domain-feature-set:%s", feature);
	int r;

	fire(v->sys, v, pre, "feature", feature, "value", value, old ? "oldvalue" : NULL, old, NULL);
	r = feature_rule_before(v, feature, value, err);
	if (r < 0)
		return r;
	vm_feature_put(v, feature, value);
	/* What fails here leaves the value as it is set now (admin-api 6.4). */
	r = feature_rule_after(v, feature, value, err);
	if (r < 0)
		return r;
	fire(v->sys, v, post, "feature", feature, "value", value, old ? "oldvalue" : NULL, old, NULL);
	tell_service(v, feature, *value != '\0');
	return 0;
}

void feature_remove(struct vm *v, const char *feature)
{
	CLEANUP_FREE char *pre = xasprintf("domain-feature-pre-delete:%s", feature);
	CLEANUP_FREE char *post = xasprintf("domain-feature-delete:%s", feature);

	if (!feature_get(v, feature))
		return;
	fire(v->sys, v, pre, "feature", feature, NULL);
	vm_feature_del(v, feature);
	fire(v->sys, v, post, "feature", feature, NULL);
	tell_service(v, feature, false);
}

/* ---- calls ---- */

/* Refuses a bad name; true when the handler has nothing more to do. */
static bool refuse_name(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (name_check_feature(r->arg, &err) == 0)
		return false;
	req_fail_err(r, &err);
	return true;
}

/* Those which the daemon keeps for itself (admin-api 6.4). */
static bool refuse_prohibited(struct req *r)
{
	static const char *const names[] = {
		"preload-dispvm", "preload-dispvm-completed", "preload-dispvm-in-progress",
		"deferred-netvm-original",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(names[i], r->arg)) {
			req_fail(r, "PermissionDenied",
				 "changing this feature is prohibited by qubes.ext.admin.AdminExtension");
			return true;
		}
	return false;
}

/* Names the qube that was asked, not the one where the search ended. */
static void answer(struct req *r, const char *value)
{
	if (value)
		req_ok(r, value);
	else
		req_fail(r, "QubesFeatureNotFoundError", "Feature not set for domain %s: %s", r->dest->name,
			 r->arg);
}

static void handle_list(struct req *r)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->dest->features.n; i++)
		buf_addf(&b, "%s\n", r->dest->features.v[i].key);
	req_ok_buf(r, &b);
}

static void handle_get(struct req *r)
{
	if (!refuse_name(r))
		answer(r, feature_get(r->dest, r->arg));
}

static void handle_with_template(struct req *r)
{
	if (!refuse_name(r))
		answer(r, feature_check_template(r->dest, r->arg));
}

static void handle_with_netvm(struct req *r)
{
	if (!refuse_name(r))
		answer(r, check_along(r->dest, "netvm", r->arg));
}

static void handle_with_adminvm(struct req *r)
{
	const char *value = feature_get(r->dest, r->arg);

	if (!refuse_name(r))
		answer(r, value ? value : feature_get(r->sys->dom0, r->arg));
}

static void handle_with_both(struct req *r)
{
	const char *value = feature_check_template(r->dest, r->arg);

	if (!refuse_name(r))
		answer(r, value ? value : feature_get(r->sys->dom0, r->arg));
}

static void handle_set(struct req *r)
{
	CLEANUP_ERR struct err err = ERR_INIT;

	if (refuse_name(r))
		return;
	for (size_t i = 0; i < r->payload_len; i++)
		if ((unsigned char)r->payload[i] >= 0x80)
			return req_fail(r, "ProtocolError", "Feature value contains non-ASCII characters");
	for (size_t i = 0; i < r->payload_len; i++)
		if (r->payload[i] < 0x20 || r->payload[i] > 0x7e)
			return req_fail(r, "ProtocolError", "%s value contains illegal characters", r->arg);
	if (refuse_prohibited(r))
		return;
	if (feature_set(r->dest, r->arg, r->payload, &err) < 0)
		return req_fail_err(r, &err);
	req_ok(r, "");
}

static void handle_remove(struct req *r)
{
	if (refuse_name(r) || refuse_prohibited(r))
		return;
	if (!feature_get(r->dest, r->arg))
		return answer(r, NULL);
	feature_remove(r->dest, r->arg);
	req_ok(r, "");
}

#define READ(name, arg_, handle_) \
	{ "admin.vm.feature." name, "S23N", DEST_ANY, arg_, PART_NONE, ACCESS_READ, handle_ }

const struct method methods_feature[] = {
	READ("List", PART_NONE, handle_list),
	READ("Get", PART_NEEDED, handle_get),
	READ("CheckWithTemplate", PART_NEEDED, handle_with_template),
	READ("CheckWithNetvm", PART_NEEDED, handle_with_netvm),
	READ("CheckWithAdminVM", PART_NEEDED, handle_with_adminvm),
	READ("CheckWithTemplateAndAdminVM", PART_NEEDED, handle_with_both),
	{ "admin.vm.feature.Set", "S23N", DEST_ANY, PART_NEEDED, PART_OPTIONAL, ACCESS_WRITE, handle_set },
	{ "admin.vm.feature.Remove", "S23N", DEST_ANY, PART_NEEDED, PART_NONE, ACCESS_WRITE, handle_remove },
	METHOD_END,
};
