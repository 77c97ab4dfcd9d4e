/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data of a volume, from a file or from another volume; shows progress on a terminal. */
#pragma once

#include "base/strv.h"
#include "cli/tool.h"

/*
 * The import call (admin/import.h): size is how much will come from fd, 0 when not known; with announce it is
 * sent as the new size of the volume. 0, or -errno with err.
 */
int volume_import(struct ctx *c, const char *qube, const char *volume, int fd, uint64_t size, bool announce,
		  struct err *err);
/* CloneFrom and CloneTo. 0, or -errno with err. */
int volume_clone(struct ctx *c, const char *from_qube, const char *from, const char *to_qube, const char *to,
		 struct err *err);
/* The names of the qube's volumes that are kept when it stops, sorted. 0, or -errno with err. */
int volumes_kept(struct ctx *c, const char *qube, struct strv *ret, struct err *err);
