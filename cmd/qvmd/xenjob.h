/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the thread of xenworker.c does with its connection; all of this waits for xenstored. */
#pragma once

#include "qvmd/xenworker.h"
#include "vmif/xenstore.h"

/* Takes away what a daemon has left behind that was killed. */
int xen_job_clean(struct xenstore *x, struct err *err);
/* One transaction, then domains are introduced, with their watches, or released. */
int xen_job_do(struct xenstore *x, const struct xen_job *j, const struct strv *watch, struct err *err);
/* The next event: 1, or 0 when there is none. *ret stays as it is when it means nothing. */
int xen_job_hear(struct xenstore *x, struct xen_heard **ret, struct err *err);
/* After this error the connection is of no use. */
bool xen_is_fatal(int r);
