/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon as a program: start, background, end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/io.h"
#include "qvmd/aside.h"
#include "qvmd/device.h"
#include "qvmd/job.h"
#include "qvmd/options.h"
#include "qvmd/policy.h"
#include "qvmd/publish.h"
#include "qvmd/qrexec.h"
#include "qvmd/sandbox.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

#define OWN_FILES 2048 /* beside connections: volumes, sandboxes, calls of services */

struct daemon {
	struct sys sys;
	uv_loop_t loop;
	uv_signal_t term, intr;
	uv_poll_t parent;
	bool watches, watches_parent;
	/* absolute: the daemon leaves its directory */
	char *state_dir, *socket_path, *qubesdb_dir, *xenstore, *localtime, *profile_dir, *policy_dir, *policy_agent;
};

/* ---- start ---- */

static char *absolute(const char *path)
{
	char cwd[4096];

	if (path[0] == '/' || !getcwd(cwd, sizeof cwd))
		return xstrdup(path);
	return xasprintf("%s/%s", cwd, path);
}

static int make_state_dir(struct daemon *d, struct err *err)
{
	const char *path = d->sys.opt.state_dir;
	char *real;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "", "cannot make directory '%s': %s", path, strerror(errno));
	real = realpath(path, NULL);
	if (!real)
		return err_set(err, -errno, "", "cannot use '%s': %s", path, strerror(errno));
	d->state_dir = real;
	d->sys.opt.state_dir = real;
	return 0;
}

/* Our own exists, so that a profile can be put there at once. */
static char *profile_dir(const struct options *o)
{
	CLEANUP_FREE char *etc = xasprintf("%s/etc", o->state_dir);
	char *dir;

	if (o->profile_dir)
		return absolute(o->profile_dir);
	dir = xasprintf("%s/backup", etc);
	if (mkdir(etc, 0700) == 0 || errno == EEXIST)
		mkdir(dir, 0700);
	return dir;
}

static int prepare(struct daemon *d, struct err *err)
{
	struct options *o = &d->sys.opt;
	int r = make_state_dir(d, err);

	if (r < 0)
		return r;
	d->socket_path = o->socket_path ? absolute(o->socket_path) :
					  xasprintf("%s/qubesd.sock", o->state_dir);
	o->socket_path = d->socket_path;
	d->qubesdb_dir = o->qubesdb_dir ? absolute(o->qubesdb_dir) : xasprintf("%s/run", o->state_dir);
	o->qubesdb_dir = d->qubesdb_dir;
	d->xenstore = o->xenstore ? absolute(o->xenstore) : NULL;
	o->xenstore = d->xenstore;
	d->localtime = absolute(o->localtime);
	o->localtime = d->localtime;
	d->profile_dir = profile_dir(o);
	o->profile_dir = d->profile_dir;
	d->policy_dir = o->policy_dir ? absolute(o->policy_dir) : NULL;
	o->policy_dir = d->policy_dir;
	d->policy_agent = o->policy_agent ? absolute(o->policy_agent) : NULL;
	o->policy_agent = d->policy_agent;
	if (o->log_path) {
		int fd = open(o->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

		d->sys.log = fd < 0 ? NULL : fdopen(fd, "a");
		if (!d->sys.log)
			return err_set(err, -errno, "", "cannot open '%s': %s", o->log_path, strerror(errno));
	}
	return 0;
}

/* One descriptor for each connection, and some for ourselves. */
static void raise_limits(struct options *o)
{
	rlim_t want = (rlim_t)o->max_connections + OWN_FILES;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur <= OWN_FILES + 64)
		return;
	if (o->max_connections > lim.rlim_cur - OWN_FILES)
		o->max_connections = (unsigned)(lim.rlim_cur - OWN_FILES);
}

static int load(struct sys *s, struct err *err)
{
	int r = store_open(s, err);

	if (r == 0)
		r = storage_open(s, err);
	if (r < 0)
		return r;
	if (!store_is_new(s)) {
		CLEANUP_ERR struct err unsaved = ERR_INIT;

		disposables_forget(s);
		r = store_commit(s, &unsaved);
		if (r == -ENOTRECOVERABLE)
			return err_set(err, r, "", "%s", unsaved.text);
		/* On a full disk the system can still be looked at; the next start tries again. */
		if (r < 0)
			log_line(s, "disposables of an earlier run stay: %s", unsaved.text);
		devices_boot(s);
		return 0;
	}
	sys_seed(s);
	if (s->opt.fixture)
		r = fixture_load(s, s->opt.fixture, err);
	if (r == 0)
		r = store_commit(s, err);
	if (r == 0)
		devices_boot(s);
	return r;
}

static void on_signal(uv_signal_t *h, int signum)
{
	uv_stop(h->loop);
}

static void on_parent(uv_poll_t *h, int status, int events)
{
	struct daemon *d = h->data;
	char c;

	if (status < 0 || read(d->sys.opt.parent_fd, &c, 1) <= 0)
		uv_stop(h->loop);
}

static void watch(struct daemon *d)
{
	d->watches = true;
	uv_signal_init(&d->loop, &d->term);
	uv_signal_init(&d->loop, &d->intr);
	uv_signal_start(&d->term, on_signal, SIGTERM);
	uv_signal_start(&d->intr, on_signal, SIGINT);
	if (d->sys.opt.parent_fd < 0 || uv_poll_init(&d->loop, &d->parent, d->sys.opt.parent_fd) < 0)
		return;
	d->parent.data = d;
	d->watches_parent = true;
	uv_poll_start(&d->parent, UV_READABLE, on_parent);
}

/* That qubes are not real is said before the daemon leaves the terminal. */
static int choose_power(struct sys *s, struct err *err)
{
	CLEANUP_FREE char *why = NULL;
	int r = sandbox_open(s, &why, err);

	if (why) {
		fprintf(stderr, "qvmd: nothing will run in qubes (null driver): %s\n", why);
		log_line(s, "nothing will run in qubes: %s", why);
	}
	return r;
}

static int start(struct daemon *d, struct err *err)
{
	struct sys *s = &d->sys;
	int r;

	/* Both come back as errors of the call. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* What mke2fs writes is to depend on nothing but what it is told. */
	setenv("E2FSPROGS_FAKE_TIME", "1000000000", 1);
	uv_loop_init(&d->loop);
	s->loop = &d->loop;
	s->next_xid = 1;
	raise_limits(&s->opt);
	r = load(s, err);
	if (r == 0)
		r = choose_power(s, err);
	if (r == 0)
		r = policy_open(s, err);
	if (r == 0)
		r = vmif_open(s, err);
	/* Before there is a socket: whoever can connect can also end us in order. */
	watch(d);
	if (r == 0)
		r = qrexec_open(s, err);
	if (r == 0)
		r = server_start(s, err);
	if (r == 0)
		firewall_start(s);
	return r;
}

/* Handles are closed by the loop's last turns. */
static void close_loop(uv_loop_t *loop)
{
	for (int i = 0; i < 1000 && uv_run(loop, UV_RUN_NOWAIT) != 0; i++)
		;
	uv_loop_close(loop);
}

static void finish(struct daemon *d)
{
	struct sys *s = &d->sys;

	/* First: jobs wait for services. */
	qrexec_close(s);
	jobs_stop(s);
	vmif_close(s);
	if (s->server) {
		log_line(s, "ends");
		for (size_t i = 0; i < s->n_vms; i++)
			lifecycle_forget(s->vms[i]);
		sandbox_close(s);
		asides_stop(s);
		firewall_stop(s);
		server_stop(s);
	}
	if (d->watches) {
		uv_close((uv_handle_t *)&d->term, NULL);
		uv_close((uv_handle_t *)&d->intr, NULL);
	}
	if (d->watches_parent)
		uv_close((uv_handle_t *)&d->parent, NULL);
	if (s->loop)
		close_loop(s->loop);
	hub_free(s);
	policy_close(s);
	sys_free(s);
	store_close(s);
	storage_close(s);
	jobs_free(s);
	asides_free(s);
	if (s->log)
		fclose(s->log);
	free(d->state_dir);
	free(d->socket_path);
	free(d->qubesdb_dir);
	free(d->xenstore);
	free(d->localtime);
	free(d->profile_dir);
	free(d->policy_dir);
	free(d->policy_agent);
}

/* Lets go of the terminal and the directory, and tells the parent. */
static int detach(int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = null < 0 || chdir("/") < 0 ? -1 : 0;

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (dup2(null, fd) < 0)
			r = -1;
	if (null > 2)
		close(null);
	if (write(ready_fd, "", 1) != 1)
		r = -1;
	close(ready_fd);
	return r;
}

/* A change could not be saved, and what was saved before could not be read again: there is nothing to serve. */
static int lost(struct daemon *d, bool detached)
{
	if (!detached)
		fprintf(stderr, "qvmd: error: lost the store in '%s'\n", d->sys.opt.state_dir);
	return -EIO;
}

static int serve(struct daemon *d, int ready_fd)
{
	CLEANUP_ERR struct err e = ERR_INIT;
	int r = prepare(d, &e);

	if (r == 0)
		r = start(d, &e);
	if (r < 0) {
		CLEANUP_FREE char *line = xasprintf("qvmd: error: %s\n", e.text);

		write_all(ready_fd >= 0 ? ready_fd : STDERR_FILENO, line, strlen(line));
	} else {
		log_line(&d->sys, "serves '%s' at '%s'", d->sys.opt.state_dir, d->sys.opt.socket_path);
		if (ready_fd >= 0 && detach(ready_fd) < 0)
			log_line(&d->sys, "cannot leave the terminal: %s", strerror(errno));
		uv_run(&d->loop, UV_RUN_DEFAULT);
		if (server_is_broken(&d->sys))
			r = lost(d, ready_fd >= 0);
	}
	finish(d);
	return r < 0;
}

/* The parent's part: an empty pipe means that the socket listens, a text is what went wrong. */
static int await(int fd)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	if (read_all(fd, &b, 65536) < 0 || b.len == 0)
		return 1;
	if (b.data[0] == '\0')
		return 0;
	write_all(STDERR_FILENO, b.data, b.len);
	return 1;
}

/* The end of --help and its like: what they printed has arrived, or it is said why not. */
static int printed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("qvmd: error: write error");
	return 1;
}

int main(int argc, char *argv[])
{
	struct daemon d = {0};
	int status = options_parse(&d.sys.opt, argc, argv);

	if (status >= 0)
		return printed(status);
	umask(0077);
	if (d.sys.opt.foreground)
		return serve(&d, -1);

	int ready[2];

	if (pipe2(ready, O_CLOEXEC) < 0) {
		perror("qvmd: error");
		return 1;
	}
	switch (fork()) {
	case -1:
		perror("qvmd: error");
		return 1;
	case 0:
		close(ready[0]);
		setsid();
		return serve(&d, ready[1]);
	default:
		close(ready[1]);
		status = await(ready[0]);
		close(ready[0]);
		return status;
	}
}
