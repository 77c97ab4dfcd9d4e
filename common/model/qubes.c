/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of qubes. */
#include "model/qubes.h"

#include <errno.h>

#include "base/mem.h"

void qubes_release(struct qubes *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->v[i].name);
		free(q->v[i].class);
		free(q->v[i].state);
		free(q->v[i].uuid);
	}
	free(q->v);
	*q = (struct qubes){0};
}

static int cmp(const void *a, const void *b)
{
	return strcmp(((const struct qube *)a)->name, ((const struct qube *)b)->name);
}

/* Takes one line without its newline; words in any order after the name. */
static bool parse_line(struct qube *ret, const char *line, size_t len)
{
	const char *end = line + len;
	const char *space = memchr(line, ' ', len);
	const char *class = NULL, *state = "NA", *uuid = "";
	size_t class_len = 0, state_len = 2, uuid_len = 0;

	if (memchr(line, '\0', len))
		return false;
	if (!space)
		space = end;
	if (space == line)
		return false;
	for (const char *word = space; word < end;) {
		word++;

		const char *stop = memchr(word, ' ', (size_t)(end - word));

		if (!stop)
			stop = end;

		size_t n = (size_t)(stop - word);

		if (n > 6 && !memcmp(word, "class=", 6))
			class = word + 6, class_len = n - 6;
		else if (n > 6 && !memcmp(word, "state=", 6))
			state = word + 6, state_len = n - 6;
		else if (n > 5 && !memcmp(word, "uuid=", 5))
			uuid = word + 5, uuid_len = n - 5;
		word = stop;
	}
	if (!class)
		return false;
	*ret = (struct qube){
		.name = xstrndup(line, (size_t)(space - line)),
		.class = xstrndup(class, class_len),
		.state = xstrndup(state, state_len),
		.uuid = xstrndup(uuid, uuid_len),
	};
	return true;
}

int qubes_parse(struct qubes *ret, const char *body, size_t len, struct err *err)
{
	struct qubes q = {0};
	const char *end = body + len;
	bool sorted = true;

	while (body < end) {
		const char *nl = memchr(body, '\n', (size_t)(end - body));

		GROW(q.v, q.n, q.cap);
		/* A reply does not say how long it is: only the newline tells that a line is whole. */
		if (!nl || !parse_line(&q.v[q.n], body, (size_t)(nl - body))) {
			qubes_release(&q);
			return err_set(err, -EBADMSG, "QubesDaemonCommunicationError", "Invalid response format");
		}
		if (q.n && cmp(&q.v[q.n - 1], &q.v[q.n]) > 0)
			sorted = false;
		q.n++;
		body = nl + 1;
	}
	if (!sorted)
		qsort(q.v, q.n, sizeof *q.v, cmp);
	*ret = q;
	return 0;
}

const struct qube *qubes_find(const struct qubes *q, const char *name)
{
	struct qube key = {.name = (char *)name};

	return q->n ? bsearch(&key, q->v, q->n, sizeof *q->v, cmp) : NULL;
}

bool state_is_running(const char *state)
{
	return !streq(state, "Halted") && !streq(state, "NA");
}
