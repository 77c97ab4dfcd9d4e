/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backup profiles: writing, and the files that they are in. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/profile.h"
#include "os/io.h"

/* ---- text ---- */

/* Python's dumper, too, writes what is not printable ASCII in double quotes only. */
static bool needs_double(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return true;
	return false;
}

static bool needs_single(const char *s)
{
	size_t n = strlen(s);

	return scalar_kind(s) != SCALAR_STRING || s[0] == ' ' || s[n - 1] == ' ' || s[n - 1] == ':' ||
	       strchr("@%&*!|>'\"[]{},#`", s[0]) || (strchr("-?:", s[0]) && (s[1] == ' ' || !s[1])) ||
	       skip_prefix(s, "---") || skip_prefix(s, "...") || strstr(s, ": ") || strstr(s, " #");
}

static void add_double(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	buf_addch(b, '"');
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = utf8_next(s + i, n - i, &cp);

		if (!len) /* profile_check says so */
			break;
		if (cp == '"' || cp == '\\')
			buf_addf(b, "\\%c", (char)cp);
		else if (cp == '\t')
			buf_addstr(b, "\\t");
		else if (cp == '\n')
			buf_addstr(b, "\\n");
		else if (cp == '\r')
			buf_addstr(b, "\\r");
		else if (cp >= 0x20 && cp < 0x7f)
			buf_addch(b, (char)cp);
		else
			buf_addf(b, cp <= 0xff ? "\\x%02X" : cp <= 0xffff ? "\\u%04X" : "\\U%08X", cp);
		i += len;
	}
	buf_addch(b, '"');
}

static void add_scalar(struct buf *b, const char *s)
{
	if (needs_double(s)) {
		add_double(b, s);
	} else if (needs_single(s)) {
		buf_addch(b, '\'');
		for (; *s; s++)
			buf_addf(b, *s == '\'' ? "''" : "%c", *s);
		buf_addch(b, '\'');
	} else {
		buf_addstr(b, s);
	}
	buf_addch(b, '\n');
}

static void add_pair(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addf(b, "%s: ", key);
	add_scalar(b, value);
}

static void add_list(struct buf *b, const char *key, const struct strv *list)
{
	buf_addf(b, "%s:%s\n", key, list->n ? "" : " []");
	for (size_t i = 0; i < list->n; i++) {
		buf_addstr(b, "- ");
		add_scalar(b, list->v[i]);
	}
}

static int check_text(const char *key, const char *s, struct err *err)
{
	if (!s || utf8_valid(s, strlen(s)))
		return 0;
	return err_set(err, -EINVAL, "QubesException", "%s: not valid UTF-8, a profile cannot hold it", key);
}

static int check_list(const char *key, const struct strv *list, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = check_text(key, list->v[i], err);
	return r;
}

int profile_check(const struct profile *p, struct err *err)
{
	const struct {
		const char *key, *text;
	} texts[] = {
		{ "compression", p->filter }, { "destination_path", p->destination_path },
		{ "destination_vm", p->destination_vm }, { "passphrase_text", p->passphrase_text },
		{ "passphrase_vm", p->passphrase_vm },
	};
	int r = check_list("include", &p->include, err);

	if (r == 0)
		r = check_list("exclude", &p->exclude, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = check_text(texts[i].key, texts[i].text, err);
	return r;
}

void profile_print(struct buf *b, const struct profile *p)
{
	if (p->compressed && p->filter)
		add_pair(b, "compression", p->filter);
	else
		buf_addf(b, "compression: %s\n", p->compressed ? "true" : "false");
	add_pair(b, "destination_path", p->destination_path);
	add_pair(b, "destination_vm", p->destination_vm);
	if (p->exclude.n)
		add_list(b, "exclude", &p->exclude);
	if (p->include_all)
		buf_addstr(b, "include: null\n");
	else
		add_list(b, "include", &p->include);
	if (p->passphrase_text && *p->passphrase_text)
		add_pair(b, "passphrase_text", p->passphrase_text);
	add_pair(b, "passphrase_vm", p->passphrase_vm);
}

/* ---- files ---- */

char *profile_path(const char *dir, const char *name, struct err *err)
{
	if (strchr(name, '/')) {
		err_set(err, -EINVAL, "ProtocolError", "Backup profile ID must not contain forward slash character");
		return NULL;
	}
	return xasprintf("%s/%s.conf", dir, name);
}

static int file_failed(struct err *err, int code, const char *what, const char *path)
{
	return err_set(err, code, "QubesException", "%s '%s': %s", what, path, strerror(-code));
}

int profile_load(struct profile *ret, const char *dir, const char *name, unsigned *ret_mode, struct err *err)
{
	CLEANUP_FREE char *path = profile_path(dir, name, err);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct stat st;
	int r;

	if (!path)
		return -EINVAL;

	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "QubesBackupProfileNotFoundError", "Backup profile does not exist: %s",
			       name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return file_failed(err, -errno, "cannot read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "QubesException", "cannot read '%s': not a regular file", path);
	r = read_all(fd, &b, PROFILE_MAX + 1);
	if (r == 0)
		r = profile_parse(ret, path, buf_str(&b), b.len, err);
	else
		r = file_failed(err, r, "cannot read", path);
	if (r == 0 && ret_mode)
		*ret_mode = st.st_mode & 07777;
	if (b.data)
		explicit_bzero(b.data, b.len);
	return r;
}

/* A directory of the group qubes is one whose members, not root alone, write profiles. */
static void share(int fd, const char *dir)
{
	const struct group *g = getgrnam("qubes");
	struct stat st;

	if (g && stat(dir, &st) == 0 && st.st_gid == g->gr_gid && fchown(fd, (uid_t)-1, g->gr_gid) == 0)
		fchmod(fd, 0660);
}

int profile_save(const struct profile *p, const char *dir, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = profile_path(dir, name, err);
	CLEANUP_BUF struct buf b = BUF_INIT;
	int r;

	if (!path || profile_check(p, err) < 0)
		return -EINVAL;

	CLEANUP_FREE char *temporary = xasprintf("%s/.%s.conf.XXXXXX", dir, name);
	CLEANUP_CLOSE int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */

	if (fd < 0)
		return file_failed(err, -errno, "cannot write", path);
	share(fd, dir);
	profile_print(&b, p);
	r = write_all(fd, b.data, b.len);
	if (r == 0 && (fsync(fd) < 0 || rename(temporary, path) < 0))
		r = -errno;
	explicit_bzero(b.data, b.len);
	if (r == 0)
		return 0;
	unlink(temporary);
	return file_failed(err, r, "cannot write", path);
}
