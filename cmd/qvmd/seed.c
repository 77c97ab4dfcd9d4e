/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The empty system that a new store begins with (admin-api 10.1-10.3). */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/io.h"
#include "qvmd/store.h"

static const struct {
	const char *name, *color;
} labels[] = {
	{"red", "0xcc0000"}, {"orange", "0xf57900"}, {"yellow", "0xedd400"}, {"green", "0x73d216"},
	{"gray", "0x555555"}, {"blue", "0x3465a4"}, {"purple", "0x75507b"}, {"black", "0x000000"},
};

/* Tries whether files below dir can share their blocks. */
static bool can_reflink(const char *dir)
{
	CLEANUP_CLOSE int a = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP_CLOSE int b = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return a >= 0 && b >= 0 && write_all(a, "x", 1) == 0 && ioctl(b, FICLONE, a) == 0;
}

static void seed_pool(struct sys *s, const char *name, const char *driver, const char *const *config)
{
	struct kvs k = {0};

	for (size_t i = 0; config[i]; i += 2)
		kvs_put(&k, config[i], config[i + 1], true);
	pool_put(s, name, driver, &k);
	kvs_release(&k);
}

void sys_seed(struct sys *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		label_put(s, (int64_t)i + 1, labels[i].name, labels[i].color);
	seed_pool(s, "varlibqubes", can_reflink(s->opt.state_dir) ? "file-reflink" : "file",
		  (const char *const[]){ "dir_path", "/var/lib/qubes", "revisions_to_keep", "1",
					 "ephemeral_volatile", "False", NULL });
	seed_pool(s, "linux-kernel", "linux-kernel",
		  (const char *const[]){ "dir_path", "/var/lib/qubes/vm-kernels", NULL });
	global_put(s, "default_pool_kernel", "linux-kernel");
	vm_add_dom0(s);
}
