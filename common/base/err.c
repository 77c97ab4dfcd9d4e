/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as values. */
#include "base/err.h"

#include "base/mem.h"

void err_release(struct err *e)
{
	free(e->type);
	free(e->text);
	*e = ERR_INIT;
}

int err_vset(struct err *e, int code, const char *type, const char *fmt, va_list ap)
{
	if (e) {
		char *text = xvasprintf(fmt, ap);
		char *type_copy = xstrdup(type);

		err_release(e);
		e->type = type_copy;
		e->text = text;
	}
	return code;
}

int err_set(struct err *e, int code, const char *type, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, code, type, fmt, ap);
	va_end(ap);
	return code;
}

void err_move(struct err *to, struct err *from)
{
	if (!to) {
		err_release(from);
		return;
	}
	err_release(to);
	*to = *from;
	*from = ERR_INIT;
}
