/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qvm-copy, qvm-move: files to another qube, which dom0 asks for; qvm-copy-to-vm, qvm-move-to-vm: to a qube that the
 * line names (backup-policy-clock 7.4).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "archive/qfile_send.h"
#include "base/mem.h"
#include "cli/qrexec.h"
#include "cli/select.h"
#include "os/io.h"
#include "os/spawn.h"

#define SERVICE "qubes.Filecopy"
#define PROGRESS_NS 100000000 /* between two lines of progress */

static const struct opt options[] = {
	{"--with-progress", OPT_FLAG, .help = "show how much is sent; the default on a terminal"},
	{"--without-progress", OPT_FLAG, .help = "do not"},
	{"--ignore-symlinks", OPT_FLAG, .help = "leave symbolic links out"},
	{"--no-ignore-symlinks", OPT_FLAG, .help = "send them; the default"},
	OPT_END,
};

static const struct pos only_files[] = {
	{"FILE", POS_SOME, COMP_FILE, NULL, "file or directory"},
	POS_END,
};

static const struct pos to_vm[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "the qube that gets them"},
	{"FILE", POS_SOME, COMP_FILE, NULL, "file or directory"},
	POS_END,
};

struct copy {
	struct ctx *c;
	const char *dest;
	struct strv paths;
	struct qfile_survey survey;
	uint64_t shown_ns; /* when progress was shown last; 0: never */
};

static uint64_t kib(uint64_t bytes)
{
	return (bytes + 1023) / 1024;
}

static void show(struct copy *p, uint64_t bytes, const char *end)
{
	fprintf(p->c->err, "sent %llu/%llu KB%s", (unsigned long long)kib(bytes),
		(unsigned long long)kib(p->survey.bytes), end);
	fflush(p->c->err);
}

static void on_progress(void *data, uint64_t bytes)
{
	struct copy *p = data;
	uint64_t now = now_ns();

	if (p->shown_ns && now - p->shown_ns < PROGRESS_NS)
		return;
	p->shown_ns = now;
	show(p, bytes, "\r");
}

static void read_paths(struct copy *p)
{
	arg_poses(&p->c->args, "FILE", &p->paths);
	for (size_t i = 0; i < p->paths.n; i++)
		for (size_t n = strlen(p->paths.v[i]); n > 1 && p->paths.v[i][n - 1] == '/';)
			p->paths.v[i][--n] = '\0';
}

/* The service in the target, with a pipe to it and one from it. */
static int call(struct copy *p, struct child *client, int *to, int *from, struct err *err)
{
	const struct qrexec_options options_ = {.filter_err = p->c->err_tty};
	CLEANUP_QREXEC_SERVICE struct qrexec_service service = {{0}};
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_CLOSE int in = -1, out = -1;
	int fds[2], r;

	buf_addstr(&service.name, p->survey.any_name ? SERVICE "+allow-all-names" : SERVICE);
	r = qrexec_start(p->c, p->dest, err);
	if (r == 0)
		r = qrexec_argv(p->c, p->dest, &service, &options_, &argv, err);
	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "", "%s", strerror(errno));
	in = fds[0];
	*to = fds[1];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "", "%s", strerror(errno));
	*from = fds[0];
	out = fds[1];
	r = spawn_fds(client, argv.v, (const int[]){in, out, FD_INHERIT});
	return r < 0 ? err_set(err, r, "", "cannot run %s: %s", argv.v[0], strerror(-r)) : 0;
}

static int copy(struct copy *p)
{
	struct qfile_send_options o = {
		.skip_links = arg_last_is(&p->c->args, "--ignore-symlinks", "--no-ignore-symlinks", false),
		.data = p,
	};
	CLEANUP_CHILD struct child client = CHILD_INIT;
	CLEANUP_CLOSE int to = -1, from = -1;
	CLEANUP_ERR struct err err = ERR_INIT;
	int r;

	if (arg_last_is(&p->c->args, "--with-progress", "--without-progress", p->c->err_tty))
		o.progress = on_progress;
	if (qfile_look(&p->paths, o.skip_links, &p->survey, &err) < 0)
		return fail(p->c, "%s", err.text);
	if (call(p, &client, &to, &from, &err) < 0)
		return qube_error(p->c, &err, p->dest, "admin.vm.Start");
	r = qfile_send(&to, from, &p->paths, &o, &err);
	if (o.progress)
		show(p, r < 0 ? 0 : p->survey.bytes, "\n");
	if (r == 0)
		return STATUS_OK;
	if (*err.text)
		fail(p->c, "%s", err.text);
	/* What is not whole there goes away; and why it was refused the client says on stderr. */
	closep(&from);
	r = child_wait(&client);
	return *err.text ? STATUS_FAILED : fail(p->c, "the other side ended without a result (exit status %d)", r);
}

/* What has arrived goes away here; not so when something was left out. */
static int remove_sources(struct copy *p)
{
	CLEANUP_CHILD struct child rm = CHILD_INIT;
	CLEANUP_STRV struct strv argv = STRV_INIT;
	int r;

	if (p->survey.left_out)
		return fail(p->c, "nothing is removed: links, devices or sockets among it were not sent");
	strv_add(&argv, "rm");
	strv_add(&argv, "-rf");
	strv_add(&argv, "--");
	for (size_t i = 0; i < p->paths.n; i++)
		strv_add(&argv, p->paths.v[i]);
	r = spawn_fds(&rm, argv.v, (const int[]){FD_NULL, FD_INHERIT, FD_INHERIT});
	if (r < 0)
		return fail(p->c, "cannot run rm: %s", strerror(-r));
	return child_wait(&rm) == 0 ? STATUS_OK : STATUS_FAILED;
}

static int run(struct ctx *c)
{
	struct copy p = {.c = c};
	bool named = c->tool->pos == to_vm;
	int status;

	if (!named && qrexec_is_dom0(c))
		return fail(c, "in dom0 the target has to be named: use qvm-copy-to-vm or qvm-move-to-vm");
	if (named && !qrexec_is_dom0(c))
		log_info(c, c->prog, "to name the target here and in the question of dom0 is not needed: "
				     "use qvm-copy or qvm-move");
	p.dest = named ? arg_pos(&c->args, "VMNAME") : "@default";
	read_paths(&p);
	status = copy(&p);
	if (status == STATUS_OK && skip_prefix(c->tool->name, "qvm-move"))
		status = remove_sources(&p);
	strv_release(&p.paths);
	return status;
}

static const struct tool aliases[] = {
	{
		.name = "qvm-move",
		.summary = "Move files to another qube.",
		.flags = TOOL_USAGE_FAILS,
		.opts = options,
		.pos = only_files,
		.run = run,
	},
	{
		.name = "qvm-copy-to-vm",
		.summary = "Copy files to a qube.",
		.flags = TOOL_USAGE_FAILS,
		.opts = options,
		.pos = to_vm,
		.run = run,
	},
	{
		.name = "qvm-move-to-vm",
		.summary = "Move files to a qube.",
		.flags = TOOL_USAGE_FAILS,
		.opts = options,
		.pos = to_vm,
		.run = run,
	},
	{0},
};

const struct tool tool = {
	.name = "qvm-copy",
	.summary = "Copy files to another qube.",
	.flags = TOOL_USAGE_FAILS,
	.opts = options,
	.pos = only_files,
	.run = run,
	.aliases = aliases,
};
