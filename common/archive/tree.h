/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory trees as inner tar: dom0's home (backup-policy-clock 2.9, 2.13), with libarchive. */
#pragma once

#include "archive/source.h"
#include "base/attr.h"
#include "base/err.h"

/* Writes dir and everything below it, under `name`, to `to`. Sockets and devices are left out. */
int tree_write(struct sink *to, const char *name, const char *dir, struct err *err);

/*
 * Reads such a tar to its end and checks it: all names are `name` or below it, also those that hard links mean, no
 * part of them is "..", nothing but files, directories, links and FIFOs. Into `dir`, a directory that exists and is
 * empty, it is unpacked with the rights of the caller; NULL: only checked.
 */
int tree_read(struct source *from, const char *name, const char *dir, struct err *err);
