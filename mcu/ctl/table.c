/* Aligned tables of text, by the width characters have on a terminal. */
#include <string.h>

#include "ctl/ctl_priv.h"

struct McuCtlTable {
	char **headings;
	unsigned columns;
	GPtrArray *cells;
};

char *mcu_ctl_clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		g_string_append_unichar(out, g_unichar_iscntrl(c) ? 0xfffd : c);
	}
	return g_string_free(out, FALSE);
}

static unsigned width_of(const char *text)
{
	unsigned width = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

McuCtlTable *mcu_ctl_table_new(const char *headings)
{
	McuCtlTable *t = g_new0(McuCtlTable, 1);

	t->headings = g_strsplit(headings, "|", -1);
	t->columns = g_strv_length(t->headings);
	t->cells = g_ptr_array_new_with_free_func(g_free);
	return t;
}

void mcu_ctl_table_free(McuCtlTable *t)
{
	if (!t)
		return;
	g_strfreev(t->headings);
	g_ptr_array_unref(t->cells);
	g_free(t);
}

void mcu_ctl_table_add(McuCtlTable *t, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	g_ptr_array_add(t->cells, mcu_ctl_clean(text));
}

static void print_row(const McuCtlTable *t, char **cells, const unsigned *widths, FILE *out)
{
	for (unsigned c = 0; c < t->columns; c++) {
		bool right = t->headings[c][0] == '>';
		const char *text = cells[c];
		int pad;

		if (cells == t->headings && right)
			text++;
		pad = (int)(widths[c] - width_of(text));
		if (c > 0)
			fputs("  ", out);
		if (right)
			fprintf(out, "%*s%s", pad, "", text);
		else if (c + 1 < t->columns)
			fprintf(out, "%s%*s", text, pad, "");
		else
			fputs(text, out);
	}
	fputc('\n', out);
}

void mcu_ctl_table_print(McuCtlTable *t, FILE *out)
{
	g_autofree unsigned *widths = g_new0(unsigned, t->columns);

	for (unsigned c = 0; c < t->columns; c++)
		widths[c] = width_of(t->headings[c]) - (t->headings[c][0] == '>');
	for (unsigned i = 0; i < t->cells->len; i++) {
		unsigned *w = &widths[i % t->columns];
		*w = MAX(*w, width_of(t->cells->pdata[i]));
	}
	print_row(t, t->headings, widths, out);
	for (unsigned i = 0; i + t->columns <= t->cells->len; i += t->columns)
		print_row(t, (char **)t->cells->pdata + i, widths, out);
}
