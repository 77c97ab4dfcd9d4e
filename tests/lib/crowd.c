/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd at a daemon's door that wants nothing, and what it costs the others.
 *
 *     crowd [-i IDLE] [-s SUBSCRIBERS] [-v VISITORS] [-c CALLS] SOCKET
 *     crowd -w [-i IDLE] SOCKET        only the IDLE connections, until the daemon has given up all of them
 *
 * Times CALLS calls of four clients, alone and then while
 *   IDLE connections are open that send nothing, or a part of a header and no more, and
 *   SUBSCRIBERS listen to all events, of which every other one never reads.
 * Then something is changed from time to time while VISITORS come and vanish: without a word, in the middle of a
 * request, before the reply, as subscribers. Then all leave. Prints one line: calls a second alone, in the crowd, in
 * percent of the former. Status 1 when somebody was not served: a call without its reply, or a subscriber that reads
 * and misses an event.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "client.h"

#define CLIENTS 4
#define CHANGES 20
#define LAST '#' /* the value of the last change; nothing else in an event has it */

struct crowd {
	const char *socket;
	unsigned idle, subscribers, visitors, calls;
	int *idlers, *listeners;
	atomic_uint unserved;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the others ---- */

static void *call_on(void *data)
{
	struct crowd *c = data;
	struct reply *r = malloc(sizeof *r);

	if (!r)
		die("memory");
	for (unsigned i = 0; i < c->calls / CLIENTS; i++) {
		call(c->socket, r, "admin.vm.property.Get", "memory", "work", "");
		if (!is_ok(r))
			c->unserved++;
	}
	free(r);
	return NULL;
}

/* Calls a second. */
static double pace(struct crowd *c)
{
	pthread_t threads[CLIENTS];
	double start = now();

	for (int i = 0; i < CLIENTS; i++)
		if (pthread_create(&threads[i], NULL, call_on, c) != 0)
			die("thread");
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	return c->calls / (now() - start);
}

/* ---- the crowd ---- */

static void come(struct crowd *c)
{
	for (unsigned i = 0; i < c->idle; i++) {
		c->idlers[i] = dial(c->socket);
		if (c->idlers[i] < 0)
			die(c->socket);
		if (i % 2 && send(c->idlers[i], "admin.vm.List+ dom0", 19, MSG_NOSIGNAL) != 19)
			die("send");
	}
	for (unsigned i = 0; i < c->subscribers; i++) {
		c->listeners[i] = send_request(c->socket, "admin.Events", "", "dom0", "");
		if (c->listeners[i] < 0)
			die(c->socket);
	}
}

/* Every other listener reads until it has heard of the last change. */
static void *listen_on(void *data)
{
	struct crowd *c = data;
	struct pollfd *p = calloc(c->subscribers + 1, sizeof *p);
	unsigned left = 0;
	char text[4096];

	if (!p)
		die("memory");
	for (unsigned i = 0; i < c->subscribers; i++) {
		p[i] = (struct pollfd){ .fd = i % 2 ? -1 : c->listeners[i], .events = POLLIN };
		left += i % 2 == 0;
	}
	while (left && poll(p, c->subscribers, 20000) > 0)
		for (unsigned i = 0; i < c->subscribers; i++) {
			ssize_t n = p[i].revents ? recv(p[i].fd, text, sizeof text, 0) : 1;

			if (p[i].revents && n > 0 && memchr(text, LAST, (size_t)n)) {
				p[i].fd = -1;
				left--;
			}
			if (n <= 0) /* thrown out: it stays left, and poll runs out of time */
				p[i].fd = -1;
		}
	c->unserved += left;
	free(p);
	return NULL;
}

static void visit(struct crowd *c, unsigned n)
{
	int fd = n % 4 == 3 ? send_request(c->socket, "admin.Events", "", "dom0", "") :
		 n % 4 == 2 ? send_request(c->socket, "admin.vm.List", "", "dom0", "") :
			      dial(c->socket);

	if (fd < 0)
		die(c->socket);
	if (n % 4 == 1 && send(fd, "admin.vm.List+ dom0 na", 22, MSG_NOSIGNAL) != 22)
		die("send");
	close(fd);
}

static void *change_on(void *data)
{
	struct crowd *c = data;
	struct reply *r = malloc(sizeof *r);

	if (!r)
		die("memory");
	for (unsigned i = 0; i < CHANGES; i++) {
		char value[] = { i + 1 == CHANGES ? LAST : (char)('a' + i % 26), '\0' };

		call(c->socket, r, "admin.vm.feature.Set", "crowd", "work", value);
		if (!is_ok(r))
			c->unserved++;
		for (unsigned k = 0; k < c->visitors / CHANGES; k++)
			visit(c, k);
	}
	free(r);
	return NULL;
}

/* Whether all silent connections are closed by the daemon, each within 20 s. */
static bool given_up(struct crowd *c)
{
	for (unsigned i = 0; i < c->idle; i++) {
		struct pollfd p = { .fd = c->idlers[i], .events = POLLIN };
		char byte;

		if (poll(&p, 1, 20000) != 1 || recv(p.fd, &byte, 1, 0) > 0)
			return false;
	}
	return true;
}

int main(int argc, char *argv[])
{
	struct crowd c = { .idle = 500, .subscribers = 1000, .visitors = 500, .calls = 4000 };
	struct rlimit lim;
	bool wait = false;
	pthread_t listener, changer;
	double alone, among;
	int o;

	while ((o = getopt(argc, argv, "+wi:s:v:c:")) != -1)
		switch (o) {
		case 'w': wait = true; break;
		case 'i': c.idle = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': c.subscribers = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'v': c.visitors = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': c.calls = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	if (argc - optind != 1)
		return 2;
	c.socket = argv[optind];
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	c.idlers = calloc(c.idle + 1, sizeof *c.idlers);
	c.listeners = calloc(c.subscribers + 1, sizeof *c.listeners);
	if (!c.idlers || !c.listeners)
		die("memory");
	if (wait) {
		c.subscribers = 0;
		come(&c);

		bool all = given_up(&c);

		free(c.idlers);
		free(c.listeners);
		return !all;
	}
	pace(&c);
	alone = pace(&c);
	come(&c);
	among = pace(&c);
	if (pthread_create(&listener, NULL, listen_on, &c) != 0 || pthread_create(&changer, NULL, change_on, &c) != 0)
		die("thread");
	pthread_join(changer, NULL);
	pthread_join(listener, NULL);
	for (unsigned i = 0; i < c.idle; i++)
		close(c.idlers[i]);
	for (unsigned i = 0; i < c.subscribers; i++)
		close(c.listeners[i]);
	free(c.idlers);
	free(c.listeners);
	printf("alone %.0f/s, in the crowd %.0f/s: %.0f %%; %u not served\n", alone, among, among / alone * 100,
	       c.unserved);
	return c.unserved != 0;
}
