/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qvm-open-in-vm, qvm-open-in-dvm: a file or a URL is opened in another qube, or in a new disposable; what is changed
 * there comes back (backup-policy-clock 7.4, vm-interface 8.2).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/qrexec.h"
#include "cli/select.h"
#include "os/io.h"
#include "os/spawn.h"

#define NAME_FIELD 256
#define VIEW_ONLY "view-only-"
#define PIECE (64u << 10)
#define NAMES_TRIED 100

static const struct opt options[] = {
	{"--view-only", OPT_FLAG, .help = "what is changed there does not come back"},
	OPT_END,
};

static const struct pos in_vm[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "the qube that opens it"},
	{"FILE", POS_ONE, COMP_FILE, NULL, "file or URL"},
	POS_END,
};

static const struct pos in_dvm[] = {
	{"FILE", POS_ONE, COMP_FILE, NULL, "file or URL"},
	POS_END,
};

struct open {
	struct ctx *c;
	const char *dest;
	const char *what;
	bool view_only;
	struct child client;
};

/* ---- the other side ---- */

/* The service there, with a pipe to it; out is where its output goes. */
static int call(struct open *o, const char *service_name, int out)
{
	const struct qrexec_options none = {.filter_err = o->c->err_tty};
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_CLOSE int in = -1;
	int fds[2], r = qrexec_start(o->c, o->dest, &err);

	buf_addstr(&service.name, service_name);
	if (r == 0)
		r = qrexec_argv(o->c, o->dest, &service, &none, &argv, &err);
	if (r < 0)
		return qube_error(o->c, &err, o->dest, "admin.vm.Start");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(o->c, "%s", strerror(errno));
	in = fds[0];
	r = spawn_fds(&o->client, argv.v, (const int[]){in, out, FD_INHERIT});
	o->client.in = fds[1];
	return r < 0 ? fail(o->c, "cannot run %s: %s", argv.v[0], strerror(-r)) : STATUS_OK;
}

/* The end of it; what the client had to say stands on stderr. */
static int finish(struct open *o)
{
	int status;

	closep(&o->client.in);
	status = child_wait(&o->client);
	return status == 0 ? STATUS_OK : fail(o->c, "%s could not be opened (exit status %d)", o->what, status);
}

static int open_url(struct open *o)
{
	CLEANUP_FREE char *line = xasprintf("%s\n", o->what);
	int status = call(o, "qubes.OpenURL", FD_NULL);

	if (status != STATUS_OK)
		return status;
	write_all(o->client.in, line, strlen(line));
	return finish(o);
}

/* ---- a file ---- */

/* The last component; of a long one its tail, where the suffix is. */
static void put_name(const struct open *o, char field[NAME_FIELD])
{
	const char *slash = strrchr(o->what, '/'), *name = slash ? slash + 1 : o->what;
	const char *prefix = o->view_only ? VIEW_ONLY : "";
	size_t room = NAME_FIELD - 1 - strlen(prefix), n = strlen(name);

	memset(field, 0, NAME_FIELD);
	memcpy(field, prefix, strlen(prefix));
	if (n > room)
		name += n - room;
	memcpy(field + strlen(prefix), name, n > room ? room : n);
}

static int copy(int from, int to)
{
	CLEANUP_FREE char *piece = xmalloc(PIECE);

	for (;;) {
		ssize_t n = read(from, piece, PIECE);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = write_all(to, piece, (size_t)n);
		if (r < 0)
			return r;
	}
}

static int send_file(struct open *o, int fd)
{
	char field[NAME_FIELD];
	int r;

	put_name(o, field);
	r = write_all(o->client.in, field, sizeof field);
	if (r == 0)
		r = copy(fd, o->client.in);
	/* Who does not want all of it has had enough. */
	if (r < 0 && r != -EPIPE)
		fail(o->c, "%s: %s", o->what, strerror(-r));
	return finish(o) == STATUS_OK && (r == 0 || r == -EPIPE) ? STATUS_OK : STATUS_FAILED;
}

/*
 * A new file beside the old one, or where there is a place for it. Where that is possible it has no name before it is
 * whole, and is gone with us if we are ended: *ret is NULL then, else its path, the caller's.
 */
static int make_new(const char *path, char **ret)
{
	const char *tmp = getenv("TMPDIR"), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	CLEANUP_FREE char *dir = xasprintf("%.*s.", (int)(name - path), path);
	int fd = -1;

	*ret = NULL;
	/* There has to be room for a name in the end. */
	if (strlen(name) + strlen(".XXXXXX") <= NAME_MAX)
		fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	*ret = xasprintf("%s.XXXXXX", path);
	fd = mkostemp(*ret, O_CLOEXEC);
	if (fd >= 0)
		return fd;
	free(*ret);
	*ret = xasprintf("%s/file_edited_in_dvm.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkostemp(*ret, O_CLOEXEC);
}

/* A name of its own beside the old file, for a moment: no file can be linked over another. */
static int give_name(int fd, const char *path, char **ret)
{
	CLEANUP_FREE char *proc = xasprintf("/proc/self/fd/%d", fd);

	for (int i = 0; i < NAMES_TRIED; i++) {
		free(*ret);
		*ret = xasprintf("%s.%06x", path, arc4random_uniform(1u << 24));
		if (linkat(AT_FDCWD, proc, AT_FDCWD, *ret, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* Whatever came, whole, takes the place of the file. *new is NULL while it has no name. */
static int replace(struct open *o, const char *path, char **new, int fd, mode_t mode)
{
	if (fchmod(fd, mode & 07777) < 0 || fsync(fd) < 0)
		return fail(o->c, "%s: %s", *new ? *new : path, strerror(errno));
	if (!*new && give_name(fd, path, new) < 0)
		return fail(o->c, "%s: %s", *new, strerror(errno));
	if (rename(*new, path) == 0)
		return STATUS_OK;
	return fail(o->c, "%s cannot be replaced (%s): what came back is in %s", path, strerror(errno), *new);
}

static int view(struct open *o, int fd)
{
	int status = call(o, "qubes.OpenInVM", FD_NULL);

	return status == STATUS_OK ? send_file(o, fd) : status;
}

/* The service writes to the new file itself; when it has written nothing, nothing was changed. */
static int edit(struct open *o, int fd, mode_t mode)
{
	CLEANUP_FREE char *path = realpath(o->what, NULL), *new = NULL;
	CLEANUP_CLOSE int to = make_new(path ? path : o->what, &new);
	struct stat st;
	int status;

	if (to < 0)
		return fail(o->c, "%s: %s", new, strerror(errno));
	status = call(o, "qubes.OpenInVM", to);
	if (status == STATUS_OK)
		status = send_file(o, fd);
	if (status == STATUS_OK && fstat(to, &st) == 0 && st.st_size > 0)
		return replace(o, path ? path : o->what, &new, to, mode);
	if (new)
		unlink(new);
	return status;
}

/* ---- the line ---- */

static bool is_url(const char *s)
{
	const char *colon = strchr(s, ':');

	if (!colon || !skip_prefix(colon, "://") || !chars_all((char[]){s[0], '\0'}, "A-Za-z") || colon == s)
		return false;
	CLEANUP_FREE char *scheme = xstrndup(s, (size_t)(colon - s));

	return chars_all(scheme, "A-Za-z0-9+");
}

static int no_file(struct ctx *c, const char *what, const char *problem)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	say(c, "Error! \"%s\" is %s.", what, problem);
	help_usage(&b, c->args.grammar, NULL, c->prog, terminal_width(c->err));
	fputs(buf_str(&b), c->err);
	return STATUS_USAGE;
}

static int run(struct ctx *c)
{
	struct open o = {
		.c = c,
		.what = arg_pos(&c->args, "FILE"),
		.view_only = arg_has(&c->args, "--view-only"),
		.client = CHILD_INIT,
	};
	bool named = c->tool->pos == in_vm;
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	int status;

	if (!named && qrexec_is_dom0(c))
		return fail(c, "there is no disposable of dom0: use qvm-run --dispvm, or qvm-open-in-vm");
	o.dest = named ? arg_pos(&c->args, "VMNAME") : "@dispvm";
	signal(SIGPIPE, SIG_IGN);
	if (is_url(o.what)) {
		status = open_url(&o);
	} else {
		fd = open(o.what, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			return no_file(c, o.what, "not a valid file or URL");
		if (S_ISDIR(st.st_mode))
			return no_file(c, o.what, "a directory");
		status = o.view_only ? view(&o, fd) : edit(&o, fd, st.st_mode);
	}
	child_release(&o.client);
	return status;
}

static const struct tool aliases[] = {
	{
		.name = "qvm-open-in-dvm",
		.summary = "Open a file or a URL in a new disposable.",
		.opts = options,
		.pos = in_dvm,
		.run = run,
	},
	{0},
};

const struct tool tool = {
	.name = "qvm-open-in-vm",
	.summary = "Open a file or a URL in another qube.",
	.opts = options,
	.pos = in_vm,
	.run = run,
	.aliases = aliases,
};
