/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qfile-unpacker: the receiving end of qubes.Filecopy, in a qube (backup-policy-clock 7.3). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "archive/qfile_receive.h"
#include "base/num.h"
#include "cli/tool.h"
#include "os/io.h"

static const struct opt options[] = {
	{"--allow-all-names", OPT_FLAG, .help = "take names that cannot be shown too"},
	{"--no-allow-all-names", OPT_FLAG, .help = "refuse them; the default"},
	{"--allow-unsafe-symlinks", OPT_FLAG, .help = "take links that lead anywhere"},
	{"--no-allow-unsafe-symlinks", OPT_FLAG, .help = "refuse them; the default"},
	{"--only-regular-files", OPT_FLAG, .help = "take neither directories nor links"},
	{"--wait-for-space/-w", OPT_VALUE, 0, "BYTES", "before each file wait until so much is free behind it", NULL,
	 COMP_NONE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"DIRECTORY", POS_ONE, COMP_FILE, NULL, "where the files go; it exists"},
	POS_END,
};

static void show(void *data, const char *name)
{
	say(data, "%s", name);
}

/* A limit of the environment, as downloads for dom0 set it; 0: none. */
static int read_limit(struct ctx *c, const char *name, uint64_t *ret)
{
	const char *value = getenv(name);

	if (value && *value && num_u64(value, ret) < 0)
		return fail(c, "%s is not a number", name);
	return STATUS_OK;
}

static int read_options(struct ctx *c, struct qfile_receive_options *o)
{
	const char *space = arg_value(&c->args, "--wait-for-space");

	*o = (struct qfile_receive_options){
		.any_name = arg_last_is(&c->args, "--allow-all-names", "--no-allow-all-names", false),
		.unsafe_links = arg_last_is(&c->args, "--allow-unsafe-symlinks", "--no-allow-unsafe-symlinks",
					    false),
		.only_files = arg_has(&c->args, "--only-regular-files"),
		.finished = c->verbosity > 1 ? show : NULL,
		.data = c,
	};
	if (space && num_u64(space, &o->keep_free) < 0)
		return fail_usage(c, "argument --wait-for-space/-w: invalid int value: '%s'", space);
	if (read_limit(c, "UPDATES_MAX_BYTES", &o->max_bytes))
		return STATUS_FAILED;
	return read_limit(c, "UPDATES_MAX_FILES", &o->max_files);
}

static int run(struct ctx *c)
{
	struct fd_stream stream = {STDIN_FILENO, "the stream"};
	struct source in = source_of_fd(&stream);
	struct qfile_receive_options o;
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_CLOSE int dir = -1;
	struct qfile_result result;
	int status = read_options(c, &o);

	if (status)
		return status;
	dir = open(arg_pos(&c->args, "DIRECTORY"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(c, "%s: %s", arg_pos(&c->args, "DIRECTORY"), strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	qfile_receive(&in, dir, &o, &result);
	qfile_result_encode(&b, &result);
	write_all(STDOUT_FILENO, b.data, b.len);
	buf_release(&result.name);
	status = (int)(result.code & 0xff);
	return result.code && !status ? STATUS_FAILED : status;
}

const struct tool tool = {
	.name = "qfile-unpacker",
	.summary = "Unpack files that another qube sends.",
	.flags = TOOL_NO_DAEMON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
