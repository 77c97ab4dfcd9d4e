/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What admin.vm.volume.Info says of a volume (admin-api 7.2). */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct volume_info {
	char *pool, *vid;
	char *source; /* "" for none */
	uint64_t size, usage; /* bytes */
	int64_t revisions_to_keep;
	bool rw, save_on_stop, snap_on_start;
	bool ephemeral, is_outdated; /* false where the daemon does not say */
};

void volume_info_release(struct volume_info *v);
#define CLEANUP_VOLUME_INFO CLEANUP(volume_info_release)
/* Lines "key=value" in any order, others skipped. -EBADMSG with err when pool, vid, size or usage is not there
 * or a number is none. */
int volume_info_parse(struct volume_info *ret, const char *body, struct err *err);
