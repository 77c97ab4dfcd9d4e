/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that a client passes along with its import. */
#include "qvmd/passed.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define XFS 0x58465342
#define ZFS 0x2fc12fc1

/* Reading from anything else may take for ever: a file system may be a program of the client's. */
static bool is_local(int fd)
{
	static const unsigned long kinds[] = {EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC, XFS, TMPFS_MAGIC, ZFS,
					      F2FS_SUPER_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((unsigned long)fs.f_type == kinds[i])
			return true;
	return false;
}

static bool is_usable(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0 && is_local(fd);
}

static void take(const struct cmsghdr *c, int *file)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		if (*file < 0 && is_usable(fd))
			*file = fd;
		else
			close(fd);
	}
}

ssize_t passed_recv(int socket, char *to, size_t room, int *file)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = {to, room};
	struct msghdr msg = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};
	ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);

	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take(c, file);
	return n;
}
