/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of qubes, property values, names, patterns and escapes of any bytes. */
#include "base/escape.h"
#include "base/mem.h"
#include "model/glob.h"
#include "model/names.h"
#include "model/propval.h"
#include "model/qubes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xmemdup0(data, size);
	CLEANUP_ERR struct err err = ERR_INIT;
	CLEANUP_QUBES struct qubes q = {0};
	CLEANUP_PROPS struct props p = {0};
	CLEANUP_PROPVAL struct propval v = {0};
	CLEANUP_BUF struct buf shown = BUF_INIT, escaped = BUF_INIT;

	if (qubes_parse(&q, text, size, &err) == 0 && q.n && !qubes_find(&q, q.v[0].name))
		abort();
	if (props_parse(&p, text, size, &err) == 0 && p.n && !props_find(&p, p.v[0].name))
		abort();
	propval_parse(&v, text, size, &err);
	name_check_qube(text, &err);
	name_check_label(text, true, &err);
	name_check_label_value(text, &err);
	name_check_tag(text, &err);
	name_check_feature(text, &err);

	size_t half = strlen(text) / 2;
	CLEANUP_FREE char *pattern = xstrndup(text, half);

	glob_match(pattern, text + half);
	free(quote_py(text));

	term_escape(&shown, text, size, false);
	for (size_t i = 0; i < shown.len; i++)
		if ((unsigned char)shown.data[i] < 0x20 || shown.data[i] == 0x7f)
			abort();
	if (!utf8_valid(buf_str(&shown), shown.len))
		abort();

	getall_escape(&escaped, text, size);
	if (memchr(buf_str(&escaped), '\n', escaped.len))
		abort();
	buf_reserve(&escaped, 0);
	if (getall_unescape(escaped.data, escaped.len) != size || memcmp(escaped.data, text, size) != 0)
		abort();
	return 0;
}
