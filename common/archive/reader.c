/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a backup: its front, then the files, then the verdicts. */
#include "archive/reader.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/container.h"
#include "archive/filter.h"
#include "archive/openssl.h"
#include "archive/reader_impl.h"
#include "base/mem.h"

#define HEADER_MAX (1u << 20) /* bytes; 2.13 */
#define HMAC_MAX 4096u

/* ---- the header ---- */

/* Reads the next member whole; it has to be the one of that name. */
static int read_named(struct archive_reader *r, const char *name, size_t max, struct spool *ret, struct err *err)
{
	const struct outer *o = &r->ahead.outer;
	CLEANUP_ERR struct err why = ERR_INIT;
	int status = outer_next(&r->ahead.outer, &why);

	if (status < 0)
		return err_set(err, status, "", "not a backup: %s", why.text);
	if (status == 0)
		return err_set(err, -EBADMSG, "", "not a backup: %s is missing", name);
	if (!streq(o->name, name))
		return streq(o->name, "qubes.xml.000") ?
			       err_set(err, -ENOTSUP, "", "Backup format version 2 not supported") :
			       err_set(err, -EBADMSG, "", "not a backup: %s where %s has to be", o->name, name);
	return ahead_read_raw(&r->ahead, ret, max, err);
}

static int wrong_passphrase(struct err *err)
{
	return err_set(err, -EACCES, "", "Corrupted backup header (hmac verification failed). "
		       "Is the password correct?");
}

/* Format 3 has no way to tell a wrong passphrase from damage. */
static int check_old_header(struct archive_reader *r, const struct spool *text, const struct spool *check,
			    struct err *err)
{
	CLEANUP_SECRET char *passphrase = xstrndup(r->passphrase, strcspn(r->passphrase, "\r\n"));

	if (openssl_hmac_check(NULL, passphrase, text->data, text->size, (const char *)check->data, check->size, NULL))
		return wrong_passphrase(err);
	return 0;
}

/* Decrypts backup-header.hmac and compares. */
static int check_header(struct archive_reader *r, const struct spool *text, struct spool *check, struct err *err)
{
	CLEANUP_SECRET char *passphrase = container_header_passphrase(r->passphrase);
	CLEANUP_ERR struct err why = ERR_INIT;
	struct scrypt_params params;
	const uint8_t *plain;
	int status;

	if (memmem(check->data, check->size, "= ", 2) && check->data[0] != 's')
		return check_old_header(r, text, check, err);
	if (check->size < CONTAINER_OVERHEAD)
		return err_set(err, -EBADMSG, "", "backup-header.hmac: damaged");
	status = scrypt_head_parse(&params, check->data, r->ahead.logn_max, r->ahead.key_memory_max, &why);
	if (status == 0)
		status = container_open(check->data, check->size, &params, passphrase, &plain, &why);
	if (status == -EACCES)
		return wrong_passphrase(err);
	if (status < 0)
		return err_set(err, status, "", "backup-header.hmac: %s", why.text);
	if (check->size - CONTAINER_OVERHEAD != text->size || memcmp(plain, text->data, text->size) != 0)
		return err_set(err, -EBADMSG, "", "backup-header: is not what was written (hmac verification failed)");
	return 0;
}

static int parse_header(struct archive_reader *r, const struct spool *text, struct err *err)
{
	int status = backup_header_parse(&r->header, (const char *)text->data, text->size, r->forced_filter, err);

	if (status < 0)
		return status;
	if (r->header.version < 3)
		return err_set(err, -ENOTSUP, "", "Backup format version %d not supported", r->header.version);
	r->suffix = r->header.version == 3 ? "" : ".enc";
	if (!r->header.compressed)
		return 0;
	return filter_check(r->header.compression_filter, r->forced_filter != NULL, err);
}

static int read_header(struct archive_reader *r, struct err *err)
{
	CLEANUP(spool_release) struct spool text = { .fd = -1 }, check = { .fd = -1 };
	struct stat st;
	int status;

	if (fstat(r->ahead.outer.in.fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, -ENOTSUP, "", "Backup format version 1 not supported");
	status = read_named(r, "backup-header", HEADER_MAX, &text, err);
	if (status == 0)
		status = read_named(r, "backup-header.hmac", HMAC_MAX, &check, err);
	if (status == 0)
		status = check_header(r, &text, &check, err);
	return status < 0 ? status : parse_header(r, &text, err);
}

/* ---- qubes.xml ---- */

static enum want want_qubes_xml(void *data, const char *name)
{
	size_t len;
	unsigned number;

	return chunk_name(data, name, &len, &number) && strncmp(name, "qubes.xml", len) == 0 && len == 9 ? WANT :
													    WANT_LATER;
}

static int read_qubes(struct archive_reader *r, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	const char *name;
	int status;

	r->ahead.want = want_qubes_xml;
	r->ahead.backup_id = r->header.backup_id;
	if (r->header.version == 3)
		r->ahead.digest = r->header.hmac_algorithm;
	status = ahead_peek(&r->ahead, &name, err);
	if (status <= 0)
		return status < 0 ? status : err_set(err, -EBADMSG, "", "qubes.xml.000%s: missing", r->suffix);

	CLEANUP_FREE char *why = reader_file(r, "qubes.xml", NULL, &xml, err);

	if (r->stopped)
		return r->stopped;
	if (why)
		return err_set(err, -EBADMSG, "", "%s", why);
	return backup_qubes_parse(&r->qubes, xml.data, xml.len, err);
}

/* ---- opening ---- */

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void set_up(struct archive_reader *r, int fd, const struct archive_read_options *o)
{
	struct ahead *a = &r->ahead;

	r->opts = *o;
	r->passphrase = xstrdup(o->passphrase);
	r->forced_filter = copy(o->forced_filter);
	r->spool_dir = copy(o->spool_dir);
	r->tree_dir = copy(o->tree_dir);
	outer_init(&a->outer, fd, o->form == ARCHIVE_QFILE);
	a->passphrase = r->passphrase;
	a->spool_dir = r->spool_dir;
	a->logn_max = o->logn_max ? o->logn_max : SCRYPT_LOGN_MAX;
	a->key_memory_max = o->key_memory_max ? o->key_memory_max : memory_of_machine();
	a->progress = o->progress;
	a->progress_data = o->progress_data;
	a->want_data = r;
	a->pool = r->pool = pool_new(o->jobs, o->memory);
}

int archive_reader_open(struct archive_reader **ret, int fd, const struct archive_read_options *opts,
			struct err *err)
{
	CLEANUP_ARCHIVE_READER struct archive_reader *r = xcalloc(1, sizeof *r);
	int status;

	set_up(r, fd, opts);
	status = r->pool ? read_header(r, err) : err_set(err, -EAGAIN, "", "no thread can be started");
	if (status == 0)
		status = read_qubes(r, err);
	if (status == 0)
		*ret = STEAL(r);
	return status;
}

void archive_reader_free(struct archive_reader *r)
{
	if (!r)
		return;
	pool_free(r->pool); /* before what its tasks use */
	ahead_release(&r->ahead);
	backup_header_release(&r->header);
	backup_qubes_release(&r->qubes);
	for (size_t i = 0; i < r->n_wanted; i++) {
		strv_release(&r->wanted[i].verdict.problems);
		strv_release(&r->wanted[i].whole);
		strv_release(&r->wanted[i].failed);
	}
	free(r->wanted);
	free(r->verdicts);
	strv_release(&r->problems);
	wipe_free(r->passphrase);
	free(r->forced_filter);
	free(r->spool_dir);
	free(r->tree_dir);
	free(r);
}

const struct backup_header *archive_reader_header(const struct archive_reader *r)
{
	return &r->header;
}

const struct backup_qubes *archive_reader_qubes(const struct archive_reader *r)
{
	return &r->qubes;
}

const struct archive_verdict *archive_reader_verdicts(const struct archive_reader *r, size_t *ret_n)
{
	*ret_n = r->n_wanted;
	return r->verdicts;
}

void archive_reader_result(const struct archive_reader *r, uint32_t code, struct buf *ret)
{
	outer_qfile_result(&r->ahead.outer, code, ret);
}

const struct strv *archive_reader_problems(const struct archive_reader *r)
{
	return &r->problems;
}
