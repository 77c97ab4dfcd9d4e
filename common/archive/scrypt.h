/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container of the scrypt program, format 0 (backup-policy-clock 2.5): a header that says how the key is
 * derived, AES-256-CTR, HMAC-SHA-256 behind it. Pure functions over bytes; no file is touched here.
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"

#define SCRYPT_HEAD 96 /* bytes before the data */
#define SCRYPT_TAIL 32 /* bytes behind them */
#define SCRYPT_LOGN_MAX 26

struct scrypt_params {
	unsigned logn;
	uint32_t r, p;
	uint8_t salt[32];
};

/* What deriving the key needs, in bytes; UINT64_MAX when that is no number. */
uint64_t scrypt_memory(const struct scrypt_params *p);
/* r 8, p 1 and a new random salt. 0, or -EIO. */
int scrypt_params_new(struct scrypt_params *ret, unsigned logn, struct err *err);

/*
 * Reads what a header asks for and checks it before anything is derived: magic, version, checksum, and that it
 * needs no more than logn_max and memory_max bytes. -EBADMSG: no such container; -E2BIG: it asks for too much.
 */
int scrypt_head_parse(struct scrypt_params *ret, const uint8_t head[SCRYPT_HEAD], unsigned logn_max,
		      uint64_t memory_max, struct err *err);

struct scrypt_key {
	uint8_t cipher[32];
	uint8_t mac[32];
};
/* Takes as long as it is meant to. The passphrase may hold any bytes. 0, or -ENOMEM / -EIO. The caller wipes. */
int scrypt_derive(struct scrypt_key *ret, const struct scrypt_params *p, const void *pass, size_t len,
		  struct err *err);
void scrypt_key_wipe(struct scrypt_key *k);
#define CLEANUP_SCRYPT_KEY CLEANUP(scrypt_key_wipe)

/* Writes the whole header. */
int scrypt_head_make(uint8_t head[SCRYPT_HEAD], const struct scrypt_params *p, const struct scrypt_key *k,
		     struct err *err);
/* -EACCES: the key is not the header's, so the passphrase or the name is wrong. */
int scrypt_head_check(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err);

/* The data behind one header, in pieces of any size. */
struct scrypt_stream;

/* NULL with err when the library refuses. Borrows nothing. */
struct scrypt_stream *scrypt_encrypt(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err);
struct scrypt_stream *scrypt_decrypt(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err);
void scrypt_stream_free(struct scrypt_stream *s); /* NULL accepted */
static inline void scrypt_stream_freep(struct scrypt_stream **s)
{
	scrypt_stream_free(*s);
}
#define CLEANUP_SCRYPT_STREAM CLEANUP(scrypt_stream_freep)

/* n bytes from in to out, which may be the same. What decryption gives may not be used before scrypt_verify. */
int scrypt_update(struct scrypt_stream *s, const void *in, void *out, size_t n, struct err *err);
/* The 32 bytes that follow all data. */
int scrypt_finish(struct scrypt_stream *s, uint8_t tail[SCRYPT_TAIL], struct err *err);
/* -EBADMSG: the data are not what was written. */
int scrypt_verify(struct scrypt_stream *s, const uint8_t tail[SCRYPT_TAIL], struct err *err);
