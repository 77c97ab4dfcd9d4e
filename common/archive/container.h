/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One member of a backup as a scrypt container: passphrase made of its name, key, whole data (2.4-2.6). */
#pragma once

#include "archive/scrypt.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#define CONTAINER_OVERHEAD (SCRYPT_HEAD + SCRYPT_TAIL)

/* What the container of a member is encrypted with; free with wipe_free. */
char *container_passphrase(const char *backup_id, const char *member, const char *passphrase);
char *container_header_passphrase(const char *passphrase);

/* An empty container, to which data are added with buf_add before it is sealed. */
void container_begin(struct buf *b);
/* Encrypts what was added, in place, and completes the container. The buffer is wiped on failure. */
int container_seal(struct buf *b, const char *passphrase, unsigned logn, struct err *err);

/*
 * Checks and decrypts, in place, n bytes that are a container with these parameters, which scrypt_head_parse gave.
 * *ret_plain gets where in data the n - CONTAINER_OVERHEAD bytes are. -EACCES: wrong passphrase (or name); -EBADMSG:
 * damaged; other codes as those of scrypt_derive. Nothing in data can be used then.
 */
int container_open(uint8_t *data, size_t n, const struct scrypt_params *params, const char *passphrase,
		   const uint8_t **ret_plain, struct err *err);
