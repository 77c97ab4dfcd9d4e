/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scrypt container on libcrypto. */
#include "archive/scrypt.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"

#define CHECKSUM_AT 48 /* bytes that the checksum is of */
#define HMAC_AT 64     /* bytes that the header's HMAC is of */
#define PIECE (64u << 10) /* bytes that stay in the cache between cipher and HMAC */

static const uint8_t magic[7] = { 's', 'c', 'r', 'y', 'p', 't', 0 };

static int crypto_failed(struct err *err)
{
	return err_set(err, -EIO, "", "libcrypto failed");
}

/* ---- parameters ---- */

uint64_t scrypt_memory(const struct scrypt_params *p)
{
	uint64_t block = UINT64_C(128) * p->r; /* r < 2^30 */
	uint64_t n;

	if (p->logn > 63 || __builtin_mul_overflow(block, UINT64_C(1) << p->logn, &n))
		return UINT64_MAX;

	uint64_t lanes;

	if (__builtin_mul_overflow(block, (uint64_t)p->p, &lanes) || __builtin_add_overflow(n, lanes, &n))
		return UINT64_MAX;
	return n;
}

int scrypt_params_new(struct scrypt_params *ret, unsigned logn, struct err *err)
{
	struct scrypt_params p = { .logn = logn, .r = 8, .p = 1 };

	if (RAND_bytes(p.salt, sizeof p.salt) != 1)
		return crypto_failed(err);
	*ret = p;
	return 0;
}

static void head_start(uint8_t head[SCRYPT_HEAD], const struct scrypt_params *p)
{
	uint32_t r = htobe32(p->r);
	uint32_t lanes = htobe32(p->p);

	memcpy(head, magic, sizeof magic);
	head[7] = (uint8_t)p->logn;
	memcpy(head + 8, &r, sizeof r);
	memcpy(head + 12, &lanes, sizeof lanes);
	memcpy(head + 16, p->salt, sizeof p->salt);
}

static int checksum(const uint8_t *head, uint8_t ret[32])
{
	return EVP_Digest(head, CHECKSUM_AT, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int scrypt_head_parse(struct scrypt_params *ret, const uint8_t head[SCRYPT_HEAD], unsigned logn_max,
		      uint64_t memory_max, struct err *err)
{
	struct scrypt_params p = { .logn = head[7] };
	uint8_t sum[32];

	if (memcmp(head, magic, sizeof magic) != 0)
		return err_set(err, -EBADMSG, "", "not a scrypt container");
	if (checksum(head, sum) < 0)
		return crypto_failed(err);
	if (CRYPTO_memcmp(sum, head + CHECKSUM_AT, HMAC_AT - CHECKSUM_AT) != 0)
		return err_set(err, -EBADMSG, "", "damaged header of a scrypt container");
	memcpy(&p.r, head + 8, sizeof p.r);
	memcpy(&p.p, head + 12, sizeof p.p);
	memcpy(p.salt, head + 16, sizeof p.salt);
	p.r = be32toh(p.r);
	p.p = be32toh(p.p);
	if (p.logn < 1 || p.logn > 63 || p.r < 1 || p.p < 1 || (uint64_t)p.r * p.p >= UINT64_C(1) << 30)
		return err_set(err, -EBADMSG, "", "impossible parameters in a scrypt container");
	if (p.logn > logn_max || scrypt_memory(&p) > memory_max)
		return err_set(err, -E2BIG, "", "the archive asks for more memory than is allowed (N 2^%u, r %u, p %u)",
			       p.logn, p.r, p.p);
	*ret = p;
	return 0;
}

/* ---- keys ---- */

int scrypt_derive(struct scrypt_key *ret, const struct scrypt_params *p, const void *pass, size_t len,
		  struct err *err)
{
	uint64_t memory = scrypt_memory(p);
	/* The library counts a little more than the two tables. */
	uint64_t max = memory < UINT64_MAX - (1 << 20) ? memory + (1 << 20) : memory;
	unsigned char key[64];

	if (memory == UINT64_MAX ||
	    EVP_PBE_scrypt(pass, len, p->salt, sizeof p->salt, UINT64_C(1) << p->logn, p->r, p->p, max, key,
			   sizeof key) != 1)
		return err_set(err, -ENOMEM, "", "cannot derive a key (%llu MiB of memory are needed)",
			       (unsigned long long)(memory >> 20));
	memcpy(ret->cipher, key, 32);
	memcpy(ret->mac, key + 32, 32);
	OPENSSL_cleanse(key, sizeof key);
	return 0;
}

void scrypt_key_wipe(struct scrypt_key *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

/* ---- HMAC ---- */

static EVP_MAC_CTX *mac_new(const struct scrypt_key *k)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, k->mac, sizeof k->mac, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static int mac_final(EVP_MAC_CTX *ctx, uint8_t ret[32])
{
	size_t n;

	return EVP_MAC_final(ctx, ret, &n, 32) == 1 && n == 32 ? 0 : -EIO;
}

static int head_mac(const uint8_t *head, const struct scrypt_key *k, uint8_t ret[32])
{
	EVP_MAC_CTX *ctx = mac_new(k);
	int r = ctx && EVP_MAC_update(ctx, head, HMAC_AT) == 1 ? mac_final(ctx, ret) : -EIO;

	EVP_MAC_CTX_free(ctx);
	return r;
}

int scrypt_head_make(uint8_t head[SCRYPT_HEAD], const struct scrypt_params *p, const struct scrypt_key *k,
		     struct err *err)
{
	uint8_t sum[32];

	head_start(head, p);
	if (checksum(head, sum) < 0)
		return crypto_failed(err);
	memcpy(head + CHECKSUM_AT, sum, HMAC_AT - CHECKSUM_AT);
	return head_mac(head, k, head + HMAC_AT) < 0 ? crypto_failed(err) : 0;
}

int scrypt_head_check(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err)
{
	uint8_t mac[32];

	if (head_mac(head, k, mac) < 0)
		return crypto_failed(err);
	if (CRYPTO_memcmp(mac, head + HMAC_AT, sizeof mac) != 0)
		return err_set(err, -EACCES, "", "wrong passphrase");
	return 0;
}

/* ---- data ---- */

struct scrypt_stream {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
	bool encrypts;
};

void scrypt_stream_free(struct scrypt_stream *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->cipher);
	EVP_MAC_CTX_free(s->mac);
	free(s);
}

static struct scrypt_stream *stream_new(const uint8_t *head, const struct scrypt_key *k, bool encrypts,
					struct err *err)
{
	static const unsigned char zero[16];
	struct scrypt_stream *s = xcalloc(1, sizeof *s);

	s->encrypts = encrypts;
	s->cipher = EVP_CIPHER_CTX_new();
	s->mac = mac_new(k);
	if (s->cipher && s->mac &&
	    EVP_EncryptInit_ex(s->cipher, EVP_aes_256_ctr(), NULL, k->cipher, zero) == 1 &&
	    EVP_MAC_update(s->mac, head, SCRYPT_HEAD) == 1)
		return s;
	scrypt_stream_free(s);
	crypto_failed(err);
	return NULL;
}

struct scrypt_stream *scrypt_encrypt(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err)
{
	return stream_new(head, k, true, err);
}

struct scrypt_stream *scrypt_decrypt(const uint8_t head[SCRYPT_HEAD], const struct scrypt_key *k, struct err *err)
{
	return stream_new(head, k, false, err);
}

int scrypt_update(struct scrypt_stream *s, const void *in, void *out, size_t n, struct err *err)
{
	const uint8_t *from = in;
	uint8_t *to = out;

	while (n) {
		size_t piece = n < PIECE ? n : PIECE;
		int done;

		if (!s->encrypts && EVP_MAC_update(s->mac, from, piece) != 1)
			return crypto_failed(err);
		if (EVP_EncryptUpdate(s->cipher, to, &done, from, (int)piece) != 1 || (size_t)done != piece)
			return crypto_failed(err);
		if (s->encrypts && EVP_MAC_update(s->mac, to, piece) != 1)
			return crypto_failed(err);
		from += piece;
		to += piece;
		n -= piece;
	}
	return 0;
}

int scrypt_finish(struct scrypt_stream *s, uint8_t tail[SCRYPT_TAIL], struct err *err)
{
	return mac_final(s->mac, tail) < 0 ? crypto_failed(err) : 0;
}

int scrypt_verify(struct scrypt_stream *s, const uint8_t tail[SCRYPT_TAIL], struct err *err)
{
	uint8_t mac[SCRYPT_TAIL];

	if (mac_final(s->mac, mac) < 0)
		return crypto_failed(err);
	if (CRYPTO_memcmp(mac, tail, sizeof mac) != 0)
		return err_set(err, -EBADMSG, "", "damaged data in a scrypt container");
	return 0;
}
