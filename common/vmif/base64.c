/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as letters, by libcrypto. */
#include "vmif/base64.h"

#include <openssl/evp.h>

#include "base/chars.h"
#include "base/mem.h"

char *base64(const void *p, size_t n)
{
	char *result = xmalloc((n + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)result, p, (int)n);
	return result;
}

char *sha256_base64url(const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char *result;

	if (EVP_Digest(text, strlen(text), digest, &n, EVP_sha256(), NULL) != 1)
		abort();
	result = base64(digest, n);
	chars_replace(result, '+', '-');
	chars_replace(result, '/', '_');
	result[strcspn(result, "=")] = '\0';
	return result;
}
