/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a qube tells of its memory, in both formats (vm-interface 5.1). */
#pragma once

#include "base/attr.h"

/* The used memory in KiB, from the six lines of releases 2 and 3 or the number of release 4. -EINVAL: it is none,
 * the qube's memory is unknown. Any bytes, with a NUL behind them. */
int meminfo_parse(const char *value, size_t len, uint64_t *ret_kib);
