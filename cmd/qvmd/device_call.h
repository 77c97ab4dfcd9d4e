/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the device calls share: reading requests, refusals, and the 4.2 syntax. Not for other modules. */
#pragma once

#include "qvmd/device.h"

/* ---- device_request.c ---- */

/* The class that the method names; -1 when there is no such class, and the request is answered. */
int device_class(struct req *r);
/* Class, argument and payload (properties, or empty) of a call about one device; its backend exists. -errno with
 * err. */
int device_request(struct req *r, struct devuse *ret, struct err *err);
/* Answers with err; a request of no class is no method. */
void device_refuse(struct req *r, const struct err *err);
/* "<class> device <port> not attached to <vm>", in the words of the generation. */
void device_not_attached(struct req *r, const struct devuse *u);

/* ---- device.c ---- */

/* All checks of Attach, then device_attach(). */
int device_attach_checked(struct vm *v, const struct devuse *u, struct err *err);
/* With their events; takes what u holds, or u itself out of the assignments. */
void device_assign(struct vm *v, struct devuse *u);
void device_unassign(struct vm *v, struct devuse *u);

/* ---- device_v42.c (admin-api 8.7) ---- */

void device_available_42(struct req *r, enum devclass class);
void device_attach_42(struct req *r);
void handle_list_42(struct req *r);
void handle_set_persistent_42(struct req *r);
