/* The engine's thread, what it brings back to loop, and statistics. */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audio/engine_priv.h"
#include "base/clock.h"

#define SLOT_NS     (MCU_AUDIO_SLOT_MS * MCU_NS_PER_MS)
#define LATE_NS     (5 * MCU_NS_PER_MS)
#define HOPELESS_NS (100 * MCU_NS_PER_MS)
#define RT_PRIORITY 10
#define NICE        -10

/* --- atick */

static void note_time(McuAudioEngine *engine, int64_t begun_ns)
{
	unsigned us = (unsigned)((mcu_now_ns() - begun_ns) / MCU_NS_PER_US);

	/* loop may set it back to 0 in between: then one slot is forgotten, no more */
	if (us > atomic_load_explicit(&engine->tick_max_us, memory_order_relaxed))
		atomic_store_explicit(&engine->tick_max_us, us, memory_order_relaxed);
	atomic_fetch_add_explicit(&engine->tick_sum_us, us, memory_order_relaxed);
}

static void run_slot(McuAudioEngine *engine, int64_t slot_ns)
{
	int64_t begun_ns = mcu_now_ns();
	const Plan *plan = mcu_handoff_acquire(engine->plans);

	mcu_audio_tick(engine, plan, slot_ns);
	note_time(engine, begun_ns);
}

/* more right to run than video, where the system permits it */
static void raise_priority(void)
{
	struct sched_param param = { .sched_priority = RT_PRIORITY };

	if (pthread_setschedparam(pthread_self(), SCHED_RR, &param) != 0)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void *atick_main(void *data)
{
	McuAudioEngine *engine = data;
	int64_t due_ns = mcu_now_ns(), behind_ns;

	raise_priority();
	while (!atomic_load(&engine->stop)) {
		mcu_sleep_until_ns(due_ns);
		behind_ns = mcu_now_ns() - due_ns;
		if (behind_ns > LATE_NS)
			atomic_fetch_add_explicit(&engine->late_ticks, 1, memory_order_relaxed);
		/* a little late: make all slots, the listeners' buffers bridge it; else skip */
		if (behind_ns > HOPELESS_NS) {
			uint64_t n = (uint64_t)(behind_ns / SLOT_NS);

			atomic_fetch_add_explicit(&engine->skipped_ticks, n, memory_order_relaxed);
			engine->slot += n;
			due_ns += (int64_t)n * SLOT_NS;
		}
		run_slot(engine, due_ns);
		if (mcu_ring_len(engine->out) || atomic_load(&engine->news))
			mcu_wake(engine->wake);
		due_ns += SLOT_NS;
	}
	return NULL;
}

/* --- loop */

int mcu_audio_engine_start(McuAudioEngine *engine)
{
	if (engine->thread)
		return -EBUSY;
	atomic_store(&engine->stop, false);
	engine->thread = mcu_thread_start("atick", atick_main, engine);
	return 0;
}

void mcu_audio_engine_stop(McuAudioEngine *engine)
{
	if (!engine->thread)
		return;
	atomic_store(&engine->stop, true);
	g_thread_join(engine->thread);
	engine->thread = NULL;
	/* what was not fetched is not told any more */
	for (OutItem *item; (item = mcu_ring_pop(engine->out));)
		(void)mcu_ring_push(engine->spare, item);
}

static void tell_encoded(McuAudioEngine *engine, OutItem *item)
{
	for (unsigned i = 0; i < item->n_ids; i++) {
		/* looked up each time: a callback may remove any of them */
		AudioListener *l =
			g_hash_table_lookup(engine->listeners, GUINT_TO_POINTER(item->ids[i]));

		if (!l || l->hold || l->voice->group->params.codec != item->enc.codec)
			continue;
		item->enc.marker = !l->sent || item->enc.rtp_ts != l->next_ts;
		l->sent = true;
		l->next_ts = item->enc.rtp_ts + item->enc.duration_ts;
		l->stats.packets++;
		l->stats.bytes += item->enc.len;
		l->stats.shared += item->shared;
		if (engine->handler.on_encoded)
			engine->handler.on_encoded(engine->data, item->ids[i], &item->enc);
	}
}

static void tell_talking(McuAudioEngine *engine)
{
	uint32_t ids[MCU_MAX_AUDIO_PARTS];
	unsigned n = 0;
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, engine->parts);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		AudioPart *part = value;
		bool talking = atomic_load_explicit(&part->talking, memory_order_relaxed);

		if (talking == part->told_talking)
			continue;
		part->told_talking = talking;
		ids[n++] = part->id;
	}
	/* the callback may change the table */
	for (unsigned i = 0; i < n; i++) {
		AudioPart *part = g_hash_table_lookup(engine->parts, GUINT_TO_POINTER(ids[i]));

		if (part && engine->handler.on_talking)
			engine->handler.on_talking(engine->data, ids[i], part->told_talking);
	}
}

void mcu_audio_engine_drain(McuAudioEngine *engine)
{
	OutItem *item;

	while ((item = mcu_ring_pop(engine->out))) {
		bool pushed;

		tell_encoded(engine, item);
		pushed = mcu_ring_push(engine->spare, item);
		g_assert(pushed);
	}
	mcu_handoff_reap(engine->plans);
	if (!atomic_exchange(&engine->news, false))
		return;
	/* lets go of the sources that have faded */
	if (engine->leaving->len)
		mcu_audio_engine_publish(engine);
	tell_talking(engine);
	if (engine->told_speaker != atomic_load(&engine->speaker_id)) {
		engine->told_speaker = atomic_load(&engine->speaker_id);
		if (engine->handler.on_speaker)
			engine->handler.on_speaker(engine->data, engine->told_speaker);
	}
}

void mcu_audio_engine_set_tap(McuAudioEngine *engine, McuAudioTap tap, void *data)
{
	atomic_store(&engine->tap, NULL);
	/* the tap is wait-free, so this ends within microseconds */
	while (atomic_load(&engine->in_tap))
		g_thread_yield();
	atomic_store(&engine->tap_data, data);
	atomic_store(&engine->tap, tap);
}

int mcu_audio_engine_source_stats(McuAudioEngine *engine, uint32_t source,
				  McuAudioSourceStats *ret_stats)
{
	AudioSource *s = g_hash_table_lookup(engine->sources, GUINT_TO_POINTER(source));
	AudioSourceCounters *c;

	if (!s)
		return -ENOENT;
	c = &s->counters;
	*ret_stats = (McuAudioSourceStats){
		.participant = s->part->id,
		.codec = (McuCodec)atomic_load_explicit(&c->codec, memory_order_relaxed),
		.level_dbov = atomic_load_explicit(&c->level_dbov, memory_order_relaxed),
		.talking = atomic_load_explicit(&s->part->talking, memory_order_relaxed),
		.jitter_ms = atomic_load_explicit(&c->jitter_ms, memory_order_relaxed),
		.target_ms = atomic_load_explicit(&c->target_ms, memory_order_relaxed),
		.delay_ms = atomic_load_explicit(&c->delay_ms, memory_order_relaxed),
		.received = atomic_load_explicit(&c->received, memory_order_relaxed),
		.lost = atomic_load_explicit(&c->lost, memory_order_relaxed),
		.late = atomic_load_explicit(&c->late, memory_order_relaxed),
		.dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed) + s->refused,
		.fec = atomic_load_explicit(&c->fec, memory_order_relaxed),
		.concealed = atomic_load_explicit(&c->concealed, memory_order_relaxed),
		.expanded = atomic_load_explicit(&c->expanded, memory_order_relaxed),
		.accelerated = atomic_load_explicit(&c->accelerated, memory_order_relaxed),
	};
	return 0;
}

int mcu_audio_engine_listener_stats(McuAudioEngine *engine, uint32_t listener,
				    McuAudioListenerStats *ret_stats)
{
	AudioListener *l = g_hash_table_lookup(engine->listeners, GUINT_TO_POINTER(listener));

	if (!l)
		return -ENOENT;
	*ret_stats = l->stats;
	return 0;
}

void mcu_audio_engine_stats(McuAudioEngine *engine, McuAudioEngineStats *ret_stats)
{
	uint64_t ticks = atomic_load(&engine->ticks);

	*ret_stats = (McuAudioEngineStats){
		.speaker = atomic_load(&engine->speaker_id),
		.sources = g_hash_table_size(engine->sources),
		.listeners = g_hash_table_size(engine->listeners),
		.mixed = atomic_load(&engine->mixed),
		.encodes = atomic_load(&engine->encodes),
		.encodes_total = atomic_load(&engine->encodes_total),
		.ticks = ticks,
		.late_ticks = atomic_load(&engine->late_ticks),
		.skipped_ticks = atomic_load(&engine->skipped_ticks),
		.dropped = atomic_load(&engine->dropped),
		.tick_max_us = atomic_exchange(&engine->tick_max_us, 0),
		.tick_avg_us = ticks ? (unsigned)(atomic_load(&engine->tick_sum_us) / ticks) : 0,
	};
}

int mcu_audio_engine_level(McuAudioEngine *engine, uint32_t participant)
{
	AudioPart *part = g_hash_table_lookup(engine->parts, GUINT_TO_POINTER(participant));

	return part ? atomic_load_explicit(&part->level_dbov, memory_order_relaxed)
		    : MCU_LEVEL_SILENT_DBOV;
}

void mcu_audio_engine_tick_at(McuAudioEngine *engine, int64_t now_ns)
{
	g_assert(!engine->thread);
	run_slot(engine, now_ns);
	mcu_audio_engine_drain(engine);
}
