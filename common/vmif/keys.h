/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys by which dom0 and a qube tell each other things: one table of all of them (vm-interface 4-7), and lists
 * of keys with their values. A key is written here by its logical name: "qubes-ip" is "/qubes-ip" in the qube's
 * QubesDB and "/local/domain/<domid>/qubes-ip" in XenStore (vm-interface 1).
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"

/* ---- generations, stores ---- */

enum vmif_gen { VMIF_R2, VMIF_R3, VMIF_R4, VMIF_GENS };
extern const char *const vmif_gen_names[VMIF_GENS]; /* r2 r3 r4 */
/* -1 when there is no such generation. */
int vmif_gen_from_name(const char *name);

enum key_store { KEY_QUBESDB, KEY_XENSTORE, KEY_STORES };
extern const char *const key_store_names[KEY_STORES]; /* qubesdb xenstore */

#define QDB_NAME_MAX 63     /* bytes of a path in QubesDB, its slash included */
#define QDB_VALUE_MAX 3071  /* bytes of a value in QubesDB */
#define XS_NAME_MAX 2048    /* bytes of a relative path in XenStore */
#define XS_PAYLOAD_MAX 4096 /* whole path, a NUL and the value */
#define KEY_VALUE_MAX XS_PAYLOAD_MAX

/* Whether a store can hold an entry of this name with so long a value (vm-interface 1). 0, or with err: -EINVAL for
 * a character or a form that cannot be, -ENAMETOOLONG, -E2BIG. domid counts for the length in XenStore only. */
int key_fits(enum key_store store, int64_t domid, const char *key, size_t value_len, struct err *err);

/* ---- the table ---- */

enum key_way {
	KEY_TO_QUBE, /* dom0 writes, the qube reads */
	KEY_TO_DOM0, /* the qube writes: hostile */
};

enum key_flags {
	KEY_BY_HAND = 1,    /* dom0 writes nothing there by itself: an administrator may */
	KEY_VOLATILE = 2,   /* random, or changed by the memory manager: it cannot be compared */
	KEY_SHARED = 4,     /* of a network qube: where it owns the key, network qubes behind it may read it */
	KEY_LATE = 8,       /* written at some changes (live), while others show with the next whole set */
	KEY_LEFT = 16,      /* of clients of a network qube: may stay behind when they have gone */
};

/* What a value looks like. The check takes any bytes (there is a NUL behind them, and may be others among them). */
struct key_format {
	const char *name; /* for people */
	bool (*check)(const char *value, size_t len);
};

struct key_def {
	/* "*" stands for one component of the path, "#" for one of decimal digits. */
	const char *name;
	const struct key_format *star; /* what the first "*" stands for; NULL: anything */
	unsigned gens;                 /* bits: 1 << generation */
	enum key_way way;
	unsigned flags;                /* enum key_flags */
	unsigned owned;                /* generations in whose XenStore it belongs to the qube (vm-interface 2.5) */
	const struct key_format *format;
	const char *meaning;
	const char *source;            /* what it is derived from, for people */
	/*
	 * Changes while the qube runs which write this key at once, separated by blanks (vm-interface 4.7). NULL: it is
	 * written with the whole set only, that is at start and at a change of netvm; other changes show then.
	 *   property:P, feature:F  of the qube itself; a final "*" of F stands for the first "*" of the name
	 *   zone                   dom0's time zone
	 *   layout                 the keyboard layout of its GuiVM
	 *   guivm, audiovm         that one has started
	 *   clients                a client of this network qube comes or goes
	 *   firewall               the rules of a client, or a client has started
	 *   remote:NAME            a remote qube behind this relay
	 */
	const char *live;
};

/* Ended by a row without name; sorted by generation of the document, not by name. */
extern const struct key_def key_defs[];

/* The row of a key, or NULL. Rows without stars are preferred. */
const struct key_def *key_find(const char *key);
/* Where a key lives in a generation. */
enum key_store key_store(const char *key, enum vmif_gen gen);
static inline bool key_in_gen(const struct key_def *def, enum vmif_gen gen)
{
	return def->gens & (1U << gen);
}

/* The row's format holds, and the name's first "*" stands for what it may. False for a key of no row. */
bool key_check(const char *key, const char *value, size_t len);

/*
 * Whether a change, one word of the column live ("property:audiovm", "feature:service.cups", "zone"), writes keys of
 * this row. *ret_star (may be NULL) is then what the star stands for, a part of change, or NULL.
 */
bool key_follows(const struct key_def *def, const char *change, const char **ret_star);

/* ---- keys with values ---- */

struct key_value {
	char *key;   /* logical name */
	char *value; /* any bytes, a NUL behind them; NULL: there is to be none */
	size_t len;
};

struct key_values {
	struct key_value *v;
	size_t n, cap;
};

#define KEY_VALUES_INIT ((struct key_values){0})

void key_values_release(struct key_values *l);
#define CLEANUP_KEY_VALUES CLEANUP(key_values_release)
/* Adds copies at the end. */
void key_values_add(struct key_values *l, const char *key, const void *value, size_t len);
void key_values_addstr(struct key_values *l, const char *key, const char *value);
/* Adds that there is to be no such key; a final "/" means everything below. */
void key_values_add_gone(struct key_values *l, const char *key);
/* What a store holds after these writes: sorted by name (bytes), the last of each name, without what is gone. */
void key_values_settle(struct key_values *l);
/* In a settled list; NULL when absent. Borrowed. */
const struct key_value *key_values_get(const struct key_values *l, const char *key);
/* The two hold the same, as far as it can be compared: a seed is any seed, the date in a header any date. */
bool key_value_agrees(const struct key_value *have, const struct key_value *want);
