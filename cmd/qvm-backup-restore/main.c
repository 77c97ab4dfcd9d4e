/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-backup-restore: lists, verifies and restores backups (backup-policy-clock 3). */
#include "base/mem.h"
#include "base/num.h"
#include "model/size.h"
#include "os/io.h"
#include "qvm-backup-restore/apply.h"
#include "qvm-backup-restore/paranoid.h"

static const struct opt options[] = {
	{"--list", OPT_FLAG, OPT_OURS, .help = "show what the backup holds, restore nothing", .exclusive = 1},
	{"--verify-only", OPT_FLAG, .help = "read all of it and prove that it is whole, restore nothing",
	 .exclusive = 1},
	{"--skip-broken", OPT_FLAG, .help = "leave out qubes whose template or netvm is missing"},
	{"--ignore-missing", OPT_FLAG, .help = "use the default template or netvm in place of a missing one"},
	{"--skip-conflicting", OPT_FLAG, .help = "leave out qubes whose name is taken"},
	{"--rename-conflicting", OPT_FLAG, .help = "restore them under another name, with a number at its end"},
	{"--continue", OPT_FLAG, OPT_OURS, .help = "go on with a restore that was interrupted"},
	{"--exclude/-x", OPT_VALUE, OPT_REPEAT, "VMNAME", "leave this qube out; may be repeated", NULL, COMP_QUBE},
	{"--skip-dom0-home", OPT_FLAG, .help = "do not restore the home directory of dom0"},
	{"--ignore-username-mismatch", OPT_FLAG, .help = "restore it although the user has another name"},
	{"--ignore-size-limit", OPT_FLAG, .help = "read more from a qube than the backup says it is"},
	{"--compression-filter/-Z", OPT_VALUE, 0, "PROGRAM", "decompress with this program, whatever the backup says",
	 "gzip bzip2 xz zstd pigz pbzip2 lzma zstdmt", COMP_COLUMN},
	{"--dest-vm/-d", OPT_VALUE, 0, "VMNAME", "the qube that has the backup (default: dom0)", NULL, COMP_QUBE},
	{"--passphrase-file/-p", OPT_VALUE, 0, "FILE", "read the passphrase from its first line, ask nothing; "
	 "-: from stdin", NULL, COMP_FILE},
	{"--location-is-service", OPT_FLAG, .help = "the location is a service of the qube that sends the backup",
	 .exclusive = 2},
	{"--location-is-command", OPT_FLAG, OPT_OURS, .help = "the location is a command of this system that prints "
	 "the backup", .exclusive = 2},
	{"--paranoid-mode/--plan-b", OPT_FLAG, .help = "have a disposable qube restore: dom0 reads nothing of the "
	 "backup"},
	{"--auto-close", OPT_FLAG, .help = "paranoid mode: close its window at the end, and print the log here"},
	{"--jobs", OPT_VALUE, OPT_OURS, "NUMBER", "keys derived at once (default: as many as there are processors)",
	 NULL, COMP_NONE},
	{"--memory", OPT_VALUE, OPT_OURS, "SIZE", "memory for keys (default: half of what there is)", NULL, COMP_NONE},
	{"--progress", OPT_VALUE, OPT_OURS, "HOW", "how to show progress (default: line on a terminal, else none)",
	 "line json none", COMP_WORDS},
	{"--compat-exit", OPT_FLAG, OPT_OURS, .help = "end with 0 whatever became of the qubes"},
	OPT_END,
};

static const struct pos positionals[] = {
	{"backup_location", POS_ONE, COMP_FILE, NULL, "file; in a qube also a command"},
	{"vms", POS_ANY, COMP_NONE, NULL, "restore only these; their names in the backup"},
	POS_END,
};

/* ---- the command line ---- */

static bool is_for_reading(const struct ctx *c)
{
	return arg_has(&c->args, "--list") || arg_has(&c->args, "--verify-only");
}

static int check_args(struct ctx *c)
{
	const struct args *a = &c->args;

	if (arg_has(a, "--location-is-service") && !arg_has(a, "--dest-vm"))
		return fail_usage(c, "--location-is-service option requires -d");
	if (arg_has(a, "--location-is-command") && arg_has(a, "--dest-vm"))
		return fail_usage(c, "--location-is-command is about this system, not about a qube");
	if (c->format != FORMAT_TEXT && !is_for_reading(c) && !arg_has(a, "--passphrase-file"))
		return fail_usage(c, "nothing can be asked along with JSON: --passphrase-file is needed");
	return STATUS_OK;
}

/* Numbers of the reader. */
static int read_limits(struct ctx *c, struct archive_read_options *o)
{
	const char *jobs = arg_value(&c->args, "--jobs"), *memory = arg_value(&c->args, "--memory");
	uint64_t n = 0;

	if (jobs && (num_u64(jobs, &n) < 0 || n < 1 || n > 1024))
		return fail_usage(c, "argument --jobs: invalid number: '%s'", jobs);
	o->jobs = (unsigned)n;
	if (memory && (size_parse(memory, &o->memory) < 0 || o->memory == 0))
		return fail_usage(c, "argument --memory: invalid size: '%s'", memory);
	return STATUS_OK;
}

static void read_rules(const struct args *a, struct plan_rules *p)
{
	arg_poses(a, "vms", &p->only);
	arg_values(a, "--exclude", &p->exclude);
	p->ignore_missing = arg_has(a, "--ignore-missing");
	p->rename_conflicting = arg_has(a, "--rename-conflicting");
	p->skip_dom0_home = arg_has(a, "--skip-dom0-home");
	p->ignore_username = arg_has(a, "--ignore-username-mismatch");
	p->resume = arg_has(a, "--continue");
}

/* ---- the steps ---- */

static int get_passphrase(struct restore *r)
{
	const char *file = arg_value(&r->c->args, "--passphrase-file");
	CLEANUP_SIGNALS struct signals signals = SIGNALS_INIT;

	if (file)
		return passphrase_from_file(r->c, file, &r->passphrase);
	signals_hold(&signals); /* the terminal has to show again what is typed */
	r->passphrase = passphrase_ask(r->c, &signals, "Please enter the passphrase to verify and (if encrypted) "
						       "decrypt the backup: ");
	return STATUS_OK;
}

/* What a qube may send: what the backup says of its size, and room for headers (2.13). */
static void limit_size(struct restore *r)
{
	uint64_t total = 64u << 20;

	if (!r->origin.qfile || arg_has(&r->c->args, "--ignore-size-limit"))
		return;
	for (size_t i = 0; i < r->qubes->n; i++)
		if (r->qubes->v[i].included && r->qubes->v[i].size < UINT64_MAX / 4 - total)
			total += r->qubes->v[i].size + r->qubes->v[i].size / 16;
	r->size_limit = total;
}

static int open_archive(struct restore *r, struct archive_read_options *o)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	int status = origin_open(r);

	if (status != STATUS_OK)
		return status;
	o->form = r->origin.qfile ? ARCHIVE_QFILE : ARCHIVE_TAR;
	o->passphrase = r->passphrase;
	o->forced_filter = arg_value(&r->c->args, "--compression-filter");
	o->progress = on_progress;
	o->progress_data = r;
	r->home = home_place();
	o->tree_dir = r->home;
	log_info(r->c, "app", "Checking backup content...");
	if (archive_reader_open(&r->reader, r->origin.fd, o, &err) < 0) {
		origin_close(r, false);
		if (r->origin.said.len && !is_interrupted(r))
			say(r->c, "%s", buf_str(&r->origin.said));
		return run_ended(r, &err);
	}
	r->qubes = archive_reader_qubes(r->reader);
	limit_size(r);
	return STATUS_OK;
}

/* Everything that comes before the first qube is touched. *ret_go: there is something to do. */
static int prepare(struct restore *r, struct plan_rules *rules, bool *ret_go)
{
	bool quiet = r->c->format != FORMAT_TEXT || arg_has(&r->c->args, "--list");
	enum answer answer = ANSWER_YES;
	int status;

	rules->verify_only = is_for_reading(r->c);
	rules->backup_id = archive_reader_header(r->reader)->backup_id;
	status = plan_make(r->c, &r->plan, r->qubes, rules);
	if (status == STATUS_OK && !quiet)
		print_table(r);
	if (status == STATUS_OK && !arg_has(&r->c->args, "--list"))
		status = print_problems(r);
	if (status == STATUS_OK && !quiet && !arg_has(&r->c->args, "--passphrase-file"))
		answer = ask_to_proceed(r->c, &r->signals);
	*ret_go = status == STATUS_OK && answer == ANSWER_YES;
	return status != STATUS_OK || answer != ANSWER_NONE ? status : STATUS_FAILED;
}

static int work(struct restore *r)
{
	int status;

	if (arg_has(&r->c->args, "--list"))
		return list_archive(r);
	status = arg_has(&r->c->args, "--verify-only") ? verify(r) : restore_qubes(r);
	return arg_has(&r->c->args, "--compat-exit") ? STATUS_OK : status;
}

static int with_archive(struct restore *r)
{
	CLEANUP(plan_rules_release) struct plan_rules rules = {0};
	struct archive_read_options o = {0};
	bool go = false;
	int status = read_limits(r->c, &o);

	if (status == STATUS_OK && !is_for_reading(r->c) && qrexec_is_dom0(r->c))
		status = restore_lock(r->c, false, &r->lock);
	if (status == STATUS_OK)
		status = get_passphrase(r);
	if (status == STATUS_OK && !r->passphrase)
		status = fail(r->c, "no passphrase was given; without a terminal, --passphrase-file names one");
	if (status == STATUS_OK)
		status = open_archive(r, &o);
	if (status != STATUS_OK)
		return status;
	read_rules(&r->c->args, &rules);
	status = prepare(r, &rules, &go);
	return go ? work(r) : status;
}

static int run(struct ctx *c)
{
	struct restore r = {
		.c = c, .signals = SIGNALS_INIT, .progress_kind = progress_choice(c), .lock = -1,
		.origin = { .fd = -1, .child = CHILD_INIT, .stop = -1 },
	};
	int status;

	if (arg_has(&c->args, "--paranoid-mode"))
		return restore_in_disposable(c);
	status = check_args(c);
	if (status == STATUS_OK)
		status = with_archive(&r);
	progress_end(&r.progress);
	plan_release(&r.plan);
	archive_reader_free(r.reader);
	origin_release(&r.origin);
	wipe_free(r.passphrase);
	free(r.home);
	closep(&r.lock);
	signals_release(&r.signals);
	return status;
}

const struct tool tool = {
	.name = "qvm-backup-restore",
	.summary = "List, verify or restore a backup of qubes.",
	.flags = TOOL_JSON,
	.opts = options,
	.pos = positionals,
	.run = run,
};
