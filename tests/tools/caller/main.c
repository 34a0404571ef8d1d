/* mcu-caller: a synthetic SIP caller. Sends a moving picture that carries a machine-readable mark,
 * and a tone; says at the end whom it saw and heard.
 *
 *   options -> phone (sofia-sip) -> media -> voice line, video line -> report
 *
 * One process is one caller; everything runs in the main loop.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "analyse.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "json.h"
#include "options.h"
#include "phone.h"
#include "report.h"

#define NICENESS (-5)

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_MEDIA = 3 };

/* A call this long must have received packets. */
#define MEDIA_GRACE_S 3.0

typedef struct Caller {
	McuCallerOptions options;
	McuReport *report;
	McuPhone *phone;
	GMainLoop *loop;
	double up_s, ended_s; /* negative = never */
	McuPhoneEnd end;
	int status;
	char *reason;
	McuTimer *timers[4];
	unsigned n_timers;
} Caller;

/* --- the report --- */

static void save_report(Caller *c)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	const McuCallerOptions *o = &c->options;

	if (!o->report)
		return;
	json_builder_begin_object(json);
	mcu_json_string(json, "name", o->name);
	mcu_json_int(json, "mark", o->mark);
	mcu_json_int(json, "tone_hz", o->tone_hz);
	mcu_json_string(json, "to", o->to);
	mcu_json_bool(json, "up", c->up_s >= 0);
	mcu_json_real(json, "up_s", c->up_s >= 0 ? c->up_s : NAN);
	mcu_json_real(json, "ended_s", c->ended_s >= 0 ? c->ended_s : NAN);
	mcu_json_string(json, "ended_by", c->end ? mcu_phone_end_name(c->end) : NULL);
	mcu_json_int(json, "status", c->status);
	mcu_json_string(json, "reason", c->reason);
	mcu_media_report(mcu_phone_media(c->phone), json);
	mcu_report_write_members(c->report, json);
	json_builder_end_object(json);
	if (mcu_report_save(json, o->report) < 0)
		fprintf(stderr, "cannot write %s\n", o->report);
	if (o->snapshot && mcu_media_snapshot(mcu_phone_media(c->phone), o->snapshot) == -EIO)
		fprintf(stderr, "cannot write %s\n", o->snapshot);
}

/* --- what happens when --- */

static gboolean on_timeline(gpointer data)
{
	Caller *c = data;
	JsonBuilder *json = mcu_report_timeline_begin(c->report);

	mcu_media_timeline(mcu_phone_media(c->phone), json);
	mcu_report_timeline_end(c->report, json);
	mcu_phone_ask_picture(c->phone);
	return G_SOURCE_CONTINUE;
}

static void on_duration_over(void *data)
{
	mcu_phone_hang_up(((Caller *)data)->phone);
}

static void on_hold(void *data)
{
	mcu_phone_hold(((Caller *)data)->phone, true);
}

static void on_resume(void *data)
{
	mcu_phone_hold(((Caller *)data)->phone, false);
}

/* As if the power had gone: not even the kernel's sockets say good-bye for us. */
static void on_vanish(void *data)
{
	Caller *c = data;

	mcu_report_log(c->report, "vanish", 0, NULL);
	c->ended_s = mcu_report_now_s(c->report);
	save_report(c);
	fflush(NULL);
	_exit(0);
}

static void after(Caller *c, double seconds, void (*fn)(void *data))
{
	McuTimer *timer;

	if (seconds <= 0)
		return;
	g_assert(c->n_timers < G_N_ELEMENTS(c->timers));
	timer = c->timers[c->n_timers++] = mcu_timer_new(fn, c);
	mcu_timer_set(timer, mcu_now_ns() + (int64_t)(seconds * 1e9));
}

static void on_up(void *data)
{
	Caller *c = data;
	const McuCallerOptions *o = &c->options;

	c->up_s = mcu_report_now_s(c->report);
	after(c, o->duration_s, on_duration_over);
	after(c, o->hold_at_s, on_hold);
	if (o->hold_at_s > 0 && o->hold_for_s > 0)
		after(c, o->hold_at_s + o->hold_for_s, on_resume);
	after(c, o->vanish_at_s, on_vanish);
}

static void on_ended(void *data, McuPhoneEnd end, int status, const char *reason)
{
	Caller *c = data;

	for (unsigned i = 0; i < c->n_timers; i++)
		mcu_timer_free(c->timers[i]);
	c->n_timers = 0;
	c->ended_s = mcu_report_now_s(c->report);
	c->end = end;
	c->status = status;
	c->reason = g_strdup(reason);
	g_main_loop_quit(c->loop);
}

static gboolean on_signal(gpointer data)
{
	mcu_phone_hang_up(((Caller *)data)->phone);
	return G_SOURCE_CONTINUE;
}

/* --- start and end --- */

static int verdict(const Caller *c)
{
	bool expected = c->up_s >= 0 && c->ended_s - c->up_s > MEDIA_GRACE_S;

	if (c->end == MCU_PHONE_END_REFUSED) {
		printf("refused: %d %s\n", c->status, c->reason);
		return EXIT_REFUSED;
	}
	if (c->end == MCU_PHONE_END_FAILED) {
		fprintf(stderr, "failed: %s\n", c->reason);
		return EXIT_NO_MEDIA;
	}
	if (expected && !mcu_media_received(mcu_phone_media(c->phone))) {
		fprintf(stderr, "no media received\n");
		return EXIT_NO_MEDIA;
	}
	return 0;
}

static int call(Caller *c)
{
	const McuPhoneHandler handler = { .on_up = on_up, .on_ended = on_ended };
	McuDiag diag = { 0 };
	guint sources[3];

	c->report = mcu_report_new(c->options.events, c->options.quiet);
	if (mcu_phone_new(&c->options, c->report, &handler, c, &c->phone, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return EXIT_USAGE;
	}
	c->loop = g_main_loop_new(NULL, FALSE);
	sources[0] = g_unix_signal_add(SIGINT, on_signal, c);
	sources[1] = g_unix_signal_add(SIGTERM, on_signal, c);
	sources[2] = g_timeout_add(MCU_REPORT_TIMELINE_MS, on_timeline, c);
	mcu_phone_start(c->phone);
	if (!c->end)
		g_main_loop_run(c->loop);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		g_source_remove(sources[i]);
	save_report(c);
	return verdict(c);
}

int main(int argc, char **argv)
{
	Caller c = { .up_s = -1, .ended_s = -1 };
	McuDiag diag = { 0 };
	int rc;

	(void)argc;
	mcu_log_setup("mcu-caller", MCU_LOG_WARNING);
	if (mcu_caller_options_parse(argv, &c.options) < 0) {
		rc = EXIT_USAGE;
	} else if (c.options.analyse) {
		rc = mcu_analyse_file(&c.options, &diag) < 0 ? EXIT_NO_MEDIA : 0;
		if (rc)
			fprintf(stderr, "%s\n", diag.text);
	} else {
		/* measures as a device of its own would, not as one more busy program */
		(void)setpriority(PRIO_PROCESS, 0, NICENESS);
		rc = call(&c);
	}
	mcu_phone_free(c.phone);
	mcu_report_free(c.report);
	if (c.loop)
		g_main_loop_unref(c.loop);
	g_free(c.reason);
	mcu_caller_options_done(&c.options);
	return rc;
}
