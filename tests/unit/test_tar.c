/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tar as backups have it: the bytes of 2.9, each flavour that is read, what is cut off, hostile headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/outer.h"
#include "archive/tar.h"
#include "archive/volume.h"
#include "base/mem.h"

/* ---- bytes as source and sink ---- */

struct bytes {
	const char *p;
	size_t n, step;
};

static ssize_t bytes_read(void *data, void *p, size_t n, struct err *err)
{
	struct bytes *b = data;

	if (n > b->n)
		n = b->n;
	if (b->step && n > b->step)
		n = b->step;
	memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static int bytes_write(void *data, const void *p, size_t n, struct err *err)
{
	buf_add(data, p, n);
	return 0;
}

/* The whole of one member: 0 when it is whole and alone. image gets its content, at most max bytes. */
static int read_one(const struct buf *b, size_t step, const char *name, struct buf *image, struct err *err)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	struct bytes in = { b->data, b->len, step };
	struct source src = { bytes_read, &in };
	struct tar_reader t = { .src = &src };
	char piece[1000];
	uint64_t at;
	ssize_t n;
	int r = tar_next(&t, &m, err);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (!streq(m.name, name) || m.type != '0')
		return -ENOTSUP;
	while ((n = tar_read(&t, &m, &at, piece, sizeof piece, err)) > 0) {
		if (at < image->len)
			return -EBADMSG;
		tar_add_zeros(image, at - image->len);
		buf_add(image, piece, (size_t)n);
	}
	if (n < 0)
		return (int)n;
	tar_add_zeros(image, m.size - image->len);
	r = tar_next(&t, &m, err);
	return r < 0 ? r : r > 0 ? -EEXIST : tar_has_end(&t) ? 0 : -EPIPE;
}

/* ---- writing ---- */

/* 2.9: 1 MiB, data at 0...511 and 65536...219135. */
static void make_image(struct buf *image)
{
	tar_add_zeros(image, 1 << 20);
	memset(image->data, 'a', 512);
	memset(image->data + 65536, 'b', 153600);
}

static int memory_file(const struct buf *b)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), (ssize_t)b->len);
	return fd;
}

static void write_image(const struct buf *image, struct buf *ret)
{
	struct sink to = { bytes_write, ret };
	int fd = memory_file(image);
	uint64_t size;

	assert_int_equal(image_size(fd, &size, NULL), 0);
	assert_int_equal(volume_write(&to, "vm7/private.img", fd, size, NULL), 0);
	close(fd);
}

static void the_bytes_of_the_reference(void **state)
{
	static const char records[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
				      "35 GNU.sparse.name=vm7/private.img\n31 GNU.sparse.realsize=1048576\n";
	CLEANUP_BUF struct buf image = BUF_INIT, tar = BUF_INIT, again = BUF_INIT;
	CLEANUP_FREE char *other = xasprintf("vm7/GNUSparseFile.%d/private.img", (int)getpid());

	make_image(&image);
	write_image(&image, &tar);
	assert_int_equal(tar.len, 0x26200 + 1024);
	assert_string_equal(tar.data, "././@PaxHeader");
	assert_memory_equal(tar.data + 0x64, "0000000\0000000000\0000000000\00000000000156\00000000000000\0", 48);
	assert_memory_equal(tar.data + 0x100, "\0ustar\00000", 9);
	assert_int_equal(tar.data[0x9c], 'x');
	assert_string_equal(tar.data + 0x200, records);
	assert_string_equal(tar.data + 0x400, other);
	assert_memory_equal(tar.data + 0x464, "0000644", 8);
	assert_memory_equal(tar.data + 0x47c, "00000456000", 12);
	assert_int_equal(tar.data[0x49c], '0');
	assert_string_equal(tar.data + 0x600, "3\n0\n512\n65536\n153600\n1048576\n0\n");
	assert_memory_equal(tar.data + 0x800, image.data, 512);
	assert_memory_equal(tar.data + 0xa00, image.data + 65536, 153600);
	assert_int_equal(read_one(&tar, 0, "vm7/private.img", &again, NULL), 0);
	assert_int_equal(again.len, image.len);
	assert_memory_equal(again.data, image.data, image.len);
}

/* Images of many shapes come back as they were, read in pieces of any size. */
static void images(void **state)
{
	static const struct {
		size_t size, from, len;
	} shapes[] = {
		{ 0, 0, 0 }, { 1, 0, 1 }, { 1, 0, 0 }, { 511, 100, 10 }, { 512, 0, 512 }, { 513, 512, 1 },
		{ 100000, 0, 0 }, { 100000, 99999, 1 }, { 300000, 5000, 270000 }, { 1000000, 600, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		CLEANUP_BUF struct buf image = BUF_INIT, tar = BUF_INIT;

		tar_add_zeros(&image, shapes[i].size);
		memset(image.data + shapes[i].from, 'x', shapes[i].len);
		write_image(&image, &tar);
		for (size_t step = 0; step < 1000; step += 333) {
			CLEANUP_BUF struct buf again = BUF_INIT;

			assert_int_equal(read_one(&tar, step, "vm7/private.img", &again, NULL), 0);
			assert_int_equal(again.len, image.len);
			assert_memory_equal(again.data ? again.data : "", image.data, image.len);
		}
	}
}

/* ---- flavours ---- */

static void put_sum(char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (uint8_t)h[i];
	snprintf(h + 148, 8, "%06o", sum);
}

/* The writer of the reference does not pad behind an odd end. */
static void unpadded_tail(void **state)
{
	static const struct tar_extent map[] = { { 0, 512 }, { 4096, 1000 } };
	CLEANUP_BUF struct buf tar = BUF_INIT, image = BUF_INIT;

	assert_int_equal(tar_add_sparse(&tar, "vm7/private.img", 5096, map, 2, NULL), 0);
	for (int i = 0; i < 1512; i++)
		buf_addch(&tar, 'x');
	tar_add_zeros(&tar, 1024);
	assert_int_equal(read_one(&tar, 0, "vm7/private.img", &image, NULL), 0);
	assert_int_equal(image.len, 5096);
	/* Less than the two blocks, or a tail that looks padded and is not whole. */
	for (size_t cut = 1; cut < 1024; cut++) {
		image.len = 0;
		tar.len--;
		assert_int_not_equal(read_one(&tar, 0, "vm7/private.img", &image, NULL), 0);
	}
}

static void old_entry(char *p, unsigned offset, unsigned len)
{
	snprintf(p, 12, "%011o", offset);
	snprintf(p + 12, 12, "%011o", len);
}

/* GNU's old sparse: four entries in the header, 21 in each block behind it. */
static void old_sparse(void **state)
{
	for (unsigned n = 1; n < 60; n += 7) {
		CLEANUP_BUF struct buf tar = BUF_INIT, image = BUF_INIT;
		char *h;

		assert_int_equal(tar_add_file(&tar, "vm7/private.img", n * 512, NULL), 0);
		h = tar.data;
		memcpy(h + 257, "ustar  ", 8);
		h[156] = 'S';
		snprintf(h + 483, 12, "%011o", n * 8192);
		for (unsigned i = 0; i < 4 && i < n; i++)
			old_entry(h + 386 + i * 24, i * 8192, 512);
		h[482] = n > 4;
		put_sum(h);
		for (unsigned i = 4; i < n; i += 21) {
			size_t at = tar.len;

			tar_add_zeros(&tar, 512);
			for (unsigned k = 0; k < 21 && i + k < n; k++)
				old_entry(tar.data + at + k * 24, (i + k) * 8192, 512);
			tar.data[at + 504] = i + 21 < n;
		}
		for (unsigned i = 0; i < n * 512; i++)
			buf_addch(&tar, (char)('a' + i / 512 % 26));
		tar_add_zeros(&tar, 10240);
		assert_int_equal(read_one(&tar, 0, "vm7/private.img", &image, NULL), 0);
		assert_int_equal(image.len, n * 8192);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(image.data[i * 8192], 'a' + i % 26);
			assert_int_equal(image.data[i * 8192 + 512], 0);
		}
	}
}

static int first(const struct buf *tar, struct tar_member *m, struct err *err)
{
	struct bytes in = { tar->data, tar->len, 0 };
	struct source src = { bytes_read, &in };
	struct tar_reader t = { .src = &src };

	return tar_next(&t, m, err);
}

/* 8 GiB and more in both codings; long names of both kinds; a prefix. */
static void large_and_long(void **state)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	CLEANUP_BUF struct buf pax = BUF_INIT, gnu = BUF_INIT, lname = BUF_INIT, prefix = BUF_INIT;
	const uint64_t size = UINT64_C(9) << 30;

	assert_int_equal(tar_add_file(&pax, "x", size, NULL), 0);
	assert_int_equal(first(&pax, &m, NULL), 1);
	assert_int_equal(m.size, size);

	assert_int_equal(tar_add_file(&gnu, "x", 0, NULL), 0);
	memcpy(gnu.data + 124, "\x80\0\0\0\0\0\0\x02\x40\0\0\0", 12);
	put_sum(gnu.data);
	assert_int_equal(first(&gnu, &m, NULL), 1);
	assert_int_equal(m.size, size);

	assert_int_equal(tar_add_file(&lname, "././@LongLink", 4, NULL), 0);
	lname.data[156] = 'L';
	put_sum(lname.data);
	buf_add(&lname, "long", 5);
	tar_add_zeros(&lname, 507);
	assert_int_equal(tar_add_file(&lname, "short", 0, NULL), 0);
	assert_int_equal(first(&lname, &m, NULL), 1);
	assert_string_equal(m.name, "long");

	assert_int_equal(tar_add_file(&prefix, "name", 0, NULL), 0);
	memcpy(prefix.data + 345, "dir", 3);
	put_sum(prefix.data);
	assert_int_equal(first(&prefix, &m, NULL), 1);
	assert_string_equal(m.name, "dir/name");
}

/* Archives one behind the other, with any number of zero blocks between them. */
static void concatenated(void **state)
{
	CLEANUP_TAR_MEMBER struct tar_member m = {0};
	CLEANUP_BUF struct buf tar = BUF_INIT, image = BUF_INIT;

	assert_int_equal(tar_add_file(&tar, "a", 3, NULL), 0);
	buf_add(&tar, "abc", 3);
	tar_add_zeros(&tar, 509 + 19 * 512);

	struct bytes in;
	struct source src = { bytes_read, &in };
	struct tar_reader t = { .src = &src };

	assert_int_equal(read_one(&tar, 0, "a", &image, NULL), 0);
	assert_int_equal(tar_add_file(&tar, "b", 0, NULL), 0);
	image.len = 0;
	assert_int_equal(read_one(&tar, 0, "a", &image, NULL), -EEXIST);
	in = (struct bytes){ tar.data, tar.len, 0 };
	assert_int_equal(tar_next(&t, &m, NULL), 1);
	assert_int_equal(tar_next(&t, &m, NULL), 1);
	assert_string_equal(m.name, "b");
	assert_int_equal(tar_next(&t, &m, NULL), 0);
	assert_false(tar_has_end(&t));
}

/* ---- what is refused ---- */

static void cut_anywhere(void **state)
{
	CLEANUP_BUF struct buf tar = BUF_INIT, image = BUF_INIT;

	assert_int_equal(tar_add_file(&tar, "a", 700, NULL), 0);
	for (int i = 0; i < 700; i++)
		buf_addch(&tar, 'x');
	tar_add_zeros(&tar, 324 + 1024);
	assert_int_equal(read_one(&tar, 0, "a", &image, NULL), 0);
	while (tar.len--) {
		image.len = 0;
		assert_int_not_equal(read_one(&tar, 0, "a", &image, NULL), 0);
	}
}

static void sparse_with(struct buf *tar, const char *records, const char *map, size_t stored)
{
	size_t at = strlen(records);

	assert_int_equal(tar_add_file(tar, "././@PaxHeader", at, NULL), 0);
	tar->data[156] = 'x';
	put_sum(tar->data);
	buf_add(tar, records, at);
	tar_add_zeros(tar, tar_padding(at, 512));
	assert_int_equal(tar_add_file(tar, "x", 512 + stored, NULL), 0);
	at = tar->len;
	buf_addstr(tar, map);
	tar_add_zeros(tar, 512 - (tar->len - at));
}

static void hostile_maps(void **state)
{
#define SPARSE(size_record) "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n" size_record
#define SIZE SPARSE("28 GNU.sparse.realsize=5000\n")
	static const struct {
		const char *records, *map;
		int result;
	} cases[] = {
		{ SIZE, "1\n0\n512\n", 1 },
		{ SIZE, "2\n0\n256\n4744\n256\n", 1 },
		{ SPARSE("37 GNU.sparse.realsize=1099511627776\n"), "1\n1099511627264\n512\n", 1 },
		{ SPARSE(""), "1\n0\n512\n", -EBADMSG },                   /* no size */
		{ SIZE, "1\n0\n511\n", -EBADMSG },                        /* less than is stored */
		{ SIZE, "1\n0\n513\n", -EBADMSG },
		{ SIZE, "1\n4999\n512\n", -EBADMSG },                     /* behind the end */
		{ SIZE, "1\n18446744073709551615\n512\n", -EBADMSG },
		{ SIZE, "2\n512\n256\n0\n256\n", -EBADMSG },              /* descending */
		{ SIZE, "2\n0\n256\n255\n256\n", -EBADMSG },              /* overlapping */
		{ SIZE, "0\n", -EBADMSG }, { SIZE, "", -EBADMSG }, { SIZE, "x\n", -EBADMSG },
		{ SIZE, "1\n-0\n512\n", -EBADMSG },
		{ SIZE, "99999999999999999999\n", -EBADMSG },
		{ SIZE, "4294967296\n0\n512\n", -EBADMSG },               /* the map is longer than the data */
		{ "22 GNU.sparse.major=2\n", "1\n0\n512\n", -EBADMSG },
		{ "22 GNU.sparse.major=1\n22 GNU.sparse.minor=1\n", "1\n0\n512\n", -EBADMSG },
		{ "25 GNU.sparse.numblocks=1\n", "1\n0\n512\n", -EBADMSG }, /* format 0 */
		{ "9 size=x\n", "", -EBADMSG }, { "9 size=1", "", -EBADMSG }, { "99 size=1\n", "", -EBADMSG },
		{ "0 size=1\n", "", -EBADMSG }, { "2 \n", "", -EBADMSG }, { "-9 size=1\n", "", -EBADMSG },
		{ "5 ab\n", "", -EBADMSG }, { "x", "", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TAR_MEMBER struct tar_member m = {0};
		CLEANUP_BUF struct buf tar = BUF_INIT;

		sparse_with(&tar, cases[i].records, cases[i].map, 512);
		tar_add_zeros(&tar, 512 + 1024);
		if (first(&tar, &m, NULL) != cases[i].result)
			fail_msg("%s %s", cases[i].records, cases[i].map);
	}
}

static void hostile_headers(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t n;
	} cases[] = {
		{ 257, "v7", 2 }, { 124, "9", 1 }, { 124, "\xff", 1 }, { 124, "\x80\x01\0\0\0\0\0\0\0\0\0\0", 12 },
		{ 124, "0x", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TAR_MEMBER struct tar_member m = {0};
		CLEANUP_BUF struct buf tar = BUF_INIT;
		CLEANUP_ERR struct err err = ERR_INIT;

		assert_int_equal(tar_add_file(&tar, "a", 0, NULL), 0);
		memcpy(tar.data + cases[i].at, cases[i].bytes, cases[i].n);
		put_sum(tar.data);
		assert_int_equal(first(&tar, &m, &err), -EBADMSG);
		assert_string_equal(err.text, "damaged tar header");
	}
	/* Any bit of a header. */
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		CLEANUP_TAR_MEMBER struct tar_member m = {0};
		CLEANUP_BUF struct buf tar = BUF_INIT;

		assert_int_equal(tar_add_file(&tar, "a", 0, NULL), 0);
		tar.data[i] ^= 1;
		assert_int_equal(first(&tar, &m, NULL), -EBADMSG);
	}
}

static void names(void **state)
{
	static const char *const good[] = { "a", "vm7/private.img.000.enc", "a..b/...", "A-Z_0.9" };
	static const char *const wrong[] = { "", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "../a", "a/../b", "a b",
					    "a\nb", "a\x1b[m", "\xc3\xa4", "a\\b", "a:b" };
	char length[257];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(outer_name_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(outer_name_is_valid(wrong[i]));
	memset(length, 'a', sizeof length);
	length[256] = '\0';
	assert_false(outer_name_is_valid(length));
	length[255] = '\0';
	assert_true(outer_name_is_valid(length));
}

/* The example of 7.2: a directory with a file; the link has no place in a backup, the sum stands. */
static void the_qfile_of_the_reference(void **state)
{
	static const uint8_t entries[187] = { /* behind what stands here, the 32 zeros of the end */
		2, 0, 0, 0, 0xed, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 0, 0xf1, 0x53,
		0x65, 0, 0, 0, 0, 'd', 0,
		8, 0, 0, 0, 0xa4, 0x81, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 0, 0xf1, 0x53,
		0x65, 0, 0, 0, 0, 'd', '/', 'a', '.', 't', 'x', 't', 0, 'h', 'e', 'l', 'l', 'o', '\n',
		4, 0, 0, 0, 0xff, 0xa1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 0, 0xf1, 0x53,
		0x65, 0, 0, 0, 0, 'd', '/', 'l', 0, 'a', '.', 't', 'x', 't',
		2, 0, 0, 0, 0xed, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf1, 0x53, 0x65, 0, 0, 0, 0, 0, 0xf1, 0x53,
		0x65, 0, 0, 0, 0, 'd', 0,
	};
	static const uint8_t result[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0xad, 0x5b, 0xa6, 0x5a, 0, 0, 0, 0, 1, 0, 0, 0, 'd' };
	struct bytes in = { (const char *)entries, sizeof entries, 0 };
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	struct outer o;

	outer_init(&o, -1, true);
	o.raw = (struct source){ bytes_read, &in };
	assert_int_equal(outer_next(&o, NULL), 1);
	assert_string_equal(o.name, "d/a.txt");
	assert_int_equal(outer_next(&o, &err), -EBADMSG);
	assert_string_equal(err.text, "d/l: not a regular file");
	assert_int_equal(outer_next(&o, NULL), 0);
	outer_qfile_result(&o, 0, &b);
	assert_int_equal(b.len, sizeof result);
	assert_memory_equal(b.data, result, sizeof result);
	outer_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_qfile_of_the_reference),
		cmocka_unit_test(the_bytes_of_the_reference),
		cmocka_unit_test(images),
		cmocka_unit_test(unpadded_tail),
		cmocka_unit_test(old_sparse),
		cmocka_unit_test(large_and_long),
		cmocka_unit_test(concatenated),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(hostile_maps),
		cmocka_unit_test(hostile_headers),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
