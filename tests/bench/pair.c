/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs two commands in turn, A B A B ..., and prints the median time of each in microseconds, the ratio of
 * these, and the peak memory of each in KiB. Their output is thrown away. With TIMES, B is run so often for
 * each run of A, and counts as one run of all these: what else the machine does then falls on both alike.
 * usage: pair RUNS[xTIMES] A [ARG...] -- B [ARG...]
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Microseconds; *peak grows to the most memory seen. */
static double run(char **argv, posix_spawn_file_actions_t *acts, long *peak)
{
	struct timespec a, b;
	struct rusage usage;
	pid_t pid;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, argv[0], acts, NULL, argv, environ) != 0 ||
	    wait4(pid, &status, 0, &usage) < 0 || status != 0) {
		fprintf(stderr, "pair: %s failed\n", argv[0]);
		exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (usage.ru_maxrss > *peak)
		*peak = usage.ru_maxrss;
	return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
	posix_spawn_file_actions_t acts;
	char **b = NULL;
	long peak_a = 0, peak_b = 0;
	char *end = "";
	size_t runs = argc > 1 ? strtoul(argv[1], &end, 10) : 0;
	size_t times = *end == 'x' ? strtoul(end + 1, NULL, 10) : 1;

	for (int i = 2; i < argc && !b; i++)
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			b = argv + i + 1;
		}
	if (!runs || !b || !*b)
		return 2;
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&acts, 2, "/dev/null", O_WRONLY, 0);

	double *ta = calloc(runs, sizeof *ta), *tb = calloc(runs, sizeof *tb);

	run(argv + 2, &acts, &peak_a);
	run(b, &acts, &peak_b);
	for (size_t i = 0; i < runs; i++) {
		ta[i] = run(argv + 2, &acts, &peak_a);
		for (size_t k = 0; k < times; k++)
			tb[i] += run(b, &acts, &peak_b);
	}
	qsort(ta, runs, sizeof *ta, cmp);
	qsort(tb, runs, sizeof *tb, cmp);
	printf("%.0f %.0f %.3f %ld %ld\n", ta[runs / 2], tb[runs / 2], ta[runs / 2] / tb[runs / 2], peak_a, peak_b);
	free(ta);
	free(tb);
	return 0;
}
