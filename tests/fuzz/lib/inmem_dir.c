/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of the daemon in memory: the lock, the files of volumes, backup profiles. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "lib/inmem.h"
#include "os/io.h"
#include "qvmd/tree.h"

static char dir[64];

/* Backup profiles: one of everything, to look at; one of nothing, to be made. */
static const struct {
	const char *name, *text;
} profiles[] = {
	{ "i.conf", "{include: null, destination_vm: dom0, destination_path: /x}" },
	{ "p.conf", "{include: [], destination_vm: dom0, destination_path: /dev/null, compression: no,"
		    " passphrase_text: p}" },
};

static bool every_file(void *data, const char *path)
{
	return true;
}

static char *below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make_profiles(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		CLEANUP_FREE char *path = below(profiles[i].name);
		CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0 || write_all(fd, profiles[i].text, strlen(profiles[i].text)) < 0)
			abort();
	}
}

static void remove_volumes(void)
{
	CLEANUP_FREE char *dom0 = below("dom0");
	CLEANUP_CLOSE int root = open(dom0, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0)
		tree_sweep(root, every_file, NULL);
}

static void remove_dir(void)
{
	static const char *const names[] = { "i.conf", "p.conf", "home/dom0", "home", "dom0", "lock" };

	remove_volumes();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP_FREE char *path = below(names[i]);

		if (unlink(path) < 0)
			rmdir(path);
	}
	rmdir(dir);
}

const char *inmem_dir(void)
{
	if (dir[0])
		return dir;
	snprintf(dir, sizeof dir, "%s/qvmd-fuzz.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_dir);
	make_profiles();
	return dir;
}
