/* mcud: options, signals, start and stop order, systemd. The rest is daemon.c. */
#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/sip_glue.h"
#include "http/server.h"

/** SIGTERM to exit, whatever hangs: under the 5 s that are promised. */
#define DRAIN_DEADLINE_MS 4000
/** Of that, for BYEs to be answered once all calls are closed. */
#define BYE_DEADLINE_MS 1000

#define MAX_LAST_ITERATIONS 1000

typedef struct Options {
	char *config;
	gboolean check, write_defaults, version;
} Options;

typedef struct Program {
	Options options;
	GMainLoop *loop;
	McuDaemon *daemon;
	McuSip *sip;
	McuHttpServer *http;
	char *worker; /* program; a reload does not change it */
	bool stopping;
	bool sip_down;
} Program;

static int parse_options(int argc, char **argv, Options *o)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &o->config, "Configuration file",
		  "FILE" },
		{ "check", 0, 0, G_OPTION_ARG_NONE, &o->check,
		  "Validate the configuration file and exit", NULL },
		{ "write-defaults", 0, 0, G_OPTION_ARG_NONE, &o->write_defaults,
		  "Print a configuration file with every option and exit", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version and exit",
		  NULL },
		{ 0 },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- Tessera control daemon");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "mcud: %s\n", error->message);
		return -EINVAL;
	}
	if (argc > 1) {
		fprintf(stderr, "mcud: unexpected argument \"%s\"\n", argv[1]);
		return -EINVAL;
	}
	return 0;
}

static int load_conf(const char *path, McuConf **ret)
{
	McuDiag diag = { 0 };
	int r;

	if (!path) {
		fprintf(stderr, "mcud: no configuration file: expected -c FILE, for example -c "
				MCU_SYSCONFDIR "/tessera/mcu.yaml\n");
		return -ENOENT;
	}
	r = mcu_conf_load(path, ret, &diag);
	if (r < 0) {
		g_autofree char *text = mcu_diag_str(&diag);

		fprintf(stderr, "%s\n", text);
	}
	return r;
}

/* --- stopping: calls, then SIP, then the loop; each step has its deadline --- */

static gboolean quit(gpointer p)
{
	Program *pr = p;

	g_main_loop_quit(pr->loop);
	return G_SOURCE_REMOVE;
}

static void on_sip_down(void *p)
{
	Program *pr = p;

	pr->sip_down = true;
	quit(pr);
}

static void on_drained(void *p)
{
	Program *pr = p;

	mcu_sip_shutdown(pr->sip, on_sip_down, pr);
	g_timeout_add(BYE_DEADLINE_MS, quit, pr);
}

static gboolean on_deadline(gpointer p)
{
	Program *pr = p;

	mcu_warning(NULL, "not everything ended in time; leaving");
	quit(pr);
	return G_SOURCE_REMOVE;
}

static gboolean on_terminate(gpointer p)
{
	Program *pr = p;

	if (pr->stopping)
		return G_SOURCE_CONTINUE;
	pr->stopping = true;
	mcu_info(NULL, "stopping");
	sd_notify(0, "STOPPING=1\nSTATUS=Ending the calls");
	g_timeout_add(DRAIN_DEADLINE_MS, on_deadline, pr);
	mcu_daemon_drain(pr->daemon, on_drained, pr);
	return G_SOURCE_CONTINUE;
}

/* --- reloading --- */

static void warn_of_restart(const McuConf *old_conf, const McuConf *new_conf)
{
	g_auto(GStrv) names = mcu_conf_needs_restart(old_conf, new_conf);

	for (size_t i = 0; names && names[i]; i++)
		mcu_warning(NULL, "%s takes effect after a restart only", names[i]);
}

static void reload(Program *pr)
{
	McuConf *conf = NULL;
	McuDiag diag = { 0 };
	int r = mcu_conf_load(pr->options.config, &conf, &diag);

	if (r == 0) {
		warn_of_restart(mcu_daemon_conf(pr->daemon), conf);
		r = mcu_daemon_reconfigure(pr->daemon, conf, &diag);
	}
	if (r < 0) {
		g_autofree char *text = mcu_diag_str(&diag);

		mcu_error(NULL, "the old configuration stays: %s", text);
		return;
	}
	conf = NULL;
	mcu_log_setup("mcud", mcu_daemon_conf(pr->daemon)->log.level);
	mcu_sip_reconfigure(pr->sip, mcu_daemon_conf(pr->daemon));
	mcu_http_server_reload(pr->http, mcu_daemon_conf(pr->daemon));
	mcu_info(NULL, "configuration reloaded");
}

static gboolean on_hangup(gpointer p)
{
	const Program *pr = p;
	g_autofree char *state = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
						 g_get_monotonic_time());

	if (pr->stopping)
		return G_SOURCE_CONTINUE;
	sd_notify(0, state);
	reload(p);
	sd_notify(0, "READY=1");
	return G_SOURCE_CONTINUE;
}

static gboolean on_watchdog(gpointer p)
{
	(void)p;
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

/* --- starting --- */

static int start(Program *pr, McuConf *conf)
{
	McuDaemonParams params = {
		.conf = conf,
		.spawn = mcu_worker_spawn_program,
		.spawn_data = pr->worker = g_strdup(conf->worker.path),
		.sip = &mcu_sip_signal,
	};
	McuDiag diag = { 0 };
	int r = mcu_daemon_new(&params, &pr->daemon, &diag);

	if (r == 0)
		r = mcu_sip_new(conf, &mcu_sip_daemon_events, pr->daemon, &pr->sip, &diag);
	if (r == 0) {
		mcu_daemon_set_sip_data(pr->daemon, pr->sip);
		r = mcu_http_server_new(pr->daemon, conf, &pr->http, &diag);
	}
	if (r < 0) {
		g_autofree char *text = mcu_diag_str(&diag);

		mcu_error(NULL, "%s", text);
	}
	return r;
}

static void run(Program *pr)
{
	uint64_t watchdog_us = 0;

	pr->loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, on_terminate, pr);
	g_unix_signal_add(SIGINT, on_terminate, pr);
	g_unix_signal_add(SIGHUP, on_hangup, pr);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		g_timeout_add((guint)(watchdog_us / 2000), on_watchdog, NULL);
	mcu_info(NULL, "ready; HTTP at %s", mcu_http_server_url(pr->http));
	sd_notify(0, "READY=1\nSTATUS=Admitting calls");
	g_main_loop_run(pr->loop);
	mcu_daemon_kill(pr->daemon);
}

static void stop(Program *pr)
{
	mcu_http_server_free(pr->http);
	mcu_daemon_free(pr->daemon);
	if (pr->sip_down) /* a stack that still waits for answers is left to the exit */
		mcu_sip_free(pr->sip);
	/* let the replies of what was cancelled find their way */
	for (int i = 0; i < MAX_LAST_ITERATIONS && g_main_context_iteration(NULL, FALSE); i++)
		;
	g_clear_pointer(&pr->loop, g_main_loop_unref);
	g_free(pr->worker);
}

int main(int argc, char **argv)
{
	Program pr = { 0 };
	McuConf *conf = NULL;
	int r;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (parse_options(argc, argv, &pr.options) < 0)
		return 2;
	if (pr.options.version) {
		printf("mcud %s\n", MCU_VERSION);
		return EXIT_SUCCESS;
	}
	if (pr.options.write_defaults) {
		g_autofree char *text = mcu_conf_write_defaults();

		fputs(text, stdout);
		return EXIT_SUCCESS;
	}
	r = load_conf(pr.options.config, &conf);
	if (r == 0 && pr.options.check) {
		mcu_conf_free(conf);
		conf = NULL;
	} else if (r == 0) {
		mcu_log_setup("mcud", conf->log.level);
		r = start(&pr, conf);
		if (r == 0)
			run(&pr);
		stop(&pr);
	}
	g_free(pr.options.config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
