/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QubesDB: every row of the frames and of their meaning (vm-interface 3.2, 3.3), and clients of hostile servers. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "vmif/qdbserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- a database with two peers ---- */

struct world {
	struct qdb *db;
	struct qdb_peer *a, *b, *ro;
	int wakes;
	struct strv changed;
};

static void wake(void *data, struct qdb_peer *p)
{
	((struct world *)data)->wakes++;
}

static void changed(void *data, const char *path)
{
	strv_add(&((struct world *)data)->changed, path);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	w->db = qdb_new(&(struct qdb_hooks){ w, wake, changed });
	w->a = qdb_peer_new(w->db, false, NULL);
	w->b = qdb_peer_new(w->db, false, NULL);
	w->ro = qdb_peer_new(w->db, true, NULL);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	qdb_peer_free(w->a);
	qdb_peer_free(w->b);
	qdb_peer_free(w->ro);
	qdb_free(w->db);
	strv_release(&w->changed);
	free(w);
	return 0;
}

/* What a peer was answered, as text: "TYPE path=value;" for each message; the output is taken. */
static const char *taken(struct qdb_peer *p, struct buf *text)
{
	struct buf *out = qdb_peer_out(p);
	size_t at = 0;

	buf_reset(text);
	while (at < out->len) {
		struct qdb_msg m;

		assert_true(out->len - at >= QDB_HEADER);
		qdb_decode(&m, out->data + at);
		buf_addf(text, "%u %s", m.type, m.path);
		if (m.data_len)
			buf_addf(text, "=%.*s", (int)m.data_len, out->data + at + QDB_HEADER);
		buf_addstr(text, ";");
		at += QDB_HEADER + m.data_len;
	}
	buf_consume(out, at);
	return buf_str(text);
}

static int send_to(struct qdb_peer *p, unsigned type, const char *path, const char *data)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	qdb_encode(&b, type, path, data, data ? strlen(data) : 0);
	return qdb_peer_feed(p, b.data, b.len);
}

#define EXPECT(peer, type, path, data, want) \
	do { \
		CLEANUP_BUF struct buf text_ = BUF_INIT; \
		assert_int_equal(send_to(peer, type, path, data), 0); \
		assert_string_equal(taken(peer, &text_), want); \
	} while (0)

static void header(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	char want[QDB_HEADER + 2] = { QDB_WRITE, '/', 'a' };
	char path[70] = { 0 };
	struct qdb_msg m;

	want[68] = 2;
	want[72] = 'h';
	want[73] = 'i';
	qdb_encode(&b, QDB_WRITE, "/a", "hi", 2);
	assert_int_equal(b.len, 74);
	assert_memory_equal(b.data, want, 74);
	qdb_decode(&m, b.data);
	assert_int_equal(m.type, QDB_WRITE);
	assert_string_equal(m.path, "/a");
	assert_int_equal(m.data_len, 2);
	/* 64 bytes without a NUL are cut to 63 */
	memset(path, 'x', 69);
	buf_reset(&b);
	qdb_encode(&b, QDB_READ, path, NULL, 0);
	b.data[64] = 'x';
	qdb_decode(&m, b.data);
	assert_int_equal(strlen(m.path), 63);
}

static void one_entry(void **state)
{
	struct world *w = *state;

	EXPECT(w->a, QDB_READ, "/a", NULL, "8 /a;");
	EXPECT(w->a, QDB_WRITE, "/a", "1", "7 /a;");
	EXPECT(w->a, QDB_READ, "/a", NULL, "10 /a=1;");
	EXPECT(w->ro, QDB_READ, "/a", NULL, "10 /a=1;");
	EXPECT(w->a, QDB_WRITE, "/a", NULL, "7 /a;");
	EXPECT(w->a, QDB_READ, "/a", NULL, "10 /a;");
	EXPECT(w->a, QDB_RM, "/a", NULL, "7 /a;");
	EXPECT(w->a, QDB_RM, "/a", NULL, "8 /a;");
	EXPECT(w->a, QDB_READ, "", NULL, "8 ;");
}

static void many_entries(void **state)
{
	struct world *w = *state;

	for (const char *const *p = (const char *const[]){ "/f/10.137.0.70", "/f/10.137.0.7/0000", "/f/10.137.0.7",
							   "/f-x", "/f.x", "/g", NULL }; *p; p++)
		assert_int_equal(qdb_put(w->db, *p, *p + 1, 1), 0);
	/* a plain prefix, in the order of bytes */
	EXPECT(w->a, QDB_LIST, "/f", NULL,
	       "12 /f-x;12 /f.x;12 /f/10.137.0.7;12 /f/10.137.0.7/0000;12 /f/10.137.0.70;12 ;");
	EXPECT(w->a, QDB_MULTIREAD, "/f/10.137.0.7", NULL,
	       "11 /f/10.137.0.7=f;11 /f/10.137.0.7/0000=f;11 /f/10.137.0.70=f;11 ;");
	EXPECT(w->a, QDB_MULTIREAD, "/f/10.137.0.7/", NULL, "11 /f/10.137.0.7/0000=f;11 ;");
	EXPECT(w->a, QDB_MULTIREAD, "/nothing", NULL, "11 ;");
	EXPECT(w->a, QDB_LIST, "/nothing", NULL, "12 ;");
	EXPECT(w->a, QDB_RM, "/f/10.137.0.7/", NULL, "7 /f/10.137.0.7/;");
	EXPECT(w->a, QDB_RM, "/f/10.137.0.7/", NULL, "8 /f/10.137.0.7/;");
	/* everything, downwards */
	EXPECT(w->a, QDB_MULTIREAD, "", NULL,
	       "11 /g=g;11 /f/10.137.0.70=f;11 /f/10.137.0.7=f;11 /f.x=f;11 /f-x=f;11 ;");
	EXPECT(w->a, QDB_RM, "/", NULL, "7 /;");
	EXPECT(w->a, QDB_LIST, "", NULL, "12 ;");
}

static void refused_writes(void **state)
{
	struct world *w = *state;
	char path[64] = "/", value[QDB_VALUE_MAX + 2] = "";
	CLEANUP_BUF struct buf b = BUF_INIT, text = BUF_INIT;

	for (const char *const *p = (const char *const[]){ "/a b", "/a+", "-a", "/\xc5", "/a\n", NULL }; *p; p++) {
		CLEANUP_FREE char *want = xasprintf("9 %s;", *p);

		EXPECT(w->a, QDB_WRITE, *p, "1", want);
	}
	qdb_encode(&b, QDB_WRITE, "/a", "1\0002", 3);
	assert_int_equal(qdb_peer_feed(w->a, b.data, b.len), 0);
	assert_string_equal(taken(w->a, &text), "9 /a;");
	memset(value, 'x', QDB_VALUE_MAX + 1);
	EXPECT(w->a, QDB_WRITE, "/a", value, "9 /a;");
	value[QDB_VALUE_MAX] = '\0';
	EXPECT(w->a, QDB_WRITE, "/a", value, "7 /a;");
	memset(path + 1, 'p', 62);
	EXPECT(w->a, QDB_WRITE, path, "1", (buf_reset(&b), buf_addf(&b, "7 %s;", path), buf_str(&b)));
	EXPECT(w->ro, QDB_WRITE, "/a", "1", "9 /a;");
	EXPECT(w->ro, QDB_RM, "/a", NULL, "9 /a;");
	EXPECT(w->a, QDB_WRITE, "/a//b", "1", "7 /a//b;");
}

static void ends_of_connections(void **state)
{
	struct world *w = *state;
	CLEANUP_BUF struct buf text = BUF_INIT;

	assert_int_equal(send_to(w->a, QDB_WRITE, "a", "1"), -EPROTO);
	assert_string_equal(taken(w->a, &text), "9 a;");
	assert_int_equal(send_to(w->a, QDB_WRITE, "/a/", "1"), -EPROTO);
	assert_string_equal(taken(w->a, &text), "9 /a/;");
	assert_int_equal(send_to(w->a, QDB_READ, "/a", "1"), -EPROTO);
	assert_string_equal(taken(w->a, &text), "");
}

static void strange_requests(void **state)
{
	struct world *w = *state;
	CLEANUP_BUF struct buf b = BUF_INIT, text = BUF_INIT;
	char big[100000] = "";

	EXPECT(w->a, QDB_MULTIREAD, "/a", "x", "9 /a;");
	EXPECT(w->a, QDB_LIST, "/a", "x", "9 /a;");
	EXPECT(w->a, QDB_RM, "/a", "x", "9 /a;");
	EXPECT(w->a, QDB_OK, "/a", NULL, "9 /a;");
	EXPECT(w->a, 200, "/a", NULL, "9 /a;");
	EXPECT(w->a, 200, "/a", "xyz", "9 /a;");
	/* read and thrown away, then refused; what follows is served */
	qdb_encode(&b, QDB_WRITE, "/a", big, sizeof big);
	qdb_encode(&b, QDB_READ, "/a", NULL, 0);
	for (size_t at = 0; at < b.len; at += 1000)
		assert_int_equal(qdb_peer_feed(w->a, b.data + at, b.len - at < 1000 ? b.len - at : 1000), 0);
	assert_string_equal(taken(w->a, &text), "9 /a;8 /a;");
}

static void bytes_in_any_pieces(void **state)
{
	struct world *w = *state;
	CLEANUP_BUF struct buf b = BUF_INIT, text = BUF_INIT;

	qdb_encode(&b, QDB_WRITE, "/a", "one", 3);
	qdb_encode(&b, QDB_READ, "/a", NULL, 0);
	qdb_encode(&b, QDB_WATCH, "/b", NULL, 0);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(qdb_peer_feed(w->a, b.data + i, 1), 0);
	assert_string_equal(taken(w->a, &text), "7 /a;10 /a=one;7 /b;");
	assert_int_equal(qdb_peer_feed(w->b, b.data, b.len), 0);
	assert_string_equal(taken(w->b, &text), "7 /a;10 /a=one;7 /b;");
}

static void watching(void **state)
{
	struct world *w = *state;
	CLEANUP_BUF struct buf text = BUF_INIT;

	EXPECT(w->a, QDB_WATCH, "/d", NULL, "7 /d;");
	EXPECT(w->b, QDB_WATCH, "/d/", NULL, "7 /d/;");
	EXPECT(w->ro, QDB_WATCH, "", NULL, "7 ;");
	/* also for the writer: the answer first; also when nothing is new */
	EXPECT(w->a, QDB_WRITE, "/d", "1", "7 /d;13 /d;");
	EXPECT(w->a, QDB_WRITE, "/d", "1", "7 /d;13 /d;");
	assert_string_equal(taken(w->b, &text), "");
	assert_int_equal(w->wakes, 0);
	EXPECT(w->a, QDB_WRITE, "/d/x", "1", "7 /d/x;");
	assert_string_equal(taken(w->b, &text), "13 /d/x;");
	assert_int_equal(w->wakes, 1);
	/* twice the same watch, and one that covers it: an event of each */
	EXPECT(w->b, QDB_WATCH, "/d/", NULL, "7 /d/;");
	EXPECT(w->b, QDB_WATCH, "/", NULL, "7 /;");
	EXPECT(w->b, QDB_RM, "/d/x", NULL, "7 /d/x;13 /d/x;13 /d/x;13 /d/x;");
	EXPECT(w->b, QDB_UNWATCH, "/d/", NULL, "7 /d/;");
	EXPECT(w->b, QDB_UNWATCH, "/", NULL, "7 /;");
	EXPECT(w->b, QDB_UNWATCH, "/", NULL, "8 /;");
	/* a directory's end carries the slash, and is matched as that */
	EXPECT(w->a, QDB_WATCH, "/d/y", NULL, "7 /d/y;");
	EXPECT(w->a, QDB_WRITE, "/d/y", "1", "7 /d/y;13 /d/y;");
	taken(w->b, &text);
	EXPECT(w->a, QDB_RM, "/d/", NULL, "7 /d/;");
	assert_string_equal(taken(w->b, &text), "13 /d/;");
	/* nothing matched: nothing fires */
	EXPECT(w->b, QDB_RM, "/d/", NULL, "8 /d/;");
	assert_int_equal(w->wakes, 3);
	/* the owner's own hand fires too, but is not told of itself */
	assert_int_equal(qdb_put(w->db, "/d", "x", 1), 0);
	assert_string_equal(taken(w->a, &text), "13 /d;");
	assert_string_equal(taken(w->ro, &text), "");
	assert_int_equal(w->changed.n, 6);
	assert_string_equal(w->changed.v[3], "/d/x");
	assert_string_equal(w->changed.v[5], "/d/");
}

static void watches_are_bounded(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < QDB_WATCHES_MAX; i++)
		EXPECT(w->a, QDB_WATCH, "/w", NULL, "7 /w;");
	EXPECT(w->a, QDB_WATCH, "/w", NULL, "9 /w;");
}

static void the_whole_is_bounded(void **state)
{
	struct world *w = *state;
	char value[QDB_VALUE_MAX + 1] = "", path[32];
	CLEANUP_BUF struct buf text = BUF_INIT;
	int i, r = 7;

	memset(value, 'x', QDB_VALUE_MAX);
	for (i = 0; r == 7 && i < 10000; i++) {
		snprintf(path, sizeof path, "/x/%05d", i);
		assert_int_equal(send_to(w->a, QDB_WRITE, path, value), 0);
		r = taken(w->a, &text)[0] - '0';
	}
	assert_int_equal(r, 9);
	assert_in_range(i, 5000, 6000);
	EXPECT(w->a, QDB_RM, "/x/", NULL, "7 /x/;");
	EXPECT(w->a, QDB_WRITE, "/x/00000", "1", "7 /x/00000;");
}

/* A request of 72 bytes may ask for megabytes: they are made as they leave. */
static void replies_wait_for_their_reader(void **state)
{
	struct world *w = *state;
	char value[QDB_VALUE_MAX] = "", path[32];
	CLEANUP_BUF struct buf b = BUF_INIT, text = BUF_INIT;
	struct buf *out = qdb_peer_out(w->a);
	size_t total = 0, ends = 0;

	memset(value, 'x', sizeof value);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof path, "/x/%05d", i);
		qdb_put(w->db, path, value, sizeof value);
	}
	for (int i = 0; i < 100; i++)
		qdb_encode(&b, QDB_MULTIREAD, "/x/", NULL, 0);
	assert_int_equal(qdb_peer_feed(w->a, b.data, b.len), 0);
	for (int rounds = 0; out->len && rounds < 100000; rounds++) {
		assert_true(out->len < QDB_OUT_ENOUGH + QDB_HEADER + QDB_VALUE_MAX);
		for (size_t at = 0; at < out->len;) {
			struct qdb_msg m;

			qdb_decode(&m, out->data + at);
			at += QDB_HEADER + m.data_len;
			total++;
			ends += !*m.path;
		}
		buf_reset(out);
		/* a change in between does no harm */
		qdb_remove(w->db, rounds % 2 ? "/x/00500" : "/x/00200");
		assert_int_equal(qdb_peer_feed(w->a, NULL, 0), 0);
	}
	assert_false(qdb_peer_waits(w->a));
	assert_int_equal(ends, 100);
	assert_in_range(total, 100 * 999, 100 * 1001);
}

/* ---- the client ---- */

/* A channel whose server says just these bytes, whatever it is asked (its end stays open, so that questions go
 * somewhere). */
static struct channel *client_of_bytes(const struct buf *b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], b->data, b->len), b->len);
	shutdown(fds[1], SHUT_WR);
	return qubesdb_of_fd(fds[0]);
}

static void answers_are_read(void **state)
{
	CLEANUP_BUF struct buf b = BUF_INIT, value = BUF_INIT;
	CLEANUP_KEY_VALUES struct key_values all = KEY_VALUES_INIT;
	CLEANUP_FREE char *key = NULL;

	qdb_encode(&b, QDB_EVENT, "/x", NULL, 0);
	qdb_encode(&b, QDB_VALUE, "/a", "one", 3);
	qdb_encode(&b, QDB_NOENT, "/b", NULL, 0);
	qdb_encode(&b, QDB_OK, "/c", NULL, 0);
	qdb_encode(&b, QDB_MULTI, "/d/1", "1", 1);
	qdb_encode(&b, QDB_EVENT, "/d/", NULL, 0);
	qdb_encode(&b, QDB_MULTI, "/d/0", "", 0);
	qdb_encode(&b, QDB_MULTI, "", NULL, 0);

	CLEANUP_CHANNEL struct channel *c = client_of_bytes(&b);

	assert_int_equal(c->ops->read(c, "a", &value, NULL), 0);
	assert_string_equal(buf_str(&value), "one");
	assert_int_equal(c->ops->read(c, "b", &value, NULL), -ENOENT);
	assert_int_equal(c->ops->write(c, "c", "x", 1, NULL), 0);
	assert_int_equal(channel_dump(c, "d/", &all, NULL), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.v[0].key, "d/0");
	assert_string_equal(all.v[1].value, "1");
	assert_int_equal(channel_wait(c, &key, 0, NULL), 1);
	assert_string_equal(key, "x");
	free(STEAL(key));
	assert_int_equal(channel_wait(c, &key, 0, NULL), 1);
	assert_string_equal(key, "d/");
	/* names that cannot be are not even asked for */
	assert_int_equal(c->ops->read(c, "a b", &value, NULL), -EINVAL);
	assert_int_equal(c->ops->write(c, "a/", "", 0, NULL), -EINVAL);
}

static void hostile_servers(void **state)
{
	static const struct {
		enum qdb_type type;
		const char *path, *data;
	} cases[] = {
		{ QDB_VALUE, "/b", "x" },  /* of another path */
		{ QDB_MULTI, "/a", "x" },  /* of another request */
		{ QDB_OK, "/a", NULL },
		{ QDB_OK, "/a", "x" },
		{ QDB_READ, "/a", NULL },
		{ 200, "/a", NULL },
		{ QDB_EVENT, "", NULL },
		{ QDB_EVENT, "/", NULL },
		{ QDB_EVENT, "/a\033[2J", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_BUF struct buf b = BUF_INIT, value = BUF_INIT;
		size_t n = cases[i].data ? strlen(cases[i].data) : 0;

		qdb_encode(&b, cases[i].type, cases[i].path, cases[i].data, n);

		CLEANUP_CHANNEL struct channel *c = client_of_bytes(&b);

		assert_int_equal(c->ops->read(c, "a", &value, NULL), -EPROTO);
	}
	for (int i = 0; i < 4; i++) {
		static const char *const paths[] = { "/other", "/d/\x9b", "d/x", "/d/x/" };
		CLEANUP_BUF struct buf b = BUF_INIT;
		CLEANUP_KEY_VALUES struct key_values all = KEY_VALUES_INIT;

		qdb_encode(&b, QDB_MULTI, paths[i], "x", 1);

		CLEANUP_CHANNEL struct channel *c = client_of_bytes(&b);

		assert_int_equal(channel_dump(c, "d/", &all, NULL), -EPROTO);
	}
}

static void cut_answers(void **state)
{
	CLEANUP_BUF struct buf whole = BUF_INIT;

	qdb_encode(&whole, QDB_VALUE, "/a", "one", 3);
	for (size_t n = 0; n < whole.len; n++) {
		CLEANUP_BUF struct buf b = BUF_INIT, value = BUF_INIT;

		buf_add(&b, whole.data, n);

		CLEANUP_CHANNEL struct channel *c = client_of_bytes(&b);

		assert_int_equal(c->ops->read(c, "a", &value, NULL), -ECONNRESET);
	}
}

int main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header), WITH_WORLD(one_entry), WITH_WORLD(many_entries),
		WITH_WORLD(refused_writes),
		WITH_WORLD(ends_of_connections), WITH_WORLD(strange_requests), WITH_WORLD(bytes_in_any_pieces),
		WITH_WORLD(watching), WITH_WORLD(watches_are_bounded), WITH_WORLD(the_whole_is_bounded),
		WITH_WORLD(replies_wait_for_their_reader), cmocka_unit_test(answers_are_read),
		cmocka_unit_test(hostile_servers), cmocka_unit_test(cut_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
