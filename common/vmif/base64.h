/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as the letters that keys may hold. */
#pragma once

#include "base/attr.h"

/* The usual letters with padding. Caller frees. */
char *base64(const void *p, size_t n);
/* SHA-256 of a text, in the letters that are safe in paths, without padding: 43 of them. Caller frees. */
char *sha256_base64url(const char *text);
