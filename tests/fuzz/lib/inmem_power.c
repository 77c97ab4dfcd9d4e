/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of sandbox.c and qrexec.c: nothing runs in qubes. */
#include "qvmd/qrexec.h"
#include "qvmd/sandbox.h"

bool sandbox_is_real(const struct sys *s)
{
	return false;
}

bool sandbox_exists(const struct vm *v)
{
	return false;
}

bool sandbox_is_ready(const struct vm *v)
{
	return false;
}

int sandbox_start(struct vm *v, struct err *err)
{
	abort();
}

void sandbox_tell(struct vm *v, enum call_kind kind)
{
	abort();
}

void sandbox_kill(struct vm *v)
{
	abort();
}

void sandbox_drop(struct vm *v)
{
}

void qrexec_up(struct vm *v)
{
}

void qrexec_down(struct vm *v)
{
}

const char *qrexec_socket(const struct sys *s)
{
	return NULL;
}
