/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of storage pools. */
#pragma once

#include "cli/tool.h"

/* Adds the names of all pools, in their order (admin.pool.List). 0 or negative errno with err. */
int pool_names(struct ctx *c, struct strv *ret, struct err *err);
/* STATUS_OK when all names are known; otherwise a usage error that shows them all (tools-runtime 8, 9). */
int pools_check(struct ctx *c, const struct strv *names, const struct strv *known);
