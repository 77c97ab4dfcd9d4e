/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, as the lower floors hand it up: an exception type and a text for people. */
#pragma once

#include <stdarg.h>

#include "base/attr.h"

struct err {
	char *type; /* exception name; NULL while there is no error, "" for an error of our own */
	char *text; /* one message without newline at its end; may hold any bytes from a server */
};

#define ERR_INIT ((struct err){0})

void err_release(struct err *e);
#define CLEANUP_ERR CLEANUP(err_release)

/*
 * Fills e (which may be NULL, or hold an older error that is dropped) and returns code, a negative
 * errno, so that a function can end with `return err_set(...)`.
 */
int err_set(struct err *e, int code, const char *type, const char *fmt, ...) PRINTF(4, 5);
int err_vset(struct err *e, int code, const char *type, const char *fmt, va_list ap) PRINTF(4, 0);
/* Moves from into to (which may be NULL) and leaves from empty. */
void err_move(struct err *to, struct err *from);
