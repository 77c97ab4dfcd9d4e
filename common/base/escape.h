/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways to write text so that its reader is safe: Python quoting, GetAll escapes, terminals. */
#pragma once

#include "base/attr.h"
#include "base/buf.h"

/* Python's quoting of a name in a message: 'x', or "x" when x holds a single quote and no double one
 * (tools-config 1.3). The caller frees. */
char *quote_py(const char *s);

/* In one line of GetAll, backslash is written as two and newline as \n (admin-api 2.5). */
void getall_escape(struct buf *b, const char *s, size_t n);
/* Undoes getall_escape in place; other escapes stay as they are. Returns the new length. */
size_t getall_unescape(char *s, size_t n);

/*
 * Adds text for a terminal: every byte below 0x20 (newline and tab too unless keep_lines), 0x7f,
 * C1 controls, bidirectional and other invisible format characters, and invalid UTF-8 become '_'.
 */
void term_escape(struct buf *b, const char *s, size_t n, bool keep_lines);
/* One code point from UTF-8 (at most n bytes); returns its length, or 0 when the bytes are not valid. */
size_t utf8_next(const char *s, size_t n, uint32_t *ret);
/* True for a code point that can be shown to a person without changing what stands beside it. */
bool codepoint_is_safe(uint32_t cp);
bool utf8_valid(const char *s, size_t n);
