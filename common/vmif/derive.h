/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keys of a qube say, derived from the system (vm-interface 4). The daemon writes it, a checker compares
 * with it; each tells by a source where the system is to be looked at.
 */
#pragma once

#include <time.h>

#include "base/strv.h"
#include "vmif/keys.h"

struct key_source {
	void *data;
	/* As admin.vm.property.Get shows it; "" for none and for a property that the qube has not. Caller frees. */
	char *(*prop)(const struct key_source *s, const char *qube, const char *prop);
	/* A feature of the qube itself; NULL: not set. Borrowed until the system changes. */
	const char *(*feature)(const struct key_source *s, const char *qube, const char *feature);
	/* Adds the names of all features of the qube itself. */
	void (*features)(const struct key_source *s, const char *qube, struct strv *ret);
	/* Firewall rules as admin.vm.firewall.Get gives them; such as are over may be among them. Caller frees. */
	char *(*rules)(const struct key_source *s, const char *qube);
	/* Adds the names of all qubes whose property prop is this qube, sorted. NULL: each of qubes is asked. */
	void (*naming)(const struct key_source *s, const char *prop, const char *qube, struct strv *ret);
	const struct strv *qubes; /* names of all, dom0 too, sorted; of no use with naming */
	const char *zone;         /* dom0's time zone; NULL: not known */
	const char *seed;         /* for qubes-random-seed; NULL: leave it out */
	time_t now;
};

/* Each adds keys in the order in which they have to be written, with those that are to be removed; names of keys that
 * a generation does not have are left out. A start is derive_memory and derive_set. */

/* The memory keys, which are written when a qube starts and not again. */
void derive_memory(const struct key_source *s, enum vmif_gen gen, const char *qube, struct key_values *ret);
/* The whole set of a qube that runs, with what is there for the clients that run behind it. */
void derive_set(const struct key_source *s, enum vmif_gen gen, const char *qube, struct key_values *ret);
/* In a network qube: who its clients are. */
void derive_connected(const struct key_source *s, enum vmif_gen gen, const char *netvm, struct key_values *ret);
/* In a network qube: what it needs to know of a client before that one's interface appears. */
void derive_client(const struct key_source *s, enum vmif_gen gen, const char *netvm, const char *client,
		   struct key_values *ret);
/* In a network qube: the rules of a client as release 4 has them; what tells that they are complete comes last. */
void derive_rules(const struct key_source *s, enum vmif_gen gen, const char *netvm, const char *client,
		  struct key_values *ret);
/* In a network qube: the rules of all clients that run as release 3 has them, for one that reads those. */
void derive_iptables(const struct key_source *s, enum vmif_gen gen, const char *netvm, struct key_values *ret);

/* The keys that a change writes at once (a word of keys.h, column live): those of the set whose rows name it, with
 * their values, or as gone. */
void derive_change(const struct key_source *s, enum vmif_gen gen, const char *qube, const char *change,
		   struct key_values *ret);

/* The netvm of a qube; "" for none. Caller frees. */
char *derive_netvm(const struct key_source *s, const char *qube);
/* The qube's domain number, -1 while it is off. */
int64_t derive_domid(const struct key_source *s, const char *qube);

/* dom0's time zone from what a path like /etc/localtime is; NULL when it cannot be told. Caller frees. */
char *zone_of(const char *path);
/* 64 random bytes in base64. Caller frees. */
char *seed_new(void);
