/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of rules. */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvm-firewall/firewall.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

void file_rules_release(struct file_rules *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].text);
		free(f->v[i].problem);
		fw_rule_release(&f->v[i].rule);
	}
	free(f->v);
	*f = (struct file_rules){0};
}

const char *file_name(const char *path)
{
	return streq(path, "-") ? "standard input" : path;
}

static bool is_skipped(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && strchr(" \t\r", line[i]))
		i++;
	return i == n || line[i] == '#';
}

static void add(struct file_rules *f, size_t number, const char *line, size_t n)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	struct file_rule r = {.line = number, .text = xmemdup0(line, n)};

	if (fw_rule_parse(&r.rule, line, n, FW_SERVER, &err) < 0)
		r.problem = STEAL(err.text);
	GROW(f->v, f->n, f->cap);
	f->v[f->n++] = r;
}

void file_parse(struct file_rules *ret, const char *text, size_t len, bool skip)
{
	const char *end = text + len;

	for (size_t number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		if (!skip || !is_skipped(text, n))
			add(ret, number, text, n);
		text = newline ? newline + 1 : end;
	}
}

int file_read(struct ctx *c, const char *path, struct file_rules *ret)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r = streq(path, "-") ? read_all(fileno(c->in), &b, FILE_BYTES_MAX) :
				   read_file(path, &b, FILE_BYTES_MAX);

	if (r < 0)
		return fail(c, "cannot read %s: %s", file_name(path), strerror(-r));
	file_parse(ret, buf_str(&b), b.len, true);
	return STATUS_OK;
}
