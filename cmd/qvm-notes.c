/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-notes: shows, edits and replaces the notes of a qube (tools-config 8). */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "admin/exc.h"
#include "base/escape.h"
#include "base/mem.h"
#include "cli/perqube.h"
#include "os/io.h"
#include "os/spawn.h"

#define GET "admin.vm.notes.Get"
#define SET "admin.vm.notes.Set"
#define FILE_MAX_BYTES ((size_t)16 << 20)

static const struct opt options[] = {
	{"--edit/-e", OPT_FLAG, 0, NULL, "edit the notes with $VISUAL, $EDITOR or vi; the default",
	 .exclusive = 1},
	{"--print/-p", OPT_FLAG, 0, NULL, "print the notes", .exclusive = 1},
	{"--import/-i", OPT_VALUE, 0, "FILE", "replace the notes by a file's content", NULL, COMP_FILE, 1},
	{"--set/-s", OPT_VALUE, 0, "TEXT", "replace the notes by a text", NULL, COMP_NONE, 1},
	{"--append", OPT_VALUE, 0, "TEXT", "add a line of text behind the notes", NULL, COMP_NONE, 1},
	{"--delete/-d", OPT_FLAG, 0, NULL, "delete the notes", .exclusive = 1},
	{"--force/-f", OPT_FLAG, 0, NULL, "do not ask before deleting"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"VMNAME", POS_ONE, COMP_QUBE_NODOM0, NULL, "name of the qube"},
	POS_END,
};

/* What the server refused, in the words of the action (tools-config 8). */
static int report(struct ctx *c, const struct selection *s, struct call *call, const char *what)
{
	/* Outside of the QubesException family the Python tool says nothing of its own. */
	bool bare = err_is(&call->err, "ProtocolError") || err_is(&call->err, "PermissionDenied");

	if (!s->many && qube_is_gone(c, &call->err, call->dest))
		return no_such_qube(c, call->dest);
	if (bare || c->format != FORMAT_TEXT)
		return perqube_error(c, s, call);
	if (s->many)
		log_warning(c, c->prog, "%s: %s: %s", call->dest, what, call->err.text);
	else
		log_warning(c, c->prog, "%s: %s", what, call->err.text);
	return STATUS_FAILED;
}

/* ---- reading and writing ---- */

static int print(struct ctx *c, const struct selection *s)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct call *calls = perqube_calls(s, GET, NULL, NULL, 0);
	struct json *j = perqube_json(c, s);
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++) {
		if (calls[i].result < 0)
			status = report(c, s, &calls[i], "Unable to get qube notes");
		else if (j)
			json_value(j, calls[i].dest, V_STR(calls[i].body));
		else
			perqube_lines(&text, s, calls[i].dest, calls[i].body, calls[i].body_len);
	}
	if (j)
		json_end(j);
	put_text(c, buf_str(&text), text.len);
	calls_free(calls, s->n);
	return status;
}

static int set(struct ctx *c, const struct selection *s, const char *text, size_t len, const char *what)
{
	struct call *calls = perqube_calls(s, SET, NULL, text, len);
	int status = STATUS_OK;

	admin_run(&c->admin, calls, s->n);
	for (size_t i = 0; i < s->n; i++)
		if (calls[i].result < 0)
			status = report(c, s, &calls[i], what);
	calls_free(calls, s->n);
	return status;
}

static int append(struct ctx *c, const struct selection *s, const char *more)
{
	struct call *reads = perqube_calls(s, GET, NULL, NULL, 0);
	struct call *writes = perqube_calls(s, SET, NULL, NULL, 0);
	struct buf *texts = xcalloc(s->n + 1, sizeof *texts);
	size_t n = 0;
	int status = STATUS_OK;

	admin_run(&c->admin, reads, s->n);
	for (size_t i = 0; i < s->n; i++) {
		if (reads[i].result < 0) {
			status = report(c, s, &reads[i], "Unable to append qube notes");
			continue;
		}
		buf_add(&texts[n], reads[i].body, reads[i].body_len);
		if (texts[n].len && texts[n].data[texts[n].len - 1] != '\n')
			buf_addch(&texts[n], '\n');
		buf_addstr(&texts[n], more);
		writes[n].dest = reads[i].dest;
		writes[n].payload = texts[n].data;
		writes[n].payload_len = texts[n].len;
		n++;
	}
	admin_run(&c->admin, writes, n);
	for (size_t i = 0; i < n; i++)
		if (writes[i].result < 0)
			status = report(c, s, &writes[i], "Unable to append qube notes");
	calls_free(reads, s->n);
	calls_free(writes, s->n);
	for (size_t i = 0; i < n; i++)
		buf_release(&texts[i]);
	free(texts);
	return status;
}

/* ---- files ---- */

/* Reads a text file; its line ends become newlines. Says what is wrong with it. */
static int read_text(struct ctx *c, const char *path, struct buf *ret)
{
	CLEANUP_BUF struct buf raw = BUF_INIT;
	int r = read_file(path, &raw, FILE_MAX_BYTES);

	if (r < 0)
		return fail(c, "%s: %s", path, strerror(-r));
	if (!utf8_valid(buf_str(&raw), raw.len))
		return fail(c, "%s: not valid UTF-8", path);
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.data[i] != '\r')
			buf_addch(ret, raw.data[i]);
		else if (i + 1 == raw.len || raw.data[i + 1] != '\n')
			buf_addch(ret, '\n');
	}
	return STATUS_OK;
}

static int import(struct ctx *c, const struct selection *s, const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	int status = read_text(c, path, &text);

	return status ? status : set(c, s, text.data, text.len, "Unable to import notes file");
}

/* A file of mode 0600 that holds the notes; the path is the caller's. NULL after an error was told. */
static char *temporary(struct ctx *c, const char *qube, const struct call *notes)
{
	const char *dir = getenv("TMPDIR");
	CLEANUP_FREE char *path = xasprintf("%s/%s_qube_XXXXXX_notes.txt", dir && *dir ? dir : "/tmp", qube);
	int fd = mkstemps(path, (int)strlen("_notes.txt"));
	int r = fd < 0 ? -errno : write_all(fd, notes->body, notes->body_len);

	if (fd >= 0)
		close(fd);
	if (r == 0)
		return STEAL(path);
	if (fd >= 0)
		unlink(path);
	fail(c, "%s: %s", path, strerror(-r));
	return NULL;
}

static const char *editor_command(void)
{
	const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");

	return visual && *visual ? visual : editor && *editor ? editor : "vi";
}

static int run_editor(struct ctx *c, const char *path)
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_FREE char *command = xasprintf("%s \"$1\"", editor_command());
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", command, (char *)"sh", (char *)path, NULL};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old_int, old_quit;
	int r;

	flush_out(c);
	r = spawn(&child, argv, 0);
	if (r < 0)
		return fail(c, "cannot run /bin/sh: %s", strerror(-r));
	/* What is typed at the editor is the editor's: ^C there must not lose the file. */
	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	r = child_wait(&child);
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	if (r)
		return fail(c, "the editor '%s' failed with status %d", editor_command(), r);
	return STATUS_OK;
}

/* Saves what the editor left behind, if it is new. A text that could not be saved is not thrown away. */
static int save(struct ctx *c, const struct selection *s, const struct call *old, const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	int status = read_text(c, path, &text);

	if (!status && text.len == old->body_len && memcmp(buf_str(&text), old->body, text.len) == 0)
		return STATUS_OK;
	if (!status)
		status = set(c, s, text.data, text.len, "Failed to edit qube notes");
	if (status)
		say(c, "%s: the edited text is kept in %s", c->prog, path);
	return status;
}

static int edit(struct ctx *c, const struct selection *s)
{
	CLEANUP_CALL struct call old = {.dest = s->v[0]->name, .method = GET};
	CLEANUP_FREE char *path = NULL;
	int status;

	if (admin_run(&c->admin, &old, 1) < 0)
		return report(c, s, &old, "Failed to edit qube notes");
	path = temporary(c, old.dest, &old);
	if (!path)
		return STATUS_FAILED;
	status = run_editor(c, path);
	if (status) {
		unlink(path);
		return status;
	}
	status = save(c, s, &old, path);
	if (!status)
		unlink(path);
	return status;
}

/* ---- deleting ---- */

/* False when the person says anything but y. The name is looked up first: no question about nothing. */
static bool confirmed(struct ctx *c, const struct selection *s, int *ret_status)
{
	CLEANUP_QUBES struct qubes all = {0};
	CLEANUP_FREE char *answer = NULL;

	*ret_status = s->many ? STATUS_OK : list_qubes(c, &all);
	if (*ret_status)
		return false;
	if (!s->many && !qubes_find(&all, s->v[0]->name)) {
		*ret_status = no_such_qube(c, s->v[0]->name);
		return false;
	}
	*ret_status = STATUS_USAGE;
	return ask(c, "You are about to delete existing qube notes\nAre you certain? [y/N]", &answer) &&
	       (streq(answer, "y") || streq(answer, "Y"));
}

static int delete(struct ctx *c, const struct selection *s)
{
	int status;

	if (!arg_has(&c->args, "--force") && !confirmed(c, s, &status))
		return status;
	return set(c, s, NULL, 0, "Unable to delete qube notes");
}

static int run(struct ctx *c)
{
	CLEANUP_SELECTION struct selection s = {0};
	const struct args *a = &c->args;
	const char *text = arg_value(a, "--set"), *more = arg_value(a, "--append");
	const char *file = arg_value(a, "--import");
	int status = select_qube(c, "VMNAME", &s);

	if (status)
		return status;
	if (arg_has(a, "--print"))
		return print(c, &s);
	if (file)
		return import(c, &s, file);
	if (text)
		return set(c, &s, text, strlen(text), "Unable to set qube notes");
	if (more)
		return *more ? append(c, &s, more) : STATUS_OK;
	if (arg_has(a, "--delete"))
		return delete(c, &s);
	if (s.many)
		return fail_usage(c, "--edit takes one qube");
	return edit(c, &s);
}

const struct tool tool = {
	.name = "qvm-notes",
	.summary = "Show, edit and replace the notes of a qube.",
	.flags = TOOL_QUBE | TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
