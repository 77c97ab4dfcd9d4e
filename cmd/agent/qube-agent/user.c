/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users of a sandbox. It has one number of the host's only. Within it that is root; another user is the same number
 * seen from a further user namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/io.h"
#include "qube-agent/agent.h"

#define USER_ID 1000

bool user_exists(const struct services *s, const char *user)
{
	return streq(user, "root") || streq(user, s->default_user) || streq(user, "user");
}

const char *user_home(const char *user)
{
	return streq(user, "root") ? "/root" : "/home/user";
}

/* ---- /etc ---- */

static int write_file(const char *path, const char *text)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}

void user_write_etc(const char *default_user)
{
	CLEANUP_BUF struct buf passwd = BUF_INIT;
	CLEANUP_FREE char *hosts = NULL, *name = NULL;
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	buf_addstr(&passwd, "root:x:0:0:root:/root:/bin/bash\n");
	if (!streq(default_user, "root"))
		buf_addf(&passwd, "%s:x:%d:%d::/home/user:/bin/bash\n", default_user, USER_ID, USER_ID);
	if (!streq(default_user, "user"))
		buf_addf(&passwd, "user:x:%d:%d::/home/user:/bin/bash\n", USER_ID, USER_ID);
	hosts = xasprintf("127.0.0.1 localhost %s\n", host);
	name = xasprintf("%s\n", host);
	write_file("/etc/passwd", buf_str(&passwd));
	write_file("/etc/group", "root:x:0:\nuser:x:1000:\n");
	write_file("/etc/hosts", hosts);
	write_file("/etc/hostname", name);
}

/* ---- becoming one ---- */

#define PROCESSES 512
#define FILES 4096

static void limit(int resource, uint64_t n)
{
	setrlimit(resource, &(struct rlimit){ n, n });
}

void user_limit(uint64_t memory)
{
	limit(RLIMIT_NPROC, PROCESSES);
	limit(RLIMIT_NOFILE, FILES);
	limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose programs take more address space than there is memory */
	limit(RLIMIT_DATA, memory << 20);
#endif
}

static int drop_privileges(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* Until the first number that is none. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
		return -EPERM;
	return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

static int enter_namespace(void)
{
	CLEANUP_FREE char *map = xasprintf("%d 0 1\n", USER_ID);
	int r;

	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_file("/proc/self/gid_map", map);
	if (r == 0)
		r = write_file("/proc/self/uid_map", map);
	return r < 0 ? r : prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ? -errno : 0;
}

int user_become(const char *user)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Who enters a namespace has no privileges outside of it; and to show root there as another, it takes one. */
	return streq(user, "root") ? drop_privileges() : enter_namespace();
}
