/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the Admin API: one, or many in flight together; every call is counted. */
#pragma once

#include "admin/endpoint.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct pollfd;

/* Something that may happen while calls are in flight. */
struct admin_watch {
	int fd; /* -1: not looked at (any longer) */
	/* It is readable, or has ended. May make calls. */
	void (*ready)(struct admin_watch *w);
	void *data;
};
#define ADMIN_WATCHES 4

/* A session: where to call, for how long to wait, and what was called so far. */
struct admin {
	struct endpoint endpoint;
	uint64_t timeout_ns; /* for all calls of one admin_run(); 0 = no limit. From QVM_TIMEOUT */
	unsigned in_flight;  /* most calls at once; 0 = ADMIN_IN_FLIGHT */
	struct buf ledger;   /* a line per call made: method, destination, argument, payload size */
	struct admin_watch *watches; /* looked at while calls are in flight; not while ready() itself makes one */
	size_t n_watches;            /* ADMIN_WATCHES at most */
	bool keep_ledger;
	bool trace; /* ledger lines also go to on_call as they are made */
	void (*on_call)(void *data, const char *line);
	void *on_call_data;
	/* Called some times a second while calls are under way, with the bytes of an import that are sent so far,
	 * else 0. It may make calls of its own. */
	void (*on_progress)(void *data, uint64_t sent);
	void *on_progress_data;
};

#define ADMIN_IN_FLIGHT 64
#define ADMIN_IN_FLIGHT_QREXEC 32

/* Reads the environment; connects to nothing. -EINVAL with err for malformed variables. */
int admin_init(struct admin *a, struct err *err);
void admin_release(struct admin *a);
/* From now on calls have to end before deadline_ns (monotonic), or earlier where the environment says so. */
void admin_limit(struct admin *a, uint64_t deadline_ns);

/* One request and what came of it. Zero it, fill the first part, run it, release it. */
struct call {
	const char *dest;   /* borrowed until the call has run */
	const char *method; /* borrowed */
	const char *arg;    /* borrowed; NULL = none */
	const void *payload; /* borrowed; payload_len bytes */
	size_t payload_len;

	int result;      /* 0, or a negative errno with err */
	struct err err;  /* what the server or the transport said */
	char *body;      /* body_len bytes and a NUL; NULL on failure */
	size_t body_len;
	char *raw;       /* owner of body's memory */
};

void call_release(struct call *c);
#define CLEANUP_CALL CLEANUP(call_release)
void calls_free(struct call *calls, size_t n); /* NULL accepted */

/*
 * Makes all n calls, as many at once as the session allows, and fills the result of each in place.
 * Destination and argument are checked first (admin-api 1.11: no blank, no control character, no '@'
 * name may reach qrexec). Returns 0 when all succeeded, else the result of the first that failed.
 */
int admin_run(struct admin *a, struct call *calls, size_t n);

/*
 * One call. On success *ret_body (when asked for) is NUL-terminated memory that the caller frees and
 * *ret_len its length. Any of payload, arg, ret_body, ret_len may be NULL.
 */
int admin_call(struct admin *a, struct err *err, const char *dest, const char *method, const char *arg,
	       const char *payload, char **ret_body, size_t *ret_len);

/* As admin_call for a property call: access failures become "Failed to access 'P' property" (admin-api 3.3). */
void property_error(struct err *err, const char *property);

/* For calls that are made another way (admin/import.h): the checks of admin_run, and the entry in the ledger. */
int call_check(const struct admin *a, struct call *c);
int call_endpoint(const struct admin *a, struct call *c); /* is there anything to talk to? */
void call_note(struct admin *a, const struct call *c);
/* on_progress, while nothing that it does calls it again; and how long to wait for that at most, in ms: timeout_ms
 * or less (-1: for ever). */
void call_progress(struct admin *a, uint64_t sent);
int call_patience(const struct admin *a, int timeout_ms);
/* The session's watches as entries for poll(), and what comes of them. Returns how many entries. */
size_t call_watch(const struct admin *a, struct pollfd *pfd);
void call_watched(struct admin *a, const struct pollfd *pfd);
/* QVM_TIMEOUT is over: the error that says so. Returns -ETIMEDOUT. */
int no_answer(const struct admin *a, struct err *err);
/* The service ended with a status that is not 0: what it said on its stderr (admin-api 1.11). */
int service_error(struct err *err, struct buf *said);
