/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the openssl program made for backups of format 3. */
#include "archive/openssl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/mem.h"

#define PIECE (64u << 10)
#define MAGIC "Salted__"
#define MAGIC_LEN 8u

/* ---- HMAC ---- */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes behind "= ". Their number, 0 when it is no such text. */
static size_t read_hex(const char *text, size_t len, uint8_t ret[EVP_MAX_MD_SIZE])
{
	size_t at = len, n = 0;

	if (len && text[len - 1] == '\n')
		len--;
	while (at && !(at >= 2 && text[at - 2] == '=' && text[at - 1] == ' '))
		at--;
	for (; at && at + 1 < len && n < EVP_MAX_MD_SIZE; at += 2) {
		int high = digit(text[at]), low = digit(text[at + 1]);

		if (high < 0 || low < 0)
			return 0;
		ret[n++] = (uint8_t)(high << 4 | low);
	}
	return at == len ? n : 0;
}

struct hmac_question {
	const char *passphrase;
	const void *data;
	size_t n;
	uint8_t said[EVP_MAX_MD_SIZE];
	size_t said_len;
	bool fits;
};

static void try_digest(EVP_MD *md, void *data)
{
	struct hmac_question *q = data;
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len;

	if (q->fits || EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF || (size_t)EVP_MD_get_size(md) != q->said_len)
		return;
	q->fits = HMAC(md, q->passphrase, (int)strlen(q->passphrase), q->data, q->n, sum, &len) &&
		  len == q->said_len && CRYPTO_memcmp(sum, q->said, len) == 0;
}

int openssl_hmac_check(const char *digest, const char *passphrase, const void *data, size_t n, const char *text,
		       size_t len, struct err *err)
{
	struct hmac_question q = { .passphrase = passphrase, .data = data, .n = n };
	EVP_MD *md;

	q.said_len = read_hex(text, len, q.said);
	if (!q.said_len)
		return err_set(err, -EBADMSG, "", "not an HMAC");
	if (!digest) {
		EVP_MD_do_all_provided(NULL, try_digest, &q);
	} else {
		md = EVP_MD_fetch(NULL, digest, NULL);
		if (!md)
			return err_set(err, -EBADMSG, "", "a digest that is not known: %s", digest);
		try_digest(md, &q);
		EVP_MD_free(md);
	}
	return q.fits ? 0 : err_set(err, -EBADMSG, "", "damaged (hmac verification failed)");
}

/* ---- openssl enc ---- */

struct openssl_reader {
	const EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;    /* NULL until the salt was read */
	char *passphrase;
	struct source *from, source;
	bool ended;
	size_t at, n;           /* of what is decrypted and was not read */
	uint8_t in[PIECE], out[PIECE + EVP_MAX_BLOCK_LENGTH];
};

static int begin(struct openssl_reader *r, struct err *err)
{
	uint8_t head[MAGIC_LEN + PKCS5_SALT_LEN], key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];
	ssize_t n = source_fill(r->from, head, sizeof head, err);
	bool good;

	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof head || memcmp(head, MAGIC, MAGIC_LEN) != 0)
		return err_set(err, -EBADMSG, "", "not encrypted by openssl");
	r->ctx = EVP_CIPHER_CTX_new();
	good = r->ctx && EVP_BytesToKey(r->cipher, EVP_md5(), head + MAGIC_LEN, (const uint8_t *)r->passphrase,
					(int)strlen(r->passphrase), 1, key, iv) > 0 &&
	       EVP_DecryptInit_ex(r->ctx, r->cipher, NULL, key, iv) == 1;
	OPENSSL_cleanse(key, sizeof key);
	return good ? 0 : err_set(err, -EIO, "", "libcrypto failed");
}

/* Decrypts the next piece. */
static int decrypt(struct openssl_reader *r, struct err *err)
{
	ssize_t got = r->from->read(r->from->data, r->in, sizeof r->in, err);
	int n = 0;

	if (got < 0)
		return (int)got;
	r->ended = got == 0;
	if (got > 0 ? EVP_DecryptUpdate(r->ctx, r->out, &n, r->in, (int)got) != 1 :
		      EVP_DecryptFinal_ex(r->ctx, r->out, &n) != 1)
		return err_set(err, -EBADMSG, "", "cannot be decrypted");
	r->at = 0;
	r->n = (size_t)n;
	return 0;
}

static ssize_t on_read(void *data, void *p, size_t n, struct err *err)
{
	struct openssl_reader *r = data;
	int status = r->ctx ? 0 : begin(r, err);

	while (status == 0 && r->at == r->n && !r->ended)
		status = decrypt(r, err);
	if (status < 0)
		return status;
	if (n > r->n - r->at)
		n = r->n - r->at;
	memcpy(p, r->out + r->at, n);
	r->at += n;
	return (ssize_t)n;
}

struct openssl_reader *openssl_reader_new(const char *cipher, const char *passphrase, struct source *from,
					  struct err *err)
{
	const EVP_CIPHER *c = EVP_get_cipherbyname(cipher);
	struct openssl_reader *r;

	if (!c || EVP_CIPHER_get_flags(c) & EVP_CIPH_FLAG_AEAD_CIPHER) {
		err_set(err, -EBADMSG, "", "a cipher that is not known: %s", cipher);
		return NULL;
	}
	r = xcalloc(1, sizeof *r);
	r->cipher = c;
	r->passphrase = xstrdup(passphrase);
	r->from = from;
	r->source = (struct source){ on_read, r };
	return r;
}

struct source *openssl_reader_source(struct openssl_reader *r)
{
	return &r->source;
}

void openssl_reader_free(struct openssl_reader *r)
{
	if (!r)
		return;
	EVP_CIPHER_CTX_free(r->ctx);
	wipe_free(r->passphrase);
	OPENSSL_cleanse(r->out, sizeof r->out);
	free(r);
}
