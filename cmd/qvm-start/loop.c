/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A loop device for an image file, in dom0 or in another qube. */
#include "qvm-start/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "admin/exc.h"
#include "base/mem.h"
#include "cli/qrexec.h"
#include "model/names.h"
#include "os/io.h"
#include "os/spawn.h"

#define ANSWER_MAX 4096
#define APPEAR_TRIES 10

/* True once BACK lists the port. */
static bool is_available(struct ctx *c, const char *backend, const char *port)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	CLEANUP_FREE char *key = xasprintf("%s:", port);
	CLEANUP_STRV struct strv lines = STRV_INIT;

	if (admin_call(&c->admin, &err, backend, "admin.vm.device.block.Available", NULL, NULL, &body, NULL) < 0)
		return false;
	strv_split(&lines, body, '\n');
	for (size_t i = 0; i < lines.n; i++)
		/* 4.2 has no id behind the port */
		if (skip_prefix(lines.v[i], key) ||
		    (strncmp(lines.v[i], port, strlen(port)) == 0 && lines.v[i][strlen(port)] == ' '))
			return true;
	return false;
}

/* Runs argv and takes its stdout without blanks at the end. Negative errno unless it exits with 0. */
static int run_reading(char *const argv[], char **ret)
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_BUF struct buf out = BUF_INIT;
	int r = spawn(&child, argv, SPAWN_STDOUT | SPAWN_NULL_STDIN);

	if (r < 0)
		return r;
	r = read_all(child.out, &out, ANSWER_MAX);
	if (r < 0)
		return r;
	if (child_wait(&child) != 0)
		return -EIO;
	while (out.len && strchr(" \t\r\n", out.data[out.len - 1]))
		out.data[--out.len] = '\0';
	*ret = buf_steal(&out);
	return 0;
}

int loop_setup(struct ctx *c, const struct qube *backend, const char *path, char **ret_port, struct err *err)
{
	CLEANUP_FREE char *device = NULL;
	const char *name;
	int r;

	if (c->admin.endpoint.kind == ENDPOINT_QREXEC)
		return err_set(err, -ENOTSUP, "",
			       "Existing block device identifier needed when running from outside of dom0 "
			       "(see qvm-block)");
	if (streq(backend->class, "AdminVM")) {
		r = run_reading((char *[]){"sudo", "losetup", "-f", "--show", (char *)path, NULL}, &device);
	} else {
		CLEANUP_STRV struct strv argv = STRV_INIT;

		r = qrexec_root_argv(c, backend->name, (const char *[]){"losetup", "-f", "--show", path, NULL}, &argv,
				     err);
		if (r < 0)
			return r;
		r = run_reading(argv.v, &device);
		if (r == 0 && !chars_all(device, "a-z0-9/"))
			return err_set(err, -EBADMSG, "", "Invalid loop device name received from %s",
				       backend->name);
	}
	name = r < 0 ? NULL : skip_prefix(device, "/dev/");
	if (!name || !skip_prefix(name, "loop"))
		return err_set(err, -EIO, "", "Failed to setup loop device for %s", path);
	*ret_port = xstrndup(name, strcspn(name, "/"));
	for (int i = 0; i < APPEAR_TRIES; i++) {
		if (i)
			poll(NULL, 0, 1000);
		if (is_available(c, backend->name, *ret_port))
			return 0;
	}
	err_set(err, -ETIMEDOUT, "", "Timeout waiting for %s:%s device to appear", backend->name, *ret_port);
	free(STEAL(*ret_port));
	return -ETIMEDOUT;
}
