/* McuConf as a whole: defaults, release, comparison, and the documented file of defaults. */
#include "conf/conf.h"

#include <string.h>

#include "conf/conf_priv.h"

#define COMMENT_WIDTH 92

McuConf *mcu_conf_new(void)
{
	McuConf *conf = g_new0(McuConf, 1);

	for (size_t i = 0; i < mcu_conf_n_options; i++)
		mcu_opt_set_default(&mcu_conf_options[i], conf);
	return conf;
}

void mcu_conf_free(McuConf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < mcu_conf_n_options; i++)
		mcu_opt_clear(&mcu_conf_options[i], conf);
	g_free(conf);
}

char **mcu_conf_needs_restart(const McuConf *old_conf, const McuConf *new_conf)
{
	GPtrArray *keys = g_ptr_array_new();

	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		const McuOption *o = &mcu_conf_options[i];

		if (o->applies == MCU_OPT_AT_RESTART && !mcu_opt_equal(o, old_conf, new_conf))
			g_ptr_array_add(keys, g_strdup(o->key));
	}
	g_ptr_array_add(keys, NULL);
	return (char **)g_ptr_array_free(keys, FALSE);
}

/* --- config/mcu.yaml --- */

static void comment(GString *out, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t column = 0;

	for (char **w = words; *w; w++) {
		size_t len = strlen(*w);

		if (column == 0 || column + 1 + len > COMMENT_WIDTH) {
			g_string_append(out, column ? "\n  # " : "  # ");
			column = 4;
		} else {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append(out, *w);
		column += len;
	}
	g_string_append_c(out, '\n');
}

static const char *applies_text(const McuOption *o)
{
	switch (o->applies) {
	case MCU_OPT_AT_RESTART:
		return "at restart";
	case MCU_OPT_AT_RELOAD:
		return "at reload";
	case MCU_OPT_NEW_CALLS:
		return "at reload, for new calls";
	}
	g_assert_not_reached();
}

static bool quoted(const McuOption *o)
{
	return o->type == MCU_OPT_TEXT || o->type == MCU_OPT_LIST;
}

/* As it stands in the comment: a list in short. */
static char *default_text(const McuOption *o)
{
	if (*o->dflt)
		return g_strdup(o->dflt);
	return g_strdup(o->type == MCU_OPT_TEXT ? "\"\"" : "[]");
}

static void write_value(GString *out, const McuOption *o, const char *name)
{
	g_auto(GStrv) entries = g_strsplit(o->dflt, " ", -1);

	if (o->type != MCU_OPT_LIST && o->type != MCU_OPT_USERS) {
		g_string_append_printf(out, quoted(o) ? "  %s: \"%s\"\n" : "  %s: %s\n", name,
				       o->dflt);
		return;
	}
	g_string_append_printf(out, "  %s:%s\n", name, *entries ? "" : " []");
	for (char **e = entries; *e; e++)
		g_string_append_printf(out, "    - \"%s\"\n", *e);
}

static void write_option(GString *out, const McuOption *o)
{
	g_autofree char *expected = mcu_opt_expected(o), *dflt = default_text(o), *facts = NULL;

	expected[0] = g_ascii_toupper(expected[0]);
	facts = g_strdup_printf("%s. Default: %s. Takes effect %s.", expected, dflt,
				applies_text(o));
	comment(out, o->meaning);
	comment(out, facts);
	write_value(out, o, strchr(o->key, '.') + 1);
}

char *mcu_conf_write_defaults(void)
{
	GString *out = g_string_new(
		"# Every option of mcud with its default. A file needs to hold only what differs.\n"
		"# Check a file with: mcud --check -c FILE. Reload: SIGHUP.\n"
		"# Generated from the table of options by: mcud --write-defaults\n");
	const char *previous = "";

	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		const McuOption *o = &mcu_conf_options[i];
		size_t len = (size_t)(strchr(o->key, '.') - o->key) + 1;

		if (strncmp(previous, o->key, len) != 0)
			g_string_append_printf(out, "\n%.*s:\n", (int)len - 1, o->key);
		else
			g_string_append_c(out, '\n');
		write_option(out, o);
		previous = o->key;
	}
	return g_string_free(out, FALSE);
}
