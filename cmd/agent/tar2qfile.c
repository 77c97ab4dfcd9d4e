/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tar2qfile: the sending end of qubes.Restore, in a qube (backup-policy-clock 4.2). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/qfile_stream.h"
#include "archive/tar.h"
#include "base/mem.h"
#include "cli/tool.h"
#include "os/io.h"

#define NAME_BYTES_MAX 255

static const struct pos positionals[] = {
	{"ARCHIVE", POS_ONE, COMP_FILE, NULL, "a tar archive"},
	{"PREFIX", POS_ANY, COMP_FILE, NULL, "only files whose names begin with one of these"},
	POS_END,
};

struct sending {
	struct tar_reader tar;
	struct tar_member member; /* the present one */
	struct qfile_stream out;
	struct strv prefixes;
	bool *found;              /* of each prefix, whether a file had it */
	struct strv announced;    /* directories */
};

static void sending_release(struct sending *s)
{
	tar_member_release(&s->member);
	strv_release(&s->prefixes);
	strv_release(&s->announced);
	free(s->found);
}

static bool is_wanted(struct sending *s, const char *name)
{
	bool wanted = !s->prefixes.n;

	for (size_t i = 0; i < s->prefixes.n; i++)
		if (skip_prefix(name, s->prefixes.v[i]))
			wanted = s->found[i] = true;
	return wanted;
}

static bool all_found(const struct sending *s)
{
	for (size_t i = 0; i < s->prefixes.n; i++)
		if (!s->found[i])
			return false;
	return s->prefixes.n > 0;
}

static struct qfile_header header_of(const struct tar_member *m, uint32_t mode, uint64_t size)
{
	return (struct qfile_header){
		.mode = mode, .filelen = size, .atime = (uint32_t)m->mtime, .mtime = (uint32_t)m->mtime};
}

static int announce_directories(struct sending *s)
{
	const struct qfile_header h = header_of(&s->member, S_IFDIR | 0700, 0);
	const char *name = s->member.name;

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		CLEANUP_FREE char *dir = xstrndup(name, (size_t)(slash - name));
		int r = strv_insert(&s->announced, dir) ? qfile_stream_entry(&s->out, dir, &h) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static ssize_t member_read(void *data, void *p, size_t n, struct err *err)
{
	struct sending *s = data;
	uint64_t unused;

	return tar_read(&s->tar, &s->member, &unused, p, n, err);
}

static int send_member(struct sending *s, struct err *err)
{
	const struct tar_member *m = &s->member;
	const struct qfile_header h = header_of(m, S_IFREG | (uint32_t)m->mode, m->size);
	struct source content = {member_read, s};
	int r;

	if (strlen(m->name) > NAME_BYTES_MAX || qfile_check_name(m->name, true))
		return err_set(err, -EBADMSG, "", "%.*s: a name that is not allowed", NAME_BYTES_MAX, m->name);
	r = announce_directories(s);
	if (r == 0)
		r = qfile_stream_entry(&s->out, m->name, &h);
	return r < 0 ? r : qfile_stream_copy(&s->out, &content, m->size, m->name, err);
}

static int send_members(struct sending *s, struct err *err)
{
	int r;

	while ((r = tar_next(&s->tar, &s->member, err)) > 0) {
		if (!tar_member_is_plain(&s->member))
			continue;
		if (is_wanted(s, s->member.name))
			r = send_member(s, err);
		else if (all_found(s))
			return 0;
		if (r < 0)
			return r;
	}
	if (r == 0 && !tar_has_end(&s->tar))
		return err_set(err, -EBADMSG, "", "the end of the archive is missing");
	return r;
}

static int run(struct ctx *c)
{
	const char *path = arg_pos(&c->args, "ARCHIVE");
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct fd_stream file = {fd, path};
	struct source in = source_of_fd(&file);
	CLEANUP(sending_release) struct sending s = {.tar = {.src = &in}};
	CLEANUP_ERR struct err why = ERR_INIT, err = ERR_INIT;
	int to = STDOUT_FILENO, r;

	if (fd < 0)
		return fail(c, "%s: %s", path, strerror(errno));
	arg_poses(&c->args, "PREFIX", &s.prefixes);
	s.found = xcalloc(s.prefixes.n + 1, sizeof *s.found);
	qfile_stream_begin(&s.out, &to, STDIN_FILENO);
	r = send_members(&s, &why);
	r = qfile_stream_end(&s.out, r, &why, &err);
	if (r == 0 || r == -EDQUOT) /* it has what it wants */
		return STATUS_OK;
	return *err.text ? fail(c, "%s", err.text) : STATUS_FAILED;
}

const struct tool tool = {
	.name = "tar2qfile",
	.summary = "Send the files of a tar archive to another qube.",
	.flags = TOOL_NO_DAEMON,
	.pos = positionals,
	.run = run,
};
