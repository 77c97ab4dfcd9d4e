/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that derive keys share. Not for others. */
#pragma once

#include "vmif/derive.h"

struct deriving {
	const struct key_source *src;
	enum vmif_gen gen;
	const char *qube;
	struct key_values *ret;
};

/* Adds a key, if the generation has it; value may be NULL or "" to leave it out (put_if) or "" (put). */
void put(const struct deriving *d, const char *key, const char *value);
void put_if(const struct deriving *d, const char *key, const char *value);
void putf(const struct deriving *d, const char *key, const char *fmt, ...) PRINTF(3, 4);
/* The value of a property; "" for none. Caller frees. */
char *prop_of(const struct deriving *d, const char *qube, const char *prop);
bool prop_is(const struct deriving *d, const char *qube, const char *prop, const char *value);
/* Adds the names of the qubes whose property names d->qube, sorted. */
void naming(const struct deriving *d, const char *prop, struct strv *ret);
const char *own_feature(const struct deriving *d, const char *feature);
/* Own, template's, its template's; NULL: nowhere. */
const char *template_feature(const struct deriving *d, const char *qube, const char *feature);
bool is_network(const struct deriving *d, const char *qube);

/* derive_net.c */
void derive_own_network(const struct deriving *d);  /* as one that serves network */
void derive_uplink(const struct deriving *d);       /* as one that has a netvm */
/* The address of a client as its netvm knows it. "" for none; caller frees. */
char *client_ip(const struct deriving *d, const char *client);
/* The two DNS servers of a client; either may be "". Caller frees both. */
void client_dns(const struct deriving *d, const char *client, char **ret_first, char **ret_second);

/* keyboard.c: what xkbcomp makes the layout, variant and options of from, "pl++compose:caps". Caller frees. */
char *keyboard_map(const char *layout);
