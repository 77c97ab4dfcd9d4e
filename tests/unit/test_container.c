/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members as containers: passphrases, damage told apart from a wrong passphrase; the pool: order, memory, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "archive/container.h"
#include "archive/pool.h"
#include "base/mem.h"

static void passphrases(void **state)
{
	static const char id[] = "20261120T203110-25912";
	CLEANUP_SECRET char *chunk = container_passphrase(id, "vm7/notes.txt.000.enc", "test pass");
	CLEANUP_SECRET char *plain = container_passphrase("ID", "enc", "a\rb");
	CLEANUP_SECRET char *header = container_header_passphrase("a b\nc");

	assert_string_equal(chunk, "20261120T203110-25912!vm7/notes.txt.000!test pass");
	assert_string_equal(plain, "ID!enc!a");
	assert_string_equal(header, "backup-header!a b");
}

static int open_copy(const struct buf *sealed, size_t n, const char *pass, char *ret)
{
	CLEANUP_FREE uint8_t *copy = (uint8_t *)xmemdup0(sealed->data, n);
	struct scrypt_params params;
	const uint8_t *plain;
	int r = n < SCRYPT_HEAD ? -EBADMSG : scrypt_head_parse(&params, copy, SCRYPT_LOGN_MAX, UINT64_MAX, NULL);

	if (r == 0)
		r = container_open(copy, n, &params, pass, &plain, NULL);
	if (r == 0)
		memcpy(ret, plain, n - CONTAINER_OVERHEAD);
	return r;
}

static void seals_and_opens(void **state)
{
	for (size_t n = 0; n < 300; n += 99) {
		CLEANUP_BUF struct buf b = BUF_INIT;
		char text[300], out[300];

		memset(text, 'x', sizeof text);
		container_begin(&b);
		buf_add(&b, text, n);
		assert_int_equal(container_seal(&b, "pass", 4, NULL), 0);
		assert_int_equal(b.len, n + CONTAINER_OVERHEAD);
		assert_int_equal(open_copy(&b, b.len, "pass", out), 0);
		assert_memory_equal(out, text, n);
		assert_int_equal(open_copy(&b, b.len, "Pass", out), -EACCES);
		for (size_t i = 0; i < b.len; i++) {
			b.data[i] ^= 1;
			assert_int_equal(open_copy(&b, b.len, "pass", out), -EBADMSG);
			b.data[i] ^= 1;
		}
		for (size_t i = 0; i < b.len; i++)
			assert_int_equal(open_copy(&b, i, "pass", out), -EBADMSG);
	}
}

/* ---- the pool ---- */

struct job {
	struct pool_task task; /* first */
	atomic_int *running, *most, *begun;
	int place;             /* in the order of beginning */
	long ns;               /* what it takes */
	int together;          /* ends only when so many were at work at once */
};

static void rest(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

static void run_job(struct pool_task *t)
{
	struct job *j = (struct job *)t;
	int now = atomic_fetch_add(j->running, 1) + 1, most = atomic_load(j->most);

	j->place = atomic_fetch_add(j->begun, 1);
	while (now > most && !atomic_compare_exchange_weak(j->most, &most, now))
		;
	while (atomic_load(j->most) < j->together)
		rest(10000);
	rest(j->ns);
	atomic_fetch_sub(j->running, 1);
}

/* How many of 40 tasks of that size run at once; `together` of them have to. */
static int most_at_once(unsigned jobs, uint64_t memory, uint64_t size, int together)
{
	atomic_int running = 0, most = 0, begun = 0;
	struct pool *p = pool_new(jobs, memory);
	struct job all[40];

	assert_non_null(p);
	assert_int_equal(pool_jobs(p), jobs);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = (struct job){ .task = { .run = run_job, .memory = size }, .running = &running, .most = &most,
				       .begun = &begun, .ns = 100000, .together = together };
		pool_add(p, &all[i].task);
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		pool_wait(p, &all[i].task);
		assert_true(pool_is_done(p, &all[i].task));
		if (jobs == 1)
			assert_int_equal(all[i].place, i);
	}
	pool_free(p);
	return most;
}

static void bounds(void **state)
{
	assert_int_equal(most_at_once(1, 0, 0, 1), 1);
	assert_int_equal(most_at_once(4, 0, 0, 4), 4);
	assert_int_equal(most_at_once(4, 100, 50, 2), 2);
	assert_int_equal(most_at_once(4, 100, 51, 1), 1);
	assert_int_equal(most_at_once(4, 100, UINT64_MAX, 1), 1); /* more than there is: alone */
}

/* What has not begun is never run; what has is waited for. */
static void ends_early(void **state)
{
	atomic_int running = 0, most = 0, begun = 0;
	struct pool *p = pool_new(2, 0);
	struct job all[100];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = (struct job){ .task = { .run = run_job }, .running = &running, .most = &most,
				       .begun = &begun, .ns = 20000000 };
		pool_add(p, &all[i].task);
	}
	pool_free(p);
	assert_int_equal(running, 0);
	assert_true(begun < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passphrases),
		cmocka_unit_test(seals_and_opens),
		cmocka_unit_test(bounds),
		cmocka_unit_test(ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
