/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading features, for qvm-features and qvm-service. */
#pragma once

#include "cli/perqube.h"

struct feature {
	const struct qube *qube; /* borrowed from the selection */
	char *name;
	char *value;
	size_t len;
};

struct features {
	struct feature *v; /* by qube as chosen, then in the server's order */
	size_t n;
	size_t cap;
};

void features_release(struct features *f);
#define CLEANUP_FEATURES CLEANUP(features_release)
/*
 * All features whose name begins with prefix. One that goes away between List and Get is left out. Prints
 * errors itself and returns the exit status.
 */
int features_read(struct ctx *c, const struct selection *s, const char *prefix, struct features *ret);

/*
 * Shows one feature, as its text or, for a service, as on or off. Not set is an answer and no error: nothing
 * is said, and the status is 1 when no chosen qube has it.
 */
int feature_show(struct ctx *c, const struct selection *s, const char *feature, bool is_switch);
