/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Policy Admin API: files of the policy read and replaced (backup-policy-clock 6.5, admin-api 12). */
#pragma once

#include "model/policy.h"

struct policy_request {
	const char *method; /* "policy.Get", "policy.include.Replace" ...; one of those there are */
	const char *arg;    /* without the '+' */
	const char *payload; /* a NUL behind len bytes */
	size_t len;
};

/*
 * Carries out one call on the policy in dir, with the directory locked against others that do so. What it prints is
 * added to ret. A change is synced before this returns, and only made when the whole policy can be read with it.
 * 0, or a negative errno with err, whose type is one of PolicyAdmin...Exception.
 */
int policy_admin(const char *dir, const struct policy_request *q, struct buf *ret, struct err *err);
