/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of power.c that wait share. Not for others. */
#pragma once

#include "qvmd/qvmd.h"

enum wait { WAIT_START, WAIT_HALT };

/* Somebody who wants to know how a transition of a qube ends. */
struct waiter {
	struct waiter *next;
	enum wait wait;
	struct req *req;      /* held; NULL when a qube waits */
	char dependent[37];   /* its uuid: it starts once its netvm, the one waited for, is up */
	struct vm *vm;
	uv_timer_t *timer;    /* the end of its patience, or NULL */
};

/* One that fires once. Belongs to the caller until it is dropped, also after it has fired. */
uv_timer_t *timer_new(struct sys *s, uint64_t ms, uv_timer_cb cb, void *data);
/* NULL accepted; leaves NULL behind. */
void timer_drop(uv_timer_t **t);

/* At the end of the list of v, which owns it; either r or dependent is set. */
struct waiter *waiter_add(struct vm *v, enum wait wait, struct req *r, const struct vm *dependent);
void waiter_free(struct waiter *w);
bool somebody_waits(const struct vm *v, enum wait wait);
/* Takes those who wait for one thing out of the list, in their order. The caller frees them. */
struct waiter *waiters_take(struct vm *v, enum wait wait);
