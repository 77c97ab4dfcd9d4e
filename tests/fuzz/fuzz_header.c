/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backup-header of any bytes: what is accepted is complete, and is written and read again the same. */
#include "archive/header.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const char *a, const char *b)
{
	if (!a != !b || (a && !streq(a, b)))
		abort();
}

static void check_again(const struct backup_header *h)
{
	CLEANUP_BACKUP_HEADER struct backup_header again = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;

	backup_header_print(&b, h);
	if (backup_header_parse(&again, buf_str(&b), b.len, NULL, NULL) < 0 || again.version != h->version ||
	    again.compressed != h->compressed || again.encrypted != h->encrypted)
		abort();
	same(again.compression_filter, h->compression_filter);
	same(again.crypto_algorithm, h->crypto_algorithm);
	same(again.hmac_algorithm, h->hmac_algorithm);
	same(again.backup_id, h->backup_id);
}

static void check_forced(const uint8_t *data, size_t size)
{
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};

	if (backup_header_parse(&h, (const char *)data, size, "zstd", NULL) == 0)
		same(h.compression_filter, "zstd");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	check_forced(data, size);
	if (backup_header_parse(&h, (const char *)data, size, NULL, &err) < 0) {
		if (!err.text)
			abort();
		return 0;
	}
	if (h.version < 1 || h.version > 4 || (h.version == 4 && (!h.backup_id || !*h.backup_id)))
		abort();
	check_again(&h);
	return 0;
}
