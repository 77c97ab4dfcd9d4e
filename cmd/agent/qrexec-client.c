/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qrexec-client of the lab: dom0 calls a service in a qube (tools-runtime 6.8). */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "vmif/call.h"
#include "vmif/caller.h"

static int usage(void)
{
	fputs("usage: qrexec-client -d QUBE [-t] [-T] [-e] [-p PREFIX] [-w SECONDS] "
	      "\"USER:QUBESRPC SERVICE[+ARG] dom0\"\n", stderr);
	return CALL_STATUS_PROBLEM;
}

/* Takes "USER:QUBESRPC SERVICE SOURCE" apart, in place. */
static bool parse_command(char *text, struct caller *ret)
{
	char *service = strstr(text, ":QUBESRPC ");
	char *source;

	if (!service)
		return false;
	*service = '\0';
	service += strlen(":QUBESRPC ");
	source = strchr(service, ' ');
	if (source)
		*source = '\0';
	ret->user = streq(text, "DEFAULT") ? "" : text;
	ret->service = service;
	return call_service_is_valid(service);
}

static bool parse(int argc, char *argv[], struct caller *ret)
{
	uint64_t seconds;
	int c;

	while ((c = getopt(argc, argv, "+d:tTep:w:")) != -1)
		switch (c) {
		case 'd': ret->target = optarg; break;
		case 't': ret->filter_out = true; break;
		case 'T': ret->filter_err = true; break;
		case 'e': ret->no_wait = true; break;
		case 'p': ret->prefix = *optarg ? optarg : NULL; break;
		case 'w':
			/* A qube on its way is waited for as long as it may take to start. */
			if (num_u64(optarg, &seconds) < 0)
				return false;
			break;
		default: return false;
		}
	return ret->target && optind + 1 == argc && parse_command(argv[optind], ret);
}

int main(int argc, char *argv[])
{
	CLEANUP_FREE char *socket = NULL;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct caller caller = {0};
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (!parse(argc, argv, &caller))
		return usage();
	socket = caller_socket(&err);
	caller.socket = socket;
	status = socket ? caller_run(&caller, &err) : -1;
	if (err.text && *err.text)
		fprintf(stderr, "qrexec-client: %s\n", err.text);
	else if (err.text)
		fputs("Request refused\n", stderr);
	return status < 0 ? CALL_STATUS_PROBLEM : status;
}
