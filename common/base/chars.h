/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of characters. */
#pragma once

#include "base/attr.h"

/* All characters of s are in the set, given as ranges like "A-Za-z0-9_.-"; a '-' that stands last is itself. */
bool chars_all(const char *s, const char *set);
/* Puts to in place of every from. */
void chars_replace(char *s, char from, char to);
