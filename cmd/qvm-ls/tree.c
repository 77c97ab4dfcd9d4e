/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network tree: which row stands below which (tools-config 2.5). */
#include "ls.h"

#include "base/mem.h"

#define NO_ROW SIZE_MAX

struct node {
	const char *netvm; /* NULL: no such property, or none */
	bool provides;
	bool done;
	size_t first_child, next_sibling; /* in the order of the rows, which is by name */
};

struct tree {
	const struct rows *rows;
	struct node *v;
	struct rows out;
};

static void node_read(struct node *node, struct world *w, size_t i)
{
	struct propval p;

	*node = (struct node){.first_child = NO_ROW, .next_sibling = NO_ROW};
	if (world_prop(w, i, "netvm", &p) == KNOWN && !propval_is_none(&p))
		node->netvm = p.value;
	if (world_prop(w, i, "provides_network", &p) == KNOWN)
		node->provides = streq(p.value, "True");
}

static void tree_emit(struct tree *t, size_t at, unsigned depth)
{
	struct row row = t->rows->v[at];

	t->v[at].done = true;
	row.depth = depth;
	GROW(t->out.v, t->out.n, t->out.cap);
	t->out.v[t->out.n++] = row;
}

/* A row and what is below it, without recursion: a chain of netvms may be as long as the list. */
static void tree_descend(struct tree *t, size_t root)
{
	CLEANUP_FREE size_t *stack = xcalloc(t->rows->n + 1, sizeof *stack); /* next row of each depth */
	unsigned depth = 0;

	tree_emit(t, root, 0);
	stack[0] = t->v[root].provides ? t->v[root].first_child : NO_ROW;
	for (;;) {
		size_t at = stack[depth];

		if (at == NO_ROW) {
			if (depth == 0)
				return;
			depth--;
			continue;
		}
		stack[depth] = t->v[at].next_sibling;
		if (t->v[at].done)
			continue;
		tree_emit(t, at, depth + 1);
		if (t->v[at].provides)
			stack[++depth] = t->v[at].first_child;
	}
}

static int row_by_name(const void *key, const void *elem, const struct world *w)
{
	return strcmp(key, w->v[((const struct row *)elem)->i].qube->name);
}

/* The rows are sorted by name. */
static size_t find_row(const struct rows *rows, const struct world *w, const char *name)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = row_by_name(name, &rows->v[mid], w);

		if (cmp == 0)
			return mid;
		if (cmp < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NO_ROW;
}

void rows_tree(struct rows *rows, struct world *w)
{
	struct tree t = {.rows = rows, .v = xcalloc(rows->n, sizeof *t.v)};

	for (size_t k = 0; k < rows->n; k++)
		node_read(&t.v[k], w, rows->v[k].i);
	/* From the end, so that the lists of children come out in order. */
	for (size_t k = rows->n; k-- > 0;) {
		size_t up = t.v[k].netvm ? find_row(rows, w, t.v[k].netvm) : NO_ROW;

		if (up == NO_ROW)
			continue;
		t.v[k].next_sibling = t.v[up].first_child;
		t.v[up].first_child = k;
	}
	for (size_t k = 0; k < rows->n; k++)
		if (!t.v[k].netvm && !t.v[k].provides)
			tree_descend(&t, k);
	for (size_t k = 0; k < rows->n; k++)
		if (!t.v[k].netvm && t.v[k].provides)
			tree_descend(&t, k);
	/* The netvm is not listed; then what is left, such as rings of netvms, so that no row is lost. */
	for (size_t k = 0; k < rows->n; k++)
		if (!t.v[k].done && t.v[k].netvm && find_row(rows, w, t.v[k].netvm) == NO_ROW)
			tree_descend(&t, k);
	for (size_t k = 0; k < rows->n; k++)
		if (!t.v[k].done)
			tree_descend(&t, k);
	free(t.v);
	free(rows->v);
	*rows = t.out;
}
