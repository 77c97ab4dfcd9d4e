/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-client-vm of the lab: a qube calls a service elsewhere (tools-runtime 6.8, admin-api 1.11). */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"
#include "vmif/call.h"
#include "vmif/caller.h"

enum { O_NO_OUT = 256, O_NO_ERR };

static const struct option options[] = {
	{ "filter-escape-chars-stdout", no_argument, NULL, 't' },
	{ "filter-escape-chars-stderr", no_argument, NULL, 'T' },
	{ "no-filter-escape-chars-stdout", no_argument, NULL, O_NO_OUT },
	{ "no-filter-escape-chars-stderr", no_argument, NULL, O_NO_ERR },
	{ "prefix-data", required_argument, NULL, 'p' },
	{0},
};

static int usage(void)
{
	fputs("usage: qrexec-client-vm [-t] [-T] [-p PREFIX] TARGET SERVICE[+ARG] [PROGRAM [ARG...]]\n", stderr);
	return CALL_STATUS_PROBLEM;
}

static bool parse(int argc, char *argv[], struct caller *ret, char ***ret_program)
{
	int c;

	ret->filter_out = isatty(1);
	ret->filter_err = isatty(2);
	while ((c = getopt_long(argc, argv, "+tTp:", options, NULL)) != -1)
		switch (c) {
		case 't': ret->filter_out = true; break;
		case 'T': ret->filter_err = true; break;
		case O_NO_OUT: ret->filter_out = false; break;
		case O_NO_ERR: ret->filter_err = false; break;
		case 'p': ret->prefix = *optarg ? optarg : NULL; break;
		default: return false;
		}
	if (argc - optind < 2)
		return false;
	ret->target = argv[optind];
	ret->service = argv[optind + 1];
	ret->user = "";
	*ret_program = argv + optind + 2;
	if (**ret_program)
		ret->filter_out = false; /* it goes to a program */
	return call_service_is_valid(ret->service);
}

/* The program talks to the service: what it prints is our input, and our output is what it reads. It finds what was
 * our input and output where the variables say. */
static int start_program(struct child *ret, char *const argv[])
{
	CLEANUP_FREE char *in = xasprintf("%d", fcntl(0, F_DUPFD, 10));
	CLEANUP_FREE char *out = xasprintf("%d", fcntl(1, F_DUPFD, 10));
	int r;

	setenv("SAVED_FD_0", in, 1);
	setenv("SAVED_FD_1", out, 1);
	r = spawn(ret, argv, SPAWN_STDIN | SPAWN_STDOUT);
	if (r == 0 && (dup2(ret->out, 0) < 0 || dup2(ret->in, 1) < 0))
		r = -1;
	closep(&ret->in);
	closep(&ret->out);
	return r;
}

int main(int argc, char *argv[])
{
	CLEANUP_CHILD struct child child = CHILD_INIT;
	CLEANUP_FREE char *socket = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct caller caller = {0};
	char **program;
	int status, own = 0;

	signal(SIGPIPE, SIG_IGN);
	if (!parse(argc, argv, &caller, &program))
		return usage();
	socket = caller_socket(&err);
	caller.socket = socket;
	if (socket && *program && start_program(&child, program) < 0) {
		fprintf(stderr, "qrexec-client-vm: cannot run %s\n", *program);
		return CALL_STATUS_PROBLEM;
	}
	status = socket ? caller_run(&caller, &err) : -1;
	if (err.text && *err.text)
		fprintf(stderr, "qrexec-client-vm: %s\n", err.text);
	else if (err.text)
		fputs("Request refused\n", stderr);
	/* Nobody is left whom it could talk to. */
	close(0);
	close(1);
	if (child.pid > 0)
		own = child_wait(&child);
	return status < 0 ? CALL_STATUS_PROBLEM : status ? status : own;
}
