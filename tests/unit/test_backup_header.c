/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backup-header: what is read, what is refused and with which words (backup-policy-clock 2.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "archive/header.h"

#define GOOD                                                                                                 \
	"version=4\nencrypted=True\ncompressed=True\ncompression-filter=gzip\nhmac-algorithm=scrypt\n"            \
	"backup-id=20261120T203110-25912\n"

static void round_trip(void **state)
{
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	assert_int_equal(backup_header_parse(&h, GOOD, sizeof GOOD - 1, NULL, NULL), 0);
	assert_int_equal(h.version, 4);
	assert_true(h.encrypted && h.compressed);
	assert_null(h.crypto_algorithm);
	assert_string_equal(h.backup_id, "20261120T203110-25912");
	backup_header_print(&b, &h);
	assert_string_equal(buf_str(&b), GOOD);
	assert_int_equal(b.len, 119);
}

static void forced_filter(void **state)
{
	static const char text[] = "version=4\nencrypted=1\ncompressed=yes\ncompression-filter=a b;c\n"
				   "hmac-algorithm=SCRYPT\nbackup-id=x\nlater-key=1\n";
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	assert_int_equal(backup_header_parse(&h, text, sizeof text - 1, NULL, &err), -EBADMSG);
	assert_string_equal(err.text, "Invalid backup header (value)");
	assert_int_equal(backup_header_parse(&h, text, sizeof text - 1, "zstd", NULL), 0);
	assert_string_equal(h.compression_filter, "zstd");
	assert_string_equal(h.hmac_algorithm, "scrypt");
}

static void refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "", "Backup header lack 'version' info" },
		{ "\n", "Invalid backup header" },
		{ "version\n", "Invalid backup header" },
		{ "version=4=5\n", "Invalid backup header" },
		{ "version=\xc3\xa9\n", "Non-ASCII characters in backup header" },
		{ "ver sion=4\n", "Invalid backup header (key)" },
		{ "version=4 \n", "Invalid backup header (value)" },
		{ "version=5\n", "Invalid value for header: version" },
		{ "version=0\n", "Invalid value for header: version" },
		{ "version=-1\n", "Invalid value for header: version" },
		{ "version=99999999999999999999\n", "Invalid value for header: version" },
		{ "version=4\nversion=4\n", "Duplicated header line: version" },
		{ "version=4\nbackup-id=\n", "Invalid value for header: backup-id" },
		{ "version=4\nbackup-id=-x\n", "Invalid value for header: backup-id" },
		{ "version=4\n", "Backup header lack 'encrypted' info" },
		{ "version=4\nencrypted=True\n", "Backup header lack 'compressed' info" },
		{ "version=4\nencrypted=True\ncompressed=True\n", "Backup header lack 'compression_filter' info" },
		{ "version=4\nencrypted=True\ncompressed=False\n", "Backup header lack 'hmac_algorithm' info" },
		{ "version=4\nencrypted=True\ncompressed=False\nhmac-algorithm=scrypt\n",
		  "Backup header lack 'backup_id' info" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_BACKUP_HEADER struct backup_header h = {0};
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_equal(backup_header_parse(&h, cases[i].text, strlen(cases[i].text), NULL, &err),
				 -EBADMSG);
		assert_string_equal(err.text, cases[i].why);
	}
}

static void version_three(void **state)
{
	static const char plain[] = "version=3\nencrypted=False\ncompressed=True\nhmac-algorithm=SHA512\n";
	static const char lacks[] = "version=3\nencrypted=True\ncompressed=False\nhmac-algorithm=SHA512\n";
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	assert_int_equal(backup_header_parse(&h, plain, sizeof plain - 1, NULL, NULL), 0);
	assert_string_equal(h.hmac_algorithm, "sha512");
	assert_string_equal(h.compression_filter, "gzip");
	assert_int_equal(backup_header_parse(&h, lacks, sizeof lacks - 1, NULL, &err), -EBADMSG);
	assert_string_equal(err.text, "Backup header lack 'crypto_algorithm' info");
}

static void nul_inside(void **state)
{
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};

	assert_int_equal(backup_header_parse(&h, GOOD "\0x=y\n", sizeof GOOD - 1 + 5, NULL, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(forced_filter),
		cmocka_unit_test(refused),
		cmocka_unit_test(version_three),
		cmocka_unit_test(nul_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
