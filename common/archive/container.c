/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One member of a backup as a scrypt container. */
#include "archive/container.h"

#include <errno.h>

#include "base/mem.h"

char *container_passphrase(const char *backup_id, const char *member, const char *passphrase)
{
	size_t n = strlen(member);
	int name = n > 4 && streq(member + n - 4, ".enc") ? (int)n - 4 : (int)n;

	return xasprintf("%s!%.*s!%.*s", backup_id, name, member, (int)strcspn(passphrase, "\r\n"), passphrase);
}

char *container_header_passphrase(const char *passphrase)
{
	return xasprintf("backup-header!%.*s", (int)strcspn(passphrase, "\r\n"), passphrase);
}

/* ---- writing ---- */

void container_begin(struct buf *b)
{
	buf_reset(b);
	buf_reserve(b, SCRYPT_HEAD);
	b->len = SCRYPT_HEAD;
}

static int seal(uint8_t *data, size_t n, const char *passphrase, unsigned logn, struct err *err)
{
	CLEANUP_SCRYPT_KEY struct scrypt_key key = {0};
	CLEANUP_SCRYPT_STREAM struct scrypt_stream *s = NULL;
	uint8_t *plain = data + SCRYPT_HEAD;
	struct scrypt_params params;
	int r = scrypt_params_new(&params, logn, err);

	if (r == 0)
		r = scrypt_derive(&key, &params, passphrase, strlen(passphrase), err);
	if (r == 0)
		r = scrypt_head_make(data, &params, &key, err);
	if (r < 0)
		return r;
	s = scrypt_encrypt(data, &key, err);
	r = s ? scrypt_update(s, plain, plain, n, err) : -EIO;
	return r < 0 ? r : scrypt_finish(s, plain + n, err);
}

int container_seal(struct buf *b, const char *passphrase, unsigned logn, struct err *err)
{
	size_t n = b->len - SCRYPT_HEAD;
	int r;

	buf_reserve(b, SCRYPT_TAIL);
	r = seal((uint8_t *)b->data, n, passphrase, logn, err);
	if (r < 0)
		explicit_bzero(b->data, b->len);
	else
		b->len += SCRYPT_TAIL;
	b->data[b->len] = '\0';
	return r;
}

/* ---- reading ---- */

static int decrypt(const uint8_t *head, uint8_t *plain, size_t n, const struct scrypt_key *key, struct err *err)
{
	CLEANUP_SCRYPT_STREAM struct scrypt_stream *s = scrypt_decrypt(head, key, err);
	int r = s ? scrypt_update(s, plain, plain, n, err) : -EIO;

	return r < 0 ? r : scrypt_verify(s, plain + n, err);
}

/*
 * The key does not fit the HMAC of the head. When the one over everything fits as soon as the head's is put right,
 * the passphrase was right and only these bytes are damaged.
 */
static int why_not(const uint8_t *data, uint8_t *plain, size_t n, const struct scrypt_params *params,
		   const struct scrypt_key *key, struct err *err)
{
	uint8_t head[SCRYPT_HEAD];

	if (scrypt_head_make(head, params, key, err) == 0 && decrypt(head, plain, n, key, err) == 0)
		return err_set(err, -EBADMSG, "", "damaged header of a scrypt container");
	return err_set(err, -EACCES, "", "wrong passphrase");
}

int container_open(uint8_t *data, size_t n, const struct scrypt_params *params, const char *passphrase,
		   const uint8_t **ret_plain, struct err *err)
{
	CLEANUP_SCRYPT_KEY struct scrypt_key key = {0};
	uint8_t *plain = data + SCRYPT_HEAD;
	int r;

	if (n < CONTAINER_OVERHEAD)
		return err_set(err, -EBADMSG, "", "too short for a scrypt container");
	n -= CONTAINER_OVERHEAD;
	r = scrypt_derive(&key, params, passphrase, strlen(passphrase), err);
	if (r < 0)
		return r;
	r = scrypt_head_check(data, &key, err);
	if (r == -EACCES)
		return why_not(data, plain, n, params, &key, err);
	if (r == 0)
		r = decrypt(data, plain, n, &key, err);
	if (r == 0)
		*ret_plain = plain;
	return r;
}
