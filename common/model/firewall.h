/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firewall rules: one reader and one printer for the tool, the daemon and the agent of a network qube
 * (admin-api 9, tools-runtime 11.2, vm-interface 7.3).
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* Whose text a rule is: what is accepted, and in which order it is written. */
enum fw_form {
	FW_SERVER, /* the Admin API: any order, strict values; written in the order of admin-api 9.3 */
	FW_CLIENT, /* what the tool reads and sends: values as typed, order of tools-runtime 11.2, prefix 0 left out */
	FW_ENTRY,  /* one entry of QubesDB: fixed order, no expiry and no comment (vm-interface 7.3) */
};

enum fw_proto { FW_ANY_PROTO, FW_TCP, FW_UDP, FW_ICMP };
enum fw_dst { FW_ANY_DST, FW_DST4, FW_DST6, FW_DSTHOST };

#define FW_ENTRY_MAX 3071 /* bytes of an entry: QubesDB refuses 3072 (vm-interface 1) */

struct fw_rule {
	bool has_action, drop;
	enum fw_proto proto;
	enum fw_dst dst_kind;
	char *dst;           /* address/prefix as typed, or host name; NULL: any */
	bool has_ports;
	uint32_t port_first, port_last;
	char *icmptype;      /* digits as typed; NULL: any */
	bool dns;            /* specialtarget=dns */
	char *expire;        /* seconds since 1970, digits as typed; NULL: never */
	char *comment;       /* NULL: none */
	char *dpi;           /* FW_ENTRY only; NULL: none */
};

void fw_rule_release(struct fw_rule *r);
#define CLEANUP_FW_RULE CLEANUP(fw_rule_release)

/*
 * Sets one part by its key (action proto dsthost dst4 dst6 dstports icmptype specialtarget expire comment), in place
 * of what it was; the three kinds of hosts are one part, of the kind that the value is. 0, or -EINVAL with the text
 * of tools-runtime 11.3, or -ENOENT for a key that is none.
 */
int fw_rule_set(struct fw_rule *r, const char *key, const char *value, struct err *err);
/* What holds between parts: there is an action, ports have their protocol; and it fits into an entry. */
int fw_rule_check(const struct fw_rule *r, struct err *err);
/* One line without its newline, of any bytes. -EINVAL with err, and an empty *ret. */
int fw_rule_parse(struct fw_rule *ret, const char *line, size_t len, enum fw_form form, struct err *err);
/* Without a newline. FW_ENTRY leaves out what an entry has not: expiry and comment. */
void fw_rule_print(struct buf *b, const struct fw_rule *r, enum fw_form form);
/* *ret is a rule of its own. */
void fw_rule_copy(struct fw_rule *ret, const struct fw_rule *from);
/* The same text in this form. */
bool fw_rule_equal(const struct fw_rule *a, const struct fw_rule *b, enum fw_form form);
/* True when nothing but the action is left: it matches everything. */
bool fw_rule_matches_all(const struct fw_rule *r);
/* "tcp", or NULL for any. */
const char *fw_rule_proto(const struct fw_rule *r);
/* When its time is over, in seconds since 1970; INT64_MAX: never. */
int64_t fw_rule_expiry(const struct fw_rule *r);
/* 4 or 6 when its destination is an address, else 0. */
int fw_rule_family(const struct fw_rule *r);

struct fw_rules {
	struct fw_rule *v;
	size_t n, cap;
};

void fw_rules_release(struct fw_rules *l);
#define CLEANUP_FW_RULES CLEANUP(fw_rules_release)
void fw_rules_copy(struct fw_rules *ret, const struct fw_rules *from);
/* Inserts at i (at most l->n) and takes over what r holds, which is empty afterwards. */
void fw_rules_insert(struct fw_rules *l, size_t i, struct fw_rule *r);
void fw_rules_remove(struct fw_rules *l, size_t i);
/*
 * Line after line, the last newline may be missing, text may hold any bytes. No line at all is an empty list; an
 * empty line is an error. err's text does not tell the line: *ret_line does, from 1. -EINVAL, and an empty *ret.
 */
int fw_rules_parse(struct fw_rules *ret, const char *text, size_t len, enum fw_form form, size_t *ret_line,
		   struct err *err);
/* A line for each. */
void fw_rules_print(struct buf *b, const struct fw_rules *l, enum fw_form form);
