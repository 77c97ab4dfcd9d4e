/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts the sandbox of one qube: bubblewrap, with the agent as its first process, which talks to the daemon over
 * descriptor 3. It lives for as long as this process, and does not outlive the parent. With a MEMORY of 0 it is only
 * tried whether it can begin.
 *
 * A daemon that is root must not run a qube with the host's number 0: whatever lets a mount be written to again would
 * open the host to it. So each qube gets a number of its own that nobody else has. What that number could not reach is
 * mounted where it can, in a mount namespace of this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "os/io.h"

#define FIRST_ID 0x70000000u /* of the host's numbers: far from users, services and containers */
#define TMP_SIZE "67108864"
#define PREFIX "/opt/qvm" /* where a qube sees the tools, as an installation has them */

/* What the sandbox sees of the host beside /usr. */
enum part { PART_DISK, PART_BIN, PART_LIB, PART_RPC, PART_CONFIG, PART_QUBE_BIN, PART_COUNT };

struct sandbox {
	const char *name, *user, *memory;
	unsigned id;
	char *path[PART_COUNT];
};

static int fail(const char *what)
{
	fprintf(stderr, "qube-sandbox: %s: %s\n", what, strerror(errno));
	return -1;
}

/* ---- a place that the number of the qube reaches ---- */

static int mount_part(const char *from, const char *to)
{
	struct stat st;
	CLEANUP_CLOSE int fd = -1;

	if (stat(from, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return mkdir(to, 0755) < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0 ? -1 : 0;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0 ? -1 : 0;
}

/* Mounts all parts below a new /run. They are opened before, for that may hide them. */
static int mount_parts(struct sandbox *sb)
{
	int fds[PART_COUNT];

	for (int i = 0; i < PART_COUNT; i++) {
		fds[i] = open(sb->path[i], O_PATH | O_CLOEXEC);
		if (fds[i] < 0)
			return fail(sb->path[i]);
	}
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, "mode=755") < 0)
		return fail("cannot mount");
	for (int i = 0; i < PART_COUNT; i++) {
		CLEANUP_FREE char *from = xasprintf("/proc/self/fd/%d", fds[i]);
		char *to = xasprintf("/run/part%d", i);

		if (mount_part(from, to) < 0)
			return fail(sb->path[i]);
		free(sb->path[i]);
		sb->path[i] = to;
		close(fds[i]);
	}
	return 0;
}

static int leave_root(struct sandbox *sb)
{
	uid_t id = FIRST_ID + sb->id;

	if (unshare(CLONE_NEWNS) < 0)
		return fail("cannot have a mount namespace");
	umask(0022);
	if (mount_parts(sb) < 0)
		return -1;
	if (chown(sb->path[PART_DISK], id, id) < 0)
		return fail("cannot give the disk away");
	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return fail("cannot become another user");
	return 0;
}

/* ---- bubblewrap ---- */

static void add(struct strv *argv, const char *const *words)
{
	for (; *words; words++)
		strv_add(argv, *words);
}

static void add3(struct strv *argv, const char *option, const char *from, const char *to)
{
	add(argv, (const char *const[]){ option, from, to, NULL });
}

/* The places where programs are looked for lead into /usr, as on the host. */
static void add_links(struct strv *argv)
{
	static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP_FREE char *path = xasprintf("/%s", names[i]), *to = xasprintf("usr/%s", names[i]);
		struct stat st;

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISLNK(st.st_mode))
			add3(argv, "--symlink", to, path);
		else
			add3(argv, "--ro-bind", path, path);
	}
}

static void command_line(const struct sandbox *sb, struct strv *argv)
{
	static const char *const begin[] = {
		"bwrap", "--unshare-all", "--unshare-user", "--as-pid-1", "--die-with-parent",
		"--uid", "0", "--gid", "0", "--cap-add", "ALL", "--clearenv", "--setenv", "PATH",
		"/usr/bin:/bin:/usr/sbin:/sbin",
		"--setenv", "LC_ALL", "C.UTF-8", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev",
		"--dev-bind", "/dev/fuse", "/dev/fuse", "--size", TMP_SIZE, "--tmpfs", "/tmp",
		"--size", TMP_SIZE, "--tmpfs", "/run", "--dir", "/rw", "--dir", "/home/user", "--dir", "/root",
		"--dir", "/var/tmp", "--symlink", "../run", "/var/run", "--chdir", "/", "--hostname", NULL
	};
	static const char *const some_etc[] = { "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",
						"/etc/ld.so.conf.d" };
	static const char *const places[PART_COUNT] = {
		[PART_DISK] = "/dev/xvdb", [PART_BIN] = PREFIX "/bin", [PART_LIB] = PREFIX "/lib/qvm-tools",
		[PART_RPC] = "/etc/qubes-rpc", [PART_CONFIG] = "/etc/qubes/rpc-config",
		[PART_QUBE_BIN] = PREFIX "/qube-bin",
	};

	add(argv, begin);
	strv_add(argv, sb->name);
	add_links(argv);
	for (size_t i = 0; i < ARRAY_SIZE(some_etc); i++)
		add3(argv, "--ro-bind-try", some_etc[i], some_etc[i]);
	for (int i = 0; i < PART_COUNT; i++)
		add3(argv, i == PART_DISK ? "--bind" : "--ro-bind", sb->path[i], places[i]);
	add(argv, (const char *const[]){ PREFIX "/lib/qvm-tools/qube-agent", sb->user, sb->memory, NULL });
}

/* ---- */

/* The directories of the tools, from where this program is. */
static int find_parts(struct sandbox *sb, const char *disk)
{
	CLEANUP_FREE char *self = program_path();
	char *lib = self ? strrchr(self, '/') : NULL;

	if (!lib)
		return fail("cannot tell where this program is");
	*lib = '\0';
	sb->path[PART_DISK] = xstrdup(disk);
	sb->path[PART_LIB] = xstrdup(self);
	sb->path[PART_BIN] = xasprintf("%s/../../bin", self);
	sb->path[PART_RPC] = xasprintf("%s/qubes-rpc", self);
	sb->path[PART_CONFIG] = xasprintf("%s/rpc-config", self);
	sb->path[PART_QUBE_BIN] = xasprintf("%s/qube-bin", self);
	return 0;
}

int main(int argc, char *argv[])
{
	CLEANUP_STRV struct strv line = STRV_INIT;
	struct sandbox sb = {0};
	uint64_t id;
	int r;

	if (argc != 6 || num_u64(argv[5], &id) < 0 || id > 0xffff) {
		fputs("usage: qube-sandbox NAME USER DISK MEMORY ID\n", stderr);
		return 2;
	}
	sb = (struct sandbox){ .name = argv[1], .user = argv[2], .memory = argv[4], .id = (unsigned)id };
	r = find_parts(&sb, argv[3]);
	if (r == 0 && geteuid() == 0)
		r = leave_root(&sb);
	if (r == 0) {
		command_line(&sb, &line);
		execvp("bwrap", line.v);
		fail("cannot run bwrap");
	}
	for (int i = 0; i < PART_COUNT; i++)
		free(sb.path[i]);
	return 1;
}
