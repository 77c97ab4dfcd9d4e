/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenstore where there is none: everything fails as if nobody served. */
#pragma once

#include <errno.h>

#include "base/attr.h"

struct xs_handle;
typedef uint32_t xs_transaction_t;
#define XBT_NULL 0
enum xs_perm_type { XS_PERM_NONE = 0, XS_PERM_READ = 1, XS_PERM_WRITE = 2 };
struct xs_permissions {
	unsigned id;
	enum xs_perm_type perms;
};

#define NONE(type, name, result, ...)                   \
	static inline type name(__VA_ARGS__)            \
	{                                               \
		errno = EOPNOTSUPP;                     \
		return result;                          \
	}
NONE(struct xs_handle *, xs_open, NULL, unsigned long flags)
static inline void xs_close(struct xs_handle *h)
{
}
NONE(char **, xs_directory, NULL, struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *n)
NONE(void *, xs_read, NULL, struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
NONE(bool, xs_write, false, struct xs_handle *h, xs_transaction_t t, const char *path, const void *p, unsigned len)
NONE(bool, xs_rm, false, struct xs_handle *h, xs_transaction_t t, const char *path)
NONE(bool, xs_set_permissions, false, struct xs_handle *h, xs_transaction_t t, const char *path,
     struct xs_permissions *perms, unsigned n)
NONE(bool, xs_watch, false, struct xs_handle *h, const char *path, const char *token)
NONE(bool, xs_unwatch, false, struct xs_handle *h, const char *path, const char *token)
NONE(char **, xs_check_watch, NULL, struct xs_handle *h)
NONE(int, xs_fileno, -1, struct xs_handle *h)
static inline const char *xs_daemon_socket(void)
{
	return "";
}
NONE(xs_transaction_t, xs_transaction_start, XBT_NULL, struct xs_handle *h)
NONE(bool, xs_transaction_end, false, struct xs_handle *h, xs_transaction_t t, bool abort)
NONE(bool, xs_introduce_domain, false, struct xs_handle *h, unsigned domid, unsigned long mfn, unsigned port)
NONE(bool, xs_release_domain, false, struct xs_handle *h, unsigned domid)
#undef NONE
