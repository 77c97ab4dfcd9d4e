/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QubesDB: its messages in both directions (vm-interface 3.2), and the client as a channel. */
#pragma once

#include "base/buf.h"
#include "vmif/channel.h"

#define QDB_HEADER 72
#define QDB_PATH 64 /* field of a path, its NUL included */
#define QDB_DIR "/run/qubes"

enum qdb_type {
	QDB_READ, QDB_WRITE, QDB_MULTIREAD, QDB_LIST, QDB_RM, QDB_WATCH, QDB_UNWATCH,
	QDB_OK, QDB_NOENT, QDB_ERROR, QDB_VALUE, QDB_MULTI, QDB_NAME, QDB_EVENT, QDB_TYPES
};

struct qdb_msg {
	unsigned type;       /* any byte may come */
	char path[QDB_PATH]; /* cut to 63 bytes; any bytes but NUL */
	uint32_t data_len;   /* what follows the header */
};

/* Adds a whole message. A path longer than 63 bytes is cut, as the field is. data may be NULL with len 0. */
void qdb_encode(struct buf *b, enum qdb_type type, const char *path, const void *data, size_t len);
/* Reads a header; every 72 bytes are one. */
void qdb_decode(struct qdb_msg *ret, const char head[static QDB_HEADER]);
/* The characters of a path, and no "-" in front (vm-interface 1). */
bool qdb_path_chars(const char *path);

/*
 * The database of a qube in dom0, or with NULL the own one of where we are. The directory is QVM_QUBESDB_DIR, else
 * QDB_DIR; without a socket to write on the one to read from is taken, and writing fails with -EPERM. A server that
 * goes away is connected to again, once per call. -ENOENT, -ECONNREFUSED: nobody serves it.
 */
int qubesdb_open(const char *qube, struct channel **ret, struct err *err);
/* The same over a connected socket, which belongs to the channel then; it is not connected again. For tests. */
struct channel *qubesdb_of_fd(int fd);
