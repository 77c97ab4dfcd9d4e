/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of disks: as people type them and as people read them. */
#pragma once

#include "base/attr.h"

/*
 * Bytes from digits and a suffix (tools-runtime 8.4): K KB M MB G GB are powers of 1000, KI KIB MI MIB GI GIB
 * of 1024; any case, blanks around and before the suffix. 0, or -EINVAL / -ERANGE.
 */
int size_parse(const char *text, uint64_t *ret);
/* Bytes as "512 B", "9.8 MiB", "2.0 TiB"; the caller frees. */
char *size_text(uint64_t bytes);
