/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte buffer; always NUL-terminated behind its length, may hold NUL bytes. */
#pragma once

#include <stdarg.h>

#include "base/attr.h"

struct buf {
	char *data; /* NULL until the first byte; then data[len] is NUL */
	size_t len;
	size_t cap;
};

#define BUF_INIT ((struct buf){0})

void buf_release(struct buf *b);
#define CLEANUP_BUF CLEANUP(buf_release)

/* Guarantees room for n more bytes and a NUL; returns where they go (b->data + b->len). */
char *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addstr(struct buf *b, const char *s);
void buf_addch(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
/* Cuts the first n bytes off. */
void buf_consume(struct buf *b, size_t n);
void buf_reset(struct buf *b);
/* Hands the memory (never NULL, NUL-terminated) to the caller and leaves an empty buffer. */
char *buf_steal(struct buf *b);
/* The content as text; "" when empty. Borrowed. */
const char *buf_str(const struct buf *b);
