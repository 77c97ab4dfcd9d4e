/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills a daemon again and again while it is changed from eight sides, and looks whether what it said is true.
 *
 *     hammer [-r ROUNDS] [-s SEED] [-m MS] SOCKET COMMAND...
 *
 * Each round starts COMMAND (a qvmd in the foreground, listening at SOCKET), compares the system with what was
 * known before, lets a subscriber listen and the writers change things, and kills the daemon within MS
 * milliseconds; every fourth daemon is killed while it starts, too. For each object there is
 *   acked: the state of the last change that was answered with OK (the system must have it),
 *   flight: that of a change which was not answered (the system may have it, whole or not at all),
 *   seen: that of the last event (which never runs ahead of the disk, nor behind an OK).
 * The last round ends with SIGTERM instead. Status 0 when all of it held; the last line of output counts.
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "hammer.h"

/* What a writer has. */
static const enum kind layout[OBJECTS] = {
	K_TIMEOUT, K_GUIVM, K_NOTES, K_FEATURE, K_FEATURE, K_FEATURE, K_TAG, K_TAG, K_APP, K_APP, K_DISP, K_LABEL,
};

void problem(struct hammer *h, const char *fmt, ...)
{
	va_list ap;

	h->problems++;
	printf("round %u, seed %u: ", h->round, h->seed);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

const char *ask(struct hammer *h, struct reply *r, const char *method, const char *arg, const char *dest,
		const char *payload)
{
	call(h->socket, r, method, arg, dest, payload);
	if (!is_ok(r))
		problem(h, "%s+%s %s: refused: %s", method, arg, dest, r->len > 2 ? r->data + 2 : "no reply");
	return body(r);
}

/* ---- the daemon ---- */

static void nap(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static void spawn(struct hammer *h)
{
	h->pid = fork();
	if (h->pid < 0)
		die("fork");
	if (h->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(h->command[0], h->command);
		_exit(127);
	}
}

static void end(struct hammer *h, int signum)
{
	int status;

	kill(h->pid, signum);
	if (waitpid(h->pid, &status, 0) != h->pid)
		die("waitpid");
	if (signum == SIGKILL ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL : status != 0)
		problem(h, "the daemon ended by itself, status %#x", (unsigned)status);
}

static void await_ready(struct hammer *h)
{
	for (int i = 0; i < 20000; i++) {
		int status, fd = dial(h->socket);

		if (fd >= 0) {
			close(fd);
			return;
		}
		if (waitpid(h->pid, &status, WNOHANG) == h->pid) {
			printf("round %u, seed %u: the daemon does not start\n", h->round, h->seed);
			exit(1);
		}
		nap(500);
	}
	errno = ETIMEDOUT;
	die(h->socket);
}

/* ---- rounds ---- */

/* One of each kind that nobody changes, and each writer's qube. */
static void prepare(struct hammer *h)
{
	static const char *const names[] = { "sample-app", "sample-disp" };
	static const char *const kinds[] = { "t", "g", "n", "f", "t", "a", "d", "l" };
	struct reply *r = malloc(sizeof *r);

	if (!r)
		die("memory");
	for (int i = 0; i < 3; i++) {
		char key[16];

		/* what disposables inherit */
		snprintf(key, sizeof key, "own%d", i);
		ask(h, r, "admin.vm.feature.Set", key, "default-dvm", "1");
		ask(h, r, "admin.vm.tag.Set", key, "default-dvm", "");
	}
	ask(h, r, "admin.vm.property.Set", "vcpus", "default-dvm", "3");
	ask(h, r, "admin.property.Set", "check_updates_vm", "dom0", "False");
	ask(h, r, "admin.vm.Create.AppVM", "", "dom0", "name=sample-app label=red");
	ask(h, r, "admin.vm.Create.DispVM", "default-dvm", "dom0", "name=sample-disp label=red");
	for (int i = 0; i < 2; i++) {
		h->portrait[i] = paint(h, names[i]);
		if (!h->portrait[i])
			exit(1);
	}
	for (unsigned k = 0; k < WRITERS; k++) {
		struct writer *w = &h->writers[k];
		char payload[64];

		w->h = h;
		w->seed = h->seed * WRITERS + k;
		snprintf(payload, sizeof payload, "name=h%u label=red", k);
		ask(h, r, "admin.vm.Create.AppVM", "", "dom0", payload);
		for (unsigned i = 0; i < OBJECTS; i++) {
			struct object *o = &w->objects[i];

			o->kind = layout[i];
			snprintf(o->vm, sizeof o->vm, is_qube(o->kind) ? "h%u-%u" : "h%u", k, i);
			if (o->kind == K_FEATURE || o->kind == K_TAG || o->kind == K_LABEL)
				snprintf(o->key, sizeof o->key, "%s%u-%u", kinds[o->kind], k, i);
		}
	}
	free(r);
}

static void one_round(struct hammer *h, bool last)
{
	pthread_t writers[WRITERS], listener;
	char hello[64];

	spawn(h);
	if (h->round % 4 == 3) {
		nap(rand_r(&h->luck) % 20000);
		end(h, SIGKILL);
		spawn(h);
	}
	await_ready(h);
	check(h);
	check_disposables(h);
	h->stop = false;
	h->events = send_request(h->socket, "admin.Events", "", "dom0", "");
	/* 1, subject, connection-established, and an empty key: 27 bytes */
	if (h->events < 0 || recv(h->events, hello, 27, MSG_WAITALL) != 27)
		die("no stream of events");
	h->quota = last ? 100 : ~0u;
	pthread_create(&listener, NULL, listen_on, h);
	for (int k = 0; k < WRITERS; k++)
		pthread_create(&writers[k], NULL, write_on, &h->writers[k]);
	if (!last) {
		nap(1000 + rand_r(&h->luck) % (h->max_ms * 1000));
		end(h, SIGKILL);
	}
	for (int k = 0; k < WRITERS; k++)
		pthread_join(writers[k], NULL);
	if (last) {
		struct reply *r = malloc(sizeof *r);

		if (!r)
			die("memory");
		ask(h, r, "admin.vm.feature.Set", "the-end", "dom0", "1");
		free(r);
	}
	pthread_join(listener, NULL);
	close(h->events);
	check_seen(h);
	if (last) {
		check(h);
		end(h, SIGTERM);
		spawn(h);
		await_ready(h);
		check(h);
		check_disposables(h);
		end(h, SIGTERM);
	}
}

int main(int argc, char *argv[])
{
	struct hammer *h = calloc(1, sizeof *h);
	unsigned long acked = 0, lost = 0;
	int c;

	if (!h || !(h->stream = malloc(STREAM_MAX)))
		die("memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	*h = (struct hammer){ .rounds = 20, .max_ms = 40, .seed = 1, .stream = h->stream };
	while ((c = getopt(argc, argv, "+r:s:m:")) != -1)
		switch (c) {
		case 'r': h->rounds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': h->seed = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'm': h->max_ms = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	if (argc - optind < 2 || !h->max_ms)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	h->luck = h->seed;
	h->socket = argv[optind];
	h->command = argv + optind + 1;
	spawn(h);
	await_ready(h);
	prepare(h);
	end(h, SIGKILL);
	for (h->round = 1; h->round <= h->rounds && !h->problems; h->round++)
		one_round(h, false);
	if (!h->problems)
		one_round(h, true);
	for (int k = 0; k < WRITERS; k++) {
		acked += h->writers[k].acked;
		lost += h->writers[k].lost;
	}
	printf("%u rounds: %lu changes acknowledged, %lu cut off, of which %lu were saved; %u problems\n", h->rounds,
	       acked, lost, h->survived, h->problems);
	free(h->portrait[0]);
	free(h->portrait[1]);
	free(h->stream);

	bool failed = h->problems;

	free(h);
	return failed;
}
