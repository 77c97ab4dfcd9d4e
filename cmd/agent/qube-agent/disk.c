/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The private volume, served by fuse2fs within the sandbox. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "os/spawn.h"
#include "qube-agent/agent.h"

#define REPAIRED 1 /* the highest status of e2fsck that is no trouble */

static int program(const char *const argv[])
{
	struct child c = CHILD_INIT;
	int r = spawn(&c, (char *const *)argv, SPAWN_NULL_STDIN);

	return r < 0 ? r : child_wait(&c);
}

/* A qube that was killed has not unmounted. */
static int check(void)
{
	const char *const careful[] = { "e2fsck", "-p", AGENT_DISK, NULL };
	const char *const thorough[] = { "e2fsck", "-fy", AGENT_DISK, NULL };
	int r = program(careful);

	return r < 0 || r <= REPAIRED ? r : program(thorough);
}

/* Makes the file system as large as the volume, when that has grown. */
static int grow(void)
{
	const char *const argv[] = { "/usr/sbin/resize2fs", AGENT_DISK, NULL };
	const char *const thorough[] = { "e2fsck", "-fy", AGENT_DISK, NULL };
	int r = program(argv);

	/* It wants to be sure of a file system that it changes. */
	if (r > 0 && program(thorough) <= REPAIRED)
		r = program(argv);
	return r > 0 ? -EIO : r;
}

/* In our own user namespace, with privileges, which no service has. */
static bool is_privileged(const char *pid)
{
	CLEANUP_FREE char *ns = xasprintf("/proc/%s/ns/user", pid), *status = xasprintf("/proc/%s/status", pid);
	CLEANUP_BUF struct buf text = BUF_INIT;
	char own[64] = "", its[64] = "";
	const char *caps;

	if (readlink("/proc/self/ns/user", own, sizeof own - 1) < 0 || readlink(ns, its, sizeof its - 1) < 0 ||
	    !streq(own, its) || read_file(status, &text, 65536) < 0)
		return false;
	caps = strstr(buf_str(&text), "\nCapEff:\t");
	return caps && strspn(caps + strlen("\nCapEff:\t"), "0") < 16;
}

/* The process that serves the volume: the one beside this one that is no service's. */
static pid_t find_server(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	uint64_t pid, found = 0;

	while (dir && (e = readdir(dir)))
		if (num_u64(e->d_name, &pid) == 0 && pid > 1 && is_privileged(e->d_name))
			found = pid;
	if (dir)
		closedir(dir);
	return (pid_t)found;
}

/* Users have no numbers of their own here: all files belong to the one that there is. */
static int mount_volume(void)
{
	const char *const argv[] = { "fuse2fs", "-o", "fakeroot,uid=0,gid=0,auto_cache", AGENT_DISK, "/rw", NULL };
	int status = program(argv);

	return status == 0 ? 0 : status < 0 ? status : -EIO;
}

static int mount_home(void)
{
	if (mkdir("/rw/home", 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mkdir("/rw/home/user", 0700) < 0 && errno != EEXIST)
		return -errno;
	return mount("/rw/home", "/home", NULL, MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0 ? -errno : 0;
}

int disk_mount(pid_t *ret_server)
{
	int r = check();

	if (r >= 0 && grow() < 0)
		fputs("qube-agent: the file system of the private volume does not grow\n", stderr);
	if (r >= 0)
		r = mount_volume();
	*ret_server = find_server();
	if (r == 0)
		r = mount_home();
	if (r < 0)
		fprintf(stderr, "qube-agent: the private volume cannot be mounted: %s\n", strerror(-r));
	return r;
}

void disk_unmount(pid_t server)
{
	umount2("/home", MNT_DETACH);
	if (umount2("/rw", 0) < 0)
		umount2("/rw", MNT_DETACH);
	while (server > 0 && waitpid(server, NULL, 0) < 0 && errno == EINTR)
		;
}

int disk_grow(pid_t *server)
{
	int r;

	if (umount2("/home", 0) < 0)
		return -errno;
	if (umount2("/rw", 0) < 0) {
		r = -errno;
		mount_home();
		return r;
	}
	disk_unmount(*server);
	return disk_mount(server);
}
