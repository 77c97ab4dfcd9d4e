/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that compress and decompress (backup-policy-clock 2.8): children between two pipes, no shell. */
#pragma once

#include "archive/source.h"
#include "base/attr.h"
#include "base/err.h"

/*
 * Can an archive that names this filter be read? -EINVAL with the text of 2.8. A filter that the user forces is only
 * looked for. For writing, the same check says what others will be able to read.
 */
int filter_check(const char *name, bool forced, struct err *err);

/* What comes out of "NAME -d" when it gets what `from` (borrowed) gives. NULL with err. */
struct filter_reader;
struct filter_reader *filter_reader_new(const char *name, struct source *from, struct err *err);
/* The decompressed stream. Its end is an end only when the program ended well. Borrowed. */
struct source *filter_reader_source(struct filter_reader *f);
void filter_reader_free(struct filter_reader *f); /* NULL accepted; ends the program */

/* What comes out of NAME goes to `to` (borrowed). NULL with err. */
struct filter_writer;
struct filter_writer *filter_writer_new(const char *name, struct sink *to, struct err *err);
/* What is to be compressed. Borrowed. */
struct sink *filter_writer_sink(struct filter_writer *f);
/* The end of the data: 0 when the program ended well and all of its output was taken. */
int filter_writer_finish(struct filter_writer *f, struct err *err);
void filter_writer_free(struct filter_writer *f); /* NULL accepted; ends the program */
