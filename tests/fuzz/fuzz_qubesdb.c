/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QubesDB, both ends. The first byte says which:
 *   s  the rest is what a peer sends to a server, in pieces that end at 0xfe; what it is answered must be whole
 *      messages of known types, bounded, and the same when it is sent byte by byte
 *   c  the rest is what a server answers to a client that reads, lists, dumps and waits; what the client takes for
 *      keys must be keys
 *   v  a name, NUL, and a value as a qube could have written them: checks of keys
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "vmif/meminfo.h"
#include "vmif/qdbserver.h"

#define PIECE_END '\xfe'

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- server ---- */

static void wake(void *data, struct qdb_peer *p)
{
	if (qdb_peer_out(p)->len < QDB_HEADER)
		abort();
}

static void changed(void *data, const char *path)
{
	if (*path != '/')
		abort();
}

/* Whole messages that a server may send. */
static void check_answers(const struct buf *out)
{
	for (size_t at = 0; at < out->len;) {
		struct qdb_msg m;

		if (out->len - at < QDB_HEADER)
			abort();
		qdb_decode(&m, out->data + at);
		at += QDB_HEADER;
		if (m.type < QDB_OK || m.type >= QDB_TYPES || m.data_len > out->len - at || m.data_len > QDB_VALUE_MAX)
			abort();
		at += m.data_len;
	}
}

/* Takes the output away as it comes, which is what makes long answers go on. -EPROTO as feed has it. */
static int feed(struct qdb_peer *p, const char *data, size_t n, struct buf *all)
{
	struct buf *out = qdb_peer_out(p);
	int r = qdb_peer_feed(p, data, n);

	for (int i = 0; out->len && i < 10000; i++) {
		if (out->len > QDB_OUT_ENOUGH + 4096)
			abort();
		buf_add(all, out->data, out->len);
		buf_consume(out, out->len);
		if (r == 0)
			r = qdb_peer_feed(p, NULL, 0);
	}
	if (r == 0 && qdb_peer_waits(p))
		abort();
	return r;
}

/* Pieces go to three peers in turn; step 0: each as it is, else so many bytes at a time. */
static void serve(const char *data, size_t size, size_t step, struct buf all[3])
{
	struct qdb *db = qdb_new(&(struct qdb_hooks){ NULL, wake, changed });
	struct qdb_peer *peers[3] = { qdb_peer_new(db, false, NULL), qdb_peer_new(db, false, NULL),
				      qdb_peer_new(db, true, NULL) };
	bool open[3] = { true, true, true };

	qdb_put(db, "/name", "work", 4);
	qdb_put(db, "/qubes-service/cups", "1", 1);
	for (int turn = 0; size; turn = (turn + 1) % 3) {
		const char *end = memchr(data, PIECE_END, size);
		size_t n = end ? (size_t)(end - data) : size;

		for (size_t at = 0; at < n && open[turn]; at += step ? step : n)
			open[turn] = feed(peers[turn], data + at, step && step < n - at ? step : n - at,
					  &all[turn]) == 0;
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
	for (int i = 0; i < 3; i++) {
		buf_add(&all[i], qdb_peer_out(peers[i])->data, qdb_peer_out(peers[i])->len);
		qdb_peer_free(peers[i]);
	}
	qdb_free(db);
}

static void try_server(const char *data, size_t size)
{
	struct buf whole[3] = {0}, pieces[3] = {0};

	serve(data, size, 0, whole);
	serve(data, size, 1, pieces);
	for (int i = 0; i < 3; i++) {
		check_answers(&whole[i]);
		if (whole[i].len != pieces[i].len ||
		    (whole[i].len && memcmp(whole[i].data, pieces[i].data, whole[i].len) != 0))
			abort();
		buf_release(&whole[i]);
		buf_release(&pieces[i]);
	}
}

/* ---- client ---- */

static void check_key(const char *key)
{
	if (!*key || strlen(key) > QDB_NAME_MAX - 1 || !qdb_path_chars(key + (*key == '-')))
		abort();
}

/* The answers are there already, and their end; *ret_server keeps the requests. */
static struct channel *client_of(const char *data, size_t size, int *ret_server)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 || (size && write(fds[1], data, size) != (ssize_t)size))
		abort();
	shutdown(fds[1], SHUT_WR);
	*ret_server = fds[1];
	return qubesdb_of_fd(fds[0]);
}

static void check_dump(struct channel *c)
{
	CLEANUP_KEY_VALUES struct key_values all = KEY_VALUES_INIT;
	int r = c->ops->dump_begin(c, "", NULL);

	while (r == 0 && (r = c->ops->dump_step(c, &all, NULL)) == 0)
		;
	for (size_t i = 0; r > 0 && i < all.n; i++) {
		check_key(all.v[i].key);
		if (i && strcmp(all.v[i - 1].key, all.v[i].key) >= 0)
			abort();
		key_check(all.v[i].key, all.v[i].value, all.v[i].len);
	}
}

static void check_events(struct channel *c)
{
	char *key;

	while (c->ops->event(c, &key, NULL) == 1) {
		check_key(key);
		free(key);
	}
}

static void check_list(struct channel *c)
{
	CLEANUP_STRV struct strv names = STRV_INIT;

	if (c->ops->list(c, "", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		check_key(names.v[i]);
}

static void check_calls(struct channel *c)
{
	CLEANUP_BUF struct buf value = BUF_INIT;

	if (c->ops->read(c, "a", &value, NULL) == 0)
		if (value.len > QDB_VALUE_MAX || strlen(buf_str(&value)) != value.len)
			abort();
	c->ops->write(c, "a", "x", 1, NULL);
	c->ops->rm(c, "a/", NULL);
	c->ops->watch(c, "a", NULL);
	c->ops->unwatch(c, "a", NULL);
}

static void try_client(const char *data, size_t size)
{
	static void (*const tries[])(struct channel *) = { check_events, check_dump, check_list, check_calls };

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		int server;
		struct channel *c = client_of(data, size, &server);

		tries[i](c);
		check_events(c);
		channel_close(c);
		close(server);
	}
}

/* ---- values ---- */

static void try_value(const char *data, size_t size)
{
	CLEANUP_FREE char *copy = xmemdup0(data, size);
	size_t name = strlen(copy) + 1;
	const char *value = name <= size ? copy + name : "";
	size_t len = name <= size ? size - name : 0;
	struct key_value kv = { copy, (char *)value, len };
	uint64_t kib = 0;

	if (key_check(copy, value, len) && !key_find(copy))
		abort();
	if (key_find(copy) && !(key_find(copy)->flags & KEY_VOLATILE) && !key_value_agrees(&kv, &kv))
		abort();
	if (meminfo_parse(value, len, &kib) == 0 && kib > UINT64_C(1) << 52)
		abort();
	for (enum key_store s = 0; s < KEY_STORES; s++)
		key_fits(s, 5, copy, len, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return -1;
	if (*data == 's')
		try_server((const char *)data + 1, size - 1);
	else if (*data == 'c')
		try_client((const char *)data + 1, size - 1);
	else if (*data == 'v')
		try_value((const char *)data + 1, size - 1);
	else
		return -1;
	return 0;
}
