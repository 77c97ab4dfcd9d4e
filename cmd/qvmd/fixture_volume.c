/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fixture says of a qube's volumes: their pools, sizes, settings, content and revisions. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "qvmd/fixture.h"
#include "qvmd/storage.h"
#include "qvmd/tree.h"

#define MOST_REVISIONS 1000

static int load_pool(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	CLEANUP_FREE char *s = NULL;

	if (fixture_text(l, val, key, &s) < 0)
		return -EINVAL;
	if (volume_from_name(key) < 0)
		return fixture_bad(l, at, key, "there is no such volume");
	if (!pool_find(l->sys, s))
		return fixture_bad(l, val, key, "there is no pool '%s'", s);
	kvs_put(data, key, s, false);
	return 0;
}

/* ---- content ---- */

/* size bytes of lines that say whose they are, and then zeros. */
static int write_lines(int fd, const struct volume *v, uint64_t size)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	uint64_t done = 0;
	int r = 0;

	while (b.len < 65536)
		buf_addf(&b, "%s:%s\n", v->vm->name, volume_names[v->id]);
	while (r == 0 && done < size) {
		size_t n = size - done < b.len ? (size_t)(size - done) : b.len;

		r = write_all(fd, b.data, n);
		done += n;
	}
	if (r == 0 && (ftruncate(fd, (off_t)v->now.size) < 0 || fdatasync(fd) < 0))
		r = -errno;
	return r;
}

static int load_data(struct load *l, struct volume *v, uint64_t size, yaml_node_t *at)
{
	int64_t gen = volume_next_gen(l->sys);
	CLEANUP_FREE char *path = volume_gen_path(v, gen);
	CLEANUP_CLOSE int fd = tree_open(storage_root(l->sys), path, O_WRONLY | O_CREAT | O_EXCL);
	int r = fd < 0 ? fd : write_lines(fd, v, size);

	if (r == 0)
		r = tree_sync(storage_root(l->sys), path);
	if (r < 0)
		return fixture_bad(l, at, "data", "cannot write '%s': %s", path, strerror(-r));
	v->now.gen = gen;
	v->now.valid = v->now.size;
	return 0;
}

/* ---- the keys of a volume ---- */

/* In the order in which they depend on each other. */
static const char *const keys[] = { "size", "rw", "ephemeral", "revisions_to_keep", "revisions", "data" };

static int check_key(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(keys[i], key))
			return 0;
	return fixture_bad(l, at, key, "a volume has no such key");
}

static int load_truth(struct load *l, const char *key, const char *text, yaml_node_t *at, bool *ret)
{
	bool yes = streq(text, "yes") || streq(text, "true") || streq(text, "True");

	if (!yes && !streq(text, "no") && !streq(text, "false") && !streq(text, "False"))
		return fixture_bad(l, at, key, "yes or no is expected");
	*ret = yes;
	return 0;
}

static int load_number(struct load *l, struct volume *v, const char *key, int64_t n, yaml_node_t *at)
{
	if (streq(key, "size")) {
		v->now.size = (uint64_t)n;
	} else if (streq(key, "revisions_to_keep")) {
		if (n > pool_driver(volume_pool(v))->most_kept)
			return fixture_bad(l, at, key, "the pool does not keep so many");
		v->keep = n;
	} else if (streq(key, "revisions")) {
		if (n > v->keep || n > MOST_REVISIONS || !volume_is_persistent(v))
			return fixture_bad(l, at, key, "the volume does not keep so many");
		while (n-- > 0)
			volume_keep_revision(v);
	} else {
		if ((uint64_t)n > v->now.size || !volume_is_persistent(v))
			return fixture_bad(l, at, key, "the volume does not hold so much");
		return load_data(l, v, (uint64_t)n, at);
	}
	return 0;
}

static int load_key(struct load *l, struct volume *v, const char *key, yaml_node_t *at)
{
	CLEANUP_FREE char *s = NULL;
	bool truth = false;
	int64_t n;

	if (fixture_text(l, at, key, &s) < 0)
		return -EINVAL;
	if (streq(key, "rw") || streq(key, "ephemeral")) {
		if (load_truth(l, key, s, at, &truth) < 0)
			return -EINVAL;
		if (streq(key, "rw"))
			v->rw = truth;
		else
			v->ephemeral = (int8_t)truth;
		return 0;
	}
	if (num_i64(s, &n) < 0 || n < (streq(key, "revisions_to_keep") ? -1 : 0))
		return fixture_bad(l, at, key, "'%s' is not such a number", s);
	return load_number(l, v, key, n, at);
}

static int load_volume(struct load *l, void *data, const char *key, yaml_node_t *at, yaml_node_t *val)
{
	struct volume *v = volume_find(data, key);
	int r;

	if (!v)
		return fixture_bad(l, at, key, "there is no such volume");
	if (volume_is_kernel(v))
		return fixture_bad(l, at, key, "there is nothing to say of a kernel");
	r = each_pair(l, val, key, check_key, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		yaml_node_t *n = fixture_get(l, val, keys[i]);

		if (n)
			r = load_key(l, v, keys[i], n);
	}
	if (r == 0)
		volume_save(v);
	return r;
}

int fixture_volumes(struct load *l, struct vm *v, yaml_node_t *item)
{
	yaml_node_t *pools = fixture_get(l, item, "pools"), *volumes = fixture_get(l, item, "volumes");
	CLEANUP_ERR struct err why = ERR_INIT;
	struct kvs wish = {0};
	int r = pools ? each_pair(l, pools, "pools", load_pool, &wish) : 0;

	if (r == 0 && volumes_check(l->sys, v->class, &wish, &why) < 0)
		r = fixture_bad_check(l, pools ? pools : item, "pools", &why);
	if (r == 0)
		volumes_create(v, &wish);
	if (r == 0 && volumes)
		r = each_pair(l, volumes, "volumes", load_volume, v);
	kvs_release(&wish);
	return r;
}
