/* mcu/conf: defaults, the documented file, every kind of error with its place, reload. */
#include <glib/gstdio.h>
#include <string.h>

#include "conf/conf_priv.h"

static McuConf *parse_ok(const char *text)
{
	McuConf *conf = NULL;
	McuDiag diag = { 0 };

	if (mcu_conf_parse(text, strlen(text), "t.yaml", &conf, &diag) < 0)
		g_error("%s: %s", mcu_diag_str(&diag), text);
	g_assert_nonnull(conf);
	return conf;
}

static void test_defaults(void)
{
	g_autoptr(McuConf) c = parse_ok("");

	g_assert_cmpstr(c->http.listen, ==, "127.0.0.1:8080");
	g_assert_cmpstr(c->http.token, ==, "");
	g_assert_cmpuint(g_strv_length(c->sip.listen), ==, 2);
	g_assert_cmpstr(c->sip.listen[0], ==, "udp:0.0.0.0:5060");
	g_assert_cmpstr(c->sip.listen[1], ==, "tcp:0.0.0.0:5060");
	g_assert_cmpuint(c->sip.n_users, ==, 0);
	g_assert_nonnull(c->sip.allow);
	g_assert_null(c->sip.allow[0]);
	g_assert_cmpuint(c->sip.session_expires_s, ==, 1800);
	g_assert_cmpuint(c->media.port_min, ==, 20000);
	g_assert_cmpuint(c->media.port_max, ==, 29999);
	g_assert_cmpstr(c->media.srtp, ==, "optional");
	g_assert_cmpuint(c->media.jitter_min_ms, ==, 20);
	g_assert_cmpuint(c->media.jitter_max_ms, ==, 200);
	g_assert_cmpuint(c->media.timeout_s, ==, 30);
	g_assert_cmpuint(c->video.width, ==, 1280);
	g_assert_cmpuint(c->video.height, ==, 720);
	g_assert_cmpuint(c->video.fps, ==, 30);
	g_assert_cmpuint(c->video.bitrate_bps, ==, 1500000);
	g_assert_cmpstr(c->video.encoder, ==, "auto");
	g_assert_cmpstr(c->video.encoder_preset, ==, "fast");
	g_assert_true(c->call.auto_create);
	g_assert_cmpuint(c->call.max_participants, ==, 25);
	g_assert_cmpstr(c->call.layout, ==, "auto");
	g_assert_cmpuint(c->call.empty_timeout_s, ==, 10);
	g_assert_cmpstr(c->record.path, ==, "/var/lib/tessera/recordings");
	g_assert_false(c->record.auto_start);
	g_assert_cmpuint(c->limits.calls, ==, 16);
	g_assert_cmpint(c->log.level, ==, MCU_LOG_INFO);
	g_assert_cmpstr(c->worker.path, ==, "");
	g_assert_cmpuint(mcu_conf_n_options, <=, MCU_CONF_MAX_OPTIONS);
}

static void test_everything_set(void)
{
	g_autoptr(McuConf) c =
		parse_ok("http: {listen: '[::1]:80', token: secret-token}\n"
			 "sip:\n"
			 "  listen: ['udp:[2001:db8::1]:5060', tcp:10.0.0.1:0]\n"
			 "  domain: meet.example.org\n"
			 "  users:\n"
			 "    - name: room1\n"
			 "      password: \"p: w\"\n"
			 "    - {password: x, name: room2}\n"
			 "  allow: [10.0.0.0/8, '2001:db8::/32', 192.0.2.7]\n"
			 "  proxy: sip:proxy.example.org;lr\n"
			 "  auth_user: mcu\n"
			 "  auth_password: pw\n"
			 "media: {ports: 30000-30003, address: 192.0.2.1, srtp: required}\n"
			 "video: {size: 640x360, fps: 25, bitrate: 1.5M, encoder: x264}\n"
			 "call:\n"
			 "record: {auto: true, name: 'x{call}{time}'}\n"
			 "log: {level: debug}\n");

	g_assert_cmpstr(c->http.listen, ==, "[::1]:80");
	g_assert_cmpstr(c->sip.listen[0], ==, "udp:[2001:db8::1]:5060");
	g_assert_null(c->sip.listen[2]);
	g_assert_cmpuint(c->sip.n_users, ==, 2);
	g_assert_cmpstr(c->sip.users[0].password, ==, "p: w");
	g_assert_cmpstr(c->sip.users[1].name, ==, "room2");
	g_assert_cmpuint(g_strv_length(c->sip.allow), ==, 3);
	g_assert_cmpuint(c->media.port_max, ==, 30003);
	g_assert_cmpuint(c->video.width, ==, 640);
	g_assert_cmpuint(c->video.bitrate_bps, ==, 1500000);
	g_assert_true(c->record.auto_start);
	g_assert_cmpint(c->log.level, ==, MCU_LOG_DEBUG);
}

/* The file in the tree is what the table says, and means the defaults. */
static void test_file_is_generated(void)
{
	g_autofree char *want = mcu_conf_write_defaults(), *have = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(McuConf) conf = parse_ok(want), dflt = mcu_conf_new();

	g_file_get_contents("config/mcu.yaml", &have, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(have, ==, want);
	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		const McuOption *o = &mcu_conf_options[i];
		g_autofree char *line = g_strdup_printf("\n  %s:", strchr(o->key, '.') + 1);

		g_assert_true(mcu_opt_equal(o, conf, dflt));
		g_assert_nonnull(strstr(want, line));
	}
}

static void test_shipped_files(void)
{
	static const char *const files[] = { "config/mcu.yaml", "config/demo.yaml" };

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(McuConf) conf = NULL;
		McuDiag diag = { 0 };

		if (mcu_conf_load(files[i], &conf, &diag) < 0)
			g_error("%s", mcu_diag_str(&diag));
	}
}

static const struct {
	const char *yaml;
	const char *error; /* what it begins with */
} errors[] = {
	/* keys */
	{ "sip:\n  lisen: []\n", "t.yaml:2:3: unknown option sip.lisen; did you mean sip.listen?" },
	{ "http:\n  zzzzzzzzzz: 1\n", "t.yaml:2:3: unknown option http.zzzzzzzzzz; config/" },
	{ "sipp: {}\n", "t.yaml:1:1: unknown section \"sipp\", expected one of http, sip, media" },
	{ "sip: {}\nhttp: {}\nsip: {}\n", "t.yaml:3:1: section sip is given twice" },
	{ "log:\n  level: info\n  level: info\n",
	  "t.yaml:3:3: log.level is given twice, first at line 2" },
	{ "[a]: b\n", "t.yaml:1:1: found a list or mapping, expected a name" },
	/* types */
	{ "- a\n", "t.yaml:1:1: found a list, expected a mapping of sections" },
	{ "text\n", "t.yaml:1:1: found text, expected a mapping of sections" },
	{ "sip: 5\n", "t.yaml:1:6: sip: found \"5\", expected a mapping of options" },
	{ "sip: [a]\n", "t.yaml:1:6: sip: found a list, expected a mapping of options" },
	{ "sip:\n  listen: udp:1.2.3.4:5\n",
	  "t.yaml:2:11: sip.listen: found \"udp:1.2.3.4:5\", expected a list" },
	{ "sip:\n  listen: []\n", "t.yaml:2:11: sip.listen: found an empty list, expected udp:" },
	{ "sip:\n  listen: [[a]]\n",
	  "t.yaml:2:12: sip.listen: found a list, expected a list, each" },
	{ "video:\n  fps: [30]\n",
	  "t.yaml:2:8: video.fps: found a list, expected a whole number from 1" },
	{ "video:\n  fps: {a: b}\n", "t.yaml:2:8: video.fps: found a mapping, expected a whole" },
	{ "video:\n  fps:\n", "t.yaml:2:7: video.fps: found nothing, expected a whole number" },
	{ "video:\n  fps: '30'\n",
	  "t.yaml:2:8: video.fps: found text in quotes, expected a whole" },
	{ "video:\n  fps: 30.5\n",
	  "t.yaml:2:8: video.fps: found \"30.5\", expected a whole number" },
	{ "call:\n  auto_create: yes\n",
	  "t.yaml:2:16: call.auto_create: found \"yes\", expected true or false" },
	{ "log:\n  level: loud\n",
	  "t.yaml:2:10: log.level: found \"loud\", expected one of error, w" },
	{ "media:\n  srtp: maybe\n",
	  "t.yaml:2:9: media.srtp: found \"maybe\", expected one of off, o" },
	/* ranges */
	{ "video: {fps: 0}\n",
	  "t.yaml:1:14: video.fps: found \"0\", expected a whole number from 1 to 60" },
	{ "video: {fps: 61}\n", "t.yaml:1:14: video.fps: found \"61\"" },
	{ "video: {fps: -1}\n", "t.yaml:1:14: video.fps: found \"-1\"" },
	{ "video: {fps: 99999999999999999999}\n", "t.yaml:1:14: video.fps: found \"99999" },
	{ "video: {bitrate: 1}\n",
	  "t.yaml:1:18: video.bitrate: found \"1\", expected a number from" },
	{ "video: {bitrate: 1.0000001k}\n", "t.yaml:1:18: video.bitrate: found" },
	{ "video: {bitrate: 1.5}\n", "t.yaml:1:18: video.bitrate: found" },
	{ "video: {bitrate: 900G}\n", "t.yaml:1:18: video.bitrate: found" },
	{ "video: {bitrate: 99999999999999999999M}\n", "t.yaml:1:18: video.bitrate: found" },
	{ "video: {size: 1281x720}\n",
	  "t.yaml:1:15: video.size: found \"1281x720\", expected WIDTHxHEIGHT" },
	{ "video: {size: 1280*720}\n", "t.yaml:1:15: video.size: found" },
	{ "video: {size: 158x90}\n", "t.yaml:1:15: video.size: found" },
	{ "video: {size: 3842x2160}\n", "t.yaml:1:15: video.size: found" },
	{ "media: {ports: 20000}\n",
	  "t.yaml:1:16: media.ports: found \"20000\", expected FIRST-LAST" },
	{ "media: {ports: 20010-20000}\n", "t.yaml:1:16: media.ports: found" },
	{ "media: {ports: 20000-20002}\n", "t.yaml:1:16: media.ports: found" },
	{ "media: {ports: 80-20000}\n", "t.yaml:1:16: media.ports: found" },
	{ "media: {ports: 60000-70000}\n", "t.yaml:1:16: media.ports: found" },
	/* addresses and names */
	{ "http: {listen: localhost:80}\n",
	  "t.yaml:1:16: http.listen: found \"localhost:80\" (\"localhost\" is no IP" },
	{ "http: {listen: 127.0.0.1}\n",
	  "t.yaml:1:16: http.listen: found \"127.0.0.1\" (there is no port)" },
	{ "http: {listen: 127.0.0.1:65536}\n", "t.yaml:1:16: http.listen: found" },
	{ "http: {listen: '::1:80'}\n",
	  "t.yaml:1:16: http.listen: found \"::1:80\" (an IPv6 address, and" },
	{ "http: {listen: ''}\n",
	  "t.yaml:1:16: http.listen: found nothing, expected ADDRESS:PORT" },
	{ "sip: {listen: [tls:1.2.3.4:5]}\n",
	  "t.yaml:1:16: sip.listen: found \"tls:1.2.3.4:5\" (it does not begin" },
	{ "sip: {allow: [10.0.0.1/8]}\n", "t.yaml:1:15: sip.allow: found \"10.0.0.1/8\" (" },
	{ "sip: {allow: [10.0.0.0/33]}\n", "t.yaml:1:15: sip.allow: found" },
	{ "sip: {proxy: example.org}\n",
	  "t.yaml:1:14: sip.proxy: found \"example.org\" (it does not" },
	{ "sip: {domain: a/b}\n", "t.yaml:1:15: sip.domain: found \"a/b\"" },
	{ "media: {address: 0.0.0.0}\n",
	  "t.yaml:1:18: media.address: found \"0.0.0.0\" (peers cannot" },
	{ "call: {layout: ../x}\n", "t.yaml:1:16: call.layout: found \"../x\"" },
	{ "record: {name: a/b}\n", "t.yaml:1:16: record.name: found \"a/b\"" },
	{ "record: {name: '{user}'}\n",
	  "t.yaml:1:16: record.name: found \"{user}\" (\"{user}\" is none of" },
	/* users */
	{ "sip: {users: [a]}\n", "t.yaml:1:15: sip.users: expected a list, each entry a mapping" },
	{ "sip: {users: [{name: a}]}\n", "t.yaml:1:15: sip.users: there is no password" },
	{ "sip: {users: [{name: a, pass: b}]}\n",
	  "t.yaml:1:25: sip.users: found \"pass\", expected name" },
	{ "sip: {users: [{name: a, name: b}]}\n", "t.yaml:1:25: sip.users: name is given twice" },
	{ "sip: {users: [{name: a, password: ''}]}\n",
	  "t.yaml:1:35: sip.users: expected a password as text" },
	{ "sip: {users: [{name: a, password: b}, {name: a, password: c}]}\n",
	  "t.yaml:1:39: sip.users: user \"a\" is listed twice" },
	/* what belongs together */
	{ "http:\n  listen: 0.0.0.0:80\n",
	  "t.yaml:2:11: http.listen: found \"0.0.0.0:80\" without http.token, expected a token" },
	{ "media: {jitter_min: 300}\n",
	  "t.yaml:1:21: media.jitter_min: found 300, expected at most" },
	{ "sip: {auth_password: x}\n", "t.yaml:1:22: sip.auth_password: found no sip.auth_user" },
	/* YAML itself */
	{ "sip: {allow: [\n", "t.yaml:2:1: not valid YAML: " },
	{ "sip:\n\t- x\n", "t.yaml:2:1: not valid YAML: " },
	{ "\xff\xfe\xfd", "t.yaml" },
	{ "a: \"\\0\"\n", "t.yaml:1:1: unknown section" },
	{ "call: {layout_dir: \"a\\0b\"}\n", "t.yaml:1:20: found a control character" },
	{ "call: {layout_dir: \"a\\nb\"}\n", "t.yaml:1:20: found a control character" },
	{ "sip: &a {}\n", "t.yaml:1:6: found an anchor or alias" },
	{ "sip: *a\n", "t.yaml:1:6: found an anchor or alias" },
	{ "sip: !!map {}\n", "t.yaml:1:6: found a tag" },
	{ "sip: {}\n---\nsip: {}\n", "t.yaml:2:1: found a second document" },
};

static void test_errors(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		McuConf *conf = NULL;
		McuDiag diag = { 0 };
		int r = mcu_conf_parse(errors[i].yaml, strlen(errors[i].yaml), "t.yaml", &conf,
				       &diag);
		g_autofree char *text = mcu_diag_str(&diag);

		if (r != -EINVAL || !g_str_has_prefix(text, errors[i].error))
			g_error("%s\n  gave    %s\n  expected %s", errors[i].yaml, text,
				errors[i].error);
		g_assert_null(conf);
		g_assert_cmpint(
			mcu_conf_parse(errors[i].yaml, strlen(errors[i].yaml), "t", &conf, NULL),
			==, -EINVAL);
	}
}

static void test_secrets_stay_out_of_errors(void)
{
	static const char *const texts[] = {
		"http: {token: hush}\n",
		"http: {token: 'hush hush hush'}\n",
		"sip: {users: [hush]}\n",
		"sip: {auth_password: [hush]}\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		McuConf *conf = NULL;
		McuDiag diag = { 0 };

		g_assert_cmpint(mcu_conf_parse(texts[i], strlen(texts[i]), "t", &conf, &diag), ==,
				-EINVAL);
		g_assert_null(strstr(diag.text, "hush"));
	}
}

static void test_limits(void)
{
	g_autofree char *big = g_strnfill(MCU_MAX_CONF_BYTES + 1, ' ');
	g_autofree char *deep = g_strnfill(10000, '[');
	g_autofree char *value = g_strnfill(MCU_MAX_CONF_TEXT + 1, 'x');
	g_autofree char *longest = g_strdup_printf("call: {layout_dir: %s}\n", value);
	GString *list = g_string_new("sip:\n  allow:\n");
	McuConf *conf = NULL;
	McuDiag diag = { 0 };

	g_assert_cmpint(mcu_conf_parse(big, strlen(big), "t", &conf, &diag), ==, -EINVAL);
	g_assert_cmpint(mcu_conf_parse(deep, strlen(deep), "t", &conf, &diag), ==, -EINVAL);
	g_assert_cmpint(mcu_conf_parse(longest, strlen(longest), "t", &conf, &diag), ==, -EINVAL);
	for (int i = 0; i < MCU_MAX_CONF_LIST; i++)
		g_string_append(list, "    - 10.0.0.1\n");
	mcu_conf_free(parse_ok(list->str));
	g_string_append(list, "    - 10.0.0.1\n");
	g_assert_cmpint(mcu_conf_parse(list->str, list->len, "t", &conf, &diag), ==, -EINVAL);
	g_assert_nonnull(strstr(diag.text, "at most 256 entries"));
	g_string_free(list, TRUE);
}

/* For every number: both ends of the range are taken, one beyond is refused. */
static void test_ranges_of_the_table(void)
{
	g_autoptr(McuConf) c = mcu_conf_new();

	for (size_t i = 0; i < mcu_conf_n_options; i++) {
		const McuOption *o = &mcu_conf_options[i];
		McuDiag diag = { 0 };

		if (o->type != MCU_OPT_UINT && o->type != MCU_OPT_BITRATE)
			continue;
		const gint64 values[] = { o->min, o->max, (gint64)o->min - 1, (gint64)o->max + 1 };
		for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
			g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, values[v]);
			int want = v < 2 ? 0 : -EINVAL;

			g_assert_cmpint(mcu_opt_set(o, c, text, &diag), ==, want);
			if (want == 0)
				g_assert_cmpuint(*(unsigned *)((char *)c + o->at), ==, values[v]);
		}
	}
}

static void test_bitrate_forms(void)
{
	static const struct {
		const char *text;
		unsigned want;
	} forms[] = { { "1500000", 1500000 },   { "1500k", 1500000 }, { "1.5M", 1500000 },
		      { "64k", 64000 },         { "0.064M", 64000 },  { "50M", 50000000 },
		      { "1.234567M", 1234567 }, { "128.5k", 128500 } };

	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *yaml = g_strdup_printf("video: {bitrate: %s}\n", forms[i].text);
		g_autoptr(McuConf) c = parse_ok(yaml);

		g_assert_cmpuint(c->video.bitrate_bps, ==, forms[i].want);
	}
}

static void test_needs_restart(void)
{
	g_autoptr(McuConf) a = parse_ok("");
	g_autoptr(McuConf) b = parse_ok("sip: {listen: [udp:0.0.0.0:5061], allow: [10.0.0.0/8]}\n"
					"video: {fps: 15}\nhttp: {token: long-enough}\n");
	g_auto(GStrv) keys = mcu_conf_needs_restart(a, b), none = mcu_conf_needs_restart(a, a);

	g_assert_cmpuint(g_strv_length(keys), ==, 1);
	g_assert_cmpstr(keys[0], ==, "sip.listen");
	g_assert_null(none[0]);
}

static void test_split_listen(void)
{
	g_autofree char *host = NULL, *host6 = NULL;
	unsigned port = 0;
	bool tcp = false;

	g_assert_cmpint(mcu_conf_split_listen("tcp:[::1]:5061", &tcp, &host6, &port, NULL), ==, 0);
	g_assert_cmpstr(host6, ==, "::1");
	g_assert_cmpuint(port, ==, 5061);
	g_assert_true(tcp);
	g_assert_cmpint(mcu_conf_split_listen("127.0.0.1:80", NULL, &host, &port, NULL), ==, 0);
	g_assert_cmpstr(host, ==, "127.0.0.1");
	g_assert_cmpuint(port, ==, 80);
}

static void test_load(void)
{
	McuConf *conf = NULL;
	McuDiag diag = { 0 };

	g_assert_cmpint(mcu_conf_load("/nonexistent/mcu.yaml", &conf, &diag), ==, -ENOENT);
	g_autofree char *text = mcu_diag_str(&diag);
	g_assert_cmpstr(text, ==, "/nonexistent/mcu.yaml: cannot open: No such file or directory");
	g_assert_cmpint(mcu_conf_load("/", &conf, &diag), ==, -EIO);
	g_assert_cmpint(mcu_conf_load("/dev/zero", &conf, &diag), ==, -EINVAL);
	g_assert_null(conf);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/conf/defaults", test_defaults);
	g_test_add_func("/conf/everything-set", test_everything_set);
	g_test_add_func("/conf/file-is-generated", test_file_is_generated);
	g_test_add_func("/conf/shipped-files", test_shipped_files);
	g_test_add_func("/conf/errors", test_errors);
	g_test_add_func("/conf/secrets", test_secrets_stay_out_of_errors);
	g_test_add_func("/conf/limits", test_limits);
	g_test_add_func("/conf/ranges", test_ranges_of_the_table);
	g_test_add_func("/conf/bitrate", test_bitrate_forms);
	g_test_add_func("/conf/needs-restart", test_needs_restart);
	g_test_add_func("/conf/split-listen", test_split_listen);
	g_test_add_func("/conf/load", test_load);
	return g_test_run();
}
