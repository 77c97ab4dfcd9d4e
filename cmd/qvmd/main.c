/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon as a program: options, start, background, end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "os/io.h"
#include "qvmd/device.h"
#include "qvmd/job.h"
#include "qvmd/publish.h"
#include "qvmd/server.h"
#include "qvmd/storage.h"
#include "qvmd/store.h"

static const char help[] =
	"usage: qvmd --state DIR [option...]\n"
	"\n"
	"Serve the Admin API of a system of qubes that lives in a directory.\n"
	"\n"
	"options:\n"
	"  --state DIR          where the system is kept (made when missing)\n"
	"  --socket PATH        listen here (default: DIR/qubesd.sock)\n"
	"  --fixture NAME|FILE  what a new system holds (default: nothing but dom0)\n"
	"  --foreground         stay in the foreground\n"
	"  --compat VERSION     refuse as Qubes OS 4.2 or 4.3 does (default: next)\n"
	"  --debug              fill the traceback field of exceptions\n"
	"  --log FILE           append a line for each request and each refusal\n"
	"  --start-delay MS     how long a qube takes to start (default: 0)\n"
	"  --stop-delay MS      how long a qube takes to shut down (default: 0)\n"
	"  --max-connections N  serve at most so many at once (default: 4096)\n"
	"  --idle-timeout SECONDS  give up a peer that sends or takes nothing (default: 60; 0: never)\n"
	"  --max-backlog KIB    give up a subscriber that lags further behind (default: 8192)\n"
	"  --vmif r2|r3|r4      the generation of keys that qubes get (default: r4)\n"
	"  --qubesdb-dir DIR    where the sockets of QubesDB are (default: run, below that of --state)\n"
	"  --xenstore PATH|none where xenstored listens (default: none)\n"
	"  --localtime PATH     tells dom0's time zone (default: /etc/localtime)\n"
	"  --parent-fd N        end when this pipe ends\n"
	"  --list-methods       print the methods that are served, and exit\n"
	"  --help               show this help and exit\n"
	"  --version            show the version and exit\n";

enum {
	O_STATE = 256, O_SOCKET, O_FIXTURE, O_FOREGROUND, O_COMPAT, O_DEBUG, O_LOG, O_START, O_STOP, O_MAX,
	O_IDLE, O_BACKLOG, O_VMIF, O_QUBESDB, O_XENSTORE, O_LOCALTIME, O_PARENT, O_METHODS, O_HELP, O_VERSION
};

static const struct option long_options[] = {
	{"state", required_argument, NULL, O_STATE},
	{"socket", required_argument, NULL, O_SOCKET},
	{"fixture", required_argument, NULL, O_FIXTURE},
	{"foreground", no_argument, NULL, O_FOREGROUND},
	{"compat", required_argument, NULL, O_COMPAT},
	{"debug", no_argument, NULL, O_DEBUG},
	{"log", required_argument, NULL, O_LOG},
	{"start-delay", required_argument, NULL, O_START},
	{"stop-delay", required_argument, NULL, O_STOP},
	{"max-connections", required_argument, NULL, O_MAX},
	{"idle-timeout", required_argument, NULL, O_IDLE},
	{"max-backlog", required_argument, NULL, O_BACKLOG},
	{"vmif", required_argument, NULL, O_VMIF},
	{"qubesdb-dir", required_argument, NULL, O_QUBESDB},
	{"xenstore", required_argument, NULL, O_XENSTORE},
	{"localtime", required_argument, NULL, O_LOCALTIME},
	{"parent-fd", required_argument, NULL, O_PARENT},
	{"list-methods", no_argument, NULL, O_METHODS},
	{"help", no_argument, NULL, O_HELP},
	{"version", no_argument, NULL, O_VERSION},
	{0},
};

struct daemon {
	struct sys sys;
	uv_loop_t loop;
	uv_signal_t term, intr;
	uv_poll_t parent;
	bool watches_parent;
	/* absolute: the daemon leaves its directory */
	char *state_dir, *socket_path, *qubesdb_dir, *xenstore, *localtime;
};

/* ---- options ---- */

static int usage_error(const char *fmt, ...) PRINTF(1, 2);
static int usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("qvmd: error: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("\n", stderr);
	va_end(ap);
	return 2;
}

static void list_methods(void)
{
	static const char *const dest[] = { [DEST_DOM0] = "0", [DEST_NOT_DOM0] = "v", [DEST_ANY] = "*" };
	static const char *const part[] = { [PART_NONE] = "-", [PART_NEEDED] = "+", [PART_OPTIONAL] = "?" };
	static const char *const access_names[] = {
		[ACCESS_READ] = "read", [ACCESS_WRITE] = "write", [ACCESS_EXECUTE] = "execute",
	};

	for (size_t t = 0; all_methods[t]; t++)
		for (const struct method *m = all_methods[t]; m->name; m++)
			printf("%s\t%s\t%s\t%s\t%s\t%s\n", m->name, m->versions, dest[m->dest],
			       part[m->arg], part[m->payload], access_names[m->access]);
}

static int number(const char *option, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (num_u64(optarg, ret) < 0 || *ret < min || *ret > max)
		return usage_error("argument --%s: invalid number: '%s'", option, optarg);
	return 0;
}

static int compat(struct options *o)
{
	if (streq(optarg, "next"))
		o->compat = 0;
	else if (streq(optarg, "4.2"))
		o->compat = 42;
	else if (streq(optarg, "4.3"))
		o->compat = 43;
	else
		return usage_error("argument --compat: invalid choice: '%s' (choose from next, 4.2, 4.3)",
				   optarg);
	return 0;
}

static int generation(struct options *o)
{
	int gen = vmif_gen_from_name(optarg);

	if (gen < 0)
		return usage_error("argument --vmif: invalid choice: '%s' (choose from r2, r3, r4)", optarg);
	o->vmif = (enum vmif_gen)gen;
	return 0;
}

/* -1: go on; else the exit status. */
static int parse(struct options *o, int argc, char *argv[])
{
	uint64_t n = 0;
	int c, at = 0, r = 0;

	*o = (struct options){ .parent_fd = -1, .max_connections = 4096, .idle_timeout = 60,
			      .max_backlog = (size_t)8192 * 1024, .vmif = VMIF_R4,
			      .localtime = "/etc/localtime" };
	while (r == 0 && (c = getopt_long(argc, argv, "+", long_options, &at)) != -1) {
		switch (c) {
		case O_STATE: o->state_dir = optarg; break;
		case O_SOCKET: o->socket_path = optarg; break;
		case O_FIXTURE: o->fixture = optarg; break;
		case O_FOREGROUND: o->foreground = true; break;
		case O_COMPAT: r = compat(o); break;
		case O_DEBUG: o->debug = true; break;
		case O_LOG: o->log_path = optarg; break;
		case O_START: r = number("start-delay", 0, 3600000, &o->start_delay_ms); break;
		case O_STOP: r = number("stop-delay", 0, 3600000, &o->stop_delay_ms); break;
		case O_MAX:
			r = number("max-connections", 1, 1000000, &n);
			o->max_connections = (unsigned)n;
			break;
		case O_IDLE:
			r = number("idle-timeout", 0, 86400, &n);
			o->idle_timeout = (unsigned)n;
			break;
		case O_BACKLOG:
			r = number("max-backlog", 1, 1048576, &n);
			o->max_backlog = (size_t)n * 1024;
			break;
		case O_VMIF: r = generation(o); break;
		case O_QUBESDB: o->qubesdb_dir = optarg; break;
		case O_XENSTORE: o->xenstore = streq(optarg, "none") ? NULL : optarg; break;
		case O_LOCALTIME: o->localtime = optarg; break;
		case O_PARENT:
			r = number("parent-fd", 0, 65535, &n);
			o->parent_fd = (int)n;
			break;
		case O_METHODS: list_methods(); return 0;
		case O_HELP: fputs(help, stdout); return 0;
		case O_VERSION: puts("qvmd " VERSION); return 0;
		default: return 2;
		}
	}
	if (r != 0)
		return r;
	if (optind < argc)
		return usage_error("unrecognized arguments: %s", argv[optind]);
	if (!o->state_dir)
		return usage_error("the following arguments are required: --state");
	if (o->parent_fd >= 0 && fcntl(o->parent_fd, F_GETFD) < 0)
		return usage_error("argument --parent-fd: no such descriptor: %d", o->parent_fd);
	return -1;
}

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
	rlim_t want = (rlim_t)o->max_connections + 64;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur <= 128)
		return;
	if (o->max_connections > lim.rlim_cur - 64)
		o->max_connections = (unsigned)(lim.rlim_cur - 64);
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
		r = vmif_open(s, err);
	if (r == 0)
		r = server_start(s, err);
	if (r == 0) {
		firewall_start(s);
		watch(d);
	}
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

	jobs_stop(s);
	vmif_close(s);
	if (s->server) {
		log_line(s, "ends");
		for (size_t i = 0; i < s->n_vms; i++)
			lifecycle_forget(s->vms[i]);
		firewall_stop(s);
		uv_close((uv_handle_t *)&d->term, NULL);
		uv_close((uv_handle_t *)&d->intr, NULL);
		if (d->watches_parent)
			uv_close((uv_handle_t *)&d->parent, NULL);
		server_stop(s);
	}
	if (s->loop)
		close_loop(s->loop);
	hub_free(s);
	sys_free(s);
	store_close(s);
	storage_close(s);
	jobs_free(s);
	if (s->log)
		fclose(s->log);
	free(d->state_dir);
	free(d->socket_path);
	free(d->qubesdb_dir);
	free(d->xenstore);
	free(d->localtime);
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
	int status = parse(&d.sys.opt, argc, argv);

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
