/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and the rules they follow (admin-api chapter 6); shared by tools and daemon. */
#pragma once

#include "base/attr.h"
#include "base/chars.h"
#include "base/err.h"

/* Each returns 0, or -EINVAL with the exception type and text that the server sends. */
int name_check_qube(const char *name, struct err *err);              /* 6.1 */
int name_check_label(const char *name, bool creating, struct err *err); /* 6.2 */
int name_check_label_value(const char *value, struct err *err);      /* 6.2; value already trimmed */
int name_check_tag(const char *tag, struct err *err);                /* 6.5 */
int name_check_feature(const char *feature, struct err *err);        /* 6.4 */

/* Lower-case hyphenated UUID of 36 characters. */
bool uuid_is_valid(const char *s);

/* Words of 2.10.2, case ignored: 1 true, 0 false, -EINVAL neither. */
int bool_word(const char *s);
