/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an analyser, which reads one file at a time, has to be told: err_set() returns the code it is given. */
#pragma once

#include "base/err.h"

#define err_set(e, code, ...)                    \
	({                                       \
		const int code_ = (code);        \
		err_set((e), code_, __VA_ARGS__); \
		code_;                           \
	})
