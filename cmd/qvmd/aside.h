/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that a qube can make last as long as it likes, as the closing of what it has sent: each has a thread of its
 * own, and nobody waits for it, not even the daemon at its end. Whoever starts one has to see to it that a qube cannot
 * have many under way. A thread touches nothing of the system, only what was put into the step.
 */
#pragma once

#include "qvmd/qvmd.h"

struct aside {
	void (*work)(struct aside *a); /* in the thread */
	/* In the loop, behind work; frees it. The daemon at its end calls it without work. */
	void (*done)(struct aside *a);

	/* aside.c */
	struct asides *all;
	struct aside *next;
};

/* Takes it over. done is called in a later turn of the loop, but at the daemon's end at once. */
void aside_start(struct sys *s, struct aside *a);
/* A bare thread, which may leave the daemon's table of descriptors, and so has its own way to say that it is over: who
 * started it then calls aside_ended, also when it could not start. 0 or negative errno. */
int aside_begin(struct sys *s, void *(*run)(void *), void *data);
void aside_ended(struct sys *s);
/* The daemon ends: what is not over in a moment is left behind. */
void asides_stop(struct sys *s);
/* When the loop has closed its handles. */
void asides_free(struct sys *s);
