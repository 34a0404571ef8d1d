/* What the engines and legs report, and where it goes: other engines, legs, the daemon. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/call_priv.h"

#define WATCH_INTERVAL_NS MCU_NS_PER_SEC

GVariant *mcu_detail(const char *key, const char *value)
{
	GVariantDict d;

	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, key, "s", value);
	return g_variant_dict_end(&d);
}

static GVariant *or_empty(GVariant *detail)
{
	return detail ? detail : g_variant_new("a{sv}", NULL);
}

void mcu_call_emit(McuCall *call, const char *event, GVariant *detail)
{
	call->handler.call_event(call->data, event, or_empty(detail));
}

static McuParticipant *by_num(McuCall *call, uint32_t num)
{
	GHashTableIter iter;
	McuParticipant *p;

	g_hash_table_iter_init(&iter, call->participants);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&p))
		if (p->num == num)
			return p;
	return NULL;
}

/* --- audio engine --- */

static void on_encoded(void *data, uint32_t listener, const McuAudioEncoded *enc)
{
	McuCall *call = data;
	McuStream *s = g_hash_table_lookup(call->listeners, GUINT_TO_POINTER(listener));

	if (s)
		mcu_audio_stream_send(s, enc);
}

static void on_speaker(void *data, uint32_t num)
{
	McuCall *call = data;
	McuParticipant *p = num ? by_num(call, num) : NULL;

	if (!p)
		return;
	mcu_video_engine_set_active_speaker(call->video, p->id);
	mcu_call_emit(call, "active-speaker", mcu_detail("participant", p->id));
}

static void on_talking(void *data, uint32_t num, bool talking)
{
	McuCall *call = data;
	McuParticipant *p = by_num(call, num);

	if (p)
		mcu_video_engine_set_speaking(call->video, p->id, talking);
}

const McuAudioHandler mcu_call_audio_handler = {
	.on_encoded = on_encoded,
	.on_speaker = on_speaker,
	.on_talking = on_talking,
};

/* --- video engine --- */

static void on_wants_keyframe(void *data, uint32_t source)
{
	McuCall *call = data;
	McuStream *s = g_hash_table_lookup(call->sources, GUINT_TO_POINTER(source));

	if (s)
		mcu_video_stream_want_keyframe(s);
}

static void on_source_state(void *data, uint32_t source, McuVideoSourceState state, int width,
			    int height)
{
	McuCall *call = data;
	McuStream *s = g_hash_table_lookup(call->sources, GUINT_TO_POINTER(source));
	GVariantDict d;

	if (!s)
		return;
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "participant", "s", s->env->participant);
	g_variant_dict_insert(&d, "state", "s", mcu_video_source_state_name(state));
	g_variant_dict_insert(&d, "width", "u", (guint)width);
	g_variant_dict_insert(&d, "height", "u", (guint)height);
	mcu_call_emit(call, "participant-video", g_variant_dict_end(&d));
}

static void on_source_visible(void *data, uint32_t source, bool visible, int width, int height)
{
	McuCall *call = data;
	McuStream *s = g_hash_table_lookup(call->sources, GUINT_TO_POINTER(source));

	if (s)
		mcu_video_stream_shown(s, visible ? width : 0, visible ? height : 0);
}

static void on_overload(void *data, McuOverloadLevel level)
{
	McuCall *call = data;
	GVariantDict d;

	mcu_info(call->id, "overload step: %s", mcu_overload_level_name(level));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "step", "s", mcu_overload_level_name(level));
	g_variant_dict_insert(&d, "level", "u", (guint)(level - MCU_OVERLOAD_NONE));
	mcu_call_emit(call, "overload", g_variant_dict_end(&d));
}

void mcu_call_video_events(McuCall *call, McuVideoEvents *ret)
{
	*ret = (McuVideoEvents){
		.data = call,
		.source_wants_keyframe = on_wants_keyframe,
		.source_state = on_source_state,
		.source_visible = on_source_visible,
		.overload = on_overload,
	};
}

/* --- legs: data is a LegData, because a stream reports under its leg's name --- */

static void on_leg_event(void *data, const char *leg_id, const char *event, GVariant *detail)
{
	McuCall *call = data;
	McuLeg *leg = g_hash_table_lookup(call->legs, leg_id);
	McuParticipant *p =
		leg ? g_hash_table_lookup(call->participants, mcu_leg_participant(leg)) : NULL;

	if (p && (strcmp(event, "hold") == 0 || strcmp(event, "resume") == 0)) {
		p->held = strcmp(event, "hold") == 0;
		mcu_call_show_participant(call, p);
	}
	call->handler.leg_event(call->data, leg_id, event, or_empty(detail));
}

static void bind(GHashTable *table, uint32_t num, McuStream *stream)
{
	if (stream)
		g_hash_table_insert(table, GUINT_TO_POINTER(num), stream);
	else
		g_hash_table_remove(table, GUINT_TO_POINTER(num));
}

static void bind_listener(void *data, uint32_t num, McuStream *stream)
{
	bind(((McuCall *)data)->listeners, num, stream);
}

static void bind_source(void *data, uint32_t num, McuStream *stream)
{
	bind(((McuCall *)data)->sources, num, stream);
}

static uint32_t next_id(void *data)
{
	return ++((McuCall *)data)->last_id;
}

void mcu_call_stream_env(McuCall *call, McuParticipant *p, McuStreamEnv *ret)
{
	*ret = (McuStreamEnv){
		.options = &call->options,
		.audio = call->audio,
		.video = call->video,
		.feeds = call->feeds,
		.participant = p->id,
		.participant_num = p->num,
		.ctx = call->id,
		.data = call,
		.event = on_leg_event,
		.bind_listener = bind_listener,
		.bind_source = bind_source,
		.next_id = next_id,
	};
}

/* --- once a second: legs whose media has stopped --- */

void mcu_call_watch(void *data)
{
	McuCall *call = data;
	int64_t now = mcu_now_ns();
	int64_t limit = (int64_t)call->options.media_timeout_s * MCU_NS_PER_SEC;
	GHashTableIter iter;
	McuLeg *leg;

	mcu_timer_set(call->watch, now + WATCH_INTERVAL_NS);
	if (!limit)
		return;
	g_hash_table_iter_init(&iter, call->legs);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&leg)) {
		const char *id = mcu_leg_id(leg);
		if (!mcu_leg_expects_media(leg) || now - mcu_leg_last_media_ns(leg) < limit)
			continue;
		if (!g_hash_table_add(call->timed_out, g_strdup(id)))
			continue;
		mcu_info(call->id, "%s: no media for %u s", id, call->options.media_timeout_s);
		call->handler.leg_event(call->data, id, "media-timeout", or_empty(NULL));
	}
}
