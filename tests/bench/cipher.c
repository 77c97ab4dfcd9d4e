/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a member costs. "stage": encrypts 64 MiB in memory with libcrypto's calls alone and with our container, in
 * turn, and prints the medians (MB/s) and their ratio. "kdf LOGN": prints how long one key takes, in microseconds.
 * usage: cipher stage | kdf LOGN
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive/scrypt.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"

#define SIZE (64u << 20)
#define PIECE (64u << 10)
#define RUNS 11

static int cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, cmp);
	return v[n / 2];
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static double libcrypto_alone(uint8_t *p)
{
	static const unsigned char key[32], iv[16];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	uint64_t begin = now_ns();
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	unsigned char sum[32];
	size_t len;
	int n;

	must(EVP_EncryptInit_ex(cipher, EVP_aes_256_ctr(), NULL, key, iv) == 1);
	must(EVP_MAC_init(mac, key, sizeof key, params) == 1);
	for (size_t at = 0; at < SIZE; at += PIECE) {
		must(EVP_EncryptUpdate(cipher, p + at, &n, p + at, PIECE) == 1);
		must(EVP_MAC_update(mac, p + at, PIECE) == 1);
	}
	must(EVP_MAC_final(mac, sum, &len, sizeof sum) == 1);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	EVP_CIPHER_CTX_free(cipher);
	return (double)(now_ns() - begin);
}

static double ours(uint8_t *p)
{
	struct scrypt_params params = { .logn = 1, .r = 1, .p = 1 };
	struct scrypt_key key = {0};
	uint8_t head[SCRYPT_HEAD], tail[SCRYPT_TAIL];
	uint64_t begin = now_ns();

	must(scrypt_head_make(head, &params, &key, NULL) == 0);

	CLEANUP_SCRYPT_STREAM struct scrypt_stream *s = scrypt_encrypt(head, &key, NULL);

	must(s && scrypt_update(s, p, p, SIZE, NULL) == 0 && scrypt_finish(s, tail, NULL) == 0);
	return (double)(now_ns() - begin);
}

static void stage(void)
{
	CLEANUP_FREE uint8_t *p = xcalloc(1, SIZE);
	double a[RUNS], b[RUNS], x, y;

	for (int i = 0; i < RUNS; i++) {
		a[i] = libcrypto_alone(p);
		b[i] = ours(p);
	}
	x = SIZE * 1e3 / median(a, RUNS);
	y = SIZE * 1e3 / median(b, RUNS);
	printf("%.0f %.0f %.2f\n", x, y, y / x);
}

static void kdf(unsigned logn)
{
	struct scrypt_params params = { .logn = logn, .r = 8, .p = 1 };
	double v[5];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		CLEANUP_SCRYPT_KEY struct scrypt_key key = {0};
		uint64_t begin = now_ns();

		must(scrypt_derive(&key, &params, "pass", 4, NULL) == 0);
		v[i] = (double)(now_ns() - begin) / 1e3;
	}
	printf("%.0f\n", median(v, ARRAY_SIZE(v)));
}

int main(int argc, char **argv)
{
	uint64_t logn;

	if (argc == 3 && streq(argv[1], "kdf") && num_u64(argv[2], &logn) == 0)
		kdf((unsigned)logn);
	else if (argc == 2 && streq(argv[1], "stage"))
		stage();
	else
		return 2;
	return 0;
}
