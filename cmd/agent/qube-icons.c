/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the icons of another qube's windows in a directory: qubes.WindowIconUpdater on the side that draws. The
 * stream is hostile: what is not in the format, or too large, ends it (vm-interface 8.2, 8.4).
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"

#define HEADER_MAX 22
#define SIDE_MAX 2048
#define WINDOWS_MAX 1024

/* A line without its newline. False at the end of the stream, or when it is too long. */
static bool read_line(FILE *f, char line[static HEADER_MAX + 1])
{
	int c;

	for (size_t n = 0; n <= HEADER_MAX; n++) {
		c = getc(f);
		line[n] = '\0';
		if (c == '\n')
			return true;
		if (c == EOF || c == '\0' || n == HEADER_MAX)
			return false;
		line[n] = (char)c;
	}
	return false;
}

static bool parse_size(char *line, uint64_t *width, uint64_t *height)
{
	char *blank = strchr(line, ' ');

	if (!blank)
		return false;
	*blank = '\0';
	return num_u64(line, width) == 0 && num_u64(blank + 1, height) == 0 && *width > 0 && *height > 0 &&
	       *width <= SIDE_MAX && *height <= SIDE_MAX;
}

/* In the place of an older one, whole or not at all. */
static int save(const char *name, uint64_t width, uint64_t height, const char *pixels, size_t n)
{
	FILE *f = fopen("new", "we");

	if (!f)
		return -errno;
	fprintf(f, "%llu %llu\n", (unsigned long long)width, (unsigned long long)height);
	fwrite(pixels, 1, n, f);
	if (fclose(f) != 0 || rename("new", name) < 0)
		return -errno;
	return 0;
}

/* One icon. 1, 0 at the end of the stream, or negative errno. */
static int take(FILE *f, size_t *windows)
{
	char line[HEADER_MAX + 1], name[32];
	uint64_t window, width, height;
	CLEANUP_FREE char *pixels = NULL;
	size_t n;

	if (!read_line(f, line))
		return feof(f) && !line[0] ? 0 : -EPROTO;
	if (num_u64(line, &window) < 0 || !read_line(f, line) || !parse_size(line, &width, &height))
		return -EPROTO;
	n = (size_t)(width * height * 4);
	pixels = xmalloc(n);
	if (fread(pixels, 1, n, f) != n)
		return -EPROTO;
	snprintf(name, sizeof name, "%llu", (unsigned long long)window);
	if (access(name, F_OK) < 0 && ++*windows > WINDOWS_MAX)
		return -EDQUOT;
	int r = save(name, width, height, pixels, n);

	return r < 0 ? r : 1;
}

int main(int argc, char *argv[])
{
	size_t windows = 0;
	int r;

	if (argc != 2 || (mkdir("/run/qubes/icons", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(argv[1], 0755) < 0 && errno != EEXIST) || chdir(argv[1]) < 0) {
		fputs("qube-icons: there is no place for icons\n", stderr);
		return 1;
	}
	while ((r = take(stdin, &windows)) > 0)
		;
	if (r < 0)
		fprintf(stderr, "qube-icons: the stream of icons is refused: %s\n", strerror(-r));
	return r < 0;
}
