/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow of releases 2 and 3: the clock qube asks the network, dom0 takes its time, and hands it on to all qubes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/qrexec.h"
#include "cli/select.h"
#include "model/propval.h"
#include "os/io.h"
#include "qvm-sync-clock/sync.h"

#define LOCK "/var/run/qubes/qvm-sync-clock.lock"
#define NETWORK_NS (45 * 1000000000ull) /* nm-online waits for 30 s by itself */
#define NTP_NS (120 * 1000000000ull)
#define OUTPUT_MAX 65536

static void progress(struct sync *s, const char *text)
{
	if (s->c->verbosity > 1)
		say(s->c, "--> %s", text);
}

/* ---- the network ---- */

/* What the qube gets its network from, "" for none; NULL: the error was printed. The caller frees. */
static char *netvm_of(struct sync *s, const char *qube)
{
	CLEANUP_CALL struct call call = {.dest = qube, .method = "admin.vm.property.Get", .arg = "netvm"};
	CLEANUP_PROPVAL struct propval value = {0};
	CLEANUP_ERR struct err err = ERR_INIT;

	if (admin_run(&s->c->admin, &call, 1) < 0)
		qube_error(s->c, &call.err, qube, call.method);
	else if (propval_parse(&value, call.body, call.body_len, &err) < 0)
		fail_err(s->c, &err, qube, call.method);
	else
		return STEAL(value.value);
	return NULL;
}

/* The end of the chain of network qubes that begins at the clock qube. NULL: there is none, and it was said. */
static char *find_uplink(struct sync *s)
{
	CLEANUP_STRV struct strv chain = STRV_INIT;
	char *next = xstrdup(s->source);

	while (next && *next && !strv_has(&chain, next)) {
		strv_take(&chain, next);
		next = netvm_of(s, next);
	}
	if (!next)
		return NULL;
	/* A circle has no end. */
	if (*next || streq(chain.v[chain.n - 1], "dom0")) {
		free(next);
		fail_bare(s->c, "There seems to be no network connected to ClockVM, aborting.");
		return NULL;
	}
	free(next);
	return xstrdup(chain.v[chain.n - 1]);
}

/* ---- commands in qubes ---- */

/* Runs a command as the qube's default user: by qubes.VMExec where there is one, else by qubes.VMShell. */
static void run_command(struct sync *s, const char *qube, const char *const *words, size_t max, uint64_t timeout_ns,
			struct service_call *ret)
{
	CLEANUP_CALL struct call vmexec = {
		.dest = qube, .method = "admin.vm.feature.CheckWithTemplate", .arg = "vmexec"};
	CLEANUP_BUF struct buf service = BUF_INIT, line = BUF_INIT;
	bool can = admin_run(&s->c->admin, &vmexec, 1) == 0 && vmexec.body_len;

	if (can) {
		buf_addstr(&service, "qubes.VMExec+");
		vmexec_encode(&service, words);
	} else {
		buf_addstr(&service, "qubes.VMShell");
		shell_quote(&line, words);
		buf_addstr(&line, "; exit\n");
	}
	*ret = (struct service_call){.qube = qube, .service = buf_str(&service), .max = max,
				     .input = can ? NULL : buf_str(&line)};
	services_run(s->c, ret, 1, timeout_ns);
	ret->service = ret->input = NULL;
}

static void wait_for_network(struct sync *s, const char *uplink)
{
	CLEANUP_SERVICE struct service_call call;

	progress(s, "Waiting for network for ClockVM.");
	run_command(s, uplink, (const char *[]){"nm-online", "-x", NULL}, OUTPUT_MAX, NETWORK_NS, &call);
}

/* ---- the time ---- */

static bool sync_ntp(struct sync *s)
{
	CLEANUP_SERVICE struct service_call call = {
		.qube = s->source, .service = "qubes.SyncNtpClock", .user = "root", .max = OUTPUT_MAX};

	if (s->dry_run)
		return true;
	services_run(s->c, &call, 1, NTP_NS);
	return call.result == 0 && call.status == 0;
}

static int take_time(struct sync *s)
{
	CLEANUP_SERVICE struct service_call call;
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	struct timespec t;

	run_command(s, s->source, (const char *[]){"date", "-u", "-Iseconds", NULL}, CLOCK_LEGACY_ANSWER_MAX, ANSWER_NS,
		    &call);
	if (call.result < 0 || call.status || clock_parse_legacy(&t, buf_str(&call.out), call.out.len, &err) < 0)
		return fail_bare(s->c, "Invalid date output, aborting!");
	progress(s, "Syncing dom0 clock.");
	text = clock_text(&t, true);
	return set_clock(s, &t, text);
}

static int sync_all(struct sync *s)
{
	CLEANUP_FREE char *state = NULL, *uplink = NULL;
	int status = find_clockvm(s);

	if (status)
		return status;
	if (!*s->source)
		return fail_bare(s->c, "There is no selected ClockVM, aborting.");
	state = clockvm_state(s);
	if (!state)
		return STATUS_FAILED;
	if (!state_is_running(state))
		return fail_bare(s->c, "ClockVM not started, exiting!");
	uplink = find_uplink(s);
	if (!uplink)
		return STATUS_FAILED;
	wait_for_network(s, uplink);
	if (sync_ntp(s))
		status = take_time(s);
	else if (arg_has(&s->c->args, "--force"))
		say(s->c, "Time sync failed! - Syncing with dom0 anyway as requested");
	else
		return fail_bare(s->c, "Time sync failed! - Exiting");
	return status ? status : push_time(s);
}

/* ---- one at a time ---- */

int sync_legacy(struct sync *s)
{
	const char *path = arg_value(&s->c->args, "--lock-file");
	CLEANUP_CLOSE int fd = -1;
	int status;

	path = path ? path : LOCK;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(s->c, "cannot open '%s': %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail_bare(s->c, "qvm-sync-clock already running, aborting");
	status = sync_all(s);
	unlink(path);
	return status;
}
