/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of a command in the name of a service (vm-interface 8.3). */
#pragma once

#include "base/strv.h"

/* Takes the argument of qubes.VMExec apart. 0; or -EINVAL: ret, which is released by the caller, holds a part. */
int vmexec_decode(const char *encoded, struct strv *ret);
