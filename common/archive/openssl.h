/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the openssl program made for backups of format 3: HMACs as text, and streams of `openssl enc` (2.12). */
#pragma once

#include "archive/source.h"
#include "base/attr.h"
#include "base/err.h"

/*
 * Does the text that `openssl dgst -DIGEST -hmac PASSPHRASE` said ("(stdin)= HEX") fit the data? digest NULL: with any
 * that the library knows. 0, or -EBADMSG with err.
 */
int openssl_hmac_check(const char *digest, const char *passphrase, const void *data, size_t n, const char *text,
		       size_t len, struct err *err);

/* What `openssl enc -d -CIPHER -md MD5` makes of what `from` (borrowed) gives. NULL with err: no such cipher. */
struct openssl_reader;
struct openssl_reader *openssl_reader_new(const char *cipher, const char *passphrase, struct source *from,
					  struct err *err);
struct source *openssl_reader_source(struct openssl_reader *r); /* borrowed */
void openssl_reader_free(struct openssl_reader *r); /* NULL accepted */
