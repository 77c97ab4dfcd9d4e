/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The member backup-header: what an archive says of itself (backup-policy-clock 2.3). */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct backup_header {
	int version;               /* 1 to 4 */
	bool encrypted, compressed;
	char *compression_filter;  /* NULL: not given */
	char *crypto_algorithm;    /* lower case */
	char *hmac_algorithm;      /* lower case */
	char *backup_id;
};

void backup_header_release(struct backup_header *h);
#define CLEANUP_BACKUP_HEADER CLEANUP(backup_header_release)

/*
 * Reads a header whose own check succeeded. forced_filter (may be NULL) takes the place of the filter named in it,
 * which is not even looked at. -EBADMSG with the text of 2.3.
 */
int backup_header_parse(struct backup_header *ret, const char *text, size_t len, const char *forced_filter,
			struct err *err);
/* Format 4: encrypted, keys in their order, absent ones left out. */
void backup_header_print(struct buf *b, const struct backup_header *h);
