/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tools about one qube, which --where and --all turn into tools about many: the same call about each chosen
 * qube, and output whose lines then begin with the qube's name.
 */
#pragma once

#include "cli/record.h"
#include "cli/select.h"
#include "cli/tool.h"

/* A call for each qube of any selection, element i about s->v[i]: ready for admin_run(), not made yet. The caller
 * frees them with calls_free(). */
struct call *perqube_calls(const struct selection *s, const char *method, const char *arg,
			   const void *payload, size_t len);
/*
 * Reports a failed call: about one qube as qube_error() does, about one of many with its name in front.
 * Returns the exit status.
 */
int perqube_error(struct ctx *c, const struct selection *s, const struct call *call);
/*
 * Makes a call that changes something about every chosen qube and reports each failure. An error of type
 * `fine` counts as success (NULL: none does). Returns the exit status.
 */
int perqube_change(struct ctx *c, const struct selection *s, const char *method, const char *arg,
		   const void *payload, size_t len, const char *fine);

/* Appends n bytes of text and a newline; with many qubes every line gets the name in front. */
void perqube_lines(struct buf *b, const struct selection *s, const char *qube, const char *text, size_t n);

/*
 * Begins the JSON of a tool about one qube: with one chosen, the one record or value is the document; with
 * many each is a member of one object, by the qube's name. NULL when no JSON was asked for.
 */
struct json *perqube_json(struct ctx *c, const struct selection *s);
