/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a qfile stream, and rules for its names. */
#include "archive/qfile.h"

#include <endian.h>
#include <errno.h>
#include <zlib.h>

#include "base/escape.h"

void qfile_header_swap(struct qfile_header *h)
{
	uint32_t *const words[] = {&h->namelen, &h->mode, &h->atime, &h->atime_nsec, &h->mtime, &h->mtime_nsec};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		*words[i] = le32toh(*words[i]);
	h->filelen = le64toh(h->filelen);
}

static void add_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof v);
}

void qfile_result_encode(struct buf *b, const struct qfile_result *r)
{
	add_u32(b, r->code);
	add_u32(b, 0);
	add_u32(b, r->crc); /* of 64 bits the low half */
	add_u32(b, 0);
	add_u32(b, (uint32_t)r->name.len);
	buf_add(b, buf_str(&r->name), r->name.len);
}

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void qfile_result_decode(struct qfile_result *ret, const void *p, size_t n)
{
	const uint8_t *bytes = p;
	size_t len = n >= QFILE_RESULT_SIZE + 4 ? get_u32(bytes + QFILE_RESULT_SIZE) : 0;

	*ret = (struct qfile_result){.code = get_u32(bytes), .crc = get_u32(bytes + 8)};
	if (len > n - QFILE_RESULT_SIZE - (len ? 4 : 0))
		len = n - QFILE_RESULT_SIZE - 4;
	if (len)
		buf_add(&ret->name, bytes + QFILE_RESULT_SIZE + 4, len);
}

uint32_t qfile_crc(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}

/* ---- names ---- */

static bool can_be_shown(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;

		len = utf8_next(s + i, n - i, &cp);
		if (!len || cp < 0x20 || cp == 0x7f || !codepoint_is_safe(cp))
			return false;
	}
	return true;
}

/* The component at *p, which goes behind it and its slashes. False at the end. */
static bool next_component(const char **p, const char **ret, size_t *ret_len)
{
	if (!**p)
		return false;
	*ret = *p;
	*ret_len = strcspn(*p, "/");
	*p += *ret_len;
	if (**p)
		(*p)++;
	return true;
}

static bool is_dots(const char *s, size_t n, size_t dots)
{
	return n == dots && strncmp(s, "..", dots) == 0;
}

int qfile_check_name(const char *name, bool any_name)
{
	const char *p = name, *part;
	size_t n;

	if (!*name || name[strlen(name) - 1] == '/')
		return EILSEQ;
	while (next_component(&p, &part, &n))
		if (!n || is_dots(part, n, 1) || is_dots(part, n, 2))
			return EILSEQ;
	return any_name || can_be_shown(name) ? 0 : EILSEQ;
}

int qfile_check_link(const char *name, const char *target, bool any_name)
{
	const char *p = name, *part;
	size_t n, parts = 0, up = 0;
	bool down = false;

	if (!any_name && !can_be_shown(target))
		return EILSEQ;
	while (next_component(&p, &part, &n))
		parts++;
	if (parts < 2 || !*target || *target == '/')
		return ENOLINK;
	for (p = target; next_component(&p, &part, &n);) {
		if (!n || is_dots(part, n, 1))
			continue;
		if (!is_dots(part, n, 2))
			down = true;
		else if (down || ++up > parts - 2)
			return ENOLINK;
	}
	return 0;
}
