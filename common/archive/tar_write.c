/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar: writing. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "archive/tar.h"
#include "base/mem.h"

#define OCTAL_MAX (UINT64_C(1) << 33) /* eleven digits */
#define NAME_MAX_HERE 100

void tar_add_zeros(struct buf *b, size_t n)
{
	memset(buf_reserve(b, n), 0, n);
	b->len += n;
	b->data[b->len] = '\0';
}

/* A size that has no room is 0: a pax record holds it. */
static void add_header(struct buf *b, const char *name, unsigned mode, uint64_t size, char type)
{
	char h[TAR_BLOCK] = {0};
	unsigned sum = 0;

	memcpy(h, name, strlen(name)); /* callers see to at most 100 */
	snprintf(h + 100, 8, "%07o", mode);
	snprintf(h + 108, 8, "%07o", 0);
	snprintf(h + 116, 8, "%07o", 0);
	snprintf(h + 124, 12, "%011llo", (unsigned long long)(size < OCTAL_MAX ? size : 0));
	snprintf(h + 136, 12, "%011o", 0);
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (uint8_t)h[i];
	snprintf(h + 148, 7, "%06o", sum);
	buf_add(b, h, TAR_BLOCK);
}

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void add_record(struct buf *b, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3;
	size_t len = rest + 1;

	while ((size_t)snprintf(NULL, 0, "%zu", len) + rest != len)
		len++;
	buf_addf(b, "%zu %s=%s\n", len, key, value);
}

static void add_number(struct buf *b, const char *key, uint64_t value)
{
	CLEANUP_FREE char *text = xasprintf("%llu", (unsigned long long)value);

	add_record(b, key, text);
}

static void add_pax(struct buf *b, const struct buf *records)
{
	add_header(b, "././@PaxHeader", 0, records->len, 'x');
	buf_add(b, records->data, records->len);
	tar_add_zeros(b, tar_padding(records->len, TAR_BLOCK));
}

int tar_add_file(struct buf *b, const char *name, uint64_t size, struct err *err)
{
	CLEANUP_BUF struct buf records = BUF_INIT;

	if (strlen(name) > NAME_MAX_HERE)
		return err_set(err, -EINVAL, "", "name that is too long: %s", name);
	if (size >= OCTAL_MAX) {
		add_number(&records, "size", size);
		add_pax(b, &records);
	}
	add_header(b, name, 0644, size, '0');
	return 0;
}

static void add_map(struct buf *b, const struct tar_extent *map, size_t n)
{
	buf_addf(b, "%zu\n", n);
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%llu\n%llu\n", (unsigned long long)map[i].offset, (unsigned long long)map[i].len);
	tar_add_zeros(b, tar_padding(b->len, TAR_BLOCK));
}

int tar_add_sparse(struct buf *b, const char *name, uint64_t size, const struct tar_extent *map, size_t n,
		   struct err *err)
{
	CLEANUP_BUF struct buf records = BUF_INIT, text = BUF_INIT;
	const char *base = strrchr(name, '/');
	CLEANUP_FREE char *other = base ? xasprintf("%.*s/GNUSparseFile.%d%s", (int)(base - name), name,
						    (int)getpid(), base) :
					  xasprintf("GNUSparseFile.%d/%s", (int)getpid(), name);
	uint64_t stored;

	if (strlen(other) > NAME_MAX_HERE)
		return err_set(err, -EINVAL, "", "name that is too long: %s", name);
	add_map(&text, map, n);
	stored = text.len;
	for (size_t i = 0; i < n; i++)
		stored += map[i].len;
	add_record(&records, "GNU.sparse.major", "1");
	add_record(&records, "GNU.sparse.minor", "0");
	add_record(&records, "GNU.sparse.name", name);
	add_number(&records, "GNU.sparse.realsize", size);
	if (stored >= OCTAL_MAX)
		add_number(&records, "size", stored);
	add_pax(b, &records);
	add_header(b, other, 0644, stored, '0');
	buf_add(b, text.data, text.len);
	return 0;
}
