/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services by which dom0 tells a qube that runs what happens to it (vm-interface 8.1). */
#pragma once

#include "qvmd/qvmd.h"

/* What has become of it: failed is NULL, or why, for people. */
typedef void told_fn(void *data, const char *failed);

/* Runs a service as root with a text as its input, beside the loop and for a minute at most. done (may be NULL) is
 * called in a later turn, unless the daemon ends before, with data (may be NULL), which free() gets in any case.
 * Failures are logged. False: nothing runs in the qube, nothing was done, and data stays with the caller. */
bool tell_qube(struct vm *v, const char *service, const char *input, told_fn *done, void *data);
/* A feature was changed: a service whose programs a running qube starts and stops at once (vm-interface 10). */
void tell_service(struct vm *v, const char *feature, bool on);
