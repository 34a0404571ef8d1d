/* One value of an option: text of the file to field of McuConf, and what a field may hold. */
#include <string.h>

#include "conf/conf_priv.h"

#define SIZE_MIN_W 160
#define SIZE_MIN_H 90
#define SIZE_MAX_W 3840
#define SIZE_MAX_H 2160

static void *field(const McuOption *o, McuConf *conf)
{
	return (char *)conf + o->at;
}

static void *field2(const McuOption *o, McuConf *conf)
{
	return (char *)conf + o->at2;
}

char *mcu_opt_expected(const McuOption *o)
{
	g_autofree char *joined = NULL, *unit = NULL;

	unit = o->unit ? g_strdup_printf(" (%s)", o->unit) : g_strdup("");
	switch (o->type) {
	case MCU_OPT_BOOL:
		return g_strdup("true or false");
	case MCU_OPT_UINT:
		return g_strdup_printf("a whole number from %u to %u%s", o->min, o->max, unit);
	case MCU_OPT_BITRATE:
		return g_strdup_printf("a number from %u to %u%s; 1500k and 1.5M are understood",
				       o->min, o->max, unit);
	case MCU_OPT_ENUM:
	case MCU_OPT_LEVEL:
		joined = g_strjoinv(", ", (char **)o->values);
		return g_strdup_printf("one of %s", joined);
	case MCU_OPT_SIZE:
		return g_strdup_printf("WIDTHxHEIGHT in pixels, even, from %dx%d to %dx%d",
				       SIZE_MIN_W, SIZE_MIN_H, SIZE_MAX_W, SIZE_MAX_H);
	case MCU_OPT_PORTS:
		return g_strdup_printf("FIRST-LAST, at least 4 ports from %u to %u", o->min,
				       o->max);
	case MCU_OPT_LIST:
	case MCU_OPT_USERS:
		return g_strdup_printf("a list, each entry %s", o->expect);
	case MCU_OPT_TEXT:
		return g_strdup(o->expect);
	}
	g_assert_not_reached();
}

/* --- numbers --- */

static int parse_uint(const char *text, unsigned min, unsigned max, unsigned *ret)
{
	guint64 v;

	if (!g_ascii_string_to_unsigned(text, 10, min, max, &v, NULL))
		return -EINVAL;
	*ret = (unsigned)v;
	return 0;
}

/* "1500000", "1500k", "1.5M": digits, up to six decimals, a factor; exact or refused */
static int parse_bitrate(const char *text, unsigned min, unsigned max, unsigned *ret)
{
	guint64 value = 0, scale = 1, factor = 1;
	const char *p = text;
	bool dot = false;

	if (!g_ascii_isdigit(*p))
		return -EINVAL;
	for (; g_ascii_isdigit(*p) || (*p == '.' && !dot); p++) {
		if (*p == '.') {
			dot = true;
			continue;
		}
		if (value > G_MAXUINT || scale >= 1000000)
			return -EINVAL;
		value = value * 10 + (guint64)(*p - '0');
		scale *= dot ? 10 : 1;
	}
	if (*p == 'k' || *p == 'M')
		factor = *p++ == 'k' ? 1000 : 1000000;
	if (*p || p[-1] == '.' || value * factor % scale)
		return -EINVAL;
	value = value * factor / scale;
	if (value < min || value > max)
		return -EINVAL;
	*ret = (unsigned)value;
	return 0;
}

/* "AxB" or "A-B" */
static int parse_pair(const char *text, char between, unsigned *ret_a, unsigned *ret_b)
{
	const char *at = strchr(text, between);
	g_autofree char *first = NULL;

	if (!at)
		return -EINVAL;
	first = g_strndup(text, (size_t)(at - text));
	if (parse_uint(first, 0, 65535, ret_a) < 0)
		return -EINVAL;
	return parse_uint(at + 1, 0, 65535, ret_b);
}

static int set_pair(const McuOption *o, McuConf *conf, const char *text)
{
	bool size = o->type == MCU_OPT_SIZE;
	unsigned a, b;

	if (parse_pair(text, size ? 'x' : '-', &a, &b) < 0)
		return -EINVAL;
	if (size && (a % 2 || b % 2 || a < SIZE_MIN_W || a > SIZE_MAX_W || b < SIZE_MIN_H ||
		     b > SIZE_MAX_H))
		return -EINVAL;
	if (!size && (a < o->min || b > o->max || b < a + 3))
		return -EINVAL;
	*(unsigned *)field(o, conf) = a;
	*(unsigned *)field2(o, conf) = b;
	return 0;
}

/* --- text --- */

static int set_string(const McuOption *o, McuConf *conf, const char *text)
{
	char **f = field(o, conf);

	g_free(*f);
	*f = g_strdup(text);
	return 0;
}

int mcu_opt_check_entry(const McuOption *o, const char *text, McuDiag *reterr)
{
	McuDiag why = { 0 };

	if (!*text)
		return o->may_be_empty && o->type == MCU_OPT_TEXT
			       ? 0
			       : mcu_diag(reterr, -EINVAL, "%s: found nothing, expected %s", o->key,
					  o->expect);
	if (o->check(text, &why) == 0)
		return 0;
	if (o->secret)
		return mcu_diag(reterr, -EINVAL, "%s: %s; expected %s", o->key, why.text,
				o->expect);
	return mcu_diag(reterr, -EINVAL, "%s: found \"%.60s\" (%s), expected %s", o->key, text,
			why.text, o->expect);
}

static int set_checked(const McuOption *o, McuConf *conf, const char *text, McuDiag *reterr)
{
	int r = mcu_opt_check_entry(o, text, reterr);

	return r < 0 ? r : set_string(o, conf, text);
}

static int set_bool(const McuOption *o, McuConf *conf, const char *text)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return -EINVAL;
	*(bool *)field(o, conf) = yes;
	return 0;
}

int mcu_opt_set(const McuOption *o, McuConf *conf, const char *text, McuDiag *reterr)
{
	int r = -EINVAL;

	switch (o->type) {
	case MCU_OPT_BOOL:
		r = set_bool(o, conf, text);
		break;
	case MCU_OPT_UINT:
		r = parse_uint(text, o->min, o->max, field(o, conf));
		break;
	case MCU_OPT_BITRATE:
		r = parse_bitrate(text, o->min, o->max, field(o, conf));
		break;
	case MCU_OPT_ENUM:
		if (g_strv_contains(o->values, text))
			r = set_string(o, conf, text);
		break;
	case MCU_OPT_LEVEL:
		r = mcu_log_level_parse(text, field(o, conf));
		break;
	case MCU_OPT_SIZE:
	case MCU_OPT_PORTS:
		r = set_pair(o, conf, text);
		break;
	case MCU_OPT_TEXT:
		return set_checked(o, conf, text, reterr);
	case MCU_OPT_LIST:
	case MCU_OPT_USERS:
		break;
	}
	if (r < 0) {
		g_autofree char *expected = mcu_opt_expected(o);
		return mcu_diag(reterr, -EINVAL, "%s: found \"%.60s\", expected %s", o->key, text,
				expected);
	}
	return 0;
}

/* --- whole fields --- */

void mcu_opt_set_list(const McuOption *o, McuConf *conf, char **take)
{
	char ***f = field(o, conf);

	g_strfreev(*f);
	*f = take;
}

void mcu_opt_set_default(const McuOption *o, McuConf *conf)
{
	switch (o->type) {
	case MCU_OPT_USERS:
		return;
	case MCU_OPT_LIST:
		mcu_opt_set_list(o, conf, g_strsplit(o->dflt, " ", -1));
		return;
	default:
		if (mcu_opt_set(o, conf, o->dflt, NULL) < 0)
			g_assert_not_reached();
	}
}

static void clear_users(const McuOption *o, McuConf *conf)
{
	McuConfUser **users = field(o, conf);
	size_t *n = field2(o, conf);

	for (size_t i = 0; i < *n; i++) {
		g_free((*users)[i].name);
		g_free((*users)[i].password);
	}
	g_clear_pointer(users, g_free);
	*n = 0;
}

void mcu_opt_clear(const McuOption *o, McuConf *conf)
{
	switch (o->type) {
	case MCU_OPT_USERS:
		clear_users(o, conf);
		break;
	case MCU_OPT_LIST:
		g_clear_pointer((char ***)field(o, conf), g_strfreev);
		break;
	case MCU_OPT_ENUM:
	case MCU_OPT_TEXT:
		g_clear_pointer((char **)field(o, conf), g_free);
		break;
	default:
		break;
	}
}

static bool users_equal(const McuConf *a, const McuConf *b)
{
	if (a->sip.n_users != b->sip.n_users)
		return false;
	for (size_t i = 0; i < a->sip.n_users; i++)
		if (strcmp(a->sip.users[i].name, b->sip.users[i].name) != 0 ||
		    strcmp(a->sip.users[i].password, b->sip.users[i].password) != 0)
			return false;
	return true;
}

bool mcu_opt_equal(const McuOption *o, const McuConf *a, const McuConf *b)
{
	const void *fa = field(o, (McuConf *)a), *fb = field(o, (McuConf *)b);
	const void *fa2 = field2(o, (McuConf *)a), *fb2 = field2(o, (McuConf *)b);

	switch (o->type) {
	case MCU_OPT_USERS:
		return users_equal(a, b);
	case MCU_OPT_LIST:
		return g_strv_equal(*(const char *const *const *)fa,
				    *(const char *const *const *)fb);
	case MCU_OPT_ENUM:
	case MCU_OPT_TEXT:
		return strcmp(*(char *const *)fa, *(char *const *)fb) == 0;
	case MCU_OPT_BOOL:
		return *(const bool *)fa == *(const bool *)fb;
	case MCU_OPT_LEVEL:
		return *(const McuLogLevel *)fa == *(const McuLogLevel *)fb;
	case MCU_OPT_SIZE:
	case MCU_OPT_PORTS:
		return *(const unsigned *)fa == *(const unsigned *)fb &&
		       *(const unsigned *)fa2 == *(const unsigned *)fb2;
	case MCU_OPT_UINT:
	case MCU_OPT_BITRATE:
		return *(const unsigned *)fa == *(const unsigned *)fb;
	}
	g_assert_not_reached();
}
