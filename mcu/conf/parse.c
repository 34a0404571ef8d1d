/* YAML events (libyaml) to McuConf, by the table of options. Anchors, aliases, tags, several
 * documents and nesting beyond what an option needs are refused as soon as they are seen.
 *
 *   section: { name: scalar | [scalar, …] | [{name, password}, …] }
 */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "conf/conf_priv.h"

#define SECTION_MAX 32 /* bytes of a section name we have */

typedef struct Mark {
	unsigned line, column; /* from 1; 0 = not in the file */
} Mark;

typedef struct Parse {
	yaml_parser_t yaml;
	yaml_event_t ev; /* the current event */
	bool have_ev;
	const char *where;
	McuDiag *diag;
	McuConf *conf;
	Mark seen[MCU_CONF_MAX_OPTIONS];
} Parse;

#define ev_text(p) ((const char *)(p)->ev.data.scalar.value)

/* Point the diagnostic at the current event. */
static McuDiag *here(Parse *p)
{
	mcu_diag_where(p->diag, (unsigned)p->ev.start_mark.line + 1,
		       (unsigned)p->ev.start_mark.column + 1, "%s", p->where);
	return p->diag;
}

static int refuse_extras(Parse *p)
{
	const yaml_event_t *e = &p->ev;
	bool anchor = false, tag = false;

	if (e->type == YAML_ALIAS_EVENT)
		anchor = true;
	else if (e->type == YAML_SCALAR_EVENT)
		anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
	else if (e->type == YAML_MAPPING_START_EVENT)
		anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
	if (anchor)
		return mcu_diag(here(p), -EINVAL,
				"found an anchor or alias, expected the value itself");
	if (tag)
		return mcu_diag(here(p), -EINVAL, "found a tag, expected a plain value");
	return 0;
}

/* Step to the next event. */
static int next(Parse *p)
{
	if (p->have_ev)
		yaml_event_delete(&p->ev);
	p->have_ev = false;
	if (!yaml_parser_parse(&p->yaml, &p->ev)) {
		const yaml_parser_t *y = &p->yaml;
		bool marked = y->problem_mark.line || y->problem_mark.column || y->context;

		mcu_diag_where(p->diag, marked ? (unsigned)y->problem_mark.line + 1 : 0,
			       (unsigned)y->problem_mark.column + 1, "%s", p->where);
		return mcu_diag(p->diag, -EINVAL, "not valid YAML: %s",
				y->problem ? y->problem : "out of memory");
	}
	p->have_ev = true;
	return refuse_extras(p);
}

static bool is_plain(const Parse *p)
{
	return p->ev.type == YAML_SCALAR_EVENT &&
	       p->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_nothing(const Parse *p)
{
	return is_plain(p) && (p->ev.data.scalar.length == 0 || strcmp(ev_text(p), "~") == 0 ||
			       strcmp(ev_text(p), "null") == 0);
}

static const char *found(const Parse *p, char *buf, size_t size)
{
	switch (p->ev.type) {
	case YAML_MAPPING_START_EVENT:
		return "a mapping";
	case YAML_SEQUENCE_START_EVENT:
		return "a list";
	case YAML_SCALAR_EVENT:
		if (is_nothing(p))
			return "nothing";
		g_snprintf(buf, size, "\"%.60s\"", ev_text(p));
		return buf;
	default:
		return "the end";
	}
}

static int unexpected(Parse *p, const McuOption *o)
{
	g_autofree char *expected = mcu_opt_expected(o);
	char buf[80];

	if (o->secret && p->ev.type == YAML_SCALAR_EVENT && !is_nothing(p))
		return mcu_diag(here(p), -EINVAL, "%s: expected %s", o->key, expected);
	return mcu_diag(here(p), -EINVAL, "%s: found %s, expected %s", o->key,
			found(p, buf, sizeof(buf)), expected);
}

/* The current scalar's text is a C string without control characters. */
static int check_scalar(Parse *p)
{
	size_t len = p->ev.data.scalar.length;

	if (len > MCU_MAX_CONF_TEXT)
		return mcu_diag(here(p), -EINVAL, "found a value of %zu bytes, expected at most %d",
				len, MCU_MAX_CONF_TEXT);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)ev_text(p)[i] < 0x20 || ev_text(p)[i] == 0x7f)
			return mcu_diag(here(p), -EINVAL,
					"found a control character, expected text on one line");
	return 0;
}

/* --- keys --- */

static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	unsigned row[64];

	if (n >= G_N_ELEMENTS(row) || strlen(a) >= G_N_ELEMENTS(row))
		return G_MAXUINT;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			best = MIN(best, MIN(row[j], row[j + 1]) + 1);
			row[j + 1] = best;
		}
	}
	return row[n];
}

static int unknown_key(Parse *p, const char *key)
{
	const char *nearest = NULL;
	unsigned best = 5; /* farther ones are no help */

	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		unsigned d = distance(key, mcu_conf_options[i].key);
		if (d < best) {
			best = d;
			nearest = mcu_conf_options[i].key;
		}
	}
	if (nearest)
		return mcu_diag(here(p), -EINVAL, "unknown option %.60s; did you mean %s?", key,
				nearest);
	return mcu_diag(here(p), -EINVAL, "unknown option %.60s; config/mcu.yaml lists all", key);
}

static bool section_known(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < mcu_conf_n_options; i++)
		if (g_str_has_prefix(mcu_conf_options[i].key, name) &&
		    mcu_conf_options[i].key[len] == '.')
			return true;
	return false;
}

static int unknown_section(Parse *p)
{
	GString *all = g_string_new(NULL);

	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		const char *key = mcu_conf_options[i].key;
		int len = (int)(strchr(key, '.') - key);

		if (i == 0 || strncmp(key, mcu_conf_options[i - 1].key, (size_t)len + 1) != 0)
			g_string_append_printf(all, "%s%.*s", all->len ? ", " : "", len, key);
	}
	int r = mcu_diag(here(p), -EINVAL, "unknown section \"%.40s\", expected one of %s",
			 ev_text(p), all->str);
	g_string_free(all, TRUE);
	return r;
}

/* Reads a mapping's next key; 0 at its end, 1 with the key as current event. */
static int next_key(Parse *p)
{
	int r = next(p);

	if (r < 0)
		return r;
	if (p->ev.type == YAML_MAPPING_END_EVENT)
		return 0;
	if (p->ev.type != YAML_SCALAR_EVENT)
		return mcu_diag(here(p), -EINVAL, "found a list or mapping, expected a name");
	r = check_scalar(p);
	return r < 0 ? r : 1;
}

/* --- values; the value's first event is current --- */

static int parse_scalar(Parse *p, const McuOption *o)
{
	bool text = o->type == MCU_OPT_TEXT || o->type == MCU_OPT_ENUM || o->type == MCU_OPT_LEVEL;
	int r;

	if (p->ev.type != YAML_SCALAR_EVENT || is_nothing(p))
		return unexpected(p, o);
	/* "25" and "true" in quotes are text to YAML */
	if (!text && !is_plain(p) && o->type != MCU_OPT_SIZE && o->type != MCU_OPT_PORTS &&
	    o->type != MCU_OPT_BITRATE) {
		g_autofree char *expected = mcu_opt_expected(o);
		return mcu_diag(here(p), -EINVAL, "%s: found text in quotes, expected %s", o->key,
				expected);
	}
	r = check_scalar(p);
	return r < 0 ? r : mcu_opt_set(o, p->conf, ev_text(p), here(p));
}

static int parse_list(Parse *p, const McuOption *o)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	int r;

	if (p->ev.type != YAML_SEQUENCE_START_EVENT)
		return unexpected(p, o);
	Mark start = { (unsigned)p->ev.start_mark.line + 1, (unsigned)p->ev.start_mark.column + 1 };
	while ((r = next(p)) == 0 && p->ev.type != YAML_SEQUENCE_END_EVENT) {
		if (p->ev.type != YAML_SCALAR_EVENT || is_nothing(p))
			return unexpected(p, o);
		if (list->len == MCU_MAX_CONF_LIST)
			return mcu_diag(here(p), -EINVAL, "%s: expected at most %d entries", o->key,
					MCU_MAX_CONF_LIST);
		r = check_scalar(p);
		if (r == 0)
			r = mcu_opt_check_entry(o, ev_text(p), here(p));
		if (r < 0)
			return r;
		g_ptr_array_add(list, g_strdup(ev_text(p)));
	}
	if (r < 0)
		return r;
	if (list->len == 0 && !o->may_be_empty) {
		mcu_diag_where(p->diag, start.line, start.column, "%s", p->where);
		return mcu_diag(p->diag, -EINVAL, "%s: found an empty list, expected %s", o->key,
				o->expect);
	}
	g_ptr_array_add(list, NULL);
	mcu_opt_set_list(o, p->conf, (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE));
	return 0;
}

/* One "name" or "password" of a user; the key is the current event. */
static int parse_user_member(Parse *p, const McuOption *o, McuConfUser *user)
{
	bool name = strcmp(ev_text(p), "name") == 0;
	char **to = name ? &user->name : &user->password;
	int r;

	if (!name && strcmp(ev_text(p), "password") != 0)
		return mcu_diag(here(p), -EINVAL, "%s: found \"%.40s\", expected name or password",
				o->key, ev_text(p));
	if (*to)
		return mcu_diag(here(p), -EINVAL, "%s: %s is given twice", o->key, ev_text(p));
	r = next(p);
	if (r < 0)
		return r;
	if (p->ev.type != YAML_SCALAR_EVENT || p->ev.data.scalar.length == 0)
		return mcu_diag(here(p), -EINVAL, "%s: expected a %s as text", o->key,
				name ? "name" : "password");
	r = check_scalar(p);
	if (r == 0)
		*to = g_strdup(ev_text(p));
	return r;
}

static int parse_user(Parse *p, const McuOption *o, McuConfUser *user)
{
	Mark start = { (unsigned)p->ev.start_mark.line + 1, (unsigned)p->ev.start_mark.column + 1 };
	int r;

	if (p->ev.type != YAML_MAPPING_START_EVENT)
		return unexpected(p, o);
	while ((r = next_key(p)) > 0) {
		r = parse_user_member(p, o, user);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	mcu_diag_where(p->diag, start.line, start.column, "%s", p->where);
	if (!user->name || !user->password)
		return mcu_diag(p->diag, -EINVAL, "%s: there is no %s, expected %s", o->key,
				user->name ? "password" : "name", o->expect);
	for (const McuConfUser *u = p->conf->sip.users; u < user; u++)
		if (strcmp(u->name, user->name) == 0)
			return mcu_diag(p->diag, -EINVAL, "%s: user \"%.60s\" is listed twice",
					o->key, user->name);
	return 0;
}

static int parse_users(Parse *p, const McuOption *o)
{
	int r;

	if (p->ev.type != YAML_SEQUENCE_START_EVENT)
		return unexpected(p, o);
	p->conf->sip.users = g_new0(McuConfUser, MCU_MAX_CONF_LIST);
	while ((r = next(p)) == 0 && p->ev.type != YAML_SEQUENCE_END_EVENT) {
		if (p->conf->sip.n_users == MCU_MAX_CONF_LIST)
			return mcu_diag(here(p), -EINVAL, "%s: expected at most %d entries", o->key,
					MCU_MAX_CONF_LIST);
		r = parse_user(p, o, &p->conf->sip.users[p->conf->sip.n_users++]);
		if (r < 0)
			return r;
	}
	return r;
}

static int parse_value(Parse *p, const McuOption *o)
{
	switch (o->type) {
	case MCU_OPT_LIST:
		return parse_list(p, o);
	case MCU_OPT_USERS:
		return parse_users(p, o);
	default:
		return parse_scalar(p, o);
	}
}

/* --- structure --- */

static int parse_option(Parse *p, const char *section)
{
	g_autofree char *key = g_strdup_printf("%s.%s", section, ev_text(p));
	size_t i = 0;
	int r;

	while (i < mcu_conf_n_options && strcmp(mcu_conf_options[i].key, key) != 0)
		i++;
	if (i == mcu_conf_n_options)
		return unknown_key(p, key);
	if (p->seen[i].line)
		return mcu_diag(here(p), -EINVAL, "%s is given twice, first at line %u", key,
				p->seen[i].line);
	r = next(p);
	if (r < 0)
		return r;
	p->seen[i] = (Mark){ (unsigned)p->ev.start_mark.line + 1,
			     (unsigned)p->ev.start_mark.column + 1 };
	return parse_value(p, &mcu_conf_options[i]);
}

static int parse_section(Parse *p, GHashTable *sections)
{
	char name[SECTION_MAX];
	int r;

	if (!section_known(ev_text(p)) || g_strlcpy(name, ev_text(p), sizeof(name)) >= sizeof(name))
		return unknown_section(p);
	if (!g_hash_table_add(sections, g_strdup(name)))
		return mcu_diag(here(p), -EINVAL, "section %s is given twice", name);
	r = next(p);
	if (r < 0 || is_nothing(p))
		return r;
	if (p->ev.type != YAML_MAPPING_START_EVENT) {
		char buf[80];
		return mcu_diag(here(p), -EINVAL, "%s: found %s, expected a mapping of options",
				name, found(p, buf, sizeof(buf)));
	}
	while ((r = next_key(p)) > 0) {
		r = parse_option(p, name);
		if (r < 0)
			return r;
	}
	return r;
}

static int parse_document(Parse *p)
{
	g_autoptr(GHashTable) sections =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	int r = next(p);

	if (r < 0 || is_nothing(p))
		return r;
	if (p->ev.type != YAML_MAPPING_START_EVENT)
		return mcu_diag(here(p), -EINVAL, "found %s, expected a mapping of sections",
				p->ev.type == YAML_SCALAR_EVENT ? "text" : "a list");
	while ((r = next_key(p)) > 0) {
		r = parse_section(p, sections);
		if (r < 0)
			return r;
	}
	return r;
}

static int parse_stream(Parse *p)
{
	int r = next(p); /* stream start */

	if (r == 0)
		r = next(p);
	if (r < 0 || p->ev.type == YAML_STREAM_END_EVENT)
		return r;
	r = parse_document(p);
	if (r == 0)
		r = next(p); /* document end */
	if (r == 0)
		r = next(p);
	if (r == 0 && p->ev.type != YAML_STREAM_END_EVENT)
		return mcu_diag(here(p), -EINVAL, "found a second document, expected one");
	return r;
}

/* --- what concerns more than one option --- */

static McuDiag *at_option(Parse *p, const char *key)
{
	for (size_t i = 0; i < mcu_conf_n_options; i++)
		if (strcmp(mcu_conf_options[i].key, key) == 0)
			mcu_diag_where(p->diag, p->seen[i].line, p->seen[i].column, "%s", p->where);
	return p->diag;
}

static int check_together(Parse *p)
{
	const McuConf *c = p->conf;
	g_autofree char *host = NULL;
	unsigned port;

	if (mcu_conf_split_listen(c->http.listen, NULL, &host, &port, p->diag) < 0)
		g_assert_not_reached();
	if (!*c->http.token && !mcu_conf_is_loopback(host))
		return mcu_diag(
			at_option(p, "http.listen"), -EINVAL,
			"http.listen: found \"%s\" without http.token, expected a token, or "
			"an address on loopback",
			c->http.listen);
	if (c->media.jitter_min_ms > c->media.jitter_max_ms)
		return mcu_diag(at_option(p, "media.jitter_min"), -EINVAL,
				"media.jitter_min: found %u, expected at most media.jitter_max, %u",
				c->media.jitter_min_ms, c->media.jitter_max_ms);
	if (*c->sip.auth_password && !*c->sip.auth_user)
		return mcu_diag(at_option(p, "sip.auth_password"), -EINVAL,
				"sip.auth_password: found no sip.auth_user that it belongs to");
	return 0;
}

int mcu_conf_parse(const char *text, size_t len, const char *where, McuConf **ret, McuDiag *reterr)
{
	g_autoptr(McuConf) conf = mcu_conf_new();
	McuDiag unread;
	Parse p = { .where = where, .diag = reterr ? reterr : &unread, .conf = conf };
	int r;

	mcu_diag_where(p.diag, 0, 0, "%s", where);
	if (len > MCU_MAX_CONF_BYTES)
		return mcu_diag(p.diag, -EINVAL, "found more than %d bytes", MCU_MAX_CONF_BYTES);
	if (!yaml_parser_initialize(&p.yaml))
		return mcu_diag(p.diag, -ENOMEM, "out of memory");
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
	r = parse_stream(&p);
	if (r == 0)
		r = check_together(&p);
	if (p.have_ev)
		yaml_event_delete(&p.ev);
	yaml_parser_delete(&p.yaml);
	if (r == 0)
		*ret = g_steal_pointer(&conf);
	return r;
}

int mcu_conf_load(const char *path, McuConf **ret, McuDiag *reterr)
{
	g_autofree char *text = g_malloc(MCU_MAX_CONF_BYTES + 1);
	FILE *f = fopen(path, "re");
	int err = 0;

	mcu_diag_where(reterr, 0, 0, "%s", path);
	if (!f)
		return mcu_diag(reterr, errno == ENOENT ? -ENOENT : -EIO, "cannot open: %s",
				g_strerror(errno));
	size_t len = fread(text, 1, MCU_MAX_CONF_BYTES + 1, f);
	if (ferror(f))
		err = errno ? errno : EIO;
	(void)fclose(f);
	if (err)
		return mcu_diag(reterr, -EIO, "cannot read: %s", g_strerror(err));
	return mcu_conf_parse(text, len, path, ret, reterr);
}
