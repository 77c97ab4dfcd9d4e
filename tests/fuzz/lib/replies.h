/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon for tools that says what the fuzzer wants: calls of common/admin come here (the linker leads them to the
 * __wrap functions of replies.c) and are answered from the input. Files, children and sockets fail.
 */
#pragma once

#include "admin/call.h"

#define REPLY_SEPARATOR '\xff'

/* Replies, each behind a separator but the first: "2..." is a whole reply as it comes over the socket, anything
 * else the body of an OK. When all were given it begins again with the second. Borrowed. */
void replies_set(const char *data, size_t len);
/* What isatty() says from now on. */
void replies_tty(bool tty);
