/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For xenstored on a machine without Xen: loaded in front of Xen's libraries, it has every domain exist that is
 * introduced. Domain 0 uses xenstored's socket; see domains.h for the others.
 */
#include "hypervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "domains.h"

#define VIRQ_PORT 1
#define DOM0_PORT "2"
#define FIRST_PORT 16 /* of domain 0, if it had one; the others follow in their order */

/* Each domain costs descriptors; and nothing is to be left when the lab is killed that started us. */
static void __attribute__((constructor)) prepare(void)
{
	struct rlimit l;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

/* Any pointer but NULL. */
static void *handle(void)
{
	static char h;

	return &h;
}

/* ---- domains ---- */

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags)
{
	return handle();
}

int xc_interface_close(void *h)
{
	return 0;
}

int xc_domain_getinfo(void *h, uint32_t first, unsigned max, uint32_t *info)
{
	info[0] = first;
	info[1] = info[2] = 0; /* neither dying nor crashed nor shut down */
	return 1;
}

int xc_domain_getinfo_single(void *h, uint32_t domid, uint32_t *info)
{
	info[0] = domid;
	info[1] = 0;
	return 0;
}

/* ---- shared pages ---- */

void *xengnttab_open(void *logger, unsigned flags)
{
	return handle();
}

int xengnttab_close(void *h)
{
	return 0;
}

int xengnttab_set_max_grants(void *h, uint32_t n)
{
	return 0;
}

void *xengnttab_map_grant_ref(void *h, uint32_t domid, uint32_t ref, int prot)
{
	return domain_map(domid);
}

int xengnttab_unmap(void *h, void *page, uint32_t n)
{
	if (domain_unmap(page))
		return 0;
	errno = EINVAL;
	return -1;
}

/* ---- event channels ---- */

void *xenevtchn_open(void *logger, unsigned flags)
{
	return domains_fd() < 0 ? NULL : handle();
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned flags)
{
	return xenevtchn_open(logger, flags);
}

int xenevtchn_fd(void *h)
{
	return domains_fd();
}

int xenevtchn_bind_virq(void *h, unsigned virq)
{
	return VIRQ_PORT;
}

int xenevtchn_bind_interdomain(void *h, uint32_t domid, uint32_t port)
{
	return (int)domid + FIRST_PORT;
}

int xenevtchn_unbind(void *h, uint32_t port)
{
	return 0;
}

int xenevtchn_notify(void *h, uint32_t port)
{
	domains_wake();
	return 0;
}

/* There has to be one. The port of domain 0 means nothing to xenstored, which looks at all pages then. */
int xenevtchn_pending(void *h)
{
	int64_t domid = domains_next();

	return FIRST_PORT + (domid < 0 ? 0 : (int)domid);
}

int xenevtchn_unmask(void *h, uint32_t port)
{
	return 0;
}

/* ---- the kernel's files about domain 0 ---- */

static int port_file(void)
{
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	n = write(fds[1], DOM0_PORT, strlen(DOM0_PORT));
	close(fds[1]);
	return n > 0 ? fds[0] : -1;
}

static int page_file(void)
{
	int fd = memfd_create("page", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, 4096) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_file(const char *path, int flags, mode_t mode)
{
	if (strcmp(path, "/proc/xen/xsd_port") == 0)
		return port_file();
	if (strcmp(path, "/proc/xen/xsd_kva") == 0)
		return page_file();
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN(name)                                              \
	int name(const char *path, int flags, ...)              \
	{                                                       \
		mode_t mode = 0;                                \
		va_list ap;                                     \
                                                                \
		if (flags & (O_CREAT | __O_TMPFILE)) {          \
			va_start(ap, flags);                    \
			mode = va_arg(ap, mode_t);              \
			va_end(ap);                             \
		}                                               \
		return open_file(path, flags, mode);            \
	}
OPEN(open)
#undef open64
OPEN(open64)
