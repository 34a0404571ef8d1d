/* The world of the daemon's unit tests: a worker in this process and signalling that only takes
 * notes. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_priv.h"
#include "tests/tools/fake-worker/fake_worker.h"

#define OFFER  "v=0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define WAIT_S 5

typedef struct World {
	McuDaemon *daemon;
	GPtrArray *workers; /* FakeWorker; the newest last */
	GString *signals;   /* "answer refuse:491 …" */
	GString *events;
	char *sdp;   /* the last that signalling was given */
	void *owner; /* of the one session of a test */
	unsigned spawns;
	bool spawn_fails;
	int reply_err; /* of the last verb; 1 = none yet */
	char *reply_text;
} World;

/* --- fakes --- */

static inline int fake_spawn(void *data, const char *call, int fd, GSubprocess **ret,
			     McuDiag *reterr)
{
	World *w = data;
	FakeWorker *worker;

	(void)ret;
	w->spawns++;
	if (w->spawn_fails) {
		close(fd);
		return mcu_diag(reterr, -EIO, "no worker for %s", call);
	}
	worker = fake_worker_new(fd);
	worker->in_process = true;
	g_ptr_array_add(w->workers, worker);
	return 0;
}

static inline void note(World *w, const char *what)
{
	g_string_append_printf(w->signals, "%s%s", w->signals->len ? " " : "", what);
}

static inline void take_sdp(World *w, const char *sdp)
{
	g_free(w->sdp);
	w->sdp = g_strdup(sdp);
}

static inline int sig_check(void *data, const char *uri, McuDiag *reterr)
{
	(void)data;
	return g_str_has_prefix(uri, "sip:") ? 0 : mcu_diag(reterr, -EINVAL, "uri: no");
}

static inline char *sig_local(void *data, const char *uri)
{
	(void)data, (void)uri;
	return g_strdup("127.0.0.1");
}

static inline int sig_dial(void *data, const char *uri, const char *from, const char *sdp,
			   void *owner, void **ret, McuDiag *reterr)
{
	World *w = data;

	(void)from;
	if (strstr(uri, "undialable"))
		return mcu_diag(reterr, -EINVAL, "cannot");
	note(w, "dial");
	take_sdp(w, sdp);
	w->owner = owner;
	*ret = w;
	return 0;
}

static inline void sig_set_owner(void *session, void *owner)
{
	((World *)session)->owner = owner;
}

static inline void sig_answer(void *session, const char *sdp)
{
	note(session, "answer");
	take_sdp(session, sdp);
}

static inline void sig_refuse(void *session, unsigned status, const char *text)
{
	char what[32];

	(void)text;
	snprintf(what, sizeof(what), "refuse:%u", status);
	note(session, what);
}

static inline void sig_offer(void *session, const char *sdp)
{
	note(session, "offer");
	take_sdp(session, sdp);
}

static inline unsigned sig_delay(void *session)
{
	(void)session;
	return 10;
}

static inline void sig_keyframe(void *session)
{
	note(session, "keyframe");
}

static inline void sig_hangup(void *session, unsigned status, const char *text)
{
	char what[32];

	(void)text;
	snprintf(what, sizeof(what), "hangup:%u", status);
	note(session, what);
	((World *)session)->owner = NULL;
}

static const McuSignal signalling = {
	.check_uri = sig_check,
	.local_address = sig_local,
	.dial = sig_dial,
	.set_owner = sig_set_owner,
	.answer = sig_answer,
	.refuse = sig_refuse,
	.offer = sig_offer,
	.glare_delay_ms = sig_delay,
	.request_keyframe = sig_keyframe,
	.hangup = sig_hangup,
};

static inline void on_event(void *data, const char *event, GVariant *detail)
{
	World *w = data;

	g_assert_true(g_variant_lookup(detail, "call", "s", NULL));
	g_string_append_printf(w->events, "%s%s", w->events->len ? " " : "", event);
}

static inline void on_reply(void *data, int err, const char *text, GVariant *result)
{
	World *w = data;

	(void)result;
	g_assert_cmpint(w->reply_err, ==, 1); /* exactly once */
	w->reply_err = err;
	g_free(w->reply_text);
	w->reply_text = g_strdup(text);
}

/* --- the world --- */

static inline gboolean on_timeout(gpointer p)
{
	*(bool *)p = true;
	return G_SOURCE_CONTINUE;
}

/* Run the loop until `text` is in `where`. */
static inline void wait_text(GString *where, const char *text)
{
	bool timed_out = false;
	guint id = g_timeout_add_seconds(WAIT_S, on_timeout, &timed_out);

	while (!strstr(where->str, text) && !timed_out)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(id);
	if (timed_out)
		g_error("\"%s\" never came; there is \"%s\"", text, where->str);
}

static inline int wait_reply(World *w)
{
	bool timed_out = false;
	guint id = g_timeout_add_seconds(WAIT_S, on_timeout, &timed_out);

	while (w->reply_err == 1 && !timed_out)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(id);
	g_assert_false(timed_out);
	return w->reply_err;
}

static inline void settle(void)
{
	bool over = false;
	guint id = g_timeout_add(50, on_timeout, &over);

	while (!over)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(id);
}

static inline World *world_new(void)
{
	World *w = g_new0(World, 1);
	McuDaemonParams params = { .conf = mcu_conf_new(),
				   .spawn = fake_spawn,
				   .spawn_data = w,
				   .sip = &signalling,
				   .sip_data = w };
	McuDiag diag = { 0 };

	params.conf->call.max_participants = 2;
	params.conf->limits.calls = 2;
	g_free(params.conf->record.path);
	params.conf->record.path = g_strdup(g_get_tmp_dir());
	w->workers = g_ptr_array_new_with_free_func((GDestroyNotify)fake_worker_free);
	w->signals = g_string_new(NULL);
	w->events = g_string_new(NULL);
	g_assert_cmpint(mcu_daemon_new(&params, &w->daemon, &diag), ==, 0);
	mcu_control_subscribe(w->daemon, on_event, w);
	w->reply_err = 1;
	return w;
}

static inline void world_free(World *w)
{
	mcu_daemon_free(w->daemon);
	settle();
	g_ptr_array_unref(w->workers);
	settle();
	g_string_free(w->signals, TRUE);
	g_string_free(w->events, TRUE);
	g_free(w->sdp);
	g_free(w->reply_text);
	g_free(w);
}

static inline FakeWorker *newest(World *w)
{
	return w->workers->pdata[w->workers->len - 1];
}

static inline void kill_newest(World *w)
{
	g_ptr_array_remove_index(w->workers, w->workers->len - 1);
}

static inline int incoming(World *w, const char *user, const char *offer, unsigned *ret_status)
{
	McuIncoming in = { .user = user,
			   .name = "Room",
			   .uri = "sip:room@test",
			   .offer = offer,
			   .local_address = "127.0.0.1",
			   .peer_address = "127.0.0.1" };
	McuRefusal refusal = { 0 };
	int r = mcu_daemon_incoming(w->daemon, w, &in, &refusal);

	if (ret_status)
		*ret_status = refusal.status;
	return r;
}

/* A leg that is up. */
static inline World *connected(const char *call)
{
	World *w = world_new();

	g_assert_cmpint(incoming(w, call, OFFER, NULL), ==, 0);
	wait_text(w->signals, "answer");
	mcu_leg_on_acked(w->owner);
	g_assert_cmpint(((McuLeg *)w->owner)->state, ==, MCU_LEG_UP);
	return w;
}
