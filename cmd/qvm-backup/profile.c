/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profile that a command line means, and its file (backup-policy-clock 1.1, 1.11). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/select.h"
#include "model/glob.h"
#include "qvm-backup/backup.h"

#define TEMPORARY "backup-run-"

const char *profile_dir(void)
{
	const char *dir = getenv("QVM_BACKUP_PROFILE_DIR");

	return dir && *dir ? dir : "/etc/qubes/backup";
}

/* ---- what the command line says ---- */

static char *absolute(const char *path)
{
	char cwd[4096];

	if (path[0] == '/' || !getcwd(cwd, sizeof cwd))
		return xstrdup(path);
	return xasprintf("%s/%s", cwd, path);
}

/* Patterns become the names that they match: the daemon knows no patterns. */
static int expand(struct job *j, const struct strv *words)
{
	CLEANUP_QUBES struct qubes all = {0};
	int status = list_qubes(j->c, &all);

	for (size_t i = 0; status == STATUS_OK && i < words->n; i++) {
		size_t before = j->profile.include.n;

		for (size_t k = 0; k < all.n; k++)
			if (streq(all.v[k].name, words->v[i]) ||
			    (glob_is_pattern(words->v[i]) && glob_match(words->v[i], all.v[k].name)))
				strv_add(&j->profile.include, all.v[k].name);
		if (j->profile.include.n == before)
			status = no_such_qube(j->c, words->v[i]);
	}
	return status;
}

int profile_from_args(struct job *j)
{
	CLEANUP_STRV struct strv words = STRV_INIT;
	CLEANUP_ERR struct err err = ERR_INIT;
	const struct args *a = &j->c->args;
	struct profile *p = &j->profile;
	const char *vm = arg_value(a, "--dest-vm"), *location = arg_pos(a, "backup_location");

	p->destination_vm = xstrdup(vm ? vm : "dom0");
	p->destination_path = streq(p->destination_vm, "dom0") ? absolute(location) : xstrdup(location);
	p->compressed = !arg_has(a, "--no-compress");
	if (arg_value(a, "--compress-filter"))
		p->filter = xstrdup(arg_value(a, "--compress-filter"));
	arg_values(a, "--exclude", &p->exclude);
	arg_poses(a, "vms", &words);
	p->include_all = words.n == 0;
	if (profile_check(p, &err) < 0)
		return fail(j->c, "%s", err.text);
	return words.n ? expand(j, &words) : STATUS_OK;
}

/* ---- the file ---- */

/* Whoever made it was killed: it may hold a passphrase. */
static void drop_strays(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		const char *rest = skip_prefix(e->d_name, TEMPORARY);
		CLEANUP_FREE char *digits = rest ? xstrndup(rest, strspn(rest, "0123456789")) : NULL;
		uint64_t pid;

		if (rest && streq(rest + strlen(digits), ".conf") && num_u64(digits, &pid) == 0 && pid > 1 &&
		    pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

int profile_write(struct job *j)
{
	CLEANUP_ERR struct err err = ERR_INIT;
	const char *saved = arg_value(&j->c->args, "--save-profile");

	if (!j->name && !saved) {
		drop_strays(profile_dir());
		j->name = j->own_name = xasprintf(TEMPORARY "%d", (int)getpid());
	}
	if (saved)
		j->name = saved;
	if (profile_save(&j->profile, profile_dir(), j->name, &err) < 0)
		return fail(j->c, "%s", err.text);
	return STATUS_OK;
}

void profile_drop(struct job *j)
{
	CLEANUP_FREE char *path = j->own_name ? profile_path(profile_dir(), j->own_name, NULL) : NULL;

	if (path)
		unlink(path);
}
