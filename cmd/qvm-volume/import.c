/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-volume import: a volume's data from a file, a device or a pipe (tools-runtime 8.6). */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "cli/volume-data.h"
#include "model/size.h"
#include "os/io.h"

/* The size that --size gives, in the words of the option parser when it is none. */
static int given_size(struct ctx *c, const char *text, uint64_t *ret)
{
	CLEANUP_FREE char *quoted = quote_py(text);

	if (size_parse(text, ret) == 0)
		return STATUS_OK;
	c->args.usage_prog = xasprintf("%s import", c->prog);
	return fail_usage(c, "argument --size: invalid int value: %s", quoted);
}

/* How much there is to read; only files and block devices can tell. */
static int input_size(struct ctx *c, const char *path, int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(c, "%s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
		off_t at = lseek(fd, 0, SEEK_CUR), end = lseek(fd, 0, SEEK_END);

		if (at < 0 || end < at || lseek(fd, at, SEEK_SET) < 0)
			return fail(c, "%s: %s", path, strerror(errno));
		*ret = (uint64_t)(end - at);
		return STATUS_OK;
	}
	if (S_ISDIR(st.st_mode))
		return fail(c, "%s: %s", path, strerror(EISDIR));
	return fail(c, "Failed to get input size, specify it explicitly with --size, or use --no-resize option");
}

static int send_data(struct ctx *c, const struct target *t, const char *path, int fd)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *given = arg_value(&c->args, "--size");
	bool resize = !arg_has(&c->args, "--no-resize");
	uint64_t size = 0;
	int status = STATUS_OK;

	if (resize)
		status = given ? given_size(c, given, &size) : input_size(c, path, fd, &size);
	if (status)
		return status;
	if (volume_import(c, t->qube, t->volume, fd, size, resize, &err) < 0)
		return fail_err(c, &err, t->qube, resize ? "admin.vm.volume.ImportWithSize" : "admin.vm.volume.Import");
	return STATUS_OK;
}

int import_volume(struct ctx *c)
{
	CLEANUP_TARGET struct target t = {.word = arg_pos(&c->args, "VM:VOLUME")};
	CLEANUP_CLOSE int file = -1;
	const char *path = arg_pos(&c->args, "PATH");
	int status = targets_find(c, &t, 1);

	if (status)
		return status;
	if (streq(path, "-"))
		return send_data(c, &t, "standard input", fileno(c->in));
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return fail(c, "%s: %s", path, strerror(errno));
	return send_data(c, &t, path, file);
}
