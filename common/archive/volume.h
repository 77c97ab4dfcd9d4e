/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image of a volume as an inner tar (backup-policy-clock 2.9). */
#pragma once

#include "archive/source.h"
#include "base/attr.h"
#include "base/err.h"

/* Bytes of a regular file or block device; negative errno with err. Moves the file's position. */
int image_size(int fd, uint64_t *ret, struct err *err);
/*
 * Writes the tar of the first `size` bytes of fd as a member of that name to `to`. The image is read twice when
 * holes have to be found by their zeros, and must not change meanwhile.
 */
int volume_write(struct sink *to, const char *name, int fd, uint64_t size, struct err *err);
