/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers of any bytes: parameters are within the bounds before anything is derived, nothing that was not written
 * with the passphrase is accepted. The first byte of an input says what to do with the rest:
 *   0  the rest is a container as it stands
 *   1  it is the plain text of one: sealed, it opens; with one bit changed (the second byte says which), it does not
 *   2  it is the head of one, and its checksum is made right, so that its parameters are what is looked at
 *   3  it is what openssl made for format 3: the text of an HMAC (nothing it says fits), and a stream to decrypt
 */
#include <openssl/sha.h>

#include "archive/container.h"
#include "archive/openssl.h"
#include "base/mem.h"

#define LOGN_MAX 4
#define MEMORY_MAX (1u << 20)
#define PASS "20261120T203110-25912!vm7/notes.txt.000!test pass"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_it(uint8_t *data, size_t n, const uint8_t **plain)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct scrypt_params p;
	int r;

	if (n < SCRYPT_HEAD)
		return -1;
	r = scrypt_head_parse(&p, data, LOGN_MAX, MEMORY_MAX, &err);
	if (r == 0 && (p.logn > LOGN_MAX || scrypt_memory(&p) > MEMORY_MAX || !p.r || !p.p))
		abort();
	if (r == 0)
		r = container_open(data, n, &p, PASS, plain, &err);
	if (r < 0 && !err.text)
		abort();
	return r;
}

static void check_bytes(const uint8_t *data, size_t n)
{
	CLEANUP_FREE uint8_t *copy = (uint8_t *)xmemdup0(data, n);
	const uint8_t *plain;

	open_it(copy, n, &plain);
}

static void check_sealed(const uint8_t *data, size_t n)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const uint8_t *plain;
	size_t at;

	container_begin(&b);
	buf_add(&b, data, n);
	if (container_seal(&b, PASS, 1, NULL) < 0)
		abort();

	CLEANUP_FREE uint8_t *copy = (uint8_t *)xmemdup0(b.data, b.len);

	if (open_it(copy, b.len, &plain) < 0 || memcmp(plain, data, n) != 0)
		abort();
	at = n ? data[0] * b.len / 256 : 0;
	b.data[at] ^= 4;
	if (open_it((uint8_t *)b.data, b.len, &plain) == 0)
		abort();
}

static void check_head(const uint8_t *data, size_t n)
{
	CLEANUP_FREE uint8_t *copy = (uint8_t *)xmemdup0(data, n);
	uint8_t sum[SHA256_DIGEST_LENGTH];
	const uint8_t *plain;

	if (n < SCRYPT_HEAD)
		return;
	SHA256(copy, 48, sum);
	memcpy(copy + 48, sum, 16);
	open_it(copy, n, &plain);
}

struct bytes {
	const uint8_t *p;
	size_t n;
};

static ssize_t bytes_read(void *data, void *p, size_t n, struct err *err)
{
	struct bytes *b = data;

	if (n > b->n)
		n = b->n;
	if (n)
		memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static void check_openssl(const uint8_t *data, size_t n)
{
	CLEANUP_BUF struct buf plain = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct bytes in = { data, n };
	struct source from = { bytes_read, &in };
	struct openssl_reader *r = openssl_reader_new("aes-256-cbc", PASS, &from, &err);

	if (openssl_hmac_check(NULL, PASS, "data", 4, (const char *)data, n, NULL) == 0 ||
	    openssl_hmac_check("no-such", PASS, "data", 4, (const char *)data, n, NULL) == 0)
		abort();
	if (!r)
		abort();
	if (source_read_all(openssl_reader_source(r), &plain, 1 << 20, &err) < 0 && !err.text)
		abort();
	if (plain.len > n)
		abort();
	openssl_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		check_bytes(data + 1, size - 1);
		break;
	case 1:
		check_sealed(data + 1, size - 1);
		break;
	case 2:
		check_head(data + 1, size - 1);
		break;
	case 3:
		check_openssl(data + 1, size - 1);
		break;
	}
	return 0;
}
