/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's command line. */
#pragma once

#include "qvmd/qvmd.h"

/* Fills *o, whose texts belong to argv. Returns -1 to go on; else all is done or said, and that is the exit status. */
int options_parse(struct options *o, int argc, char *argv[]);
