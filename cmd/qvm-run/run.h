/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qvm-run share: the command, and one job for each qube (tools-runtime 6). */
#pragma once

#include <signal.h>

#include "cli/qrexec.h"
#include "cli/select.h"
#include "cli/tool.h"
#include "os/spawn.h"

#define STATUS_QUBES_FAILURE 255 /* a call failed on the way to the command */

enum gui { GUI_AUTO, GUI_YES, GUI_NO };

struct job {
	char *shown;       /* its name in messages; of a disposable "@dispvm:TEMPLATE" */
	char *dest;        /* whom qrexec calls */
	char *disposable;  /* made here, to be killed at the end; NULL: none */
	char *state;       /* power state; NULL: it could not be asked for, the target's error says why */
	bool windows;      /* the command may open some */
	bool is_dom0;      /* the command runs in dom0 itself */
	struct child session, remote, local;
	int remote_status, local_status;
};

struct run {
	struct ctx *c;
	struct qrexec_command command;
	const char *shown;      /* the command in messages */
	const char *localcmd;   /* the other end of the command's streams; NULL: ours, or none */
	bool pass_io, autostart, disposable;
	bool filter;            /* escape sequences stay out of stdout */
	bool no_filter;         /* wherever that could happen: it was asked for */
	enum gui gui;
	const char *colour_out, *colour_err; /* SGR code; NULL: none */
	char *default_disposable; /* template of "--dispvm" alone; NULL: none, or not asked for */
	struct job *jobs;
	struct qrexec_target *targets; /* who is asked for each job */
	size_t n;
	bool is_asked;          /* all of them, before the first began */
	int signals;            /* signalfd, or -1 while signals end us at once */
	sigset_t mask_before;
	struct admin_watch watch; /* of signals, while calls are in flight */
	bool stopped;           /* no further qube is begun */
	int signal;             /* because of this one; 0: none came */
	uint64_t signalled_ns;  /* when the first one came */
	int status;             /* so far */
};

/* ---- choose.c: which qubes ---- */

/* Fills r->jobs; prints errors itself and returns an exit status. */
int choose_jobs(struct run *r);
/* Asks the n targets from the first on whether windows are wanted; an error is the target's. */
void ask_windows(struct run *r, size_t first, size_t n);
void jobs_release(struct run *r);

/* ---- job.c: one qube ---- */

/* Steps 1 to 4: what ends before the command, or the wait for its session, runs. */
void job_begin(struct run *r, struct job *j);
/* The session's wait is over: steps 5 to 8. */
void job_launch(struct run *r, struct job *j);
/* The service or its local command runs, or a session is waited for. */
static inline bool job_is_busy(const struct job *j)
{
	return j->session.pid > 0 || j->remote.pid > 0 || j->local.pid > 0;
}

/* ---- wait.c: until all have ended ---- */

/* From now on signals go to the children, and we stay to clean up. Again is no harm. */
void hold_signals(struct run *r);
/* The disposable that was made for this job. False: the daemon does not answer; after a signal we wait but shortly. */
bool kill_disposable(struct run *r, const struct job *j);
/* A command is not run because a signal came: that is no success. */
void not_run(struct run *r);
/* Returns when everything has ended and was reported. */
void wait_jobs(struct run *r);
void release_signals(struct run *r);

/* ---- talk.c ---- */

/* A message about progress: on stderr, at a level that -p lowers (6.7). */
void tell(struct run *r, const char *fmt, ...) PRINTF(2, 3);
/* An error of a qube: text is told, no further one is begun. */
void job_fail(struct run *r, const struct job *j, const struct err *err);
/* An error of ours, "Error: TEXT": no further one is begun. */
void run_fail(struct run *r, const char *fmt, ...) PRINTF(2, 3);
void colours_begin(struct run *r);
void colours_end(struct run *r);
