/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pool.c and pool_add.c share. */
#pragma once

#include "qvmd/storage.h"

void handle_pool_add(struct req *r);
/* May a pool of this kind have n as revisions_to_keep? 0, or -EINVAL with err. */
int pool_check_keep(const struct driver *d, int64_t n, int compat, struct err *err);
