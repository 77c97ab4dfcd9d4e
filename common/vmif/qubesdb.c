/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of QubesDB to bytes and back. */
#include "vmif/qubesdb.h"

#include "base/chars.h"

/* type, path, three bytes of padding, length in the order of the host */
#define AT_PATH 1
#define AT_LENGTH 68

void qdb_encode(struct buf *b, enum qdb_type type, const char *path, const void *data, size_t len)
{
	char *head = buf_reserve(b, QDB_HEADER + len);
	uint32_t data_len = (uint32_t)len;

	memset(head, 0, QDB_HEADER);
	head[0] = (char)type;
	memcpy(head + AT_PATH, path, strnlen(path, QDB_PATH - 1));
	memcpy(head + AT_LENGTH, &data_len, sizeof data_len);
	b->len += QDB_HEADER;
	b->data[b->len] = '\0';
	if (len)
		buf_add(b, data, len);
}

void qdb_decode(struct qdb_msg *ret, const char head[static QDB_HEADER])
{
	ret->type = (unsigned char)head[0];
	memcpy(ret->path, head + AT_PATH, QDB_PATH);
	ret->path[QDB_PATH - 1] = '\0';
	memcpy(&ret->data_len, head + AT_LENGTH, sizeof ret->data_len);
}

bool qdb_path_chars(const char *path)
{
	return *path != '-' && chars_all(path, "A-Za-z0-9/_@.:-");
}
