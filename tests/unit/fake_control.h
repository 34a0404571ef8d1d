/* A daemon that exists only in this test: implements daemon/control.h with one call "demo" of two
 * participants, remembers what was asked, and fails or waits when told to. */
#pragma once
#include <string.h>

#include "daemon/control.h"
#include "http/server.h"

struct McuDaemon {
	char *asked;    /* the last verb as text */
	int fail;       /* < 0: every verb fails with this */
	gboolean hold;  /* answers are kept until fake_release() */
	gboolean later; /* answers come from the main loop */
	gboolean unready;
	GPtrArray *held;
	McuEventFn event_fn;
	void *event_data;
	unsigned stats_asked;
};

typedef struct FakeAnswer {
	McuReplyFn reply;
	void *data;
	int err;
	const char *text;
	GVariant *result;
} FakeAnswer;

static gboolean fake_deliver(gpointer data)
{
	FakeAnswer *a = data;

	a->reply(a->data, a->err, a->text, a->result);
	g_clear_pointer(&a->result, g_variant_unref);
	g_free(a);
	return G_SOURCE_REMOVE;
}

/** What is asked while these answers are given is held again. */
static void fake_release(McuDaemon *d)
{
	for (guint n = d->held->len; n > 0; n--)
		fake_deliver(g_ptr_array_steal_index(d->held, 0));
}

static void fake_answer(McuDaemon *d, McuReplyFn reply, void *data, int err, const char *text,
			GVariant *result)
{
	FakeAnswer *a = g_new0(FakeAnswer, 1);

	*a = (FakeAnswer){ reply, data, err, text, result ? g_variant_ref_sink(result) : NULL };
	if (d->fail < 0) {
		g_clear_pointer(&a->result, g_variant_unref);
		a->err = d->fail;
		a->text = "told to fail";
	}
	if (d->hold)
		g_ptr_array_add(d->held, a);
	else if (d->later)
		g_idle_add(fake_deliver, a);
	else
		fake_deliver(a);
}

static void fake_asked(McuDaemon *d, const char *verb, const char *call, const char *participant,
		       GVariant *options)
{
	g_autofree char *text = options ? g_variant_print(options, FALSE) : g_strdup("");

	g_free(d->asked);
	d->asked = g_strdup_printf("%s %s %s %s", verb, call ? call : "-",
				   participant ? participant : "-", text);
}

static gboolean fake_unknown(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	if (!call || strcmp(call, "demo") == 0)
		return FALSE;
	fake_answer(d, reply, data, -ENOENT, "there is no such call", NULL);
	return TRUE;
}

static GVariant *fake_participant(const char *id, const char *name)
{
	return g_variant_new_parsed(
		"{'id': <%s>, 'name': <%s>, 'uri': <'sip:room@host'>, "
		"'direction': <'in'>, 'state': <'connected'>, 'muted': <false>, "
		"'camera-off': <false>, 'hidden': <false>, "
		"'joined': <'2026-01-31T12:00:00Z'>}",
		id, name);
}

static GVariant *fake_participants(void)
{
	GVariantBuilder b;

	g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
	g_variant_builder_add_value(&b, fake_participant("p1", "Salle Monge"));
	g_variant_builder_add_value(&b, fake_participant("p2", "Zürich \"West\""));
	return g_variant_builder_end(&b);
}

static GVariant *fake_call(const char *id)
{
	return g_variant_new_parsed(
		"{'id': <%s>, 'state': <'running'>, "
		"'created': <'2026-01-31T12:00:00Z'>, 'participants': <uint32 2>, "
		"'layout': <'auto'>, 'recording': <false>}",
		id);
}

void mcu_control_list_calls(McuDaemon *d, McuReplyFn reply, void *data)
{
	GVariantBuilder b;

	g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
	g_variant_builder_add_value(&b, fake_call("demo"));
	fake_asked(d, "list", NULL, NULL, NULL);
	fake_answer(d, reply, data, 0, NULL, g_variant_builder_end(&b));
}

void mcu_control_create_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data)
{
	fake_asked(d, "create", call, NULL, options);
	if (strcmp(call, "demo") == 0)
		fake_answer(d, reply, data, -EEXIST, "call demo exists", NULL);
	else
		fake_answer(d, reply, data, 0, NULL, fake_call(call));
}

void mcu_control_get_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	GVariantDict dict;

	fake_asked(d, "get", call, NULL, NULL);
	if (fake_unknown(d, call, reply, data))
		return;
	g_autoptr(GVariant) base = g_variant_ref_sink(fake_call(call));
	g_variant_dict_init(&dict, base);
	g_variant_dict_insert_value(&dict, "participants", fake_participants());
	fake_answer(d, reply, data, 0, NULL, g_variant_dict_end(&dict));
}

void mcu_control_update_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data)
{
	fake_asked(d, "update", call, NULL, options);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, fake_call(call));
}

void mcu_control_delete_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	fake_asked(d, "delete", call, NULL, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, NULL);
}

void mcu_control_list_participants(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	fake_asked(d, "participants", call, NULL, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, fake_participants());
}

void mcu_control_update_participant(McuDaemon *d, const char *call, const char *participant,
				    GVariant *options, McuReplyFn reply, void *data)
{
	fake_asked(d, "update", call, participant, options);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, fake_participant(participant, "x"));
}

void mcu_control_kick(McuDaemon *d, const char *call, const char *participant, McuReplyFn reply,
		      void *data)
{
	fake_asked(d, "kick", call, participant, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, NULL);
}

void mcu_control_dial(McuDaemon *d, const char *call, const char *uri, GVariant *options,
		      McuReplyFn reply, void *data)
{
	fake_asked(d, "dial", call, uri, options);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, fake_participant("p3", "new"));
}

void mcu_control_set_layout(McuDaemon *d, const char *call, GVariant *layout, McuReplyFn reply,
			    void *data)
{
	fake_asked(d, "layout", call, NULL, layout);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, NULL);
}

void mcu_control_start_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	fake_asked(d, "record", call, NULL, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL,
			    g_variant_new_parsed("{'path': <'/rec/demo.mp4'>}"));
}

void mcu_control_stop_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	fake_asked(d, "stop", call, NULL, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL, NULL);
}

void mcu_control_snapshot(McuDaemon *d, const char *call, unsigned width, unsigned height,
			  McuReplyFn reply, void *data)
{
	g_autofree char *size = g_strdup_printf("%ux%u", width, height);

	fake_asked(d, "snapshot", call, size, NULL);
	if (!fake_unknown(d, call, reply, data))
		fake_answer(d, reply, data, 0, NULL,
			    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, "\xff\xd8 jpeg", 7, 1));
}

void mcu_control_stats(McuDaemon *d, const char *call, McuReplyFn reply, void *data)
{
	d->stats_asked++;
	fake_asked(d, "stats", call, NULL, NULL);
	if (fake_unknown(d, call, reply, data))
		return;
	fake_answer(
		d, reply, data, 0, NULL,
		g_variant_new_parsed(
			"{'uptime-s': <12.5>, 'cpu-s': <3.25>, 'rss-bytes': <uint64 123456789>, "
			"'video': <{'fps': <uint32 30>, 'ticks': <uint64 9007199254740993>, "
			"'ticks-skipped': <uint64 2>, 'compose-us-avg': <1500.0>}>, "
			"'renditions': <[{'id': <uint32 4>, 'encoder': <'x264'>, 'bitrate-bps': <uint32 1500000>, "
			"'frames': <uint64 7>}]>, 'participants': <[{'id': <'p1'>, "
			"'name': <'Salle Monge'>, 'legs': <[{'id': <'l1'>, 'streams': "
			"<[{'kind': <'audio'>, 'rx-packets': <uint64 50>, 'rtt-ms': <20.0>}, "
			"{'kind': <'video'>, 'rx-packets': <uint64 90>, 'rx-lost': <uint64 3>, "
			"'fps': <29.97>}, {'kind': <'video'>, 'rx-packets': <uint64 1>}]>}]>}]>}"));
}

gboolean mcu_control_ready(McuDaemon *d)
{
	return !d->unready;
}

unsigned mcu_control_subscribe(McuDaemon *d, McuEventFn fn, void *data)
{
	g_assert_null(d->event_fn);
	d->event_fn = fn;
	d->event_data = data;
	return 7;
}

void mcu_control_unsubscribe(McuDaemon *d, unsigned id)
{
	g_assert_cmpuint(id, ==, 7);
	d->event_fn = NULL;
}

/** Returns FALSE when nobody subscribes. */
static inline gboolean fake_event(McuDaemon *d, const char *event, GVariant *detail)
{
	g_autoptr(GVariant) owned = g_variant_ref_sink(detail);

	if (d->event_fn)
		d->event_fn(d->event_data, event, owned);
	return d->event_fn != NULL;
}

static inline McuDaemon *fake_new(void)
{
	McuDaemon *d = g_new0(McuDaemon, 1);

	d->held = g_ptr_array_new();
	return d;
}

static inline void fake_free(McuDaemon *d)
{
	fake_release(d);
	g_ptr_array_unref(d->held);
	g_free(d->asked);
	g_free(d);
}

/** A server of its own for the made-up daemon; token NULL = none. */
static inline McuHttpServer *fake_server(McuDaemon *d, const char *token)
{
	g_autoptr(McuConf) conf = mcu_conf_new();
	McuHttpServer *server = NULL;
	McuDiag diag = { 0 };

	g_free(conf->http.listen);
	conf->http.listen = g_strdup("127.0.0.1:0");
	g_free(conf->http.token);
	conf->http.token = g_strdup(token ? token : "");
	if (mcu_http_server_new(d, conf, &server, &diag) < 0)
		g_error("%s", diag.text);
	return server;
}
