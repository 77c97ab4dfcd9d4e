/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that no code here may call: using one is a compile-time error. */
#pragma once

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok strtok_r atoi atol atoll system alloca gets
