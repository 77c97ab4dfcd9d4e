/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the hammer: what is known of the daemon under it, and who does what. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "../client.h"

#define WRITERS 8

enum kind { K_TIMEOUT, K_GUIVM, K_NOTES, K_FEATURE, K_TAG, K_APP, K_DISP, K_LABEL };

#define OBJECTS 12 /* of one writer: layout in main.c */

struct object {
	enum kind kind;
	char vm[16];   /* the qube it belongs to, or is */
	char key[16];  /* of a feature or tag, or the label */
	char acked[32], flight[32], seen[32]; /* "" is absent; a qube that is there is "whole" */
	bool in_flight;
};

struct writer {
	struct hammer *h;
	struct object objects[OBJECTS];
	unsigned seed, count;
	unsigned long acked, lost;
};

struct hammer {
	const char *socket;
	char **command;
	pid_t pid;
	unsigned rounds, max_ms, seed, quota;
	unsigned luck; /* state of the random numbers */
	struct writer writers[WRITERS];
	int events;
	char *stream; /* the subscriber's buffer */
	char *portrait[2]; /* of a whole qube: AppVM, DispVM */
	unsigned round;
	atomic_uint problems;
	unsigned long survived;
	atomic_bool stop;
};

static inline bool is_qube(enum kind k)
{
	return k == K_APP || k == K_DISP;
}

/* Kinds that have events. */
static inline bool is_told(enum kind k)
{
	return k != K_NOTES && k != K_LABEL;
}

/* Something did not hold: a line on standard output. */
void problem(struct hammer *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A call that must go well; the body of its reply. */
const char *ask(struct hammer *h, struct reply *r, const char *method, const char *arg, const char *dest,
		const char *payload);

/* look.c: all that a creation gives a qube, in one text; NULL when there is no such qube. The caller frees. */
char *paint(struct hammer *h, const char *vm);
/* Compares the system with what is known, and goes on from what it is. */
void check(struct hammer *h);
/* The daemon was started again: disposables of its earlier run are gone. */
void check_disposables(struct hammer *h);

/* write.c: a thread that changes what is its own, until the daemon goes or the quota is done. data is its writer. */
void *write_on(void *data);

/* listen.c: a thread that follows the stream h->events to its end, or to the feature "the-end". data is h. */
void *listen_on(void *data);
/* What the events told must be what was acknowledged, or what was under way. */
void check_seen(struct hammer *h);
#define STREAM_MAX (1 << 20) /* the size of h->stream */
