/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the listing: filling their cells, and their order by a column (tools-config 2.7). */
#include "ls.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/num.h"

static void cells_free(struct cell *cells, size_t n)
{
	for (size_t k = 0; cells && k < n; k++)
		cell_release(&cells[k]);
	free(cells);
}

void rows_release(struct rows *rows, size_t n_columns)
{
	for (size_t k = 0; k < rows->n; k++)
		cells_free(rows->v[k].cells, n_columns);
	free(rows->v);
	*rows = (struct rows){0};
}

/* All cells of a row, or none while one of them is not known. */
static bool row_fill(struct row *row, struct world *w, const struct columns *cols)
{
	struct cell *cells = xreallocarray(NULL, cols->n, sizeof *cells);
	bool ready = true;

	for (size_t k = 0; k < cols->n; k++)
		if (column_cell(w, row->i, &cols->v[k], &cells[k]) == PENDING)
			ready = false;
	if (ready)
		row->cells = cells;
	else
		cells_free(cells, cols->n);
	return ready;
}

static void rows_drop_gone(struct rows *rows, const struct world *w, size_t n_columns)
{
	size_t kept = 0;

	for (size_t k = 0; k < rows->n; k++) {
		if (w->v[rows->v[k].i].gone)
			cells_free(rows->v[k].cells, n_columns);
		else
			rows->v[kept++] = rows->v[k];
	}
	rows->n = kept;
}

int rows_fill(struct rows *rows, struct world *w, const struct columns *cols, bool tree)
{
	bool again = true;

	while (again) {
		struct propval p;

		again = false;
		for (size_t k = 0; k < rows->n; k++) {
			struct row *row = &rows->v[k];

			if (tree && (world_prop(w, row->i, "netvm", &p) == PENDING ||
				     world_prop(w, row->i, "provides_network", &p) == PENDING))
				again = true;
			if (!row->cells && !row_fill(row, w, cols))
				again = true;
		}
		if (again) {
			int status = world_run(w);

			if (status)
				return status;
		}
	}
	rows_drop_gone(rows, w, cols->n);
	return STATUS_OK;
}

/* ---- order ---- */

struct key {
	struct row row;
	char *text;
	int64_t num;
	size_t at; /* among the rows before: what makes the order stable */
	bool reverse, numeric;
};

static int key_cmp(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int cmp = x->numeric ? (x->num > y->num) - (x->num < y->num) : strcmp(x->text, y->text);

	if (x->reverse)
		cmp = -cmp;
	return cmp ? cmp : (x->at > y->at) - (x->at < y->at);
}

/* A number with an optional '%' behind it; anything else counts as 0. */
static int64_t text_num(const char *text)
{
	size_t n = strlen(text);
	CLEANUP_FREE char *digits = xstrndup(text, n && text[n - 1] == '%' ? n - 1 : n);
	int64_t num = 0;

	num_i64(digits, &num);
	return num;
}

void rows_sort(struct rows *rows, const struct columns *cols, size_t by, bool reverse, bool ignore_case)
{
	CLEANUP_FREE struct key *keys = xcalloc(rows->n, sizeof *keys);

	for (size_t k = 0; k < rows->n; k++) {
		char *text = cell_text(&rows->v[k].cells[by]);

		keys[k] = (struct key){rows->v[k], text, cols->v[by].numeric ? text_num(text) : 0, k, reverse,
				       cols->v[by].numeric};
		for (char *p = text; ignore_case && *p; p++)
			*p = (char)toupper((unsigned char)*p);
	}
	if (rows->n)
		qsort(keys, rows->n, sizeof *keys, key_cmp);
	for (size_t k = 0; k < rows->n; k++) {
		rows->v[k] = keys[k].row;
		free(keys[k].text);
	}
}
