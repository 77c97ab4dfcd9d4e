/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that keeps a lab: it starts its daemons, and takes them and the directory away afterwards. */
#pragma once

#include <sys/types.h>

#include "base/attr.h"

struct keeper {
	const char *dir;     /* private directory, removed at the end unless keep is set */
	const char *state;   /* of the daemon */
	const char *socket;
	const char *qvmd;    /* program */
	const char *fixture;
	bool require_bwrap;
	const char *compat;  /* this and those up to the driver, NULL: the daemon's default */
	const char *vmif;
	const char *policy_dir, *policy_agent;
	const char *scrypt_logn;
	const char *power;
	const char *qubesdb_dir;
	const char *localtime; /* link that tells the time zone */
	bool keep;
	const char *xenstored; /* program, or NULL: there will be none */
	const char *xenstore_dir;
	const char *xenstore;  /* its socket there */
	char xenstored_why[256]; /* after the start: why it does not run, or "" */
	pid_t pid;
	int lifeline; /* the lab lasts as long as somebody holds this open; close-on-exec */
};

/*
 * Starts it and waits until the daemon answers. 0; or negative errno: -ECHILD when the daemon has ended,
 * after it said why on stderr. The directory is removed by then.
 */
int keeper_start(struct keeper *k);
/* Ends the lab; when it returns, the daemon has ended and the directory is gone. */
void keeper_stop(struct keeper *k);
