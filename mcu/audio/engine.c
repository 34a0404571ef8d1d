/* The loop side: tables of participants, sources and listeners, and what comes back from the tick.
 * The thread and statistics are in engine_run.c.
 */
#include "audio/engine.h"

#include <string.h>

#include "audio/engine_priv.h"

#define MAX_LEAVING 64

static void *lookup(GHashTable *table, uint32_t id)
{
	return g_hash_table_lookup(table, GUINT_TO_POINTER(id));
}

static void insert(GHashTable *table, uint32_t id, void *object)
{
	g_hash_table_insert(table, GUINT_TO_POINTER(id), object);
}

static void listener_free(void *data)
{
	AudioListener *listener = data;

	mcu_audio_voice_unref(listener->voice);
	g_free(listener);
}

void mcu_audio_engine_publish(McuAudioEngine *engine)
{
	MCU_ASSERT_THREAD(&engine->check);
	for (unsigned i = engine->leaving->len; i > 0; i--) {
		AudioSource *source = g_ptr_array_index(engine->leaving, i - 1);

		if (atomic_load_explicit(&source->faded, memory_order_acquire))
			g_ptr_array_remove_index_fast(engine->leaving, i - 1);
	}
	mcu_handoff_publish(engine->plans, mcu_audio_plan_new(engine));
}

static McuAudioConfig with_defaults(const McuAudioConfig *config)
{
	McuAudioConfig c = config ? *config : (McuAudioConfig){ 0 };

	c.jitter_min_ms = c.jitter_min_ms ? c.jitter_min_ms : 20;
	c.jitter_max_ms = MAX(c.jitter_max_ms ? c.jitter_max_ms : 200, c.jitter_min_ms);
	c.max_mixed = c.max_mixed ? c.max_mixed : 24;
	c.opus_complexity = c.opus_complexity ? MIN(c.opus_complexity, 10u) : 5;
	return c;
}

static void on_wake(void *data, void *unused)
{
	(void)unused;
	mcu_audio_engine_drain(data);
}

McuAudioEngine *mcu_audio_engine_new(const McuAudioConfig *config, const McuAudioHandler *handler,
				     void *data, GMainContext *context)
{
	McuAudioEngine *engine = g_new0(McuAudioEngine, 1);

	engine->config = with_defaults(config);
	engine->handler = handler ? *handler : (McuAudioHandler){ 0 };
	engine->data = data;
	engine->parts =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)mcu_audio_part_unref);
	engine->sources =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)mcu_audio_source_unref);
	engine->listeners = g_hash_table_new_full(NULL, NULL, NULL, listener_free);
	engine->leaving = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_audio_source_unref);
	engine->wake = mcu_wake_new(context, on_wake, engine);
	engine->plans = mcu_handoff_new((GDestroyNotify)mcu_audio_plan_free);
	engine->out = mcu_ring_new(OUT_ITEMS, NULL);
	engine->spare = mcu_ring_new(OUT_ITEMS, NULL);
	engine->items = g_new0(OutItem, OUT_ITEMS);
	for (unsigned i = 0; i < OUT_ITEMS; i++) {
		bool pushed = mcu_ring_push(engine->spare, &engine->items[i]);
		g_assert(pushed);
	}
	engine->slot = 1;
	return engine;
}

void mcu_audio_engine_free(McuAudioEngine *engine)
{
	if (!engine)
		return;
	mcu_audio_engine_stop(engine);
	mcu_wake_free(engine->wake);
	mcu_handoff_free(engine->plans);
	g_ptr_array_unref(engine->leaving);
	g_hash_table_unref(engine->listeners);
	g_hash_table_unref(engine->sources);
	g_hash_table_unref(engine->parts);
	mcu_ring_free(engine->out);
	mcu_ring_free(engine->spare);
	g_free(engine->items);
	g_free(engine);
}

/* --- participants */

/* found or made; NULL when there are too many */
static AudioPart *part_for(McuAudioEngine *engine, uint32_t id)
{
	AudioPart *part = lookup(engine->parts, id);

	if (part || g_hash_table_size(engine->parts) >= MCU_MAX_AUDIO_PARTS)
		return part;
	part = mcu_audio_part_new(id);
	insert(engine->parts, id, part);
	return part;
}

int mcu_audio_engine_set_muted(McuAudioEngine *engine, uint32_t participant, bool muted)
{
	AudioPart *part;

	if (!participant)
		return -EINVAL;
	part = part_for(engine, participant);
	if (!part)
		return -EOVERFLOW;
	atomic_store(&part->muted, muted);
	return 0;
}

static void leave(McuAudioEngine *engine, AudioSource *source)
{
	if (engine->leaving->len < MAX_LEAVING)
		g_ptr_array_add(engine->leaving, mcu_audio_source_ref(source));
}

int mcu_audio_engine_remove_participant(McuAudioEngine *engine, uint32_t participant)
{
	AudioPart *part = lookup(engine->parts, participant);
	GHashTableIter it;
	void *value;

	if (!part)
		return -ENOENT;
	g_hash_table_iter_init(&it, engine->sources);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		if (((AudioSource *)value)->part != part)
			continue;
		leave(engine, value);
		g_hash_table_iter_remove(&it);
	}
	g_hash_table_iter_init(&it, engine->listeners);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		if (((AudioListener *)value)->voice->part == part)
			g_hash_table_iter_remove(&it);
	}
	g_hash_table_remove(engine->parts, GUINT_TO_POINTER(participant));
	mcu_audio_engine_publish(engine);
	return 0;
}

/* --- sources */

static AudioSource *make_source(McuAudioEngine *engine, uint32_t id, AudioPart *part,
				const McuAudioPt *pts, size_t n_pts)
{
	McuAudioReceiver *rx;
	AudioSource *source;

	n_pts = MIN(n_pts, (size_t)MCU_AUDIO_MAX_PTS);
	rx = mcu_audio_receiver_new(pts, n_pts, engine->config.jitter_min_ms,
				    engine->config.jitter_max_ms);
	if (!rx)
		return NULL;
	source = mcu_audio_source_new(id, part, rx);
	memcpy(source->pts, pts, n_pts * sizeof(*pts));
	source->n_pts = n_pts;
	insert(engine->sources, id, source);
	return source;
}

int mcu_audio_engine_add_source(McuAudioEngine *engine, uint32_t source, uint32_t participant,
				const McuAudioPt *pts, size_t n_pts)
{
	AudioPart *part;

	if (!source || !participant)
		return -EINVAL;
	if (lookup(engine->sources, source))
		return -EEXIST;
	if (g_hash_table_size(engine->sources) >= MCU_MAX_AUDIO_SOURCES)
		return -EOVERFLOW;
	part = part_for(engine, participant);
	if (!part)
		return -EOVERFLOW;
	if (!make_source(engine, source, part, pts, n_pts))
		return -EINVAL;
	mcu_audio_engine_publish(engine);
	return 0;
}

static bool same_pts(const AudioSource *source, const McuAudioPt *pts, size_t n_pts)
{
	if (source->n_pts != MIN(n_pts, (size_t)MCU_AUDIO_MAX_PTS))
		return false;
	for (size_t i = 0; i < source->n_pts; i++) {
		if (source->pts[i].pt != pts[i].pt || source->pts[i].codec != pts[i].codec)
			return false;
	}
	return true;
}

int mcu_audio_engine_set_source_pts(McuAudioEngine *engine, uint32_t source, const McuAudioPt *pts,
				    size_t n_pts)
{
	AudioSource *old = lookup(engine->sources, source);

	if (!old)
		return -ENOENT;
	if (same_pts(old, pts, n_pts))
		return 0;
	mcu_audio_source_ref(old);
	if (!make_source(engine, source, old->part, pts, n_pts)) {
		mcu_audio_source_unref(old);
		return -EINVAL;
	}
	leave(engine, old);
	mcu_audio_source_unref(old);
	mcu_audio_engine_publish(engine);
	return 0;
}

int mcu_audio_engine_remove_source(McuAudioEngine *engine, uint32_t source)
{
	AudioSource *old = lookup(engine->sources, source);

	if (!old)
		return -ENOENT;
	leave(engine, old);
	g_hash_table_remove(engine->sources, GUINT_TO_POINTER(source));
	mcu_audio_engine_publish(engine);
	return 0;
}

int mcu_audio_engine_push(McuAudioEngine *engine, uint32_t source, const McuAudioRtp *rtp,
			  int64_t arrival_ns)
{
	AudioSource *s = lookup(engine->sources, source);

	if (!s)
		return -ENOENT;
	if (rtp->payload_len > MCU_AUDIO_MAX_PAYLOAD)
		return -EINVAL;
	if (mcu_inbox_put(&s->inbox, rtp, arrival_ns))
		return 0;
	s->refused++;
	return -ENOSPC;
}

/* --- listeners */

static bool same_params(const McuAudioSendParams *a, const McuAudioSendParams *b)
{
	return a->codec == b->codec && a->ptime_ms == b->ptime_ms &&
	       a->bitrate_bps == b->bitrate_bps && a->fec == b->fec && a->dtx == b->dtx;
}

/* one that others with these parameters and this participant use already, or a new one */
static AudioVoice *voice_for(McuAudioEngine *engine, AudioPart *part,
			     const McuAudioSendParams *params)
{
	AudioGroup *group = NULL;
	AudioVoice *voice;
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, engine->listeners);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		voice = ((AudioListener *)value)->voice;
		if (!same_params(&voice->group->params, params))
			continue;
		group = voice->group;
		if (voice->part == part)
			return mcu_audio_voice_ref(voice);
	}
	if (group)
		return mcu_audio_voice_new(group, part, engine->config.opus_complexity);
	group = mcu_audio_group_new(params, engine->config.opus_complexity);
	voice = mcu_audio_voice_new(group, part, engine->config.opus_complexity);
	mcu_audio_group_unref(group);
	return voice;
}

/* the worst loss of those who share an encoder decides */
static void spread_loss(McuAudioEngine *engine, AudioGroup *group)
{
	unsigned worst = 0;
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, engine->listeners);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		AudioListener *l = value;

		if (l->voice->group == group && !l->hold)
			worst = MAX(worst, l->loss_percent);
	}
	atomic_store_explicit(&group->loss_percent, worst, memory_order_relaxed);
}

int mcu_audio_engine_add_listener(McuAudioEngine *engine, uint32_t listener, uint32_t participant,
				  const McuAudioSendParams *params)
{
	McuAudioSendParams p = *params;
	AudioPart *part = NULL;
	AudioListener *l;

	if (!listener || mcu_audio_send_params_normalise(&p) < 0)
		return -EINVAL;
	if (lookup(engine->listeners, listener))
		return -EEXIST;
	if (g_hash_table_size(engine->listeners) >= MCU_MAX_AUDIO_LISTENERS)
		return -EOVERFLOW;
	if (participant && !(part = part_for(engine, participant)))
		return -EOVERFLOW;
	l = g_new0(AudioListener, 1);
	l->id = listener;
	l->voice = voice_for(engine, part, &p);
	insert(engine->listeners, listener, l);
	mcu_audio_engine_publish(engine);
	return 0;
}

int mcu_audio_engine_set_listener(McuAudioEngine *engine, uint32_t listener,
				  const McuAudioSendParams *params)
{
	AudioListener *l = lookup(engine->listeners, listener);
	McuAudioSendParams p = *params;
	AudioVoice *old;

	if (!l)
		return -ENOENT;
	if (mcu_audio_send_params_normalise(&p) < 0)
		return -EINVAL;
	if (same_params(&l->voice->group->params, &p))
		return 0;
	old = l->voice;
	l->voice = voice_for(engine, old->part, &p);
	mcu_audio_voice_unref(old);
	l->sent = false;
	spread_loss(engine, l->voice->group);
	mcu_audio_engine_publish(engine);
	return 0;
}

int mcu_audio_engine_remove_listener(McuAudioEngine *engine, uint32_t listener)
{
	if (!g_hash_table_remove(engine->listeners, GUINT_TO_POINTER(listener)))
		return -ENOENT;
	mcu_audio_engine_publish(engine);
	return 0;
}

int mcu_audio_engine_set_loss(McuAudioEngine *engine, uint32_t listener, unsigned percent)
{
	AudioListener *l = lookup(engine->listeners, listener);

	if (!l)
		return -ENOENT;
	l->loss_percent = MIN(percent, 100u);
	spread_loss(engine, l->voice->group);
	return 0;
}

int mcu_audio_engine_set_hold(McuAudioEngine *engine, uint32_t listener, bool hold)
{
	AudioListener *l = lookup(engine->listeners, listener);

	if (!l)
		return -ENOENT;
	if (l->hold == hold)
		return 0;
	l->hold = hold;
	spread_loss(engine, l->voice->group);
	mcu_audio_engine_publish(engine);
	return 0;
}
