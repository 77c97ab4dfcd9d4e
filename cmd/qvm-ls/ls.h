/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of qvm-ls: what is known of the qubes, columns, filters, order, printing. */
#pragma once

#include "cli/record.h"
#include "cli/select.h"
#include "cli/tool.h"
#include "model/propval.h"
#include "model/qubes.h"
#include "model/volume.h"

/* ---- fetch.c: what the server said, and what is still to be asked ---- */

/*
 * Everything is looked up as if it were there. A look-up of something that was not asked yet notes the
 * call and answers PENDING; world_run() makes all the calls noted so far together, and the caller looks
 * again. So nothing is asked twice, nothing unneeded is asked, and rounds are as few as they can be.
 */
enum known {
	UNASKED, /* never the answer of a look-up */
	PENDING, /* will be known after world_run() */
	KNOWN,
	MISSING, /* there is no such thing, or it was refused */
};

struct volume {
	char *name;
	struct volume_info info;
	enum known state;
};

/* A named thing that is asked by itself: a property, a feature, the colour of a label. */
struct item {
	char *name;
	struct propval prop; /* of a property */
	char *text;          /* of everything else */
	enum known state;
};

struct items {
	struct item *v;
	size_t n, cap;
};

/* One qube. Each group of facts has its state and is asked for once. */
struct entry {
	const struct qube *qube;
	bool gone; /* removed since admin.vm.List */
	enum known props_state, tags_state, features_state, volumes_state, mem_state;
	bool props_single; /* GetAll was refused: Get for each property that is wanted */
	char *props;       /* packed (pack.c) */
	struct items single;
	struct items feature;
	struct strv tags, features;
	struct volume *volumes;
	size_t n_volumes;
	int64_t mem;   /* KiB */
	char flags[9]; /* the letters of the column FLAGS */
};

enum want_kind {
	WANT_GETALL,
	WANT_GET,
	WANT_TAGS,
	WANT_FEATURES,
	WANT_FEATURE,
	WANT_MEM,
	WANT_VOLUMES,
	WANT_VOLUME,
	WANT_COLOR,
	WANT_INDEX,
};

struct want {
	enum want_kind kind;
	size_t entry; /* index into world.v; unused for labels */
	size_t slot;  /* index into the items or volumes it is for */
};

struct spinner {
	bool allowed, shown;
	uint64_t start_ns;
	unsigned step;
};

struct world {
	struct ctx *c;
	const struct qubes *qubes;
	struct entry *v; /* v[i] is qubes->v[i] */
	size_t n;
	struct items colors, indexes; /* of labels */
	struct want *wants;
	size_t n_wants, cap_wants;
	struct spinner spinner;
};

void world_init(struct world *w, struct ctx *c, const struct qubes *qubes);
void world_release(struct world *w);
#define CLEANUP_WORLD CLEANUP(world_release)

/* Makes the calls that look-ups noted. Prints the error when one of them ends the listing; exit status. */
int world_run(struct world *w);
/* Takes the spinner off the screen, if it is there. */
void spinner_wipe(struct world *w);

/* What *ret points to belongs to the world, and stays where it is. */
enum known world_prop(struct world *w, size_t i, const char *name, struct propval *ret);
enum known world_tags(struct world *w, size_t i, const struct strv **ret);
enum known world_features(struct world *w, size_t i, const struct strv **ret);
enum known world_feature(struct world *w, size_t i, const char *name, const char **ret);
enum known world_mem(struct world *w, size_t i, int64_t *ret_kib);
/* The volumes by name only (their other fields are not filled). */
enum known world_volumes(struct world *w, size_t i, const struct volume **ret, size_t *ret_n);
/* One of them with all fields, by its place in world_volumes(). */
enum known world_volume(struct world *w, size_t i, size_t slot, const struct volume **ret);
/* "color" or "index" of a label. */
enum known world_label(struct world *w, const char *label, bool index, const char **ret);

/* ---- pack.c: all properties of a qube in one piece of memory, for there may be half a million of them ---- */

/* From the body of GetAll; NULL when it is none. The caller frees. */
char *props_pack(const char *body, size_t len);
/* *ret borrows from packed; its name and is_default are not filled. */
bool props_packed_find(const char *packed, const char *name, struct propval *ret);

/* ---- reply.c: one reply into the world ---- */

/* Stores what a call brought. 0, or -1 when the whole listing has to end with c->err. */
int reply_store(struct world *w, const struct want *want, const struct call *c);

/* ---- columns.c ---- */

enum column_kind {
	COLUMN_PROPERTY, /* any name that is no other */
	COLUMN_EMPTY,    /* an empty element of the list */
	COLUMN_STATE,
	COLUMN_CLASS,
	COLUMN_MEMORY,
	COLUMN_DISK,
	COLUMN_CURR,
	COLUMN_MAX,
	COLUMN_USED,
	COLUMN_POOL,
	COLUMN_FLAGS,
};

struct column {
	enum column_kind kind;
	const char *volume; /* of the four volume kinds */
	char *head;
	char *attr; /* lower case, with '_': "virt_mode", "netvm.ip" */
	char *key;  /* in JSON: the head in lower case */
	bool numeric;
};

struct columns {
	struct column *v;
	size_t n, cap;
};

void columns_release(struct columns *cols);
#define CLEANUP_COLUMNS CLEANUP(columns_release)
/* "name, netvm.ip": splits, trims, looks up. */
void columns_parse(struct columns *ret, const char *fields);
/* The fields of a preset, or NULL. */
const char *preset_fields(const char *format);
void print_formats(FILE *out);
void print_columns(FILE *out);
/* The index of the column with this head, '_' and '-' and case being the same; cols->n when not there. */
size_t columns_find(const struct columns *cols, const char *name);

/* ---- cell.c ---- */

struct cell {
	enum val_type type;
	bool percent; /* a '%' follows the number in text */
	union {
		const char *str; /* VAL_STR; belongs to the world */
		int64_t num;     /* VAL_INT, VAL_BOOL */
		struct strv list;
	};
};

void cell_release(struct cell *cell);
/* The value of a column of one qube. KNOWN, or PENDING; what is missing is a cell of VAL_NULL. */
enum known column_cell(struct world *w, size_t i, const struct column *col, struct cell *ret);
/* The value of a property or reference ("netvm.ip") or list; MISSING when it is none. */
enum known attr_cell(struct world *w, size_t i, const char *attr, struct cell *ret);
/* As it is printed; the caller frees. */
char *cell_text(const struct cell *cell);

/* ---- rows: filter.c, rows.c, tree.c, print.c ---- */

struct row {
	size_t i;       /* into world.v */
	unsigned depth; /* in the tree */
	struct cell *cells;
};

struct rows {
	struct row *v;
	size_t n, cap;
};

/* Leaves the rows that pass all filters of the command line. Exit status. */
int rows_filter(struct rows *rows, struct world *w);
/*
 * Fills the cells of all rows, and with tree what the tree needs; drops qubes that went away. Exit status.
 */
int rows_fill(struct rows *rows, struct world *w, const struct columns *cols, bool tree);
void rows_release(struct rows *rows, size_t n_columns);
/* Orders by one column, stably (tools-config 2.7). */
void rows_sort(struct rows *rows, const struct columns *cols, size_t by, bool reverse, bool ignore_case);
/* Orders filled rows as the network tree (tools-config 2.5) and sets depths. */
void rows_tree(struct rows *rows, struct world *w);

void print_table(struct ctx *c, const struct rows *rows, const struct columns *cols);
void print_raw(struct ctx *c, const struct rows *rows, const struct columns *cols, bool nul);
void print_json(struct ctx *c, const struct rows *rows, const struct columns *cols, bool tree);
