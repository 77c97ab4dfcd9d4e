/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions of tools that must clean up after a signal: it ends the waiting. And passphrases. */
#pragma once

#include "cli/tool.h"
#include "os/signals.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_NONE /* end of file, or a signal */ };
/* "Do you want to proceed? [y/N] " */
enum answer ask_to_proceed(struct ctx *c, struct signals *s);

/*
 * The first line of a file (of c->in for "-") without the white space at its end. Says what is wrong with the file and
 * returns an exit status; the caller wipes *ret, which may be empty, or NULL at the end of c->in.
 */
int passphrase_from_file(struct ctx *c, const char *path, char **ret);
/* A line of c->in, not shown while it is typed. NULL at the end of it, or after a signal. The caller wipes. */
char *passphrase_ask(struct ctx *c, struct signals *s, const char *prompt);
