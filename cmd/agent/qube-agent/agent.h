/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first process of a lab qube's sandbox. It mounts the private volume, runs services for the daemon, and at the
 * end stops what still runs and unmounts. It is the only one in the sandbox with privileges, and reads nothing that a
 * service says.
 */
#pragma once

#include <sys/types.h>

#include "vmif/call.h"

#define AGENT_CONTROL 3 /* descriptor of the socket to the daemon */
#define AGENT_DISK "/dev/xvdb"

/* ---- disk.c ---- */

/* Mounts the private volume at /rw, and its home at /home. 0, or negative errno after saying why on stderr. The process
 * that serves the file system goes to *ret_server. */
int disk_mount(pid_t *ret_server);
/* The volume has grown: its file system does so, too, unless something uses it (-EBUSY). 0 or negative errno;
 * *server is another one then. */
int disk_grow(pid_t *server);
/* What was written is in the volume when this returns. */
void disk_unmount(pid_t server);

/* ---- service.c ---- */

struct services {
	const char *default_user;
	uint64_t memory; /* MiB that a process may have */
	struct service_entry {
		uint32_t id;
		pid_t pid;
	} *v;
	size_t n, cap;
};

/* Runs what m asks for, with descriptors 0, 1, 2 of fds. 0: it has begun; else the exit status that says why not. */
int service_begin(struct services *s, const struct call_msg *m, struct fdset *fds);
/* The caller has gone. */
void service_end(struct services *s, uint32_t id);
/* True when pid was a service that runs: its id goes to *ret_id, and it is forgotten. */
bool service_reaped(struct services *s, pid_t pid, uint32_t *ret_id);

/* ---- user.c ---- */

/* The passwd file of the sandbox, and whatever else programs look for in /etc. */
void user_write_etc(const char *default_user);
/* True for the users that there are. */
bool user_exists(const struct services *s, const char *user);
/* In the child: what it and all that come from it may use. */
void user_limit(uint64_t memory);
/* In the child: gives all privileges up and becomes that user, for good. 0 or negative errno. */
int user_become(const char *user);
/* What its programs are to have in their environment and as their directory. */
const char *user_home(const char *user);

/* ---- processes.c ---- */

/* Sends a signal to every process of the sandbox but this one and spared; none of them escapes by making others. */
void processes_signal(int signum, pid_t spared);
/* How many there are beside those. */
size_t processes_left(pid_t spared);
