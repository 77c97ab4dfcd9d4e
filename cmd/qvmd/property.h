/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties from the inside: one row per property, and a change while it is being made. */
#pragma once

#include "model/propval.h"
#include "qvmd/qvmd.h"

enum prop_mode {
	MODE_RW,
	MODE_ONCE, /* fixed when the qube was created; kept in struct vm, not among the stored properties */
	MODE_RO,   /* computed */
};

struct prop_def;

/* A Set or Reset under way. Values are what Get shows; NULL means none or no value at all. */
struct prop_change {
	struct sys *sys;
	struct vm *vm; /* NULL: a property of the system */
	const struct prop_def *def;
	bool reset;
	bool has_old; /* there was a value or a default (admin-api 11.1, oldvalue) */
	const char *old;
	const char *new;
};

struct prop_def {
	const char *name;
	enum prop_type type;
	unsigned classes; /* bits of enum class; 0 for properties of the system */
	enum prop_mode mode;
	bool dom0_ro;     /* read-only in dom0, whatever mode says */
	bool required;    /* a qube must be named */
	const char *text; /* a constant default; else fallback; with neither there is no default */
	char *(*fallback)(struct sys *s, struct vm *v, const struct prop_def *def);
	/* Rules on the value's form, before any event; may put another text into *value. */
	int (*clean)(const struct prop_change *c, char **value, struct err *err);
	/* Rules on the state of other things, behind the pre event. */
	int (*check)(const struct prop_change *c, struct err *err);
	/* Reactions: the value is stored, its set or reset event not yet sent. */
	void (*react)(const struct prop_change *c);
	/* Reactions that wait for something: behind the event. */
	void (*late)(const struct prop_change *c);
	const char *help;
};

/* Rows in the order of admin-api 4.1; the last has no name. */
extern const struct prop_def vm_prop_defs[];
extern const struct prop_def global_prop_defs[];

/* ---- property.c ---- */

/* NULL when there is no such property; v NULL asks for one of the system. */
const struct prop_def *prop_def_find(const struct vm *v, const char *name);
/* The present value or NULL for none. The caller frees. *ret_default may be NULL. */
char *prop_value(struct sys *s, struct vm *v, const struct prop_def *def, bool *ret_default);
bool prop_has_default(const struct vm *v, const struct prop_def *def);
char *prop_default_value(struct sys *s, struct vm *v, const struct prop_def *def);
/* True when v has the property and its value was not set explicitly. */
bool prop_at_default(const struct vm *v, const char *name);
/* Sends what:<property> with name, newvalue and oldvalue. */
void announce_set(const struct prop_change *c, const char *what);
/* Sends what:<property> with name and oldvalue. */
void announce_reset(const struct prop_change *c, const char *what);

/* ---- property_parse.c (admin-api 4.3, and the forms of 4.4) ---- */

int prop_parse(const struct prop_change *c, const char *text, size_t len, char **ret, struct err *err);
int clean_positive(const struct prop_change *c, char **value, struct err *err);
int clean_not_negative(const struct prop_change *c, char **value, struct err *err);
int clean_user(const struct prop_change *c, char **value, struct err *err);
int clean_denied(const struct prop_change *c, char **value, struct err *err);
int clean_ip(const struct prop_change *c, char **value, struct err *err);
int clean_ip6(const struct prop_change *c, char **value, struct err *err);
int clean_uuid(const struct prop_change *c, char **value, struct err *err);
int clean_kernel(const struct prop_change *c, char **value, struct err *err);
int clean_kernelopts(const struct prop_change *c, char **value, struct err *err);
int clean_keyboard(const struct prop_change *c, char **value, struct err *err);
int clean_mac(const struct prop_change *c, char **value, struct err *err);
int clean_virt_mode(const struct prop_change *c, char **value, struct err *err);
int clean_template(const struct prop_change *c, char **value, struct err *err);

/* ---- property_defaults.c ---- */

#define PROP_FALLBACK(fn) char *fn(struct sys *s, struct vm *v, const struct prop_def *def)
PROP_FALLBACK(default_none);
PROP_FALLBACK(default_from_system);  /* the property of the system of the same name */
PROP_FALLBACK(default_inherit);      /* template's, else def->text, else that of the system */
PROP_FALLBACK(default_appvm_bootmode);
PROP_FALLBACK(default_bootmode);
PROP_FALLBACK(default_dispvm);
PROP_FALLBACK(default_icon);
PROP_FALLBACK(default_include_in_backups);
PROP_FALLBACK(default_is_preload);
PROP_FALLBACK(default_kernelopts);
PROP_FALLBACK(default_keyboard);
PROP_FALLBACK(default_maxmem);
PROP_FALLBACK(default_netvm);
PROP_FALLBACK(default_updateable);
PROP_FALLBACK(default_virt_mode);
PROP_FALLBACK(value_dispid);
PROP_FALLBACK(value_klass);
PROP_FALLBACK(value_name);
PROP_FALLBACK(value_qid);
PROP_FALLBACK(value_start_time);
PROP_FALLBACK(value_stubdom_xid);
PROP_FALLBACK(value_uuid);
PROP_FALLBACK(value_xid);

struct vm *template_of(struct vm *v);
int64_t physical_memory(void); /* MiB */

/* ---- property_net.c: defaults, rules and reactions of the network ---- */

PROP_FALLBACK(default_dns);
PROP_FALLBACK(default_gateway);
PROP_FALLBACK(default_gateway6);
PROP_FALLBACK(default_ip);
PROP_FALLBACK(default_ip6);
PROP_FALLBACK(default_visible_gateway);
PROP_FALLBACK(default_visible_gateway6);
PROP_FALLBACK(default_visible_ip);
PROP_FALLBACK(default_visible_ip6);
PROP_FALLBACK(default_visible_netmask);

struct vm *netvm_of(struct vm *v);
/* Other qubes may have it as their netvm. */
bool provides_network(const struct vm *v);
int check_netvm(const struct prop_change *c, struct err *err);
int check_provides_network(const struct prop_change *c, struct err *err);
int check_default_netvm(const struct prop_change *c, struct err *err);
void react_netvm(const struct prop_change *c);
void late_netvm(const struct prop_change *c);
void react_ip(const struct prop_change *c);
void react_provides_network(const struct prop_change *c);
void react_default_netvm(const struct prop_change *c);

/* ---- property_effects.c: rules and reactions of everything else ---- */

int check_disposable_template(const struct prop_change *c, struct err *err);
int check_kernel(const struct prop_change *c, struct err *err);
int check_label(const struct prop_change *c, struct err *err);
int check_maxmem(const struct prop_change *c, struct err *err);
int check_template(const struct prop_change *c, struct err *err);
int check_template_for_dispvms(const struct prop_change *c, struct err *err);
void react_appvm_bootmode(const struct prop_change *c);
void react_icon(const struct prop_change *c);
void react_inherited(const struct prop_change *c); /* tells the qubes based on a template */
void react_tag(const struct prop_change *c);       /* tags guivm-*, audiovm-*, relayvm-* */
void react_clockvm(const struct prop_change *c);
void react_default_dispvm(const struct prop_change *c);
void react_default_tag(const struct prop_change *c); /* default_guivm, default_audiovm */
