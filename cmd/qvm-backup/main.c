/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-backup: makes a backup of qubes (backup-policy-clock 1.11). */

#include "base/chars.h"
#include "base/mem.h"
#include "qvm-backup/backup.h"

static const struct opt options[] = {
	{"--yes/-y", OPT_FLAG, .help = "do not ask whether to go on"},
	{"--profile", OPT_VALUE, 0, "PROFILE", "make the backup that this profile describes", NULL, COMP_NONE},
	{"--exclude/-x", OPT_VALUE, OPT_REPEAT, "VMNAME", "leave this qube out; may be repeated", NULL, COMP_QUBE},
	{"--dest-vm/-d", OPT_VALUE, 0, "VMNAME", "the qube that the backup goes to (default: dom0)", NULL, COMP_QUBE},
	{"--encrypt/-e", OPT_FLAG, OPT_HIDDEN, .help = "backups are always encrypted"},
	{"--passphrase-file/-p", OPT_VALUE, 0, "FILE", "read the passphrase from its first line; -: from stdin", NULL,
	 COMP_FILE},
	{"--compress/-z", OPT_FLAG, .help = "compress with gzip; the default"},
	{"--no-compress", OPT_FLAG, .help = "do not compress"},
	{"--compress-filter/-Z", OPT_VALUE, 0, "PROGRAM", "compress with this program",
	 "gzip bzip2 xz zstd pigz pbzip2 lzma zstdmt", COMP_COLUMN},
	{"--save-profile", OPT_VALUE, 0, "PROFILE", "keep a profile of this name", NULL, COMP_NONE},
	{"--progress", OPT_VALUE, OPT_OURS, "HOW", "how to show progress (default: line on a terminal, else none)",
	 "line json none", COMP_WORDS},
	OPT_END,
};

static const struct pos positionals[] = {
	{"backup_location", POS_OPTIONAL, COMP_FILE, NULL, "directory or file; in another qube also a command"},
	{"vms", POS_ANY, COMP_QUBE, NULL, "qubes to save (default: those with include_in_backups)"},
	POS_END,
};

/* ---- rules of the command line ---- */

static bool is_here(const struct ctx *c)
{
	return c->admin.endpoint.kind == ENDPOINT_UNIX;
}

static int check_name(struct ctx *c, const char *name)
{
	if (!name || (*name && chars_all(name, "A-Za-z0-9._+-")))
		return STATUS_OK;
	return fail_usage(c, "'%s' is not the name of a profile", name);
}

static int check_args(struct ctx *c)
{
	const struct args *a = &c->args;
	const struct {
		bool given;
		const char *name;
	} not_with_profile[] = {
		{ arg_has(a, "--exclude"), "exclude-list" },
		{ arg_has(a, "--passphrase-file"), "passphrase-file" },
		{ arg_has(a, "--compress") || arg_has(a, "--compress-filter"), "compression" },
		{ arg_has(a, "--save-profile"), "save-profile" },
	};

	if (!arg_has(a, "--profile") && !arg_pos(a, "backup_location"))
		return fail_usage(c, "either --profile or 'backup_location' is required");
	for (size_t i = 0; arg_has(a, "--profile") && i < ARRAY_SIZE(not_with_profile); i++)
		if (not_with_profile[i].given)
			return fail_usage(c, "--%s option could not be used together with --profile",
					  not_with_profile[i].name);
	if (arg_has(a, "--save-profile") && !is_here(c))
		return fail_usage(c, "Cannot save backup profile when running not in dom0");
	if (check_name(c, arg_value(a, "--profile")) != STATUS_OK)
		return STATUS_USAGE;
	return check_name(c, arg_value(a, "--save-profile"));
}

/* ---- the steps ---- */

/* Only dom0 can write profiles: others are told what to put there. */
static int print_profile(struct job *j)
{
	CLEANUP_BUF struct buf b = BUF_INIT;

	buf_addstr(&b, "To perform the backup according to selected options, create backup profile "
		       "(/etc/qubes/backup/profile_name.conf) in dom0 with following content:\n");
	profile_print(&b, &j->profile);
	buf_addstr(&b, "# specify backup passphrase below\npassphrase_text: ...\n");
	put_text(j->c, b.data, b.len);
	return STATUS_FAILED;
}

static int show_info(struct job *j)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_FREE char *body = NULL;
	size_t len;

	if (admin_call(&j->c->admin, &err, "dom0", "admin.backup.Info", j->name, NULL, &body, &len) < 0) {
		fputc('\n', j->c->err);
		say(j->c, "Backup preparation error: %s", err.text);
		return STATUS_FAILED;
	}
	buf_add(&j->info, body, len);
	put_text(j->c, body, len);
	fputc('\n', j->c->out);
	return STATUS_OK;
}

/* What holds a passphrase and can be read by others is worth a word. */
static void look_at_profile(struct job *j)
{
	unsigned mode = 0;

	if (!is_here(j->c) || profile_load(&j->profile, profile_dir(), j->name, &mode, NULL) < 0)
		return; /* the daemon has the last word */
	if (j->profile.passphrase_text && mode & 04)
		log_warning(j->c, j->c->prog, "everybody can read the passphrase in '%s/%s.conf'", profile_dir(),
			    j->name);
}

static int get_passphrase(struct job *j)
{
	const char *file = arg_value(&j->c->args, "--passphrase-file");
	int status = STATUS_OK;

	if (!j->passphrase)
		status = file ? use_passphrase_file(j, file) : ask_passphrase(j);
	if (status != STATUS_OK)
		return status;
	j->profile.passphrase_text = STEAL(j->passphrase);
	return profile_write(j);
}

/* Everything with a file of ours on the disk. Until the table is there, it holds no passphrase. */
static int back_up(struct job *j)
{
	enum answer answer = ANSWER_YES;
	int status = show_info(j);

	if (status == STATUS_OK)
		status = check_destination(j);
	if (status != STATUS_OK)
		return status;
	signals_hold(&j->signals); /* from here on there is something to clean up, or a backup to cancel */
	if (!arg_has(&j->c->args, "--yes"))
		answer = ask_to_proceed(j->c, &j->signals);
	if (answer != ANSWER_YES)
		return answer == ANSWER_NO ? STATUS_OK : STATUS_FAILED;
	status = j->is_given ? STATUS_OK : get_passphrase(j);
	return status == STATUS_OK ? execute(j, progress_choice(j->c)) : status;
}

static int prepare(struct job *j)
{
	const char *file = arg_value(&j->c->args, "--passphrase-file");
	int status;

	if (j->is_given) {
		look_at_profile(j);
		return STATUS_OK;
	}
	status = profile_from_args(j);
	if (status == STATUS_OK && !is_here(j->c))
		return print_profile(j);
	if (status == STATUS_OK && file && !streq(file, "-"))
		status = use_passphrase_file(j, file);
	return status == STATUS_OK ? profile_write(j) : status;
}

static int run(struct ctx *c)
{
	struct job j = { .c = c, .name = arg_value(&c->args, "--profile"), .signals = SIGNALS_INIT };
	int status = check_args(c);

	if (status != STATUS_OK)
		return status;
	j.is_given = j.name != NULL;
	status = prepare(&j);
	if (status == STATUS_OK)
		status = back_up(&j);
	profile_drop(&j);
	profile_release(&j.profile);
	wipe_free(j.passphrase);
	free(j.own_name);
	buf_release(&j.info);
	signals_release(&j.signals);
	return status;
}

const struct tool tool = {
	.name = "qvm-backup",
	.summary = "Make a backup of qubes.",
	.opts = options,
	.pos = positionals,
	.run = run,
};
