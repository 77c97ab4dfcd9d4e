/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for a member until all of it is authenticated. */
#include "archive/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"

static int failed(const char *dir, struct err *err)
{
	return err_set(err, -errno, "", "cannot keep a member in %s: %s", dir, strerror(errno));
}

int spool_init(struct spool *s, size_t size, const char *dir, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct spool){ .size = size, .fd = -1 };
	if (size <= SPOOL_MEMORY) {
		s->data = xmalloc(size + 1); /* touched only as far as bytes come */
		return 0;
	}
	if (!dir)
		dir = tmp && *tmp ? tmp : "/var/tmp";
	s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd < 0 || ftruncate(s->fd, (off_t)size) < 0)
		return failed(dir, err);
	s->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->data == MAP_FAILED) {
		s->data = NULL;
		return failed(dir, err);
	}
	return 0;
}

int spool_put(struct spool *s, size_t at, const void *p, size_t n, struct err *err)
{
	if (s->fd < 0) {
		memcpy(s->data + at, p, n);
		return 0;
	}
	/* Written, not copied into the mapping: a full disk is an error then, no signal. */
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(s->fd, (const char *)p + done, n - done, (off_t)(at + done));

		if (w < 0 && errno != EINTR)
			return failed("a temporary file", err);
		if (w > 0)
			done += (size_t)w;
	}
	return 0;
}

void spool_release(struct spool *s)
{
	if (s->fd < 0)
		free(s->data);
	else if (s->data)
		munmap(s->data, s->size);
	closep(&s->fd);
	*s = (struct spool){ .fd = -1 };
}
