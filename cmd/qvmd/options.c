/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's command line. */
#include <fcntl.h>
#include <getopt.h>

#include "base/num.h"
#include "qvmd/options.h"

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
	"  --power auto|null    qubes are sandboxes where that works, or run nothing (default: auto)\n"
	"  --require-bwrap      fail where qubes cannot be sandboxes\n"
	"  --start-delay MS     how long a qube that runs nothing takes to start (default: 0)\n"
	"  --stop-delay MS      how long such a qube takes to shut down (default: 0)\n"
	"  --max-connections N  serve at most so many at once (default: 4096)\n"
	"  --idle-timeout SECONDS  give up a peer that sends or takes nothing (default: 60; 0: never)\n"
	"  --max-backlog KIB    give up a subscriber that lags further behind (default: 8192)\n"
	"  --vmif r2|r3|r4      the generation of keys that qubes get (default: r4)\n"
	"  --qubesdb-dir DIR    where the sockets of QubesDB are (default: run, below that of --state)\n"
	"  --xenstore PATH|none where xenstored listens (default: none)\n"
	"  --localtime PATH     tells dom0's time zone (default: /etc/localtime)\n"
	"  --backup-profile-dir DIR  where backup profiles are (default: STATE/etc/backup)\n"
	"  --scrypt-logn N      work factor of the backups that are made, 10 to 26 (default: 20)\n"
	"  --policy-dir DIR     let policy files say what qubes may call\n"
	"  --policy-agent PROGRAM  decides where the policy says ask (default: deny)\n"
	"  --parent-fd N        end when this pipe ends\n"
	"  --list-methods       print the methods that are served, and exit\n"
	"  --help               show this help and exit\n"
	"  --version            show the version and exit\n";

enum {
	O_STATE = 256, O_SOCKET, O_FIXTURE, O_FOREGROUND, O_COMPAT, O_DEBUG, O_LOG, O_POWER, O_BWRAP,
	O_START, O_STOP, O_MAX, O_IDLE, O_BACKLOG, O_VMIF, O_QUBESDB, O_XENSTORE, O_LOCALTIME, O_PROFILES, O_LOGN,
	O_POLICY, O_AGENT,
	O_PARENT, O_METHODS, O_HELP, O_VERSION
};

static const struct option long_options[] = {
	{"state", required_argument, NULL, O_STATE},
	{"socket", required_argument, NULL, O_SOCKET},
	{"fixture", required_argument, NULL, O_FIXTURE},
	{"foreground", no_argument, NULL, O_FOREGROUND},
	{"compat", required_argument, NULL, O_COMPAT},
	{"debug", no_argument, NULL, O_DEBUG},
	{"log", required_argument, NULL, O_LOG},
	{"power", required_argument, NULL, O_POWER},
	{"require-bwrap", no_argument, NULL, O_BWRAP},
	{"start-delay", required_argument, NULL, O_START},
	{"stop-delay", required_argument, NULL, O_STOP},
	{"max-connections", required_argument, NULL, O_MAX},
	{"idle-timeout", required_argument, NULL, O_IDLE},
	{"max-backlog", required_argument, NULL, O_BACKLOG},
	{"vmif", required_argument, NULL, O_VMIF},
	{"qubesdb-dir", required_argument, NULL, O_QUBESDB},
	{"xenstore", required_argument, NULL, O_XENSTORE},
	{"localtime", required_argument, NULL, O_LOCALTIME},
	{"backup-profile-dir", required_argument, NULL, O_PROFILES},
	{"scrypt-logn", required_argument, NULL, O_LOGN},
	{"policy-dir", required_argument, NULL, O_POLICY},
	{"policy-agent", required_argument, NULL, O_AGENT},
	{"parent-fd", required_argument, NULL, O_PARENT},
	{"list-methods", no_argument, NULL, O_METHODS},
	{"help", no_argument, NULL, O_HELP},
	{"version", no_argument, NULL, O_VERSION},
	{0},
};

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

static int power(struct options *o)
{
	if (!streq(optarg, "auto") && !streq(optarg, "null"))
		return usage_error("argument --power: invalid choice: '%s' (choose from auto, null)", optarg);
	o->power = streq(optarg, "null") ? POWER_BY_NULL : POWER_BY_AUTO;
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

int options_parse(struct options *o, int argc, char *argv[])
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
		case O_POWER: r = power(o); break;
		case O_BWRAP: o->power = POWER_BY_BWRAP; break;
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
		case O_PROFILES: o->profile_dir = optarg; break;
		case O_LOGN:
			r = number("scrypt-logn", 10, 26, &n);
			o->scrypt_logn = (unsigned)n;
			break;
		case O_POLICY: o->policy_dir = optarg; break;
		case O_AGENT: o->policy_agent = optarg; break;
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
