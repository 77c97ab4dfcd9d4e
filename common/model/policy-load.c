/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy from its files: directories, includes, the old files of services (backup-policy-clock 6.1-6.3). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/names.h"
#include "model/policy-parts.h"
#include "os/io.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define FILES_MAX 10000 /* opened, those included again counted again */
#define RULES_MAX 100000

void policy_release(struct policy *p)
{
	for (size_t i = 0; i < p->n; i++)
		policy_rule_release(&p->v[i]);
	free(p->v);
	strv_release(&p->files);
	*p = (struct policy){0};
}

/* ---- the disk ---- */

static char *disk_resolve(void *data, const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

static int disk_read(void *data, const char *path, struct buf *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? read_all(fd, ret, FILE_BYTES_MAX) : -EINVAL;
}

static int disk_list(void *data, const char *path, struct strv *ret)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			strv_add(ret, e->d_name);
	closedir(dir);
	strv_sort(ret);
	return 0;
}

const struct policy_files policy_disk = {NULL, disk_resolve, disk_read, disk_list};

/* ---- where we are ---- */

/* A file that is being read, and who includes it. */
struct place {
	const struct place *by;
	const char *path; /* belongs to the policy; links resolved, but for files of the directories */
	const char *base; /* what paths in it are relative to: the directory of the outermost file */
	const char *service, *arg; /* of a file of one service, else NULL */
	bool compat;      /* an old file, or included by one */
	unsigned line;
};

struct load {
	struct policy *p;
	const struct policy_dirs *dirs;
	const struct policy_files *from;
	struct err *err;
};

/* -EINVAL with the file and the line in front of what is wrong. */
static int wrong_at(struct load *l, const struct place *at, const char *fmt, ...) PRINTF(3, 4);
static int wrong_at(struct load *l, const struct place *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);

	CLEANUP_FREE char *text = xvasprintf(fmt, ap);

	va_end(ap);
	return policy_wrong(l->err, "%s:%u: %s", at->path, at->line, text);
}

static int locate(struct load *l, const struct place *at)
{
	CLEANUP_FREE char *text = xstrdup(l->err && l->err->text ? l->err->text : "");

	return wrong_at(l, at, "%s", text);
}

static char *join(const char *dir, const char *name)
{
	return *name == '/' ? xstrdup(name) : xasprintf("%s/%s", dir, name);
}

/* ---- rules ---- */

static int add_rule(struct load *l, const struct place *at, const struct strv *words)
{
	struct policy *p = l->p;
	struct policy_rule rule;

	if (p->n >= RULES_MAX)
		return wrong_at(l, at, "more than %d rules", RULES_MAX);
	if (policy_rule_parse(&rule, at->service, at->arg, words, l->err) < 0) {
		policy_rule_release(&rule);
		return locate(l, at);
	}
	rule.file = at->path;
	rule.line = at->line;
	GROW(p->v, p->n, p->cap);
	p->v[p->n++] = rule;
	return 0;
}

static int add_text(struct load *l, const struct place *at, const char *text)
{
	CLEANUP_STRV struct strv words = STRV_INIT;

	strv_split(&words, text, ' ');
	return add_rule(l, at, &words);
}

/* ---- includes ---- */

static int load_file(struct load *l, const struct place *by, struct place *file, const char *path);
static int load_dir(struct load *l, const struct place *by, const char *dir, const char *hidden_by);
static int load_compat(struct load *l, const struct place *by);

/* file says how it is read: service, arg and compat. */
static int include(struct load *l, const struct place *at, const char *name, struct place file)
{
	CLEANUP_FREE char *joined = join(at->base, name);
	CLEANUP_FREE char *path = l->from->resolve(l->from->data, joined);

	for (const struct place *up = at; up; up = up->by)
		if (streq(up->path, path))
			return wrong_at(l, at, "circular include: %s", path);
	file.base = at->base;
	return load_file(l, at, &file, path);
}

static int include_dir(struct load *l, const struct place *at, const char *name)
{
	CLEANUP_FREE char *joined = join(at->base, name);
	CLEANUP_FREE char *path = l->from->resolve(l->from->data, joined);
	CLEANUP_STRV struct strv names = STRV_INIT;

	strv_add(&l->p->files, path);
	if (l->from->list(l->from->data, path, &names) < 0)
		return wrong_at(l, at, "not a directory: %s", path);
	return load_dir(l, at, path, NULL);
}

static int include_service(struct load *l, const struct place *at, const struct strv *words)
{
	if (policy_check_service(words->v[1], words->v[2], l->err) < 0)
		return locate(l, at);
	return include(l, at, words->v[3], (struct place){.service = words->v[1], .arg = words->v[2]});
}

static int compat(struct load *l, const struct place *at)
{
	for (const struct place *up = at; up; up = up->by)
		if (up->compat)
			return wrong_at(l, at, "!compat-4.0 is not recursive");
	return load_compat(l, at);
}

/* A line that begins with '!'. In a file of one service there is but one directive. */
static int directive(struct load *l, const struct place *at, const struct strv *words)
{
	static const struct {
		const char *name;
		size_t params;
		bool of_service;
	} all[] = {{"!include", 1, true}, {"!include-dir", 1}, {"!include-service", 3}, {"!compat-4.0", 0}};
	size_t i = 0;

	while (i < ARRAY_SIZE(all) && !streq(words->v[0], all[i].name))
		i++;
	if (i == ARRAY_SIZE(all) || (at->service && !all[i].of_service))
		return wrong_at(l, at, "invalid directive");
	if (words->n - 1 != all[i].params)
		return wrong_at(l, at, "invalid number of params");
	switch (i) {
	case 0:
		return include(l, at, words->v[1],
			       (struct place){.service = at->service, .arg = at->arg, .compat = at->compat});
	case 1:
		return include_dir(l, at, words->v[1]);
	case 2:
		return include_service(l, at, words);
	default:
		return compat(l, at);
	}
}

/* ---- files ---- */

/* Puts to in place of every from in text; the caller frees. */
static char *replace(const char *text, const char *from, const char *to)
{
	struct buf b = BUF_INIT;

	for (const char *hit; (hit = strstr(text, from)); text = hit + strlen(from)) {
		buf_add(&b, text, (size_t)(hit - text));
		buf_addstr(&b, to);
	}
	buf_addstr(&b, text);
	return buf_steal(&b);
}

/* The old spelling of tokens and parameters (6.2). */
static char *modern(const char *line)
{
	CLEANUP_FREE char *includes = replace(line, "$include:", "!include ");
	char *text = replace(includes, "$", "@");

	chars_replace(text, ',', ' ');
	return text;
}

static int load_line(struct load *l, const struct place *at, const char *line)
{
	CLEANUP_FREE char *text = at->service ? modern(line) : xstrdup(line);
	CLEANUP_STRV struct strv words = STRV_INIT;

	for (const char *p = text; *(p += strspn(p, POLICY_BLANKS));) {
		size_t n = strcspn(p, POLICY_BLANKS);

		strv_addn(&words, p, n);
		p += n;
	}
	if (!words.n || *words.v[0] == '#')
		return 0;
	return *words.v[0] == '!' ? directive(l, at, &words) : add_rule(l, at, &words);
}

static int load_lines(struct load *l, struct place *at, const struct buf *b)
{
	const char *p = buf_str(b), *end = p + b->len;
	int r = 0;

	for (at->line = 1; r == 0 && p < end; at->line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		if (memchr(p, '\0', n) || !utf8_valid(p, n)) {
			r = wrong_at(l, at, "not a line of text");
		} else {
			CLEANUP_FREE char *line = xstrndup(p, n);

			r = load_line(l, at, line);
		}
		p += n + 1;
	}
	return r;
}

/* Errors of an included file are those of the line that includes it. */
static int unreadable(struct load *l, const struct place *by, const char *path, int r)
{
	if (by)
		return wrong_at(l, by, "%s: %s",
				r == POLICY_REMOVED ? "including a file that will be removed" :
				r == -EFBIG         ? "file is too large" :
						      "not a file",
				path);
	return err_set(l->err, r, "PolicySyntaxError", "%s: %s", path, strerror(-r));
}

static int load_file(struct load *l, const struct place *by, struct place *file, const char *path)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct policy *p = l->p;
	int r;

	if (p->files.n >= FILES_MAX)
		return err_set(l->err, -EINVAL, "PolicySyntaxError", "%s: more than %d files", path, FILES_MAX);
	strv_add(&p->files, path);
	file->by = by;
	file->path = p->files.v[p->files.n - 1];
	r = l->from->read(l->from->data, path, &b);
	return r < 0 ? unreadable(l, by, path, r) : load_lines(l, file, &b);
}

/* ---- directories ---- */

/* The names in dir that are policy files; -EINVAL when the name of one cannot be. */
static int list_dir(struct load *l, const char *dir, struct strv *ret)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int r = l->from->list(l->from->data, dir, &names);

	strv_add(&l->p->files, dir);
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(l->err, r, "PolicySyntaxError", "%s: %s", dir, strerror(-r));
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		size_t n = strlen(name), suffix = strlen(".policy");

		if (*name == '.' || n < suffix || !streq(name + n - suffix, ".policy"))
			continue;
		if (!chars_all(name, "a-z0-9_.-"))
			return policy_wrong(l->err, "invalid filename: %s/%s", dir, name);
		strv_insert(ret, name);
	}
	return 0;
}

/* All policy files of dir and, in place of those of the same name, of hidden_by (NULL: none), by name. */
static int load_dir(struct load *l, const struct place *by, const char *dir, const char *hidden_by)
{
	CLEANUP_STRV struct strv names = STRV_INIT, runtime = STRV_INIT;
	int r = list_dir(l, dir, &names);

	if (r == 0 && hidden_by)
		r = list_dir(l, hidden_by, &runtime);
	for (size_t i = 0; i < runtime.n; i++)
		strv_insert(&names, runtime.v[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *from = strv_has(&runtime, names.v[i]) ? hidden_by : dir;
		CLEANUP_FREE char *path = join(from, names.v[i]);
		struct place file = {.base = by ? by->base : from};

		for (const struct place *up = by; up; up = up->by)
			if (streq(up->path, path))
				return wrong_at(l, by, "circular include: %s", path);
		r = load_file(l, by, &file, path);
	}
	return r;
}

/* ---- old files of services ---- */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && streq(name + n - m, suffix);
}

static bool is_compat_name(const char *name)
{
	return *name != '.' && *name != '+' && !has_suffix(name, ".rpmsave") && !has_suffix(name, ".rpmnew") &&
	       !has_suffix(name, ".swp") && chars_all(name, POLICY_ARG_CHARS);
}

/* By service, then by argument, and the one without comes last. */
static int compat_cmp(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = strcspn(x, "+"), m = strcspn(y, "+");
	int r = strncmp(x, y, n < m ? n : m);

	if (r || n != m)
		return r ? r : (n > m) - (n < m);
	if (!x[n] || !y[m])
		return !x[n] - !y[m];
	return strcmp(x + n, y + m);
}

static int load_compat_file(struct load *l, const struct place *by, const char *name)
{
	CLEANUP_FREE char *path = join(l->dirs->compat, name);
	CLEANUP_FREE char *service = xstrndup(name, strcspn(name, "+"));
	const char *arg = strchr(name, '+');
	struct place file = {.base = l->dirs->compat, .service = service, .arg = arg ? arg : "*", .compat = true};
	int r = load_file(l, by, &file, path);

	/* What the file of an argument does not say is not for the file without one to say. */
	if (r == 0 && arg)
		r = add_text(l, &file, "@anyvm @anyvm deny");
	if (r == 0 && arg)
		r = add_text(l, &file, "@anyvm @adminvm deny");
	return r;
}

static int load_compat(struct load *l, const struct place *by)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int r = 0;

	if (!l->dirs->compat)
		return 0;
	strv_add(&l->p->files, l->dirs->compat);
	l->from->list(l->from->data, l->dirs->compat, &names);
	if (names.n)
		qsort(names.v, names.n, sizeof *names.v, compat_cmp);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (is_compat_name(names.v[i]))
			r = load_compat_file(l, by, names.v[i]);
	return r;
}

int policy_load(struct policy *ret, const struct policy_dirs *dirs, const struct policy_files *from, struct err *err)
{
	struct err none = ERR_INIT;
	struct load l = {ret, dirs, from, err ? err : &none};
	int r;

	*ret = (struct policy){0};
	r = load_dir(&l, NULL, dirs->main, dirs->runtime);
	for (size_t i = 0; r < 0 && i < ret->n; i++)
		policy_rule_release(&ret->v[i]);
	if (r < 0)
		ret->n = 0;
	err_release(&none);
	return r;
}
