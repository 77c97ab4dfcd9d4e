/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Policy Admin API over the daemon's socket (admin-api 12.4). */
#include "model/policy-admin.h"
#include "qvmd/qvmd.h"

static void handle(struct req *r)
{
	const struct policy_request q = {r->method->name, r->arg, r->payload, r->payload_len};
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;

	if (!r->sys->opt.policy_dir)
		return req_fail(r, "PolicyAdminException", "there is no policy");
	if (policy_admin(r->sys->opt.policy_dir, &q, &b, &err) < 0)
		return req_fail_err(r, &err);
	req_ok_buf(r, &b);
}

/* Argument and payload are checked with the texts of their own (12.3). */
#define POLICY(name, versions, access) \
	{ "policy." name, versions, DEST_DOM0, PART_OPTIONAL, PART_OPTIONAL, access, handle }

const struct method methods_policy[] = {
	POLICY("List", "S23N", ACCESS_READ),
	POLICY("Get", "S23N", ACCESS_READ),
	POLICY("Replace", "S23N", ACCESS_WRITE),
	POLICY("Remove", "S23N", ACCESS_WRITE),
	POLICY("include.List", "S23N", ACCESS_READ),
	POLICY("include.Get", "S23N", ACCESS_READ),
	POLICY("include.Replace", "S23N", ACCESS_WRITE),
	POLICY("include.Remove", "S23N", ACCESS_WRITE),
	POLICY("GetFiles", "-23N", ACCESS_READ),
	METHOD_END,
};
