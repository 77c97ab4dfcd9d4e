/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-lab: runs a command against a daemon of its own, as dbus-run-session does. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/tool.h"
#include "os/io.h"
#include "qvm-lab/keeper.h"
#include "qvm-lab/xenstored.h"
#include "vmif/derive.h"

/* The sockets' paths must fit into an address: the longest is qvm-lab.XXXXXX/xs/dom32752.socket below it. */
#define DIR_MAX 72

static const struct opt options[] = {
	{"--fixture", OPT_VALUE, 0, "NAME|FILE",
	 "what the system holds at first: default, empty, 44, 200, 10000, hostile, or a YAML file",
	 .comp = COMP_FILE},
	{"--state", OPT_VALUE, 0, "DIR", "keep the system in this directory, or use the one that is there",
	 .comp = COMP_FILE},
	{"--keep", OPT_FLAG, .help = "leave the private directory behind, and say where it is"},
	{"--compat", OPT_VALUE, 0, "VERSION", "refuse as this version does", "4.2 4.3 next", COMP_WORDS},
	{"--vmif", OPT_VALUE, 0, "RELEASE", "the generation of keys that qubes get: r2, r3, r4",
	 "r2 r3 r4", COMP_WORDS},
	{"--policy-dir", OPT_VALUE, 0, "DIR", "let the policy files in this directory say what qubes may call",
	 .comp = COMP_FILE},
	{"--policy-agent", OPT_VALUE, 0, "PROGRAM", "decides where the policy says ask (default: deny)",
	 .comp = COMP_FILE},
	{"--scrypt-logn", OPT_VALUE, 0, "N", "work factor of the backups that are made, 10 to 26 (default: 20)",
	 NULL, COMP_NONE},
	{"--power", OPT_VALUE, 0, "DRIVER", "qubes are sandboxes where that works, or run nothing (default: auto)",
	 "auto null", COMP_WORDS},
	{"--require-bwrap", OPT_FLAG, .help = "fail where qubes cannot be sandboxes"},
	{"--xenstored", OPT_VALUE, 0, "PROGRAM|none",
	 "the server of XenStore for the lab, or none (default: that of the newest Xen that is installed)",
	 .comp = COMP_FILE},
	OPT_END,
};

static const struct pos positionals[] = {
	{"COMMAND", POS_REST, COMP_COMMAND, .help = "command and its arguments (default: an interactive shell)"},
	POS_END,
};

/* mkdtemp() below the first of the usual places that serves. The caller frees. */
static char *private_dir(void)
{
	const char *places[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP_FREE char *dir = NULL;

		if (!places[i] || places[i][0] != '/' || strlen(places[i]) > DIR_MAX)
			continue;
		dir = xasprintf("%s/qvm-lab.XXXXXX", places[i]);
		if (mkdtemp(dir))
			return STEAL(dir);
	}
	return NULL;
}

/* Where this program is, and in *ret_qvmd the daemon beside it, which has the same prefix to its name. */
static char *program_dir(char **ret_qvmd)
{
	CLEANUP_FREE char *path = program_path();
	char *base, *prefix_end;

	*ret_qvmd = xstrdup("qvmd");
	if (!path)
		return NULL;
	base = strrchr(path, '/') + 1;
	base[-1] = '\0';
	prefix_end = strstr(base, "qvm-lab");
	if (prefix_end) {
		CLEANUP_FREE char *qvmd = xasprintf("%s/%.*sqvmd", path, (int)(prefix_end - base), base);

		if (access(qvmd, X_OK) == 0) {
			free(*ret_qvmd);
			*ret_qvmd = STEAL(qvmd);
		}
	}
	return STEAL(path);
}

static void shell_quote(struct buf *b, const char *s)
{
	buf_addch(b, '\'');
	for (; *s; s++)
		if (*s == '\'')
			buf_addstr(b, "'\\''");
		else
			buf_addch(b, *s);
	buf_addch(b, '\'');
}

/* A start file for bash: what the user has, our PATH (theirs may have replaced it), completion, prompt. */
static char *write_rcfile(const char *dir, const char *bin)
{
	CLEANUP_FREE char *beside = program_beside("share/bash-completion/completions/qvm-tools");
	const char *completions[] = {beside, QVM_DATADIR "/../bash-completion/completions/qvm-tools"};
	CLEANUP_FREE char *path = xasprintf("%s/bashrc", dir);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_addstr(&b, "for f in /etc/bash.bashrc ~/.bashrc; do [ -r \"$f\" ] && . \"$f\"; done\n");
	if (bin) {
		buf_addstr(&b, "PATH=");
		shell_quote(&b, bin);
		buf_addstr(&b, ":$PATH\n");
	}
	buf_addstr(&b, "for f in");
	for (size_t i = 0; i < ARRAY_SIZE(completions); i++) {
		if (!completions[i])
			continue;
		buf_addch(&b, ' ');
		shell_quote(&b, completions[i]);
	}
	buf_addstr(&b, "; do [ -r \"$f\" ] && . \"$f\" && break; done\nunset f\nPS1=\"(lab) ${PS1-\\\\$ }\"\n");
	if (fd < 0 || write_all(fd, b.data, b.len) < 0)
		return NULL;
	return STEAL(path);
}

/* The user's shell with a prompt that says where one is; completion is for bash. */
static void shell_command(struct strv *ret, const char *dir, const char *bin)
{
	const char *shell = getenv("SHELL");
	const char *base = shell ? strrchr(shell, '/') : NULL;
	CLEANUP_FREE char *rcfile = NULL;

	if (base && !streq(base, "/bash")) {
		strv_add(ret, shell);
		strv_add(ret, "-i");
		return;
	}
	strv_add(ret, base ? shell : "bash");
	rcfile = write_rcfile(dir, bin);
	if (rcfile) {
		strv_add(ret, "--rcfile");
		strv_add(ret, rcfile);
	}
	strv_add(ret, "-i");
}

/* In the child: never returns. */
static void run_command(struct ctx *c, const struct keeper *k, const char *bin, char *const argv[],
			const sigset_t *mask)
{
	const char *path = getenv("PATH");
	CLEANUP_FREE char *endpoint = xasprintf("unix:%s", k->socket);
	CLEANUP_FREE char *client = program_lib("qrexec-client"), *client_vm = program_lib("qrexec-client-vm");
	CLEANUP_FREE char *services = program_lib("qubes-rpc"), *lock = xasprintf("%s/restore.lock", k->dir);
	CLEANUP_FREE char *profiles = xasprintf("%s/etc/backup", k->state);
	CLEANUP_FREE char *new_path = bin ? xasprintf("%s:%s", bin, path ? path : "/usr/bin:/bin") : NULL;

	setenv("QVM_ENDPOINT", endpoint, 1);
	setenv("QVM_LAB", k->dir, 1);
	setenv("QVM_QUBESDB_DIR", k->qubesdb_dir, 1);
	setenv("QVM_VMIF", k->vmif ? k->vmif : "r4", 1);
	setenv("QVM_LOCALTIME", k->localtime, 1);
	/* Whether one serves there or not: the command must not find that of the machine. */
	setenv("XENSTORED_RUNDIR", k->xenstore_dir, 1);
	setenv("XENSTORED_PATH", k->xenstore, 1);
	setenv("QVM_BACKUP_PROFILE_DIR", profiles, 1);
	setenv("QVM_RESTORE_LOCK", lock, 1);
	setenv("QVM_RPC_DIR", services, 1);
	setenv("QVM_QREXEC_CLIENT", client, 1);
	setenv("QVM_QREXEC_CLIENT_VM", client_vm, 1);
	if (new_path)
		setenv("PATH", new_path, 1);
	if (!arg_pos(&c->args, "COMMAND"))
		setenv("PS1", "(lab) $ ", 1);
	/* When we are killed, there is nothing left that the command could talk to. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);

	int status = errno == ENOENT ? 127 : 126;

	say(c, "%s: error: cannot run '%s': %s", c->prog, argv[0], strerror(errno));
	fflush(c->err);
	_exit(status);
}

/* Waits for the child; passes on signals that were sent to us alone (a terminal sends to both of us). */
static int await_command(pid_t pid, int signals)
{
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		ssize_t n = read(signals, &info, sizeof info);

		if (n != sizeof info)
			continue;
		if (info.ssi_signo != SIGCHLD) {
			if (info.ssi_code != SI_KERNEL)
				kill(pid, (int)info.ssi_signo);
			continue;
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static int run_in_lab(struct ctx *c, const struct keeper *k, const char *bin)
{
	static const int forwarded[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD};
	CLEANUP_STRV struct strv argv = STRV_INIT;
	CLEANUP_CLOSE int signals = -1;
	sigset_t set, old;
	pid_t pid;
	int status;

	arg_poses(&c->args, "COMMAND", &argv);
	if (argv.n == 0)
		shell_command(&argv, k->dir, bin);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	flush_out(c);
	pid = signals < 0 ? -1 : fork();
	if (pid == 0)
		run_command(c, k, bin, argv.v, &old);
	status = pid < 0 ? fail(c, "cannot start a process: %s", strerror(errno)) : await_command(pid, signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}

/* The program, or NULL: the caller frees it. */
static char *xenstored_program(struct ctx *c)
{
	const char *given = arg_value(&c->args, "--xenstored");
	char *program = given && !streq(given, "none") ? xstrdup(given) : NULL;

	if (!given) {
		program = xenstored_find();
		if (!program)
			say(c, "%s: there is no XenStore: xenstored is not installed", c->prog);
	}
	return program;
}

/* The lab has the time zone of this machine, and may be moved to another. */
static void link_zone(struct ctx *c, const char *path)
{
	CLEANUP_FREE char *zone = zone_of("/etc/localtime"), *target = NULL;

	target = xasprintf("/usr/share/zoneinfo/%s", zone ? zone : "UTC");
	if (symlink(target, path) < 0)
		say(c, "%s: the lab has no time zone: cannot link '%s': %s", c->prog, path, strerror(errno));
}

/* The policy that comes with the lab, in a directory of its own, where files may be added. */
static void link_policy(struct ctx *c, const char *dir)
{
	static const char file[] = "85-backup-restore.policy";
	CLEANUP_FREE char *from = xasprintf("policy/%s", file), *target = program_lib(from);
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);

	if (mkdir(dir, 0700) < 0 || symlink(target, path) < 0)
		say(c, "%s: the lab has no policy: cannot link '%s': %s", c->prog, path, strerror(errno));
}

static int run(struct ctx *c)
{
	CLEANUP_FREE char *dir = private_dir(), *qvmd = NULL, *bin = program_dir(&qvmd);
	CLEANUP_FREE char *state = NULL, *socket = NULL, *run = NULL, *localtime = NULL;
	CLEANUP_FREE char *xenstored = NULL, *xs_dir = NULL, *xs_socket = NULL, *policy = NULL;
	const char *policy_dir = arg_value(&c->args, "--policy-dir");
	const char *given = arg_value(&c->args, "--state"), *fixture = arg_value(&c->args, "--fixture");
	int r, status;

	if (!dir)
		return fail(c, "cannot make a private directory: %s", strerror(errno));
	state = given ? xstrdup(given) : xasprintf("%s/state", dir);
	socket = xasprintf("%s/qubesd.sock", dir);
	xenstored = xenstored_program(c);
	xs_dir = xasprintf("%s/xs", dir);
	run = xasprintf("%s/run", dir);
	xs_socket = xasprintf("%s/socket", xs_dir);
	localtime = xasprintf("%s/localtime", dir);
	link_zone(c, localtime);
	policy = xasprintf("%s/policy.d", dir);
	if (!policy_dir)
		link_policy(c, policy);

	struct keeper k = {
		.dir = dir, .state = state, .socket = socket, .qvmd = qvmd,
		.fixture = fixture ? fixture : "default",
		.compat = arg_value(&c->args, "--compat"),
		.power = arg_value(&c->args, "--power"),
		.require_bwrap = arg_has(&c->args, "--require-bwrap"),
		.vmif = arg_value(&c->args, "--vmif"), .qubesdb_dir = run, .localtime = localtime,
		.policy_dir = policy_dir ? policy_dir : policy,
		.policy_agent = arg_value(&c->args, "--policy-agent"),
		.scrypt_logn = arg_value(&c->args, "--scrypt-logn"),
		.keep = arg_has(&c->args, "--keep"),
		.xenstored = xenstored, .xenstore_dir = xs_dir, .xenstore = xs_socket,
	};

	r = keeper_start(&k);
	if (r < 0)
		return fail(c, "cannot start %s: %s", qvmd, r == -ECHILD ? "it has ended" : strerror(-r));
	if (k.xenstored_why[0])
		say(c, "%s: there is no XenStore: cannot start %s: %s", c->prog, xenstored, k.xenstored_why);
	status = run_in_lab(c, &k, bin);
	keeper_stop(&k);
	if (k.keep)
		say(c, "%s: the lab is kept in %s", c->prog, dir);
	return status;
}

const struct tool tool = {
	.name = "qvm-lab",
	.summary = "Run a command, or a shell, in a private system of qubes.",
	.flags = TOOL_NO_DAEMON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
