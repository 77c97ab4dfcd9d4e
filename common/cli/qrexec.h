/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How dom0 runs a command in a qube: which service, and the argv of qrexec-client (tools-runtime 6.4, 6.8). */
#pragma once

#include "cli/tool.h"

/* Adds words in the encoding of qubes.VMExec. */
void vmexec_encode(struct buf *b, const char *const *words);
/* Adds words as one line for a POSIX shell. */
void shell_quote(struct buf *b, const char *const *words);

/*
 * The program and arguments which run the NULL-terminated words as root in the qube, with the qube
 * started first. Reads the features it needs. 0, or -errno with err.
 */
int qrexec_root_argv(struct ctx *c, const char *qube, const char *const *words, struct strv *ret, struct err *err);
/* The program and arguments that call a service of a qube as its usual user; it has to run unless qrexec starts it. */
void qrexec_service_argv(struct ctx *c, const char *qube, const char *service, struct strv *ret);
