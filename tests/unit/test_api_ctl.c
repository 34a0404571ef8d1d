/* Both sides of the API: every command of mcuctl against the real server and a daemon that is made
 * up. */
#include <unistd.h>

#include "ctl/ctl_priv.h"
#include "fake_control.h"
#include "http/server.h"

#define TOKEN "a-long-secret"

typedef struct Fixture {
	McuDaemon *daemon;
	McuHttpServer *server;
	char *url;
	unsigned turns;
} Fixture;

typedef struct Run {
	int argc;
	char *argv[12];
	char *out, *err;
	size_t out_len, err_len;
	McuCtlExit exit;
	gint done;
} Run;

static void setup(Fixture *f, gconstpointer token)
{
	f->daemon = fake_new();
	f->daemon->later = TRUE;
	f->server = fake_server(f->daemon, token);
	f->url = g_strdup(mcu_http_server_url(f->server));
}

static void teardown(Fixture *f, gconstpointer token)
{
	(void)token;
	mcu_http_server_free(f->server);
	fake_free(f->daemon);
	g_free(f->url);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void *run_thread(void *data)
{
	Run *r = data;
	FILE *out = open_memstream(&r->out, &r->out_len),
	     *err = open_memstream(&r->err, &r->err_len);

	r->exit = mcu_ctl_run(r->argc, r->argv, out, err);
	fclose(out);
	fclose(err);
	g_atomic_int_set(&r->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void run_clear(Run *r)
{
	free(r->out);
	free(r->err);
	for (int i = 0; i < r->argc; i++)
		g_free(r->argv[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* `line`: arguments separated by '|'. `each` runs in the meantime. */
static Run run_with(const char *url, const char *line, void (*each)(void *), void *data)
{
	g_auto(GStrv) words = g_strsplit(line, "|", -1);
	Run r = { .argc = 3 };

	r.argv[0] = g_strdup("mcuctl");
	r.argv[1] = g_strdup("--url");
	r.argv[2] = g_strdup(url);
	for (char **w = words; *w; w++) {
		g_assert_cmpint(r.argc, <, 11);
		r.argv[r.argc++] = g_strdup(*w);
	}
	GThread *thread = g_thread_new("mcuctl", run_thread, &r);
	while (!g_atomic_int_get(&r.done)) {
		if (each)
			each(data);
		g_main_context_iteration(NULL, !each);
	}
	g_thread_join(thread);
	return r;
}

static Run run(Fixture *f, const char *line)
{
	return run_with(f->url, line, NULL, NULL);
}

static const struct {
	const char *line, *asked, *out;
} commands[] = {
	{ "create|new|--layout|1+5|--record", "create new - {", "new\n" },
	{ "create|new", "create new - {}", "new\n" },
	{ "end|demo", "delete demo - ", "" },
	{ "layout|demo|speaker", "layout demo - {'name': <'speaker'>}", "" },
	{ "mute|demo|p1", "update demo p1 {'muted': <true>}", "" },
	{ "mute|demo|Salle Monge", "update demo p1 {'muted': <true>}", "" },
	{ "unmute|demo|Zürich \"West\"", "update demo p2 {'muted': <false>}", "" },
	{ "camera|demo|p1|off", "update demo p1 {'camera-off': <true>}", "" },
	{ "camera|demo|p1|on", "update demo p1 {'camera-off': <false>}", "" },
	{ "hold|demo|p1", "update demo p1 {'held': <true>}", "" },
	{ "resume|demo|p1", "update demo p1 {'held': <false>}", "" },
	{ "rename|demo|p1|A & B", "update demo p1 {'name': <'A & B'>}", "" },
	{ "rename|demo|--|p1|--odd", "update demo p1 {'name': <'--odd'>}", "" },
	{ "kick|demo|p2", "kick demo p2 ", "" },
	{ "dial|demo|sip:a@b;x=y|--name=A", "dial demo sip:a@b;x=y {'name': <'A'>}", "p3\n" },
	{ "record|demo|start", "record demo - ", "/rec/demo.mp4\n" },
	{ "record|demo|stop", "stop demo - ", "" },
	{ "snapshot|demo", "snapshot demo 0x0 ", "\xff\xd8 jpeg" },
	{ "snapshot|demo|--width|640|--height|360", "snapshot demo 640x360 ", "\xff\xd8 jpeg" },
	{ "calls", "list - - ",
	  "CALL  STATE    PARTICIPANTS  LAYOUT  RECORDING  CREATED\n"
	  "demo  running             2  auto    no         2026-01-31T12:00:00Z\n" },
	{ "show|demo", "get demo - ",
	  "call demo: running, layout auto, not recorded, 2 participants, since "
	  "2026-01-31T12:00:00Z\n"
	  "ID  NAME           STATE      DIR  MARKS  JOINED                URI\n"
	  "p1  Salle Monge    connected  in   -      2026-01-31T12:00:00Z  sip:room@host\n"
	  "p2  Zürich \"West\"  connected  in   -      2026-01-31T12:00:00Z  sip:room@host\n" },
	{ "stats|demo", "stats demo - ",
	  "cpu-s: 3.25\nrss-bytes: 123456789\nuptime-s: 12.5\nparticipants 1:\n  id: \"p1\"\n" },
	{ "--json|record|demo|start", "record demo - ", "{\"path\":\"/rec/demo.mp4\"}\n" },
	{ "calls|--json", "list - - ", "[{\"id\":\"demo\"" },
	{ "top|--once", "stats demo - ",
	  "1 calls, 2 participants, 0 % of a core\n"
	  "CALL  PART  LAYOUT  REC  CPU%   MB  FPS  SKIPPED  IN kbit/s  OUT kbit/s  LOSS%\n"
	  "demo     2  auto    no      0  123   30        2          0           0    0.0\n" },
};

static void test_commands(Fixture *f, gconstpointer data)
{
	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_auto(Run) r = run(f, commands[i].line);
		size_t len = strlen(commands[i].out);
		bool prefix =
			strstr(commands[i].line, "stats") || strstr(commands[i].line, "calls|");

		if (r.exit != MCU_CTL_OK || *r.err ||
		    (prefix ? r.out_len < len : r.out_len != len) ||
		    memcmp(r.out, commands[i].out, len) != 0)
			g_error("%s: exit %d, said %s, printed\n%s", commands[i].line, r.exit,
				r.err, r.out);
		if (!g_str_has_prefix(f->daemon->asked, commands[i].asked))
			g_error("%s asked for %s", commands[i].line, f->daemon->asked);
	}
}

static void test_all_commands_tested(void)
{
	for (size_t c = 0; c < mcu_ctl_n_commands; c++) {
		bool found = strcmp(mcu_ctl_commands[c].name, "events") == 0;

		for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
			g_auto(GStrv) words = g_strsplit(commands[i].line, "|", -1);
			found = found || g_strv_contains((const char *const *)words,
							 mcu_ctl_commands[c].name);
		}
		if (!found)
			g_error("no test of %s", mcu_ctl_commands[c].name);
	}
}

static const struct {
	const char *line;
	McuCtlExit exit;
	const char *err; /* part of it */
} failures[] = {
	{ "", MCU_CTL_USAGE, "usage: mcuctl [--url URL]" },
	{ "frobnicate", MCU_CTL_USAGE, "there is no command \"frobnicate\"" },
	{ "calls|extra", MCU_CTL_USAGE, "usage: mcuctl calls" },
	{ "show", MCU_CTL_USAGE, "usage: mcuctl show CALL" },
	{ "rename|a|b|c|d", MCU_CTL_USAGE, "one argument too many" },
	{ "show|", MCU_CTL_USAGE, "an argument is empty" },
	{ "calls|--frob", MCU_CTL_USAGE, "there is no option \"--frob\"" },
	{ "calls|--width|5", MCU_CTL_USAGE, "does not take the option \"width\"" },
	{ "calls|--json=1", MCU_CTL_USAGE, "no value is expected" },
	{ "snapshot|demo|--width", MCU_CTL_USAGE, "a value is missing" },
	{ "camera|demo|p1|maybe", MCU_CTL_USAGE, "found \"maybe\", expected on or off" },
	{ "record|demo|pause", MCU_CTL_USAGE, "found \"pause\", expected start or stop" },
	{ "events|--count|x", MCU_CTL_USAGE, "found \"x\", expected a number of events" },
	{ "calls|--url|nonsense", MCU_CTL_USAGE, "\"nonsense\" is no URL" },
	{ "show|other", MCU_CTL_REFUSED, "mcuctl: there is no such call (404)" },
	{ "create|demo", MCU_CTL_REFUSED, "mcuctl: call demo exists (409)" },
	{ "create|a b", MCU_CTL_REFUSED, "(400)" },
	{ "mute|demo|nobody", MCU_CTL_REFUSED, "call demo has no participant \"nobody\"" },
	{ "layout|demo|grid|--focus|nobody", MCU_CTL_REFUSED, "no participant \"nobody\"" },
	{ "snapshot|demo|--width|0", MCU_CTL_REFUSED, "width: expected a number" },
	{ "stats|..%2f..", MCU_CTL_REFUSED, "(404)" },
	{ "calls|--url|http://127.0.0.1:1", MCU_CTL_NOT_CONNECTED,
	  "no answer from http://127.0.0.1:1" },
	{ "events|--url|http://127.0.0.1:1", MCU_CTL_NOT_CONNECTED, "no answer from" },
	{ "top|--once|--url|http://127.0.0.1:1", MCU_CTL_NOT_CONNECTED, "no answer from" },
};

static void test_failures(Fixture *f, gconstpointer data)
{
	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
		g_auto(Run) r = run(f, failures[i].line);

		if (r.exit != failures[i].exit || !strstr(r.err, failures[i].err) || *r.out)
			g_error("%s: exit %d, said %s, printed %s", failures[i].line, r.exit, r.err,
				r.out);
	}
}

static void test_token(Fixture *f, gconstpointer token)
{
	g_auto(Run) without = run(f, "calls"), wrong = run(f, "calls|--token|something-else");
	g_autofree char *line = g_strdup_printf("calls|--token|%s", (const char *)token);
	g_auto(Run) with = run(f, line), events = run(f, "events");

	g_assert_cmpint(without.exit, ==, MCU_CTL_REFUSED);
	g_assert_nonnull(strstr(without.err, "a Bearer token is asked for (401)"));
	g_assert_cmpint(wrong.exit, ==, MCU_CTL_REFUSED);
	g_assert_cmpint(events.exit, ==, MCU_CTL_REFUSED);
	g_assert_cmpint(with.exit, ==, MCU_CTL_OK);
	g_setenv("MCU_TOKEN", token, TRUE);
	g_setenv("MCU_URL", f->url, TRUE);
	g_auto(Run) env = run(f, "calls");
	g_assert_cmpint(env.exit, ==, MCU_CTL_OK);
	g_auto(Run) env_url = run_with("", "calls", NULL, NULL);
	g_assert_cmpint(env_url.exit, ==, MCU_CTL_OK);
	g_unsetenv("MCU_TOKEN");
	g_unsetenv("MCU_URL");
}

static void send_event(void *data)
{
	Fixture *f = data;

	fake_event(f->daemon, "participant-joined",
		   g_variant_new_parsed("{'call': <'demo'>, 'name': <'a\\u001b[2Jb'>, 'n': <3>}"));
	g_usleep(1000);
}

static void test_events(Fixture *f, gconstpointer data)
{
	(void)data;
	g_auto(Run) r = run_with(f->url, "events|--count|2", send_event, f);
	g_assert_cmpint(r.exit, ==, MCU_CTL_OK);
	g_auto(GStrv) lines = g_strsplit(r.out, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 3);
	g_assert_nonnull(strstr(lines[1],
				"Z  participant-joined   call=\"demo\" name=\"a\\u001b[2Jb\""
				" n=3"));
	g_auto(Run) json = run_with(f->url, "events|--json|--count|1", send_event, f);
	g_assert_true(g_str_has_prefix(json.out, "{\"type\":\"participant-joined\",\"time\":"));
}

static void end_server(void *data)
{
	Fixture *f = data;

	/* time to subscribe */
	if (++f->turns == 200)
		g_clear_pointer(&f->server, mcu_http_server_free);
	g_usleep(1000);
}

static void test_events_end(Fixture *f, gconstpointer data)
{
	(void)data;
	g_auto(Run) r = run_with(f->url, "events", end_server, f);
	g_assert_cmpint(r.exit, ==, MCU_CTL_NOT_CONNECTED);
	g_assert_cmpstr(r.err, ==, "mcuctl: the server closed the connection\n");
}

static void test_help(Fixture *f, gconstpointer data)
{
	g_auto(Run) help = run(f, "--help"), version = run(f, "version"), two = run(f, "--version");

	(void)data;
	g_assert_cmpint(help.exit, ==, MCU_CTL_OK);
	for (size_t i = 0; i < mcu_ctl_n_commands; i++)
		g_assert_nonnull(strstr(help.out, mcu_ctl_commands[i].help));
	g_assert_cmpstr(version.out, ==, "mcuctl " MCU_VERSION "\n");
	g_assert_cmpstr(two.out, ==, version.out);
	char *argv[] = { (char *)"mcuctl" };
	g_autofree char *text = NULL;
	size_t len;
	FILE *err = open_memstream(&text, &len);
	g_assert_cmpint(mcu_ctl_run(1, argv, stdout, err), ==, MCU_CTL_USAGE);
	fclose(err);
	g_assert_true(g_str_has_prefix(text, "usage: mcuctl"));
}

static void test_table(void)
{
	g_autoptr(McuCtlTable) t = mcu_ctl_table_new("NAME|>N|LAST");
	g_autofree char *text = NULL, *clean = mcu_ctl_clean("a\033[31m\xff\x01");
	size_t len;
	FILE *out = open_memstream(&text, &len);

	mcu_ctl_table_add(t, "%s", "会議室");
	mcu_ctl_table_add(t, "%d", 5);
	mcu_ctl_table_add(t, "x");
	mcu_ctl_table_add(t, "e\xcc\x81");
	mcu_ctl_table_add(t, "%d", 1000);
	mcu_ctl_table_add(t, "y\033[2J");
	mcu_ctl_table_print(t, out);
	fclose(out);
	g_assert_cmpstr(
		text, ==,
		"NAME       N  LAST\n会議室     5  x\ne\xcc\x81       1000  y\xef\xbf\xbd[2J\n");
	g_assert_cmpstr(clean, ==, "a\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* wrong tokens are warned about */
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
	g_unsetenv("MCU_TOKEN");
	g_unsetenv("MCU_URL");
#define ADD(name, token, fn) g_test_add("/api/ctl/" name, Fixture, token, setup, fn, teardown)
	ADD("commands", NULL, test_commands);
	g_test_add_func("/api/ctl/all-commands-tested", test_all_commands_tested);
	ADD("failures", NULL, test_failures);
	ADD("token", TOKEN, test_token);
	ADD("events", NULL, test_events);
	ADD("events-end", NULL, test_events_end);
	ADD("help", NULL, test_help);
	g_test_add_func("/api/ctl/table", test_table);
	return g_test_run();
}
