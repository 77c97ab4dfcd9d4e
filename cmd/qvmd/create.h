/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating qubes, for the files that share the work. */
#pragma once

#include "qvmd/qvmd.h"

/*
 * Adds a qube with all that it gets by itself (settings of a disposable's template, tags, features) and
 * announces it with domain-add. All checks were made. name NULL: disp<dispid>; template NULL: none.
 */
struct vm *create_qube(struct sys *s, enum class class, const char *name, const char *label,
		       struct vm *template);
/* False for every qube that has no such property, too. */
bool is_dispvm_template(struct vm *v);

void handle_create_disposable(struct req *r); /* create_disp.c */
void handle_remove(struct req *r);            /* remove.c */

/* A disposable of that template (NULL: there is none), for whoever asked for it; one that was made beforehand, if there
 * is any. NULL with err. */
struct vm *disposable_new(struct vm *template, const struct vm *creator, struct err *err);
