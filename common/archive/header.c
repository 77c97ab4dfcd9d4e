/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backup-header: reading with every check that the format asks for, and writing. */
#include "archive/header.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <strings.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"

#define HEADER_CHARS "A-Za-z0-9-"
#define VERSION_MAX 4

enum kind { KIND_VERSION, KIND_BOOL, KIND_FILTER, KIND_ALGORITHM, KIND_ID };

static const struct key {
	const char *name;
	const char *field; /* as the messages call it */
	enum kind kind;
	size_t offset;
} keys[] = {
	{ "version", "version", KIND_VERSION, offsetof(struct backup_header, version) },
	{ "encrypted", "encrypted", KIND_BOOL, offsetof(struct backup_header, encrypted) },
	{ "compressed", "compressed", KIND_BOOL, offsetof(struct backup_header, compressed) },
	{ "compression-filter", "compression_filter", KIND_FILTER,
	  offsetof(struct backup_header, compression_filter) },
	{ "crypto-algorithm", "crypto_algorithm", KIND_ALGORITHM, offsetof(struct backup_header, crypto_algorithm) },
	{ "hmac-algorithm", "hmac_algorithm", KIND_ALGORITHM, offsetof(struct backup_header, hmac_algorithm) },
	{ "backup-id", "backup_id", KIND_ID, offsetof(struct backup_header, backup_id) },
};

void backup_header_release(struct backup_header *h)
{
	free(h->compression_filter);
	free(h->crypto_algorithm);
	free(h->hmac_algorithm);
	free(h->backup_id);
	*h = (struct backup_header){0};
}

static int bad(struct err *err, const char *text)
{
	return err_set(err, -EBADMSG, "", "%s", text);
}

/* ---- reading ---- */

static bool is_true(const char *value)
{
	return streq(value, "1") || strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0;
}

static char *lower(const char *value)
{
	char *copy = xstrdup(value);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static int set(struct backup_header *h, const struct key *key, const char *value, struct err *err)
{
	void *field = (char *)h + key->offset;
	uint64_t version;

	switch (key->kind) {
	case KIND_VERSION:
		if (num_u64(value, &version) < 0 || version < 1 || version > VERSION_MAX)
			break;
		*(int *)field = (int)version;
		return 0;
	case KIND_BOOL:
		*(bool *)field = is_true(value);
		return 0;
	case KIND_ALGORITHM:
		*(char **)field = lower(value);
		return 0;
	case KIND_ID:
		if (!*value || *value == '-')
			break;
		*(char **)field = xstrdup(value);
		return 0;
	case KIND_FILTER:
		*(char **)field = xstrdup(value);
		return 0;
	}
	return err_set(err, -EBADMSG, "", "Invalid value for header: %s", key->name);
}

static int read_line(struct backup_header *h, char *line, const char *forced_filter, unsigned *seen, struct err *err)
{
	char *eq = strchr(line, '=');
	size_t i = 0;

	if (!eq || strchr(eq + 1, '='))
		return bad(err, "Invalid backup header");
	*eq = '\0';
	if (!chars_all(line, HEADER_CHARS))
		return bad(err, "Invalid backup header (key)");
	while (i < ARRAY_SIZE(keys) && !streq(keys[i].name, line))
		i++;
	if (i == ARRAY_SIZE(keys))
		return 0;
	if (*seen & 1u << i)
		return err_set(err, -EBADMSG, "", "Duplicated header line: %s", line);
	*seen |= 1u << i;
	if (forced_filter && keys[i].kind == KIND_FILTER)
		return 0;
	if (!chars_all(eq + 1, HEADER_CHARS))
		return bad(err, "Invalid backup header (value)");
	return set(h, &keys[i], eq + 1, err);
}

/* What a reader of that version cannot do without. */
static bool is_needed(const struct backup_header *h, const struct key *key)
{
	switch (key->kind) {
	case KIND_VERSION:
		return true;
	case KIND_BOOL:
		return h->version >= 3;
	case KIND_FILTER: /* in format 3, gzip is meant when none is named */
		return h->version == 4 && h->compressed && !h->compression_filter;
	case KIND_ID:
		return h->version == 4;
	case KIND_ALGORITHM:
		return h->version == 4 ? streq(key->name, "hmac-algorithm") :
		       h->version == 3 && (h->encrypted || streq(key->name, "hmac-algorithm"));
	}
	return false;
}

static int check_complete(const struct backup_header *h, unsigned seen, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (is_needed(h, &keys[i]) && !(seen & 1u << i))
			return err_set(err, -EBADMSG, "", "Backup header lack '%s' info", keys[i].field);
	}
	return 0;
}

int backup_header_parse(struct backup_header *ret, const char *text, size_t len, const char *forced_filter,
			struct err *err)
{
	CLEANUP_BACKUP_HEADER struct backup_header h = {0};
	CLEANUP_FREE char *copy = xmemdup0(text, len);
	unsigned seen = 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return bad(err, "Non-ASCII characters in backup header");
	if (strlen(copy) != len)
		return bad(err, "Invalid backup header");
	for (char *line = copy, *next; line < copy + len; line = next) {
		char *end = line + strcspn(line, "\n");

		next = end + 1;
		*end = '\0';
		if (read_line(&h, line, forced_filter, &seen, err) < 0)
			return -EBADMSG;
	}
	if (forced_filter)
		h.compression_filter = xstrdup(forced_filter);
	if (check_complete(&h, seen, err) < 0)
		return -EBADMSG;
	if (h.version == 3 && h.compressed && !h.compression_filter)
		h.compression_filter = xstrdup("gzip");
	*ret = h;
	h = (struct backup_header){0};
	return 0;
}

/* ---- writing ---- */

void backup_header_print(struct buf *b, const struct backup_header *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const void *field = (const char *)h + keys[i].offset;

		if (keys[i].kind == KIND_VERSION)
			buf_addf(b, "%s=%d\n", keys[i].name, *(const int *)field);
		else if (keys[i].kind == KIND_BOOL)
			buf_addf(b, "%s=%s\n", keys[i].name, *(const bool *)field ? "True" : "False");
		else if (*(char *const *)field)
			buf_addf(b, "%s=%s\n", keys[i].name, *(char *const *)field);
	}
}
