#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int err;
	const char *name;
} names[] = {
	{ EINVAL, "invalid" },       { EPROTO, "protocol" },    { EAGAIN, "again" },
	{ ENOENT, "not-found" },     { EEXIST, "exists" },      { ENOMEM, "no-memory" },
	{ ENOSPC, "no-space" },      { EOVERFLOW, "limit" },    { ENOTSUP, "not-supported" },
	{ EACCES, "denied" },        { ETIMEDOUT, "timed-out" }, { ECANCELED, "canceled" },
	{ EIO, "io" },               { EBUSY, "busy" },         { EPIPE, "gone" },
};

/* Formats into a fixed buffer; a cut never leaves half a UTF-8 character behind. */
static void format_cut(char *buf, size_t size, const char *fmt, va_list ap)
{
	const char *end;

	if (vsnprintf(buf, size, fmt, ap) < 0)
		buf[0] = '\0';
	if (!g_utf8_validate(buf, -1, &end))
		buf[end - buf] = '\0';
}

int mcu_diag(McuDiag *d, int err, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return err;
	va_start(ap, fmt);
	format_cut(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return err;
}

void mcu_diag_where(McuDiag *d, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return;
	va_start(ap, fmt);
	format_cut(d->where, sizeof(d->where), fmt, ap);
	va_end(ap);
	d->line = line;
	d->column = column;
}

char *mcu_diag_str(const McuDiag *d)
{
	GString *s = g_string_new(d->where);

	if (d->line)
		g_string_append_printf(s, ":%u", d->line);
	if (d->line && d->column)
		g_string_append_printf(s, ":%u", d->column);
	if (s->len)
		g_string_append(s, ": ");
	g_string_append(s, d->text);
	return g_string_free(s, FALSE);
}

const char *mcu_err_name(int err)
{
	if (err < 0)
		err = -err;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i].err == err)
			return names[i].name;
	return "io";
}

int mcu_err_from_name(const char *name)
{
	for (size_t i = 0; name && i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return -names[i].err;
	return -EIO;
}
