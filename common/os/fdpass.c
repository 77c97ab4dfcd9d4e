/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages with descriptors. */
#include "os/fdpass.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "os/io.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
};

void fdset_release(struct fdset *s)
{
	for (size_t i = 0; i < s->n; i++)
		closep(&s->fd[i]);
	s->n = 0;
}

int fdset_take(struct fdset *s, size_t i)
{
	int fd = i < s->n ? s->fd[i] : -1;

	if (i < s->n)
		s->fd[i] = -1;
	return fd;
}

int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t n)
{
	union control control = {0};
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n > FDPASS_MAX)
		return -EINVAL;
	if (n) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		control.align = (struct cmsghdr){ CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * n);
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static void take(const struct cmsghdr *c, struct fdset *ret)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		if (ret->n < FDPASS_MAX)
			ret->fd[ret->n++] = fd;
		else
			close(fd);
	}
}

ssize_t fdpass_recv(int sock, void *data, size_t room, struct fdset *ret)
{
	union control control = {0};
	struct iovec iov = { data, room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof control.bytes };
	ssize_t n;

	*ret = FDSET_INIT;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take(c, ret);
	if (n < 0)
		return -errno;
	return msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EMSGSIZE : n;
}

bool fd_is_pipe(int fd)
{
	char path[40], name[16] = "";

	/* Nobody but the kernel is asked, and a thread may have descriptors of its own. Names of files begin with a
	 * slash. */
	snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
	return readlink(path, name, sizeof name - 1) > 0 && skip_prefix(name, "pipe:[");
}
