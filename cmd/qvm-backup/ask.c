/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The passphrase of qvm-backup: from a file, or typed twice. */
#include "archive/writer.h"
#include "base/mem.h"
#include "qvm-backup/backup.h"

static int take(struct job *j, char *passphrase)
{
	const struct profile p = { .passphrase_text = passphrase };
	CLEANUP_ERR struct err err = ERR_INIT;

	wipe_free(j->passphrase);
	j->passphrase = passphrase;
	if (!passphrase || !*passphrase)
		return fail(j->c, "the passphrase is empty");
	if (archive_passphrase_check(passphrase, &err) < 0 || profile_check(&p, &err) < 0)
		return fail(j->c, "%s", err.text);
	return STATUS_OK;
}

int use_passphrase_file(struct job *j, const char *path)
{
	char *line = NULL;
	int status = passphrase_from_file(j->c, path, &line);

	return status == STATUS_OK ? take(j, line) : status;
}

int ask_passphrase(struct job *j)
{
	CLEANUP_SECRET char *first = passphrase_ask(j->c, &j->signals, "Please enter the passphrase that will be "
						    "used to encrypt and verify the backup: ");
	CLEANUP_SECRET char *second =
		first ? passphrase_ask(j->c, &j->signals, "Enter again for verification: ") : NULL;

	if (!second)
		return fail(j->c, "no passphrase was given; without a terminal, --passphrase-file or --profile "
				  "names one");
	if (!streq(first, second))
		return fail(j->c, "Passphrase mismatch!");
	return take(j, STEAL(first));
}
