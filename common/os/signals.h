/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that end programs, for who has to tidy up first. */
#pragma once

#include <signal.h>

#include "base/attr.h"

/* SIGINT, SIGTERM and SIGHUP from now on, as what can be waited for. Zero it with .fd = -1; release it in the end. */
struct signals {
	int fd; /* a signalfd; -1: not held */
	sigset_t before;
};
#define SIGNALS_INIT ((struct signals){ .fd = -1 })

void signals_hold(struct signals *s);
/* The number of the one by which somebody wants to end us, once for each signal; 0: nobody does. */
int signals_came(struct signals *s);
/* They do again what they did before. */
void signals_release(struct signals *s);
#define CLEANUP_SIGNALS CLEANUP(signals_release)

/* Ends the process by this signal, as if it had never been held. */
void signals_end_by(int number);
