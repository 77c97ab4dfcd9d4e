/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the policy share: one line of it, and its tokens. Not for others. */
#pragma once

#include <errno.h>

#include "model/policy.h"

#define POLICY_DISPVM "@dispvm:"
#define POLICY_DISPVM_TAG "@dispvm:@tag:"
#define POLICY_TAG "@tag:"
#define POLICY_TYPE "@type:"
#define POLICY_BLANKS " \t\n\v\f\r"

/* Characters of a service and its argument (6.2). */
#define POLICY_SERVICE_CHARS "A-Za-z0-9._-"
#define POLICY_ARG_CHARS "A-Za-z0-9._+-"

/* What policy_files.read says of a file that is about to be removed. */
#define POLICY_REMOVED (-EIDRM)

void policy_rule_release(struct policy_rule *r);

/* What makes a line no rule: without file and line. Returns -EINVAL. */
int policy_wrong(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* SERVICE and ARGUMENT of a rule or of !include-service. */
int policy_check_service(const char *service, const char *arg, struct err *err);
/*
 * A rule from its words: SERVICE ARGUMENT SOURCE TARGET ACTION [PARAM...]; of a file of one service (service is not
 * NULL) SOURCE TARGET ACTION [PARAM...]. The caller releases ret in any case.
 */
int policy_rule_parse(struct policy_rule *ret, const char *service, const char *arg, const struct strv *words,
		      struct err *err);
/* The name of the disposable template in "@dispvm:NAME", or NULL. */
const char *policy_dispvm_of(const char *token);
