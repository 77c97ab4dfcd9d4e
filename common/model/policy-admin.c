/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Policy Admin API. */
#include "model/policy-admin.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/names.h"
#include "model/policy-parts.h"
#include "os/io.h"

#define TOKEN_PREFIX "sha256:"

static int refuse(struct err *err, const char *class, const char *fmt, ...) PRINTF(3, 4);
static int refuse(struct err *err, const char *class, const char *fmt, ...)
{
	CLEANUP_FREE char *type = xasprintf("PolicyAdmin%sException", class);
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, -EINVAL, type, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The system does not let us. */
static int failed(struct err *err, const char *path)
{
	int r = -errno;

	return err_set(err, r, "PolicyAdminException", "%s: %s", path, strerror(-r));
}

/* ---- the file that a call is about ---- */

struct target {
	const char *base; /* the policy's directory, links resolved */
	char *dir, *path; /* of the file; dir is base or its include directory */
	const char *name;
	bool include;
};

static void target_release(struct target *t)
{
	free(t->dir);
	free(t->path);
}

static void set_target(struct target *t, const char *base, bool include, const char *name)
{
	*t = (struct target){
		.base = base,
		.dir = include ? xasprintf("%s/include", base) : xstrdup(base),
		.name = name,
		.include = include,
	};
	t->path = xasprintf("%s/%s%s", t->dir, name, include ? "" : ".policy");
}

/* writing: a main file whose name has upper case would keep the whole policy from being read. */
static int check_name(const struct target *t, bool writing, struct err *err)
{
	CLEANUP_FREE char *real = NULL, *inside = xasprintf("%s/", t->dir);

	if (!*t->name || !chars_all(t->name, writing && !t->include ? "a-z0-9_-" : "A-Za-z0-9_-"))
		return refuse(err, "InvalidFileName",
			      "Invalid policy file name: %s\n"
			      "Names must contain only alphanumeric characters, underscore and hyphen.",
			      t->name);
	real = realpath(t->path, NULL);
	if (real && !skip_prefix(real, inside))
		return refuse(err, "InvalidFilePath", "Expecting a path inside %s", t->dir);
	return 0;
}

/* 1: it was read, 0: there is none. */
static int read_target(const struct target *t, struct buf *ret, struct err *err)
{
	int r = policy_disk.read(policy_disk.data, t->path, ret);

	if (r == 0)
		return 1;
	errno = -r;
	return r == -ENOENT ? 0 : failed(err, t->path);
}

static int not_found(const struct target *t, struct err *err)
{
	return refuse(err, "FileNotFound", "Not found: %s", t->path);
}

static void add_token(struct buf *b, const struct buf *content)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(buf_str(content), content->len, digest, &n, EVP_sha256(), NULL) != 1)
		abort();
	buf_addstr(b, TOKEN_PREFIX);
	for (unsigned i = 0; i < n; i++)
		buf_addf(b, "%02x", digest[i]);
}

/* Whether a token (n bytes) fits what is there now. */
static int check_token(const struct target *t, const char *token, size_t n, struct err *err)
{
	CLEANUP_BUF struct buf content = BUF_INIT, now = BUF_INIT;
	CLEANUP_FREE char *text = xmemdup0(token, n);
	bool any = streq(text, "any"), new = streq(text, "new");
	int r;

	if (strlen(text) != n || (!any && !new && !skip_prefix(text, TOKEN_PREFIX)))
		return refuse(err, "Protocol", "Unrecognized token");
	if (any)
		return 0;
	r = read_target(t, &content, err);
	if (r < 0)
		return r;
	if (new)
		return r ? refuse(err, "Token", "File exists but token is 'new'") : 0;
	if (!r)
		return refuse(err, "Token", "File doesn't exist, but token isn't 'new'");
	add_token(&now, &content);
	return streq(buf_str(&now), text) ? 0 : refuse(err, "Token", "Token mismatch");
}

/* ---- the policy as it would be ---- */

struct change {
	const struct target *t;
	const char *content; /* len bytes; NULL: the file goes */
	size_t len;
};

static char *changed_resolve(void *data, const char *path)
{
	const struct change *c = data;

	/* A file that is not there yet has no links. */
	return streq(path, c->t->path) ? xstrdup(path) : policy_disk.resolve(NULL, path);
}

static int changed_read(void *data, const char *path, struct buf *ret)
{
	const struct change *c = data;

	if (!streq(path, c->t->path))
		return policy_disk.read(NULL, path, ret);
	if (!c->content)
		return POLICY_REMOVED;
	buf_add(ret, c->content, c->len);
	return 0;
}

static int changed_list(void *data, const char *dir, struct strv *ret)
{
	const struct change *c = data;
	int r = policy_disk.list(NULL, dir, ret);

	if (!streq(dir, c->t->dir) || (r < 0 && r != -ENOENT))
		return r;

	const char *name = c->t->path + strlen(dir) + 1;

	if (c->content)
		strv_insert(ret, name);
	for (size_t i = 0; !c->content && i < ret->n; i++)
		if (streq(ret->v[i], name))
			strv_remove(ret, i--);
	return 0;
}

static int check_change(const struct change *c, struct err *err)
{
	const struct policy_files files = {(void *)c, changed_resolve, changed_read, changed_list};
	const struct policy_dirs dirs = {.main = c->t->base};
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_ERR struct err why = ERR_INIT;

	if (policy_load(&p, &dirs, &files, &why) < 0)
		return refuse(err, "Syntax", "Policy change validation failed: %s", why.text);
	return 0;
}

/* ---- calls ---- */

static int list(const struct target *t, struct buf *ret, struct err *err)
{
	CLEANUP_STRV struct strv names = STRV_INIT;
	int r = policy_disk.list(NULL, t->dir, &names);

	if (r < 0) {
		errno = -r;
		return r == -ENOENT ? 0 : failed(err, t->dir);
	}
	for (size_t i = 0; i < names.n; i++) {
		size_t n = strlen(names.v[i]), suffix = strlen(".policy");
		bool has = n > suffix && streq(names.v[i] + n - suffix, ".policy");

		if (t->include)
			buf_addf(ret, "%s\n", names.v[i]);
		else if (has)
			buf_addf(ret, "%.*s\n", (int)(n - suffix), names.v[i]);
	}
	return 0;
}

static int get(const struct target *t, struct buf *ret, struct err *err)
{
	CLEANUP_BUF struct buf content = BUF_INIT;
	int r = read_target(t, &content, err);

	if (r <= 0)
		return r ? r : not_found(t, err);
	add_token(ret, &content);
	buf_addch(ret, '\n');
	buf_add(ret, buf_str(&content), content.len);
	return 0;
}

static int sync_dir(const struct target *t, struct err *err)
{
	CLEANUP_CLOSE int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? failed(err, t->dir) : 0;
}

static int write_target(const struct change *c, struct err *err)
{
	const struct target *t = c->t;
	CLEANUP_FREE char *path = xasprintf("%s/!%s", t->dir, t->path + strlen(t->dir) + 1);
	CLEANUP_CLOSE int fd = -1;

	if (t->include && mkdir(t->dir, 0775) < 0 && errno != EEXIST)
		return failed(err, t->dir);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0664);
	if (fd < 0)
		return failed(err, path);
	if (fchmod(fd, 0664) < 0 || write_all(fd, c->content, c->len) < 0 || fsync(fd) < 0 ||
	    rename(path, t->path) < 0) {
		int r = failed(err, path);

		unlink(path);
		return r;
	}
	return sync_dir(t, err);
}

static int replace(const struct target *t, const struct policy_request *q, struct err *err)
{
	const char *end = memchr(q->payload, '\n', q->len);
	struct change c = {.t = t, .content = end ? end + 1 : NULL};
	int r;

	if (!end)
		return refuse(err, "Protocol", "Payload needs to include first line with token");
	c.len = q->len - (size_t)(c.content - q->payload);
	r = check_token(t, q->payload, (size_t)(end - q->payload), err);
	if (r == 0)
		r = check_change(&c, err);
	return r < 0 ? r : write_target(&c, err);
}

static int drop(const struct target *t, const struct policy_request *q, struct err *err)
{
	struct change c = {.t = t};
	int r = check_token(t, q->payload, q->len, err);

	if (r == 0 && access(t->path, F_OK) < 0)
		r = not_found(t, err);
	if (r == 0)
		r = check_change(&c, err);
	if (r < 0)
		return r;
	return unlink(t->path) < 0 ? failed(err, t->path) : sync_dir(t, err);
}

/* As GetFiles tells a file: those of the policy by their names alone. */
static char *short_name(const char *base, const char *path)
{
	CLEANUP_FREE char *inside = xasprintf("%s/", base);
	const char *name = strrchr(path, '/') + 1;
	size_t n = strlen(name), suffix = strlen(".policy");

	if (!skip_prefix(path, inside))
		return xstrdup(path);
	return xstrndup(name, n > suffix && streq(name + n - suffix, ".policy") ? n - suffix : n);
}

static int get_files(const char *base, const char *service, struct buf *ret, struct err *err)
{
	const struct policy_dirs dirs = {.main = base};
	CLEANUP_POLICY struct policy p = {0};
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_ERR struct err why = ERR_INIT;

	if (!*service)
		return refuse(err, "Protocol", "Service cannot be empty.");
	if (policy_check_service(service, "*", &why) < 0)
		return refuse(err, "Protocol", "S%s", why.text + 1);
	if (policy_load(&p, &dirs, &policy_disk, &why) < 0)
		return refuse(err, "Syntax", "%s", why.text);
	for (size_t i = 0; i < p.n; i++) {
		CLEANUP_FREE char *name = short_name(base, p.v[i].file);

		if (!streq(p.v[i].service, service) && !streq(p.v[i].service, "*"))
			continue;
		if (strv_has(&names, name))
			continue;
		strv_add(&names, name);
		buf_addf(ret, "%s\n", name);
	}
	return 0;
}

/* ---- one call ---- */

enum verb { LIST, GET, REPLACE, REMOVE, GET_FILES };

static enum verb verb_of(const char *method)
{
	static const char *const verbs[] = {"List", "Get", "Replace", "Remove", "GetFiles"};
	const char *word = strrchr(method, '.') + 1;

	for (enum verb v = LIST; v < GET_FILES; v++)
		if (streq(word, verbs[v]))
			return v;
	return GET_FILES;
}

static int check_parts(const struct policy_request *q, enum verb verb, struct err *err)
{
	if (!chars_all(q->arg, "A-Za-z0-9+._-"))
		return refuse(err, "Protocol",
			      "Invalid argument: \"%s\"\n"
			      "Valid characters are letters, numbers, dot, plus, hyphen and underline",
			      q->arg);
	if (verb == LIST && *q->arg)
		return refuse(err, "Protocol", "Unexpected argument");
	if (verb != REPLACE && verb != REMOVE && q->len)
		return refuse(err, "Protocol", "Unexpected payload");
	return 0;
}

static int carry_out(const char *base, const struct policy_request *q, enum verb verb, struct buf *ret,
		     struct err *err)
{
	CLEANUP(target_release) struct target t = {0};
	int r;

	if (verb == GET_FILES)
		return get_files(base, q->arg, ret, err);
	set_target(&t, base, skip_prefix(q->method, "policy.include."), q->arg);
	if (verb == LIST)
		return list(&t, ret, err);
	r = check_name(&t, verb == REPLACE, err);
	if (r < 0)
		return r;
	return verb == GET ? get(&t, ret, err) : verb == REPLACE ? replace(&t, q, err) : drop(&t, q, err);
}

int policy_admin(const char *dir, const struct policy_request *q, struct buf *ret, struct err *err)
{
	CLEANUP_FREE char *base = policy_disk.resolve(NULL, dir);
	enum verb verb = verb_of(q->method);
	CLEANUP_CLOSE int lock = -1;
	int r = check_parts(q, verb, err);

	if (r < 0)
		return r;
	lock = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((lock < 0 && errno != ENOENT) || (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0))
		return failed(err, base);
	return carry_out(base, q, verb, ret, err);
}
