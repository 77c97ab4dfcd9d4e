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

/*
 * The same with data that the caller has piece by piece. A server that answers before the end wants no more: what is
 * written then is dropped, and the end tells what it said.
 */
struct import;
/* The session is borrowed until the end. NULL with err. */
struct import *import_begin(struct admin *a, const char *dest, const char *method, const char *volume,
			    const char *head, size_t len, struct err *err);
int import_write(struct import *i, const void *p, size_t n, struct err *err);
/* No more data, fewer than were announced too: what the server says to that. Frees it. 0, or -errno with err. */
int import_end(struct import *i, struct err *err);
