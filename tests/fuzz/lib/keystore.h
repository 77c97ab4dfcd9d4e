/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of vmif.c and the stores of keys: keys of qubes that run are made, and checked where they would be kept. */
#pragma once

#include "qvmd/qvmd.h"

/* publish_close() ends it. */
void keystore_open(struct sys *s);
