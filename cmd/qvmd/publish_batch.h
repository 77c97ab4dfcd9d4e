/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on keys while they are collected, and on their way to the stores. For publish.c. */
#pragma once

#include "qvmd/publish.h"
#include "vmif/derive.h"

struct batch {
	struct sys *sys;
	struct key_source src;
	struct key_op *v; /* owns key and value of each */
	size_t n, cap;
	struct strv iptables; /* uuids of network qubes whose rules of release 3 are to be written */
};

/* CREATE or DESTROY. */
void batch_add_kind(struct batch *b, struct vm *v, enum key_op_kind kind);
/* PERMIT of this key. */
void batch_add_permit(struct batch *b, struct vm *v, const struct key_def *def);
/* Takes over what the list holds: a PUT or REMOVE for each. */
void batch_add(struct batch *b, struct vm *v, struct key_values *l);
/* The same, but leaves out what the batch has already: of changes that say the same. */
void batch_add_once(struct batch *b, struct vm *v, struct key_values *l);
/* Gives each store its part; what a store refuses is logged. */
void batch_apply(struct batch *b, struct key_sink *sinks);
void batch_release(struct batch *b);
