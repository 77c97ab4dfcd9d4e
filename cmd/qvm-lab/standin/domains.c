/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets and shared pages: one thread carries the messages between them. */
#include "domains.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGE 4096
#define RING 1024

/* The page, as Xen's public interface lays it out; the indices count bytes and wrap at 2^32. */
struct page {
	char req[RING], rsp[RING];
	uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
};

/* The head of each message in both directions. */
struct head {
	uint32_t type, req_id, tx_id, len;
};
#define PAYLOAD_MAX 4096
#define RESET_WATCHES 21 /* forget watches and transactions; the payload is one NUL */
#define RESET_ID 0xffffffff

struct domain {
	struct domain *next;
	uint32_t domid;
	bool gone;  /* xenstored has done with it */
	bool moved; /* xenstored is to look at the page */
	struct page *page;
	int listener, client; /* client -1: none */

	/* A whole request on its way into the page, or the beginning of one from the client. */
	char request[sizeof(struct head) + PAYLOAD_MAX];
	size_t have, sent;

	/* The reply that is on its way out of the page. */
	struct head reply;
	size_t reply_have; /* bytes of the head that have passed */
	uint32_t reply_left;

	bool to_reset;  /* the client has gone: xenstored is to be told */
	bool resetting; /* and has been; what comes before its answer is for nobody */
};

/* xenstored calls with handles that we make up, and there is one xenstored in a process. */
static struct {
	pthread_mutex_t lock; /* of what follows */
	struct domain *first;
	bool running;         /* the thread is there */
	int wake, moved;      /* eventfds, 0 until they are needed: for the thread, for xenstored */
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void ring(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n;
}

static void hush(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof count);

	(void)n;
}

static int need_event(int *fd)
{
	if (*fd == 0)
		*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd > 0)
		return *fd;
	*fd = 0;
	return -1;
}

static void tell_xenstored(struct domain *d)
{
	d->moved = true;
	if (all.moved)
		ring(all.moved);
}

/* ---- requests: client to page ---- */

static bool request_is_whole(const struct domain *d)
{
	const struct head *h = (const struct head *)d->request;

	return d->have >= sizeof *h && d->have == sizeof *h + h->len;
}

static void push(struct domain *d)
{
	struct page *p = d->page;

	while (d->sent < d->have) {
		uint32_t used = p->req_prod - __atomic_load_n(&p->req_cons, __ATOMIC_ACQUIRE);
		uint32_t at = p->req_prod % RING, n = RING - at;

		if (used >= RING)
			return;
		if (n > RING - used)
			n = RING - used;
		if (n > d->have - d->sent)
			n = (uint32_t)(d->have - d->sent);
		memcpy(p->req + at, d->request + d->sent, n);
		d->sent += n;
		__atomic_store_n(&p->req_prod, p->req_prod + n, __ATOMIC_RELEASE);
		tell_xenstored(d);
	}
	d->have = d->sent = 0;
}

static void client_ends(struct domain *d)
{
	close(d->client);
	d->client = -1;
	d->to_reset = true;
	if (!request_is_whole(d))
		d->have = 0;
}

/* Takes from the client until nothing is there, or the page is full. */
static void take_requests(struct domain *d)
{
	const struct head *h = (const struct head *)d->request;

	while (d->client >= 0 && !request_is_whole(d)) {
		size_t want = sizeof *h + (d->have < sizeof *h ? 0 : h->len);
		ssize_t n = read(d->client, d->request + d->have, want - d->have);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			return client_ends(d);
		d->have += (size_t)n;
		/* xenstored would not listen to this domain ever again. */
		if (d->have >= sizeof *h && h->len > PAYLOAD_MAX)
			return client_ends(d);
		if (request_is_whole(d))
			push(d);
	}
}

static void reset(struct domain *d)
{
	const struct head h = { .type = RESET_WATCHES, .req_id = RESET_ID, .len = 1 };

	memcpy(d->request, &h, sizeof h);
	d->request[sizeof h] = '\0';
	d->have = sizeof h + 1;
	d->to_reset = false;
	d->resetting = true;
	push(d);
}

/* ---- replies: page to client ---- */

/* So many bytes of a reply, all of them of its head or of its payload, have passed. */
static void reply_passed(struct domain *d, const char *bytes, size_t n)
{
	if (d->reply_have < sizeof d->reply) {
		memcpy((char *)&d->reply + d->reply_have, bytes, n);
		d->reply_have += n;
		if (d->reply_have < sizeof d->reply)
			return;
		d->reply_left = d->reply.len;
	} else {
		d->reply_left -= (uint32_t)n;
	}
	if (d->reply_left > 0)
		return;
	d->reply_have = 0;
	if (d->reply.type == RESET_WATCHES && d->reply.req_id == RESET_ID)
		d->resetting = false;
}

static void give_replies(struct domain *d)
{
	struct page *p = d->page;

	for (;;) {
		uint32_t n = __atomic_load_n(&p->rsp_prod, __ATOMIC_ACQUIRE) - p->rsp_cons;
		uint32_t at = p->rsp_cons % RING;
		size_t part = d->reply_have < sizeof d->reply ? sizeof d->reply - d->reply_have : d->reply_left;

		if (n == 0)
			return;
		if (n > RING - at)
			n = RING - at;
		if (n > part)
			n = (uint32_t)part;
		if (d->client >= 0) {
			ssize_t sent = send(d->client, p->rsp + at, n, MSG_NOSIGNAL);

			if (sent < 0 && (errno == EAGAIN || errno == EINTR))
				return;
			if (sent <= 0) {
				client_ends(d);
				continue;
			}
			n = (uint32_t)sent;
		}
		reply_passed(d, p->rsp + at, n);
		__atomic_store_n(&p->rsp_cons, p->rsp_cons + n, __ATOMIC_RELEASE);
		tell_xenstored(d);
	}
}

/* ---- the thread ---- */

static bool may_accept(const struct domain *d)
{
	return d->client < 0 && !d->to_reset && !d->resetting;
}

static void serve(struct domain *d)
{
	if (d->have && request_is_whole(d))
		push(d);
	give_replies(d);
	if (may_accept(d))
		d->client = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	take_requests(d);
	if (d->to_reset && d->have == 0)
		reset(d);
}

/* What has to happen before serve() can do more than now; xenstored's part is told by domains_wake(). */
static struct pollfd wait_for(const struct domain *d)
{
	bool replies = d->page->rsp_prod != d->page->rsp_cons;

	if (d->client >= 0)
		return (struct pollfd){ .fd = d->client, .events = (short)((request_is_whole(d) ? 0 : POLLIN) |
									  (replies ? POLLOUT : 0)) };
	return (struct pollfd){ .fd = may_accept(d) ? d->listener : -1, .events = POLLIN };
}

static void domain_free(struct domain *d)
{
	if (d->client >= 0)
		close(d->client);
	close(d->listener);
	munmap(d->page, PAGE);
	free(d);
}

/* Frees those that have gone; only this thread does. */
static void sweep(void)
{
	for (struct domain **at = &all.first; *at;) {
		struct domain *d = *at;

		if (!d->gone) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		domain_free(d);
	}
}

static void *carry(void *arg)
{
	struct pollfd *fds = NULL;
	size_t cap = 0;

	pthread_mutex_lock(&all.lock);
	for (;;) {
		size_t n = 1;

		sweep();
		for (struct domain *d = all.first; d; d = d->next) {
			serve(d);
			n++;
		}
		if (n > cap) {
			free(fds);
			cap = n * 2;
			fds = calloc(cap, sizeof *fds);
			if (!fds)
				abort();
		}
		fds[0] = (struct pollfd){ .fd = all.wake, .events = POLLIN };
		n = 1;
		for (struct domain *d = all.first; d; d = d->next)
			fds[n++] = wait_for(d);
		pthread_mutex_unlock(&all.lock);
		poll(fds, n, -1);
		hush(fds[0].fd);
		pthread_mutex_lock(&all.lock);
	}
	return arg;
}

/* ---- for xenstored ---- */

/* "" when it does not fit. */
static void socket_path(uint32_t domid, struct sockaddr_un *ret)
{
	const char *dir = getenv("XENSTORED_RUNDIR");
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/dom%u.socket", dir ? dir : "/var/run/xenstored", domid);
	if (n < 0 || (size_t)n >= sizeof ret->sun_path)
		ret->sun_path[0] = '\0';
}

static int listen_for(uint32_t domid)
{
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	socket_path(domid, &a);
	if (fd < 0 || !a.sun_path[0])
		goto fail;
	unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0)
		return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool start_thread(void)
{
	pthread_t thread;

	if (!all.running && need_event(&all.wake) > 0 && pthread_create(&thread, NULL, carry, NULL) == 0) {
		pthread_detach(thread);
		all.running = true;
	}
	return all.running;
}

void *domain_map(uint32_t domid)
{
	struct domain *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->domid = domid;
	d->client = -1;
	d->listener = listen_for(domid);
	d->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutex_lock(&all.lock);
	if (d->listener >= 0 && d->page != MAP_FAILED && start_thread()) {
		void *page = d->page;

		d->next = all.first;
		all.first = d;
		ring(all.wake);
		pthread_mutex_unlock(&all.lock);
		return page;
	}
	pthread_mutex_unlock(&all.lock);
	if (d->listener >= 0)
		close(d->listener);
	if (d->page != MAP_FAILED)
		munmap(d->page, PAGE);
	free(d);
	return NULL;
}

bool domain_unmap(void *page)
{
	bool found = false;

	pthread_mutex_lock(&all.lock);
	for (struct domain *d = all.first; d && !found; d = d->next) {
		struct sockaddr_un a;

		if (d->gone || d->page != page)
			continue;
		found = d->gone = true;
		d->moved = false;
		socket_path(d->domid, &a);
		if (a.sun_path[0])
			unlink(a.sun_path);
		ring(all.wake);
	}
	pthread_mutex_unlock(&all.lock);
	return found;
}

void domains_wake(void)
{
	if (all.wake)
		ring(all.wake);
}

int domains_fd(void)
{
	int fd;

	pthread_mutex_lock(&all.lock);
	fd = need_event(&all.moved);
	pthread_mutex_unlock(&all.lock);
	return fd;
}

int64_t domains_next(void)
{
	int64_t found = -1;
	bool more = false;

	pthread_mutex_lock(&all.lock);
	for (struct domain *d = all.first; d && !more; d = d->next) {
		if (!d->moved)
			continue;
		if (found >= 0) {
			more = true;
		} else {
			found = d->domid;
			d->moved = false;
		}
	}
	if (!more)
		hush(all.moved);
	pthread_mutex_unlock(&all.lock);
	return found;
}
