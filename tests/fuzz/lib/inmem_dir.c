/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of the daemon in memory: the lock, and the files of volumes. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "lib/inmem.h"
#include "qvmd/tree.h"

static char dir[64];

static bool every_file(void *data, const char *path)
{
	return true;
}

static void remove_dir(void)
{
	CLEANUP_FREE char *lock = xasprintf("%s/lock", dir);
	CLEANUP_FREE char *dom0 = xasprintf("%s/dom0", dir);
	int root = open(dom0, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0) {
		tree_sweep(root, every_file, NULL);
		close(root);
		rmdir(dom0);
	}
	unlink(lock);
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
	return dir;
}
