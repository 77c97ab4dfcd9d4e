/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scrypt container: the vector of backup-policy-clock 2.6, every kind of damage, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "archive/scrypt.h"

#define PASS "20261120T203110-25912!vm7/notes.txt.000!test pass"
#define PLAIN "hello\n"
#define PLAIN_LEN (sizeof PLAIN - 1)
#define TOTAL (SCRYPT_HEAD + PLAIN_LEN + SCRYPT_TAIL)
#define MEMORY (UINT64_C(1) << 30)

static const uint8_t vector[TOTAL] = {
	0x73, 0x63, 0x72, 0x79, 0x70, 0x74, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01,
	0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
	0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0xda, 0x46, 0xce, 0xb5, 0xd5, 0x73,
	0x8b, 0x6f, 0xc8, 0x65, 0xe1, 0x37, 0xd5, 0x6a, 0xb5, 0x89, 0x8e, 0x5f, 0xe5, 0x20, 0xa7, 0xd4, 0x96, 0x43,
	0x4c, 0xf1, 0xb0, 0x28, 0xad, 0x7d, 0xed, 0x6c, 0x2f, 0xc9, 0xd3, 0x8d, 0xb5, 0x05, 0xc2, 0xec, 0x33, 0xa0,
	0xb0, 0x86, 0xbe, 0xfd, 0xf7, 0x34, 0x24, 0x56, 0x00, 0x73, 0x77, 0x9b, 0xb1, 0xfc, 0xdd, 0x2a, 0xf1, 0x31,
	0x7b, 0x8c, 0xca, 0x02, 0x69, 0xf8, 0x88, 0x01, 0xde, 0xa6, 0x8f, 0xd8, 0x62, 0xe8, 0x9d, 0x67, 0x51, 0x67,
	0x53, 0xfb, 0xa1, 0x57, 0x42, 0xb3, 0x05, 0x5d,
};

static struct scrypt_key key_of(const uint8_t *head, const char *pass)
{
	struct scrypt_params p;
	struct scrypt_key k;

	assert_int_equal(scrypt_head_parse(&p, head, SCRYPT_LOGN_MAX, MEMORY, NULL), 0);
	assert_int_equal(scrypt_derive(&k, &p, pass, strlen(pass), NULL), 0);
	return k;
}

static void writes_the_vector(void **state)
{
	struct scrypt_params p = { .logn = 10, .r = 8, .p = 1 };
	CLEANUP_SCRYPT_KEY struct scrypt_key k = {0};
	CLEANUP_SCRYPT_STREAM struct scrypt_stream *s = NULL;
	uint8_t out[TOTAL];

	for (size_t i = 0; i < sizeof p.salt; i++)
		p.salt[i] = (uint8_t)i;
	assert_int_equal(scrypt_derive(&k, &p, PASS, strlen(PASS), NULL), 0);
	assert_int_equal(scrypt_head_make(out, &p, &k, NULL), 0);
	s = scrypt_encrypt(out, &k, NULL);
	assert_non_null(s);
	assert_int_equal(scrypt_update(s, PLAIN, out + SCRYPT_HEAD, PLAIN_LEN, NULL), 0);
	assert_int_equal(scrypt_finish(s, out + SCRYPT_HEAD + PLAIN_LEN, NULL), 0);
	assert_memory_equal(out, vector, TOTAL);
}

/* The plain text of data, in pieces of step bytes; what scrypt_verify says of it. */
static int open_it(const uint8_t *data, size_t step, char *plain)
{
	CLEANUP_SCRYPT_KEY struct scrypt_key k = key_of(vector, PASS);
	CLEANUP_SCRYPT_STREAM struct scrypt_stream *s = scrypt_decrypt(data, &k, NULL);

	for (size_t at = 0; at < PLAIN_LEN; at += step) {
		size_t n = PLAIN_LEN - at < step ? PLAIN_LEN - at : step;

		assert_int_equal(scrypt_update(s, data + SCRYPT_HEAD + at, plain + at, n, NULL), 0);
	}
	return scrypt_verify(s, data + SCRYPT_HEAD + PLAIN_LEN, NULL);
}

static void reads_the_vector(void **state)
{
	char plain[PLAIN_LEN];

	for (size_t step = 1; step <= PLAIN_LEN; step++) {
		assert_int_equal(open_it(vector, step, plain), 0);
		assert_memory_equal(plain, PLAIN, PLAIN_LEN);
	}
}

static void finds_every_flipped_bit(void **state)
{
	CLEANUP_SCRYPT_KEY struct scrypt_key k = key_of(vector, PASS);
	char plain[PLAIN_LEN];

	for (size_t bit = 0; bit < TOTAL * 8; bit++) {
		uint8_t data[TOTAL];
		struct scrypt_params p;

		memcpy(data, vector, TOTAL);
		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (bit / 8 < 64)
			assert_int_equal(scrypt_head_parse(&p, data, SCRYPT_LOGN_MAX, MEMORY, NULL), -EBADMSG);
		else if (bit / 8 < SCRYPT_HEAD)
			assert_int_equal(scrypt_head_check(data, &k, NULL), -EACCES);
		else
			assert_int_equal(open_it(data, PLAIN_LEN, plain), -EBADMSG);
	}
}

static void tells_a_wrong_passphrase(void **state)
{
	CLEANUP_SCRYPT_KEY struct scrypt_key right = key_of(vector, PASS);
	CLEANUP_SCRYPT_KEY struct scrypt_key wrong = key_of(vector, PASS "x");

	assert_int_equal(scrypt_head_check(vector, &right, NULL), 0);
	assert_int_equal(scrypt_head_check(vector, &wrong, NULL), -EACCES);
}

/* Valid headers whose parameters nobody should have to obey. */
static void bounds_what_is_asked(void **state)
{
	static const struct {
		struct scrypt_params p;
		int result;
	} cases[] = {
		{ { .logn = 10, .r = 8, .p = 1 }, 0 },
		{ { .logn = 20, .r = 8, .p = 1 }, -E2BIG }, /* just above 1 GiB, with the lane */
		{ { .logn = 27, .r = 1, .p = 1 }, -E2BIG },
		{ { .logn = 63, .r = 1, .p = 1 }, -E2BIG },
		{ { .logn = 1, .r = (1u << 30) - 1, .p = 1 }, -E2BIG },
		{ { .logn = 1, .r = 1, .p = (1u << 30) - 1 }, -E2BIG },
		{ { .logn = 0, .r = 8, .p = 1 }, -EBADMSG },
		{ { .logn = 64, .r = 8, .p = 1 }, -EBADMSG },
		{ { .logn = 10, .r = 0, .p = 1 }, -EBADMSG },
		{ { .logn = 10, .r = 8, .p = 0 }, -EBADMSG },
		{ { .logn = 10, .r = 1u << 15, .p = 1u << 15 }, -EBADMSG },
		{ { .logn = 10, .r = UINT32_MAX, .p = UINT32_MAX }, -EBADMSG },
	};
	struct scrypt_key k = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scrypt_params p;
		uint8_t head[SCRYPT_HEAD];

		assert_int_equal(scrypt_head_make(head, &cases[i].p, &k, NULL), 0);
		assert_int_equal(scrypt_head_parse(&p, head, SCRYPT_LOGN_MAX, MEMORY, NULL), cases[i].result);
	}
}

static void holds_nothing(void **state)
{
	struct scrypt_params p;
	CLEANUP_SCRYPT_KEY struct scrypt_key k = {0};
	uint8_t head[SCRYPT_HEAD];
	uint8_t tail[SCRYPT_TAIL];

	assert_int_equal(scrypt_params_new(&p, 4, NULL), 0);
	assert_int_equal(scrypt_derive(&k, &p, "", 0, NULL), 0);
	assert_int_equal(scrypt_head_make(head, &p, &k, NULL), 0);

	CLEANUP_SCRYPT_STREAM struct scrypt_stream *in = scrypt_encrypt(head, &k, NULL);
	CLEANUP_SCRYPT_STREAM struct scrypt_stream *out = scrypt_decrypt(head, &k, NULL);

	assert_int_equal(scrypt_finish(in, tail, NULL), 0);
	assert_int_equal(scrypt_verify(out, tail, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_vector),
		cmocka_unit_test(reads_the_vector),
		cmocka_unit_test(finds_every_flipped_bit),
		cmocka_unit_test(tells_a_wrong_passphrase),
		cmocka_unit_test(bounds_what_is_asked),
		cmocka_unit_test(holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
