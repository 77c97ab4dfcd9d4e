/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets; of type SOCK_STREAM where none is named. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

/* A connected, close-on-exec socket; nonblocking when asked. Negative errno on failure. */
int sock_connect(const char *path, bool nonblock);
/* The same, blocking, of another type. */
int sock_connect_type(const char *path, int type);
/* Blocking, but a server whose queue is full is waited for no longer than timeout_ns: -ETIMEDOUT. */
int sock_connect_within(const char *path, uint64_t timeout_ns);
/* A listening socket at path with the given mode. -EADDRINUSE when something is there. */
int sock_listen(const char *path, mode_t mode);
int sock_listen_type(const char *path, mode_t mode, int type);
/* The same, but a socket file that nobody answers at, as a killed daemon leaves it behind, is replaced. */
int sock_listen_again(const char *path, mode_t mode, int type);
