/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the Admin API is: a unix socket or the qrexec client (admin-api 1.12). */
#pragma once

#include "base/attr.h"
#include "base/err.h"

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_QREXEC };

struct endpoint {
	enum endpoint_kind kind;
	char *path;    /* of the socket, or of the qrexec-client-vm program */
	bool explicit; /* named by QVM_ENDPOINT */
	bool missing;  /* chosen by default, and the program of that path is not there */
};

void endpoint_release(struct endpoint *e);
/* From QVM_ENDPOINT, /etc/qubes-release, QVM_QREXEC_CLIENT_VM. -EINVAL: QVM_ENDPOINT is malformed. */
int endpoint_from_env(struct endpoint *ret, struct err *err);
