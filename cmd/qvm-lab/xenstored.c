/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and starting xenstored. */
#include "qvm-lab/xenstored.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "base/mem.h"
#include "os/io.h"

#define STANDIN "xen-standin.so"
#define READY_MS 10000
#define WHY_MAX 160

/* What is called xenstored may be a script that asks for a hypervisor first. */
static bool is_program(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4];

	return fd >= 0 && access(path, X_OK) == 0 && read(fd, magic, sizeof magic) == sizeof magic &&
	       memcmp(magic, "\177ELF", sizeof magic) == 0;
}

/* The caller frees; NULL: none of them is one. */
static char *newest(const glob_t *g)
{
	const char *found = NULL;

	for (size_t i = 0; i < g->gl_pathc; i++)
		if (is_program(g->gl_pathv[i]) && (!found || strverscmp(g->gl_pathv[i], found) > 0))
			found = g->gl_pathv[i];
	return found ? xstrdup(found) : NULL;
}

char *xenstored_find(void)
{
	static const char *const patterns[] = {
		"/usr/lib/xen-*/bin/xenstored", "/usr/lib/xen/bin/xenstored", "/usr/libexec/xen/bin/xenstored",
		"/usr/sbin/xenstored", "/usr/local/sbin/xenstored", "/usr/local/lib/xen/bin/xenstored",
	};
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(patterns) && !found; i++) {
		glob_t g;

		if (glob(patterns[i], 0, NULL, &g) == 0)
			found = newest(&g);
		globfree(&g);
	}
	return found;
}

/* Waits for its process number, which it prints once it serves. */
static int await_ready(const struct child *c)
{
	struct pollfd p = { .fd = c->out, .events = POLLIN };
	char number[16];
	int r = poll(&p, 1, READY_MS);

	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	return read(c->out, number, sizeof number) > 0 ? 0 : -ECHILD;
}

/* The first line of what it says; it has ended. */
static char *last_words(const struct child *c)
{
	CLEANUP_BUF struct buf safe = BUF_INIT;
	char text[WHY_MAX];
	ssize_t n = read(c->err, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!text[0])
		return xstrdup("it has ended");
	term_escape(&safe, text, strlen(text), false);
	return buf_steal(&safe);
}

int xenstored_start(const char *program, const char *dir, struct child *ret, char **ret_why)
{
	CLEANUP_FREE char *standin = program_lib(STANDIN), *socket = xasprintf("%s/socket", dir);
	const char *const argv[] = { program, "--no-fork", "--output-pid", NULL };
	int r;

	if (access(standin, R_OK) < 0) {
		*ret_why = xstrdup(STANDIN " is not there");
		return -ENOENT;
	}
	if (mkdir(dir, 0700) < 0) {
		*ret_why = xstrdup(strerror(errno));
		return -errno;
	}
	setenv("XENSTORED_RUNDIR", dir, 1);
	setenv("XENSTORED_PATH", socket, 1);
	setenv("LD_PRELOAD", standin, 1);
	r = spawn(ret, (char *const *)argv, SPAWN_NULL_STDIN | SPAWN_STDOUT | SPAWN_STDERR);
	unsetenv("LD_PRELOAD");
	if (r == 0)
		r = await_ready(ret);
	if (r < 0)
		*ret_why = r == -ECHILD ? last_words(ret) : xstrdup(strerror(-r));
	/* It needs nobody who listens. */
	closep(&ret->out);
	closep(&ret->err);
	if (r < 0)
		child_release(ret);
	return r;
}
