/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service qubes.Restore of a qube does (backup-policy-clock 4.2): the members of a tar as a qfile on stdout,
 * each behind its directories; then the result is awaited on stdin and the checksum in it compared.
 * usage: qfile ARCHIVE
 */
#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/outer.h"
#include "base/mem.h"
#include "base/strv.h"
#include "os/io.h"

#define PIECE 65536
#define NOT_WANTED 122 /* EDQUOT: the receiver has enough, which is no error */

struct header {
	uint32_t namelen, mode;
	uint64_t filelen;
	uint32_t times[4];
};

static uint32_t crc_of(uint32_t crc, const unsigned char *p, size_t n)
{
	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Who reads may have enough: then the result says so. */
static void put(uint32_t *crc, const void *p, size_t n)
{
	*crc = crc_of(*crc, p, n);
	if (write_all(STDOUT_FILENO, p, n) < 0)
		exit(1);
}

static void put_header(uint32_t *crc, const char *name, uint32_t mode, uint64_t size)
{
	struct header h = { (uint32_t)strlen(name) + 1, mode, size, {0} };

	put(crc, &h, sizeof h);
	put(crc, name, h.namelen);
}

static void put_directories(uint32_t *crc, struct strv *known, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		CLEANUP_FREE char *dir = xstrndup(name, (size_t)(slash - name));

		if (strv_insert(known, dir))
			put_header(crc, dir, S_IFDIR | 0700, 0);
	}
}

static void put_member(uint32_t *crc, struct outer *o)
{
	CLEANUP_FREE char *p = xmalloc(PIECE);
	ssize_t n;

	put_header(crc, o->name, S_IFREG | 0600, o->size);
	while ((n = outer_read(o, p, PIECE, NULL)) > 0)
		put(crc, p, (size_t)n);
	if (n < 0)
		errx(1, "damaged archive");
}

static int await_result(uint32_t crc)
{
	struct {
		uint32_t code, padding;
		uint64_t crc;
	} result;

	if (read(STDIN_FILENO, &result, sizeof result) != (ssize_t)sizeof result)
		errx(1, "no result");
	if (result.code == NOT_WANTED)
		return 0;
	if (result.code || result.crc != crc)
		errx(1, "result %u, checksum %llx, sent %x", result.code, (unsigned long long)result.crc, crc);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, r;
	const struct header end = {0};
	struct strv known = STRV_INIT;
	CLEANUP(outer_release) struct outer o;
	uint32_t crc = 0;

	if (fd < 0)
		err(2, "%s", argc == 2 ? argv[1] : "usage: qfile ARCHIVE");
	outer_init(&o, fd, false);
	while ((r = outer_next(&o, NULL)) > 0) {
		put_directories(&crc, &known, o.name);
		put_member(&crc, &o);
	}
	strv_release(&known);
	if (r < 0)
		errx(1, "damaged archive");
	put(&crc, &end, sizeof end);
	return await_result(crc);
}
