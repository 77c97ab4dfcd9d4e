/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of all files of volumes, and files that go when the store has forgotten them. */
#include "qvmd/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "qvmd/job.h"
#include "qvmd/server.h"
#include "qvmd/tree.h"

#define TOKEN_LENGTH 32
#define MOST_TOKENS 1024 /* then the oldest is forgotten */

struct token {
	char text[TOKEN_LENGTH + 1];
	char uuid[37];
	enum volume_id id;
};

struct storage {
	int root;
	int64_t gen;      /* the highest that was ever used */
	struct strv later, on_failure;
	struct token tokens[MOST_TOKENS];
	size_t next_token;
};

static struct storage *storage(struct sys *s)
{
	if (!s->storage) {
		s->storage = xcalloc(1, sizeof *s->storage);
		s->storage->root = -1;
	}
	return s->storage;
}

int storage_root(const struct sys *s)
{
	return s->storage ? s->storage->root : -1;
}

void storage_saw(struct sys *s, int64_t gen)
{
	struct storage *st = storage(s);

	if (gen > st->gen)
		st->gen = gen;
}

int64_t volume_next_gen(struct sys *s)
{
	return ++storage(s)->gen;
}

/* ---- after the commit ---- */

void storage_drop_later(struct sys *s, char *path)
{
	strv_take(&storage(s)->later, path);
}

void storage_drop_on_failure(struct sys *s, char *path)
{
	strv_take(&storage(s)->on_failure, path);
}

/* Large files take their time to go. */
struct reaper {
	struct job job;
	int root;
	struct strv paths;
};

static int reap(struct job *j, struct err *err)
{
	struct reaper *r = (struct reaper *)j;

	for (size_t i = 0; i < r->paths.n; i++)
		tree_remove(r->root, r->paths.v[i]);
	return 0;
}

static void reaper_free(struct job *j)
{
	struct reaper *r = (struct reaper *)j;

	strv_release(&r->paths);
	free(r);
}

/* Removes the files beside the loop. What is left when the daemon ends goes at its next start. */
static void drop(struct sys *s, struct strv *paths)
{
	struct reaper *r = xcalloc(1, sizeof *r);

	r->job.work = reap;
	r->job.release = reaper_free;
	r->job.wake = -1;
	r->root = storage_root(s);
	r->paths = *paths;
	*paths = STRV_INIT;
	job_start(s, &r->job);
}

void storage_drop(struct sys *s, char *path)
{
	struct strv one = STRV_INIT;

	strv_take(&one, path);
	drop(s, &one);
}

void storage_committed(struct sys *s)
{
	struct storage *st = storage(s);

	strv_release(&st->on_failure);
	if (st->later.n)
		drop(s, &st->later);
}

void storage_rolled_back(struct sys *s)
{
	struct storage *st = storage(s);

	strv_release(&st->later);
	if (st->on_failure.n)
		drop(s, &st->on_failure);
}

/* ---- tokens ---- */

/* 32 letters and digits. */
static void random_word(char ret[static TOKEN_LENGTH + 1])
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned n = sizeof set - 1;
	unsigned char c;

	for (size_t i = 0; i < TOKEN_LENGTH;) {
		if (getrandom(&c, 1, 0) != 1)
			abort();
		/* those beyond would make some letters likelier than others */
		if (c < 256 / n * n)
			ret[i++] = set[c % n];
	}
	ret[TOKEN_LENGTH] = '\0';
}

const char *storage_put_token(struct sys *s, const struct volume *v)
{
	struct storage *st = storage(s);
	struct token *t = &st->tokens[st->next_token++ % MOST_TOKENS];

	random_word(t->text);
	memcpy(t->uuid, v->vm->uuid, sizeof t->uuid);
	t->id = v->id;
	return t->text;
}

const struct volume *storage_take_token(struct sys *s, const char *token)
{
	struct storage *st = storage(s);

	for (size_t i = 0; *token && i < MOST_TOKENS; i++) {
		struct token *t = &st->tokens[i];
		const struct vm *vm;

		if (!streq(t->text, token))
			continue;
		t->text[0] = '\0';
		vm = vm_find_uuid(s, t->uuid);
		return vm && vm->volumes ? &vm->volumes[t->id] : NULL;
	}
	return NULL;
}

/* ---- files that nobody names ---- */

struct gens {
	int64_t *v;
	size_t n, cap;
};

static void gens_add(struct gens *g, int64_t gen)
{
	if (!gen)
		return;
	GROW(g->v, g->n, g->cap);
	g->v[g->n++] = gen;
}

static int gens_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void gens_collect(struct gens *g, const struct sys *s)
{
	for (size_t i = 0; i < s->n_vms; i++)
		for (int id = 0; s->vms[i]->volumes && id < VOLUME_COUNT; id++) {
			const struct volume *v = &s->vms[i]->volumes[id];

			gens_add(g, v->now.gen);
			for (size_t k = 0; k < v->n_revs; k++)
				gens_add(g, v->revs[k].content.gen);
		}
	if (g->n)
		qsort(g->v, g->n, sizeof *g->v, gens_cmp);
}

/* Cuts an ending off. */
static bool cut(char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	if (n < m || !streq(name + n - m, ending))
		return false;
	name[n - m] = '\0';
	return true;
}

/* The name of a volume stands at the end, alone or behind a dash. */
static bool ends_in_volume(char *name)
{
	for (int id = 0; id < VOLUME_COUNT; id++)
		if (cut(name, volume_names[id]))
			return !*name || cut(name, "-");
	return false;
}

/* Only what bears a name of our making goes: a working copy of an earlier run, or a generation that the store
 * does not know. */
static bool is_stray(void *data, const char *path)
{
	const struct gens *g = data;
	CLEANUP_FREE char *name = xstrdup(strrchr(path, '/') + 1);
	uint64_t n;
	char *dot;

	if (cut(name, "-snap") || cut(name, "-dirty.img") || cut(name, "-cow.img"))
		return ends_in_volume(name);
	if (!cut(name, ".img"))
		return false;
	dot = strrchr(name, '.');
	if (dot && num_u64(dot + 1, &n) == 0 && n <= INT64_MAX) {
		int64_t gen = (int64_t)n;

		*dot = '\0';
		return ends_in_volume(name) && !(g->n && bsearch(&gen, g->v, g->n, sizeof gen, gens_cmp));
	}
	return ends_in_volume(name);
}

/* ---- opening ---- */

int storage_open(struct sys *s, struct err *err)
{
	struct storage *st = storage(s);
	CLEANUP_FREE char *path = xasprintf("%s/dom0", s->opt.state_dir);
	struct gens known = {0};
	int r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "", "cannot make directory '%s': %s", path, strerror(errno));
	st->root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (st->root < 0)
		return err_set(err, -errno, "", "cannot open directory '%s': %s", path, strerror(errno));
	gens_collect(&known, s);
	r = tree_sweep(st->root, is_stray, &known);
	if (r < 0)
		log_line(s, "cannot look through '%s': %s", path, strerror(-r));
	free(known.v);
	return 0;
}

void storage_close(struct sys *s)
{
	struct storage *st = s->storage;

	if (!st)
		return;
	closep(&st->root);
	strv_release(&st->later);
	strv_release(&st->on_failure);
	free(STEAL(s->storage));
}
