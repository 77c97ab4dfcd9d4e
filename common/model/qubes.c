/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of qubes. */
#include "model/qubes.h"

#include <errno.h>

#include "base/mem.h"

void qubes_release(struct qubes *q)
{
	free(q->v);
	free(q->text);
	*q = (struct qubes){0};
}

static int cmp(const void *a, const void *b)
{
	return strcmp(((const struct qube *)a)->name, ((const struct qube *)b)->name);
}

/* "key=value" with a value that is not empty. */
static void take_value(const char **ret, const char *word, const char *key)
{
	const char *value = skip_prefix(word, key);

	if (value && *value)
		*ret = value;
}

/* Takes one line, which it cuts to pieces; words in any order after the name. */
static bool parse_line(struct qube *ret, char *line)
{
	char *word;

	*ret = (struct qube){.name = strsep(&line, " "), .state = "NA", .uuid = ""};
	while ((word = strsep(&line, " "))) {
		take_value(&ret->class, word, "class=");
		take_value(&ret->state, word, "state=");
		take_value(&ret->uuid, word, "uuid=");
	}
	return *ret->name && ret->class;
}

int qubes_parse(struct qubes *ret, const char *body, size_t len, struct err *err)
{
	struct qubes q = {.text = xmemdup0(body, len)};
	char *line = q.text, *end = line + len;
	bool sorted = true;

	while (line < end) {
		char *nl = strchrnul(line, '\n');

		GROW(q.v, q.n, q.cap);
		/* A reply does not say how long it is: only the newline tells that a line is whole. */
		if (!*nl || (*nl = '\0', !parse_line(&q.v[q.n], line))) {
			qubes_release(&q);
			return err_set(err, -EBADMSG, "QubesDaemonCommunicationError", "Invalid response format");
		}
		if (q.n && cmp(&q.v[q.n - 1], &q.v[q.n]) > 0)
			sorted = false;
		q.n++;
		line = nl + 1;
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
