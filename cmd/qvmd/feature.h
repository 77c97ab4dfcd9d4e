/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for features of certain names (admin-api 6.4): those which run before or after the change. */
#pragma once

#include "qvmd/qvmd.h"

/* Both return 0, or -EINVAL with err. */
int feature_rule_before(struct vm *v, const char *feature, const char *value, struct err *err);
int feature_rule_after(struct vm *v, const char *feature, const char *value, struct err *err);
