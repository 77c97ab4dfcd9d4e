/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon without its socket, its loop and its disk: the store is SQLite in memory, timers run by a clock
 * that only moves when it is told to, and random bytes are always the same, so that an input always does the
 * same. inmem.c and inmem_job.c stand in for server.c, conn.c, job.c, libuv, and a few functions of the system. Files
 * of volumes lie in memory too, but a system that is just being described has none.
 */
#pragma once

#include "qvmd/qvmd.h"

/* Opens a new system that holds what the YAML says. 0, or -EINVAL with err; inmem_close() in any case. */
int inmem_open(struct sys *s, const char *yaml, size_t len, struct err *err);
/* The same for a YAML that is always the same, and good: after the first time a copy of the database is opened,
 * which is quicker, and in which no qube runs. */
void inmem_open_again(struct sys *s, const char *yaml, size_t len);
void inmem_close(struct sys *s);

/* One request of any bytes. Its reply, held or not, is checked when the turn ends. */
void inmem_request(struct sys *s, const char *data, size_t len);
/* The same for a request of the fuzzer itself: it is answered at once and the body is returned, which the
 * caller frees; NULL for an exception or an empty reply. */
char *inmem_ask(struct sys *s, const char *dest, const char *method, const char *arg, size_t *ret_len);
/* The store refuses the next commit, if there is one in this turn. */
void inmem_fail(void);
/* Commits, lets replies go and checks them. True when something was changed in this turn. */
bool inmem_turn_end(struct sys *s);
/* A part of this turn was committed (or refused) ahead of its end, for a call of the life cycle. */
bool inmem_settled(void);
/* Runs the next job; false when there is none. (inmem_job.c) */
bool inmem_job_run(void);
/* Runs the next job; without any, moves the clock to the timer that is due first and runs it. False when there is
 * none. */
bool inmem_tick(struct sys *s);
/* The peers of all streams go away. */
void inmem_end_streams(struct sys *s);
/* Requests that wait for an answer. */
size_t inmem_waiting(void);

/* inmem_dir.c: where the lock and the files of volumes lie; made once, removed at the end of the process. */
const char *inmem_dir(void);
