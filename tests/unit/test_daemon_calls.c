/* Calls and legs, driven from both sides (daemon_world.h). */
#include "daemon_world.h"

/* --- inbound --- */

static void test_inbound(void)
{
	World *w = connected("a meeting");
	McuCall *c = mcu_call_find(w->daemon, "a-meeting");

	g_assert_nonnull(c);
	wait_text(newest(w)->log, "Start:a-meeting AddParticipant:p1 AddLeg:p1.1 SetOffer:p1.1");
	wait_text(w->events, "call-created participant-joined");
	mcu_leg_on_ended(w->owner, 200, "hung up");
	wait_text(w->events, "participant-left");
	wait_text(newest(w)->log, "RemoveParticipant:p1");
	g_assert_cmpuint(c->legs->len, ==, 0);
	g_assert_cmpuint(c->empty_timer, !=, 0);
	g_assert_cmpstr(w->signals->str, ==, "answer");
	world_free(w);
}

static void test_delayed_offer(void)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, "m", NULL, NULL), ==, 0);
	wait_text(w->signals, "answer");
	wait_text(newest(w)->log, "MakeOffer:p1.1");
	mcu_leg_on_answer(w->owner, OFFER);
	wait_text(newest(w)->log, "SetAnswer:p1.1");
	world_free(w);
}

static void test_cancel_while_preparing(void)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, "slow", OFFER, NULL), ==, 0);
	settle();
	wait_text(newest(w)->log, "SetOffer");
	mcu_leg_on_ended(w->owner, 487, "cancelled");
	wait_text(w->events, "participant-left");
	wait_text(newest(w)->log, "RemoveParticipant:p1");
	g_usleep(FAKE_SLOW_MS * 1000);
	settle(); /* the late answer of the worker meets nobody */
	g_assert_cmpstr(w->signals->str, ==, "");
	world_free(w);
}

static void test_refused_by_worker(void)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, "refuse", OFFER, NULL), ==, 0);
	wait_text(w->signals, "hangup:488");
	g_assert_null(strstr(w->events->str, "participant-joined"));
	world_free(w);
}

static void test_start_refused(void)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, "nostart", OFFER, NULL), ==, 0);
	wait_text(w->signals, "hangup:503");
	wait_text(w->events, "call-ended");
	g_assert_cmpuint(w->spawns, ==, 1);
	/* whoever created it over the API is told what the worker said */
	mcu_control_create_call(w->daemon, "nostart", NULL, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, -EINVAL);
	world_free(w);
}

static void reload(World *w, unsigned max_participants, unsigned empty_timeout_s)
{
	McuConf *conf = mcu_conf_new();

	conf->call.max_participants = max_participants;
	conf->call.empty_timeout_s = empty_timeout_s;
	g_assert_cmpint(mcu_daemon_reconfigure(w->daemon, conf, NULL), ==, 0);
}

/* As config/mcu.yaml says: the limit is that of new calls, the time-out counts at once. */
static void test_reload(void)
{
	World *w = connected("one");
	McuCall *c = mcu_call_find(w->daemon, "one");

	reload(w, 1, 0);
	g_assert_cmpint(incoming(w, "one", OFFER, NULL), ==, 0);
	g_assert_cmpint(incoming(w, "new", OFFER, NULL), ==, 0);
	g_assert_cmpint(incoming(w, "new", OFFER, NULL), <, 0);
	while (c->legs->len)
		mcu_leg_on_ended(c->legs->pdata[0], 200, "bye");
	g_assert_cmpuint(c->empty_timer, ==, 0);
	reload(w, 1, 1);
	wait_text(w->events, "call-ended");
	world_free(w);
}

static void test_limits(void)
{
	World *w = world_new();
	unsigned status;

	g_assert_cmpint(incoming(w, "one", OFFER, NULL), ==, 0);
	g_assert_cmpint(incoming(w, "one", OFFER, NULL), ==, 0);
	g_assert_cmpint(incoming(w, "one", OFFER, &status), <, 0);
	g_assert_cmpuint(status, ==, 486);
	g_assert_cmpint(incoming(w, "two", OFFER, NULL), ==, 0);
	g_assert_cmpint(incoming(w, "three", OFFER, &status), <, 0);
	g_assert_cmpuint(status, ==, 503);
	g_assert_false(mcu_control_ready(w->daemon));
	g_assert_cmpint(incoming(w, "", OFFER, &status), <, 0);
	g_assert_cmpuint(status, ==, 404);
	g_assert_cmpuint(w->spawns, ==, 2);
	world_free(w);
}

static void test_spawn_fails(void)
{
	World *w = world_new();
	unsigned status;

	w->spawn_fails = true;
	g_assert_cmpint(incoming(w, "one", OFFER, &status), <, 0);
	g_assert_cmpuint(status, ==, 503);
	g_assert_null(mcu_call_find(w->daemon, "one"));
	world_free(w);
}

/* --- re-offers --- */

static void test_reoffer(void)
{
	World *w = connected("m");

	mcu_leg_on_offer(w->owner, OFFER);
	wait_text(w->signals, "answer answer");
	mcu_leg_on_offer(w->owner, "a=unacceptable");
	wait_text(w->signals, "refuse:488");
	g_assert_cmpint(((McuLeg *)w->owner)->state, ==, MCU_LEG_UP);
	mcu_leg_on_offer(w->owner, NULL);
	wait_text(w->signals, "refuse:488 answer");
	mcu_leg_on_offer(w->owner, OFFER);
	wait_text(w->signals, "refuse:500");
	mcu_leg_on_answer(w->owner, OFFER);
	/* one that comes while the answer is applied waits */
	mcu_leg_on_offer(w->owner, OFFER);
	wait_text(w->signals, "refuse:500 answer");
	world_free(w);
}

static void test_hold_state(void)
{
	World *w = connected("m");
	McuLeg *leg = w->owner;

	mcu_leg_on_offer(leg, OFFER "a=sendonly\r\n");
	wait_text(w->events, "participant-updated");
	g_assert_true(leg->held);
	mcu_leg_on_offer(leg, OFFER);
	wait_text(w->events, "participant-updated participant-updated");
	g_assert_false(leg->held);
	world_free(w);
}

static void test_our_hold_and_glare(void)
{
	World *w = connected("m");
	McuLeg *leg = w->owner;
	g_autoptr(GVariant) held = g_variant_ref_sink(g_variant_new_parsed("{'held': <true>}"));

	mcu_control_update_participant(w->daemon, "m", "p1", held, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	wait_text(w->signals, "offer");
	mcu_leg_on_offer(leg, OFFER); /* crosses ours */
	wait_text(w->signals, "refuse:491");
	mcu_leg_on_refused(leg, 491, "Request Pending");
	wait_text(newest(w)->log, "Rollback:p1.1");
	wait_text(w->signals, "refuse:491 offer");
	mcu_leg_on_answer(leg, OFFER);
	wait_text(newest(w)->log, "SetAnswer");
	settle();
	g_assert_cmpint(leg->state, ==, MCU_LEG_UP);
	world_free(w);
}

/* --- a worker dies --- */

static void test_restart(void)
{
	World *w = connected("m");
	McuCall *c = mcu_call_find(w->daemon, "m");

	mcu_control_set_layout(w->daemon, "m", g_variant_new_parsed("{'name': <'speaker'>}"),
			       on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	w->reply_err = 1;
	mcu_control_start_recording(w->daemon, "m", on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	g_assert_nonnull(c->recording_path);
	kill_newest(w);
	wait_text(w->events, "call-restarted recording-stopped");
	wait_text(w->signals, "answer offer");
	wait_text(newest(w)->log, "Start:m SetLayout StartRecording");
	wait_text(newest(w)->log, "AddParticipant:p1 AddLeg:p1.1 MakeOffer:p1.1");
	mcu_leg_on_answer(w->owner, OFFER);
	wait_text(newest(w)->log, "SetAnswer:p1.1");
	settle();
	g_assert_cmpint(((McuLeg *)w->owner)->state, ==, MCU_LEG_UP);
	g_assert_nonnull(c->recording_path);
	g_assert_cmpstr(c->layout_name, ==, "speaker");
	world_free(w);
}

static void test_restart_budget(void)
{
	World *w = connected("m");

	for (int i = 0; i < MCU_MAX_RESTARTS; i++) {
		kill_newest(w);
		g_string_truncate(w->signals, 0);
		wait_text(w->signals, "offer");
		mcu_leg_on_answer(w->owner, OFFER);
		settle();
	}
	kill_newest(w);
	wait_text(w->events, "call-ended");
	wait_text(w->signals, "hangup:503");
	g_assert_cmpuint(w->spawns, ==, 1 + MCU_MAX_RESTARTS);
	world_free(w);
}

static void test_death_before_the_ack(void)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, "m", OFFER, NULL), ==, 0);
	wait_text(w->signals, "answer");
	kill_newest(w);
	wait_text(w->events, "call-restarted");
	settle();
	g_assert_cmpint(((McuLeg *)w->owner)->state, ==, MCU_LEG_STALE);
	mcu_leg_on_acked(w->owner);
	wait_text(w->signals, "answer offer");
	world_free(w);
}

static void test_restore_refused_by_peer(void)
{
	World *w = connected("m");

	kill_newest(w);
	wait_text(w->signals, "offer");
	mcu_leg_on_refused(w->owner, 488, "Not Acceptable Here");
	wait_text(w->signals, "hangup");
	wait_text(w->events, "participant-left");
	world_free(w);
}

/* --- outbound --- */

static void dial(World *w, const char *uri)
{
	g_autoptr(GVariant) none = g_variant_ref_sink(g_variant_new_parsed("@a{sv} {}"));

	mcu_control_create_call(w->daemon, "m", none, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	w->reply_err = 1;
	mcu_control_dial(w->daemon, "m", uri, none, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	w->reply_err = 1;
}

static void test_dial(void)
{
	World *w = world_new();

	dial(w, "sip:room@test");
	wait_text(w->signals, "dial");
	mcu_leg_on_ringing(w->owner);
	wait_text(w->events, "participant-ringing");
	mcu_leg_on_answer(w->owner, OFFER);
	wait_text(w->events, "participant-joined");
	wait_text(newest(w)->log, "SetAnswer:p1.1");
	mcu_control_kick(w->daemon, "m", "p1", on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	wait_text(w->signals, "hangup:603");
	world_free(w);
}

static void test_dial_fails(void)
{
	World *w = world_new();

	dial(w, "sip:undialable@test");
	wait_text(w->events, "participant-left");
	g_assert_nonnull(mcu_call_find(w->daemon, "m"));
	mcu_control_dial(w->daemon, "m", "tel:1", NULL, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, -EINVAL);
	world_free(w);
}

static void test_answer_refused_by_worker(void)
{
	World *w = world_new();

	dial(w, "sip:room@test");
	wait_text(w->signals, "dial");
	newest(w)->refuse_answer = true;
	mcu_leg_on_answer(w->owner, OFFER);
	wait_text(w->signals, "hangup:400");
	world_free(w);
}

/* --- verbs and events --- */

static void test_worker_events(void)
{
	World *w = connected("m");
	FakeWorker *worker = newest(w);

	fake_worker_leg_event(worker, "p1.1", "keyframe-wanted");
	wait_text(w->signals, "keyframe");
	fake_worker_leg_event(worker, "p1.1", "keyframe-wanted"); /* too soon */
	fake_worker_leg_event(worker, "p9.1", "media-timeout");   /* nobody's */
	fake_worker_leg_event(worker, "p1.1", "dtmf");
	wait_text(w->events, "dtmf");
	mcu_leg_on_dtmf(w->owner, "5", 160);
	wait_text(w->events, "dtmf dtmf");
	mcu_leg_on_keyframe(w->owner);
	wait_text(worker->log, "RequestKeyframe:p1.1");
	g_assert_cmpstr(w->signals->str, ==, "answer keyframe");
	fake_worker_leg_event(worker, "p1.1", "media-timeout");
	wait_text(w->signals, "hangup");
	wait_text(w->events, "participant-left");
	world_free(w);
}

static void test_verbs(void)
{
	World *w = connected("m");

	static void (*const plain[])(McuDaemon *, const char *, McuReplyFn, void *) = {
		mcu_control_get_call,        mcu_control_list_participants, mcu_control_stats,
		mcu_control_start_recording, mcu_control_stop_recording,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
		w->reply_err = 1;
		plain[i](w->daemon, "nobody", on_reply, w);
		g_assert_cmpint(wait_reply(w), ==, -ENOENT);
		w->reply_err = 1;
		plain[i](w->daemon, "m", on_reply, w);
		g_assert_cmpint(wait_reply(w), ==, 0);
	}
	w->reply_err = 1;
	mcu_control_snapshot(w->daemon, "m", 0, 0, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, 0);
	w->reply_err = 1;
	mcu_control_kick(w->daemon, "m", "p7", on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, -ENOENT);
	w->reply_err = 1;
	mcu_control_create_call(w->daemon, "m", NULL, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, -EEXIST);
	w->reply_err = 1;
	mcu_control_create_call(w->daemon, "../x", NULL, on_reply, w);
	g_assert_cmpint(wait_reply(w), ==, -EINVAL);
	/* a verb whose call ends meanwhile is answered all the same */
	w->reply_err = 1;
	mcu_control_stats(w->daemon, "m", on_reply, w);
	kill_newest(w);
	g_assert_cmpint(wait_reply(w), ==, -EPIPE);
	world_free(w);
}

static void on_drained(void *data)
{
	note(data, "drained");
}

static void test_drain(void)
{
	World *w = connected("m");
	unsigned status;

	mcu_daemon_drain(w->daemon, on_drained, w);
	g_assert_cmpint(incoming(w, "other", OFFER, &status), <, 0);
	g_assert_cmpuint(status, ==, 503);
	wait_text(w->signals, "answer hangup:480 drained");
	wait_text(newest(w)->log, "Stop");
	wait_text(w->events, "participant-left call-ended");
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK); /* our own error messages are part of the tests */
	g_test_add_func("/daemon/inbound/plain", test_inbound);
	g_test_add_func("/daemon/inbound/delayed-offer", test_delayed_offer);
	g_test_add_func("/daemon/inbound/cancel", test_cancel_while_preparing);
	g_test_add_func("/daemon/inbound/refused", test_refused_by_worker);
	g_test_add_func("/daemon/inbound/start-refused", test_start_refused);
	g_test_add_func("/daemon/inbound/limits", test_limits);
	g_test_add_func("/daemon/reload", test_reload);
	g_test_add_func("/daemon/inbound/spawn-fails", test_spawn_fails);
	g_test_add_func("/daemon/reoffer/by-peer", test_reoffer);
	g_test_add_func("/daemon/reoffer/hold", test_hold_state);
	g_test_add_func("/daemon/reoffer/ours-and-glare", test_our_hold_and_glare);
	g_test_add_func("/daemon/restart/restores", test_restart);
	g_test_add_func("/daemon/restart/budget", test_restart_budget);
	g_test_add_func("/daemon/restart/before-ack", test_death_before_the_ack);
	g_test_add_func("/daemon/restart/refused-by-peer", test_restore_refused_by_peer);
	g_test_add_func("/daemon/outbound/plain", test_dial);
	g_test_add_func("/daemon/outbound/fails", test_dial_fails);
	g_test_add_func("/daemon/outbound/answer-refused", test_answer_refused_by_worker);
	g_test_add_func("/daemon/worker-events", test_worker_events);
	g_test_add_func("/daemon/verbs", test_verbs);
	g_test_add_func("/daemon/drain", test_drain);
	return g_test_run();
}
