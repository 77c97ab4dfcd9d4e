/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can stand at one place of a command line, asked from the live system. */
#pragma once

#include "cli/tool.h"

struct comp_asker {
	struct ctx *c;
	const struct sub *command; /* the one met before, or NULL */
	const char *qube;     /* the one named before, or NULL */
	const char *property; /* the one named before, or NULL */
	const char *devclass; /* the class of devices named before, or NULL: that of the program */
	const char *volume;   /* QUBE:VOLUME, the one named before, or NULL */
	bool disposable;      /* the line is about a disposable: its template is no TemplateVM */
	uint64_t deadline;    /* ns of the monotonic clock; set by comp_ask_begin */
	bool dead;            /* no more calls: a failure, or time is over */
	struct qubes qubes;   /* the answer of admin.vm.List, asked for once */
	bool listed;
};

/* Connects to nothing yet. */
void comp_ask_begin(struct comp_asker *a, struct ctx *c);
void comp_ask_end(struct comp_asker *a);
/* Adds all candidates; none when the system does not answer in time. choices is a list of words or NULL. */
void comp_ask(struct comp_asker *a, enum comp comp, const char *choices, struct strv *ret);
/* Adds what the value in KEY=GLOB of --where may be. */
void comp_ask_where(struct comp_asker *a, const char *key, struct strv *ret);

/* ---- for compdevice.c ---- */

/* QUBE:PORT of COMP_DEVICE and its like. */
void comp_ask_devices(struct comp_asker *a, enum comp comp, struct strv *ret);
/* The list of qubes, asked for once; empty when it cannot be had in time. */
const struct qubes *comp_qubes(struct comp_asker *a);
/* False when the time of all calls is over; else the next call ends in time. */
bool comp_time_left(struct comp_asker *a);
