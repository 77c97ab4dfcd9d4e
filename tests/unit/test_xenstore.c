/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XenStore against the real xenstored: the connection, and the keys of a qube as a channel. */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "os/io.h"
#include "os/spawn.h"
#include "vmif/xenstore.h"

#define DOMID 5
#define HOME "/local/domain/5"

struct fixture {
	char dir[32];
	struct child xenstored;
	struct xenstore *x; /* of dom0 */
};

/* Connects as a domain; 0 is dom0. */
static struct xenstore *connect_as(const struct fixture *f, int domid)
{
	CLEANUP_FREE char *path = domid ? xasprintf("%s/dom%d.socket", f->dir, domid) : xasprintf("%s/socket", f->dir);
	struct xenstore *x = NULL;

	setenv("XENSTORED_PATH", path, 1);
	assert_int_equal(xenstore_open(&x, NULL), 0);
	return x;
}

static struct channel *channel_as(const struct fixture *f, int domid, int64_t whose)
{
	CLEANUP_XENSTORE struct xenstore *x = connect_as(f, domid);
	struct channel *c = NULL;

	xenstore_close(STEAL(x));
	assert_int_equal(xenstore_channel_open(whose, &c, NULL), 0);
	return c;
}

static int set_up(void **state)
{
	struct fixture *f = *state = xcalloc(1, sizeof *f);
	CLEANUP_FREE char *standin = program_beside("../lib/qvm-tools/xen-standin.so");
	char *argv[] = { NULL, "-N", "-P", NULL }, pid[16];
	glob_t g;

	snprintf(f->dir, sizeof f->dir, "/tmp/xs.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(glob("/usr/lib*/xen*/bin/xenstored", 0, NULL, &g), 0);
	setenv("XENSTORED_RUNDIR", f->dir, 1);
	unsetenv("XENSTORED_PATH");
	setenv("LD_PRELOAD", standin, 1);
	argv[0] = g.gl_pathv[g.gl_pathc - 1];
	assert_int_equal(spawn(&f->xenstored, argv, SPAWN_STDOUT), 0);
	unsetenv("LD_PRELOAD");
	globfree(&g);
	assert_true(read(f->xenstored.out, pid, sizeof pid) > 0);
	f->x = connect_as(f, 0);
	assert_int_equal(xenstore_write(f->x, HOME "/domid", "5", 1, NULL), 0);
	assert_int_equal(xenstore_permit(f->x, HOME, 0, (int64_t[]){ DOMID }, 1, NULL), 0);
	assert_int_equal(xenstore_permit(f->x, HOME "/domid", 0, (int64_t[]){ DOMID }, 1, NULL), 0);
	assert_int_equal(xenstore_introduce(f->x, DOMID, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	CLEANUP_FREE char *socket = xasprintf("%s/socket", f->dir), *dom = xasprintf("%s/dom5.socket", f->dir);

	xenstore_close(f->x);
	child_release(&f->xenstored);
	unlink(socket);
	unlink(dom);
	rmdir(f->dir);
	free(f);
	return 0;
}

static char *value_of(struct channel *c, const char *key)
{
	struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	int r = c->ops->read(c, key, &b, &err);

	if (r < 0) {
		buf_release(&b);
		return xasprintf("-%s", strerrorname_np(-r));
	}
	return buf_steal(&b);
}

#define assert_value(c, key, want)                         \
	do {                                               \
		CLEANUP_FREE char *have_ = value_of(c, key); \
		assert_string_equal(have_, want);          \
	} while (0)

/* "name=value name=value" of all below prefix. */
static char *dump_of(struct channel *c, const char *prefix)
{
	CLEANUP_KEY_VALUES struct key_values l = KEY_VALUES_INIT;
	struct buf b = BUF_INIT;

	assert_int_equal(channel_dump(c, prefix, &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&b, "%s%s=%s", i ? " " : "", l.v[i].key, l.v[i].value);
	return buf_steal(&b);
}

#define assert_dump(c, prefix, want)                         \
	do {                                                 \
		CLEANUP_FREE char *have_ = dump_of(c, prefix); \
		assert_string_equal(have_, want);            \
	} while (0)

static void keys(void **state)
{
	struct channel *c = channel_as(*state, 0, DOMID);
	CLEANUP_STRV struct strv names = STRV_INIT;
	CLEANUP_FREE char *joined = NULL;

	assert_int_equal(c->ops->store, KEY_XENSTORE);
	assert_value(c, "qubes-ip", "-ENOENT");
	assert_int_equal(c->ops->write(c, "qubes-ip", "10.137.0.7", 10, NULL), 0);
	assert_int_equal(c->ops->write(c, "qubes-service/cups", "1", 1, NULL), 0);
	assert_int_equal(c->ops->write(c, "qubes-block-devices", "", 0, NULL), 0);
	assert_int_equal(c->ops->write(c, "qubes-block-devices/sda/desc", "x\n\033[1m", 7, NULL), 0);
	assert_value(c, "qubes-ip", "10.137.0.7");
	assert_value(c, "qubes-service", "");
	/* qubes-service is no key, it only has one below; qubes-block-devices is one */
	assert_dump(c, "qubes-",
		    "qubes-block-devices= qubes-block-devices/sda= qubes-block-devices/sda/desc=x\n\033[1m "
		    "qubes-ip=10.137.0.7 qubes-service/cups=1");
	assert_dump(c, "qubes-service/", "qubes-service/cups=1");
	assert_dump(c, "qubes-serv", "qubes-service/cups=1");
	assert_dump(c, "qubes-ip/", "");
	assert_dump(c, "nothing/here/", "");
	assert_int_equal(c->ops->list(c, "", &names, NULL), 0);
	joined = strv_join(&names, " ");
	assert_string_equal(joined, "domid qubes-block-devices qubes-block-devices/sda qubes-block-devices/sda/desc "
				    "qubes-ip qubes-service/cups");
	assert_int_equal(c->ops->rm(c, "qubes-ip", NULL), 0);
	assert_int_equal(c->ops->rm(c, "qubes-ip", NULL), -ENOENT);
	assert_int_equal(c->ops->rm(c, "no/such", NULL), -ENOENT);
	assert_int_equal(c->ops->rm(c, "qubes-block-devices/", NULL), 0);
	assert_int_equal(c->ops->rm(c, "qubes-block-devices/", NULL), -ENOENT);
	assert_value(c, "qubes-block-devices", "");
	channel_close(c);
}

static void limits(void **state)
{
	static const char *const bad[] = { "", "/", "/qubes-ip", "a/", "a//b", "a.b", "a b", "a:b", "\303\244", "a\n" };
	struct channel *c = channel_as(*state, 0, DOMID);
	char value[XS_PAYLOAD_MAX + 1] = {0}, key[XS_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(c->ops->write(c, bad[i], "", 0, NULL), -EINVAL);
	memset(key, 'a', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	assert_int_equal(c->ops->write(c, key, "", 0, NULL), -ENAMETOOLONG);
	/* the message has the path, a NUL and the value */
	assert_int_equal(c->ops->write(c, "k", value, XS_PAYLOAD_MAX - strlen(HOME "/k") - 1, NULL), 0);
	assert_int_equal(c->ops->write(c, "k", value, XS_PAYLOAD_MAX - strlen(HOME "/k"), NULL), -E2BIG);
	assert_int_equal(c->ops->rm(c, "k", NULL), 0);
	channel_close(c);
}

static void transactions(void **state)
{
	struct channel *c = channel_as(*state, 0, DOMID), *other = channel_as(*state, 0, DOMID);

	assert_int_equal(c->ops->write(c, "t", "0", 1, NULL), 0);
	assert_int_equal(c->ops->begin(c, NULL), 0);
	assert_int_equal(c->ops->write(c, "t", "1", 1, NULL), 0);
	assert_value(other, "t", "0");
	assert_int_equal(c->ops->commit(c, NULL), 0);
	assert_value(other, "t", "1");
	/* somebody else writes what this one has read */
	assert_int_equal(c->ops->begin(c, NULL), 0);
	assert_value(c, "t", "1");
	assert_int_equal(c->ops->write(c, "t", "mine", 4, NULL), 0);
	assert_int_equal(other->ops->write(other, "t", "theirs", 6, NULL), 0);
	assert_int_equal(c->ops->commit(c, NULL), -EAGAIN);
	assert_value(c, "t", "theirs");
	/* one that is not ended is given up by the next */
	assert_int_equal(c->ops->begin(c, NULL), 0);
	assert_int_equal(c->ops->write(c, "t", "lost", 4, NULL), 0);
	assert_int_equal(c->ops->begin(c, NULL), 0);
	assert_int_equal(c->ops->commit(c, NULL), 0);
	assert_value(c, "t", "theirs");
	assert_int_equal(c->ops->rm(c, "t", NULL), 0);
	channel_close(c);
	channel_close(other);
}

/* Work of a transaction that the first so many times somebody else interferes with. */
struct work {
	struct xenstore *other;
	int interfere, runs;
};

static int work(struct xenstore *x, void *data, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct work *w = data;

	assert_int_equal(xenstore_read(x, HOME "/domid", &b, err), 0);
	if (w->runs++ < w->interfere)
		assert_int_equal(xenstore_write(w->other, HOME "/domid", "5", 1, err), 0);
	return xenstore_write(x, HOME "/w", "1", 1, err);
}

static void transactions_are_repeated(void **state)
{
	struct fixture *f = *state;
	CLEANUP_XENSTORE struct xenstore *other = connect_as(f, 0);
	struct work few = { other, 3, 0 }, all = { other, 1000, 0 };

	assert_int_equal(xenstore_transact(f->x, work, &few, NULL), 0);
	assert_int_equal(few.runs, 4);
	assert_int_equal(xenstore_rm(f->x, HOME "/w", NULL), 0);
	assert_int_equal(xenstore_transact(f->x, work, &all, NULL), -EAGAIN);
	assert_int_equal(all.runs, 32);
	assert_int_equal(xenstore_rm(f->x, HOME "/w", NULL), -ENOENT);
}

/* What the next event is about. */
#define assert_event(c, want)                                           \
	do {                                                            \
		CLEANUP_FREE char *key_ = NULL;                         \
		assert_int_equal(channel_wait(c, &key_, 5000, NULL), 1); \
		assert_string_equal(key_, want);                        \
	} while (0)

static void watches(void **state)
{
	struct channel *c = channel_as(*state, 0, DOMID), *w = channel_as(*state, 0, DOMID);

	assert_int_equal(c->ops->write(c, "qubes-usb-devices", "", 0, NULL), 0);
	assert_int_equal(w->ops->watch(w, "qubes-usb-devices", NULL), 0);
	assert_int_equal(w->ops->watch(w, "qubes-usb-devices", NULL), 0);
	assert_int_equal(w->ops->watch(w, "qubes-service/", NULL), 0);
	assert_int_equal(w->ops->watch(w, "a.b", NULL), -EINVAL);
	/* what is below is not the key itself */
	assert_int_equal(c->ops->write(c, "qubes-usb-devices/1-1/desc", "x", 1, NULL), 0);
	assert_int_equal(c->ops->write(c, "qubes-usb-devices", "", 0, NULL), 0);
	assert_event(w, "qubes-usb-devices");
	assert_int_equal(c->ops->write(c, "qubes-service/a", "1", 1, NULL), 0);
	assert_event(w, "qubes-service/a");
	assert_int_equal(c->ops->rm(c, "qubes-service", NULL), 0);
	assert_event(w, "qubes-service/");
	assert_int_equal(w->ops->unwatch(w, "qubes-service/", NULL), 0);
	assert_int_equal(w->ops->unwatch(w, "qubes-service/", NULL), -ENOENT);
	assert_int_equal(c->ops->write(c, "qubes-service/b", "1", 1, NULL), 0);
	assert_int_equal(c->ops->rm(c, "qubes-usb-devices", NULL), 0);
	assert_event(w, "qubes-usb-devices");
	/* everything */
	assert_int_equal(w->ops->watch(w, "", NULL), 0);
	assert_int_equal(c->ops->write(c, "deep/er", "1", 1, NULL), 0);
	assert_event(w, "deep/er");
	channel_close(c);
	channel_close(w);
}

static void a_domain_sees_its_own(void **state)
{
	struct fixture *f = *state;
	struct channel *dom0 = channel_as(f, 0, DOMID), *self, *neighbour;
	char value[2048] = {0};

	assert_int_equal(xenstore_write(f->x, "/local/domain/6/qubes-ip", "10.137.0.9", 10, NULL), 0);
	assert_int_equal(xenstore_permit(f->x, "/local/domain/6/qubes-ip", 0, (int64_t[]){ 6 }, 1, NULL), 0);
	assert_int_equal(dom0->ops->write(dom0, "qubes-ip", "10.137.0.7", 10, NULL), 0);
	assert_int_equal(dom0->ops->write(dom0, "memory/meminfo", "", 0, NULL), 0);
	assert_int_equal(xenstore_permit(f->x, HOME "/memory/meminfo", DOMID, NULL, 0, NULL), 0);
	self = channel_as(f, DOMID, -1);
	assert_value(self, "qubes-ip", "10.137.0.7");
	assert_int_equal(self->ops->write(self, "qubes-ip", "1", 1, NULL), -EPERM);
	assert_int_equal(self->ops->write(self, "memory/other", "1", 1, NULL), -EPERM);
	assert_int_equal(self->ops->write(self, "memory/meminfo", "123", 3, NULL), 0);
	assert_int_equal(self->ops->write(self, "memory/meminfo", value, sizeof value, NULL), -ENOSPC);
	assert_value(dom0, "memory/meminfo", "123");
	channel_close(self);
	neighbour = channel_as(f, DOMID, 6);
	assert_value(neighbour, "qubes-ip", "-EPERM");
	assert_dump(neighbour, "", "");
	channel_close(neighbour);
	channel_close(dom0);
}

static void without_xenstored(void **state)
{
	struct fixture *f = *state;
	struct channel *c = channel_as(f, 0, DOMID);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *key = NULL;
	struct xenstore *x = NULL;

	assert_int_equal(c->ops->watch(c, "", NULL), 0);
	kill(f->xenstored.pid, SIGKILL);
	child_wait(&f->xenstored);
	assert_true(channel_wait(c, &key, 5000, &err) < 0);
	assert_true(c->ops->write(c, "a", "", 0, &err) < 0);
	channel_close(c);
	assert_int_equal(xenstore_open(&x, &err), -ECONNREFUSED);
	assert_string_equal(err.text, "cannot connect to xenstored: Connection refused");
	setenv("XENSTORED_PATH", "/no/such", 1);
	assert_int_equal(xenstore_open(&x, &err), -ENOENT);
	assert_string_equal(err.text, "cannot connect to xenstored: No such file or directory");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys), TEST(limits), TEST(transactions), TEST(transactions_are_repeated), TEST(watches),
		TEST(a_domain_sees_its_own), TEST(without_xenstored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
