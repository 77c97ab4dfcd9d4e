/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole messages with descriptors along, over sockets of type SOCK_SEQPACKET. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

#define FDPASS_MAX 4 /* descriptors of one message */

/* What came with a message; those that nobody took are closed by fdset_release. */
struct fdset {
	int fd[FDPASS_MAX];
	size_t n;
};
#define FDSET_INIT ((struct fdset){0})
void fdset_release(struct fdset *s);
#define CLEANUP_FDSET CLEANUP(fdset_release)
/* Takes one out; -1 when there are not so many. The caller closes it. */
int fdset_take(struct fdset *s, size_t i);

/* Sends one message with copies of n descriptors. Whether it waits is up to the socket: -EAGAIN. */
int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t n);
/* Receives one message of at most room bytes. Its length; 0 at the end; negative errno, -EMSGSIZE for one that does
 * not fit or brings too many descriptors. What it brings, then too, is close-on-exec and belongs to ret. */
ssize_t fdpass_recv(int sock, void *data, size_t room, struct fdset *ret);

/* An anonymous pipe: nothing that its sender could have the receiver wait for by looking at it or closing it, as a file
 * of the sender's own file system, or a socket that lingers or that others lie in. */
bool fd_is_pipe(int fd);
