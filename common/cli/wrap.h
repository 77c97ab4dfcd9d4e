/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paragraphs broken into lines the way Python's textwrap does. */
#pragma once

#include "base/buf.h"

/*
 * Appends text in lines of at most width columns, the first indented by first blanks and the others by rest;
 * no newline at the end. White space runs at a line's border go away, others stay; a word may be broken
 * behind a hyphen between letters, and anywhere when it is longer than a line.
 */
void wrap_text(struct buf *b, const char *text, size_t width, size_t first, size_t rest);
