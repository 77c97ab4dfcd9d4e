/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data for a volume: the one call whose payload is streamed and has no limit (admin-api 1.9). */
#pragma once

#include "admin/call.h"

/*
 * Sends head (len bytes, such as "SIZE\n") and then all of fd as the payload of method+volume to the qube:
 * over the socket that QVM_ENDPOINT names, through the service program in /etc/qubes-rpc on a real dom0, or
 * through qrexec. QVM_TIMEOUT limits the time in which no byte moves. 0, or -errno with err.
 */
int admin_import(struct admin *a, const char *dest, const char *method, const char *volume, const char *head,
		 size_t len, int fd, struct err *err);
