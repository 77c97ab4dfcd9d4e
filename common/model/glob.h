/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shell patterns as Python's fnmatch knows them (tools-config 1.3). */
#pragma once

#include "base/attr.h"

/* True when name is to be read as a pattern: it holds one of * ? [ ] ! */
bool glob_is_pattern(const char *name);
/* Whole-name, case-sensitive match; [!x] negates, [^x] does not, no escapes, an open [ is literal. */
bool glob_match(const char *pattern, const char *name);
