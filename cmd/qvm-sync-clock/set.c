/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setting the clocks, and telling of it. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/record.h"
#include "os/spawn.h"
#include "qvm-sync-clock/sync.h"

/* Takes what a program prints, so that it does not wait for us, until it prints no more. */
static void drop_output(struct child *child)
{
	struct pollfd p[] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}};
	char bin[4096];

	while ((p[0].fd >= 0 || p[1].fd >= 0) && (poll(p, ARRAY_SIZE(p), -1) >= 0 || errno == EINTR))
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			if (p[i].fd >= 0 && p[i].revents && read(p[i].fd, bin, sizeof bin) <= 0)
				p[i].fd = -1;
}

/* Runs a program whose output nobody sees; its exit status, or that of a shell which cannot run it. */
static int run_hidden(char *const argv[])
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	int r = spawn(&child, argv, SPAWN_NULL_STDIN | SPAWN_STDOUT | SPAWN_STDERR);

	if (r < 0)
		return r == -ENOENT ? 127 : 126;
	drop_output(&child);
	return child_wait(&child);
}

static int not_set(struct ctx *c, char *const argv[], int status)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	CLEANUP_FREE char *list = NULL;

	for (size_t i = 0; argv[i]; i++)
		strv_addf(&words, "'%s'", argv[i]);
	list = strv_join(&words, ", ");
	fail_bare(c, "Unable to set the date: process [%s] failed.", list);
	return status;
}

static int set_with(struct ctx *c, char *const argv[])
{
	int status = run_hidden(argv);

	return status ? not_set(c, argv, status) : STATUS_OK;
}

static int really_set(struct sync *s, const struct timespec *t, const char *text)
{
	const char *program = arg_value(&s->c->args, "--set-with");

	if (program)
		return set_with(s->c, (char *[]){(char *)program, (char *)text, NULL});
	if (clock_settime(CLOCK_REALTIME, t) < 0)
		return fail_bare(s->c, "Unable to set the date: %s.", strerror(errno));
	if (s->c->admin.endpoint.kind == ENDPOINT_QREXEC)
		return STATUS_OK;
	return set_with(s->c, (char *[]){"/sbin/hwclock", "--systohc", NULL});
}

static struct val known(const char *text)
{
	return text && *text ? V_STR(text) : V_NULL;
}

static void tell_json(struct sync *s, const char *text, const char *offset, bool set)
{
	static const char *const keys[] = {"source", "time", "offset", "set"};
	struct json *j = json_begin(s->c, JSON_SCALAR);

	json_record(j, NULL, ARRAY_SIZE(keys), keys,
		    (struct val[]){known(s->source), known(text), known(offset), V_BOOL(set)});
	json_end(j);
}

static void tell(struct sync *s, const char *text, const char *offset, bool set)
{
	struct ctx *c = s->c;

	if (c->format != FORMAT_TEXT) {
		tell_json(s, text, offset, set);
	} else if (s->dry_run || c->verbosity > 1) {
		CLEANUP_FREE char *line = xasprintf("%s: %s, offset %s s, %s\n", s->source, text, offset,
						    set ? "set" : "not set");

		put_text(c, line, strlen(line));
		flush_out(c);
	}
}

void tell_nothing(struct sync *s)
{
	if (s->c->format != FORMAT_TEXT)
		tell_json(s, NULL, NULL, false);
}

int set_clock(struct sync *s, const struct timespec *t, const char *text)
{
	CLEANUP_FREE char *offset = NULL;
	struct timespec now;
	int status = STATUS_OK;

	clock_gettime(CLOCK_REALTIME, &now);
	offset = clock_offset(t, &now);
	if (!s->dry_run)
		status = really_set(s, t, text);
	tell(s, text, offset, !s->dry_run && !status);
	return status;
}
