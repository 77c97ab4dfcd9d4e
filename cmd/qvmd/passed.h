/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that a client on this machine passes along with its import, so that its bytes need not be sent. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

/*
 * As recv() that waits for all, but a descriptor that comes along goes to *file (-1, or taken already) when it can
 * stand for the data: a regular file of a file system of this machine, readable, at its beginning. Others are closed.
 * May return before all has come.
 */
ssize_t passed_recv(int socket, char *to, size_t room, int *file);
