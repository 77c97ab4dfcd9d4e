/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What qubes tell of themselves by keys (vm-interface 5), whatever store brings it. All of it is hostile. */
#pragma once

#include "qvmd/qvmd.h"

/* The value of memory/meminfo; NULL: it is gone. What is no number of a memory is not believed, and
 * none is more than this machine has. */
void heard_memory(struct vm *v, const char *value, size_t len);
/* The same of memory/swapinfo. */
void heard_swap(struct vm *v, const char *value, size_t len);
/* Why it could not set up the firewall; "" or NULL: it could. */
void heard_firewall_error(struct vm *v, const char *value, size_t len);
