/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon for tools that says what the fuzzer wants: each connection (the linker leads sock_connect to replies.c) is
 * a socket on which the next reply of the input lies ready. Files, children and terminals are not there, and time
 * only moves when it is asked for or slept away.
 */
#pragma once

#include "base/attr.h"

#define REPLY_SEPARATOR '\xff'

/* Replies, each behind a separator but the first: "2..." and "1..." are whole replies as they come over the socket
 * (exceptions, events), anything else the body of an OK. When all were given it begins again with the second.
 * Borrowed. */
void replies_set(const char *data, size_t len);
/* Closes the sockets of this run. */
void replies_end(void);
/* What isatty() says from now on. */
void replies_tty(bool tty);
