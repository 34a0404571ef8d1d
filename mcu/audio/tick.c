/* The tick: what is received becomes one slot of mixed sound. Thread: atick. No allocation, no
 * lock, no log, no waiting.
 *
 *   inbox -> receiver -> source ramp -> bus of the participant -> level, gate -> sum -> limiter
 */
#include <string.h>

#include "audio/engine_priv.h"

#define FRAMES          MCU_AUDIO_SLOT_FRAMES
#define PUSHES_PER_SLOT 64
#define STATS_SLOTS     5
/* full swings of the gains */
#define JOIN_FRAMES  960  /* 20 ms: join, leave, mute */
#define OPEN_FRAMES  240  /* 5 ms: an onset must not lose its beginning */
#define CLOSE_FRAMES 9600 /* 200 ms: background fades away */
#define KEEP_DB      6.0f /* who is in the mix stays unless another is so much louder */

static void take_packets(AudioSource *source)
{
	McuAudioRtp rtp;
	int64_t arrival_ns;

	for (int i = 0; i < PUSHES_PER_SLOT; i++) {
		if (!mcu_inbox_peek(&source->inbox, &rtp, &arrival_ns))
			return;
		/* what is refused is counted in the receiver */
		(void)mcu_audio_receiver_push(source->receiver, &rtp, arrival_ns);
		mcu_inbox_drop(&source->inbox);
	}
}

static void publish_stats(AudioSource *source)
{
	AudioSourceCounters *c = &source->counters;
	McuAudioSourceStats s;

	mcu_audio_receiver_stats(source->receiver, &s);
	atomic_store_explicit(&c->codec, s.codec, memory_order_relaxed);
	atomic_store_explicit(&c->jitter_ms, s.jitter_ms, memory_order_relaxed);
	atomic_store_explicit(&c->target_ms, s.target_ms, memory_order_relaxed);
	atomic_store_explicit(&c->delay_ms, s.delay_ms, memory_order_relaxed);
	atomic_store_explicit(&c->received, s.received, memory_order_relaxed);
	atomic_store_explicit(&c->lost, s.lost, memory_order_relaxed);
	atomic_store_explicit(&c->late, s.late, memory_order_relaxed);
	atomic_store_explicit(&c->dropped, s.dropped, memory_order_relaxed);
	atomic_store_explicit(&c->fec, s.fec, memory_order_relaxed);
	atomic_store_explicit(&c->concealed, s.concealed, memory_order_relaxed);
	atomic_store_explicit(&c->expanded, s.expanded, memory_order_relaxed);
	atomic_store_explicit(&c->accelerated, s.accelerated, memory_order_relaxed);
}

static void add_to_bus(AudioPart *part, const float *pcm)
{
	if (part->has_bus) {
		mcu_mix_add(part->bus, pcm, FRAMES);
		return;
	}
	memcpy(part->bus, pcm, sizeof(part->bus));
	part->has_bus = true;
}

static void play_source(McuAudioEngine *engine, AudioSource *source, int64_t now_ns, float target)
{
	float level = MCU_LEVEL_SILENT_DBOV;

	take_packets(source);
	if (mcu_audio_receiver_pull(source->receiver, now_ns, engine->scratch)) {
		level = mcu_level_dbov(engine->scratch, FRAMES);
		mcu_ramp_apply(&source->ramp, target, JOIN_FRAMES, engine->scratch, FRAMES);
		add_to_bus(source->part, engine->scratch);
	}
	atomic_store_explicit(&source->counters.level_dbov, (int)level, memory_order_relaxed);
	if (engine->slot % STATS_SLOTS == 0)
		publish_stats(source);
}

static void play_sources(McuAudioEngine *engine, const Plan *plan, int64_t now_ns)
{
	for (unsigned i = 0; i < plan->n_parts; i++) {
		AudioPart *part = plan->parts[i];

		part->has_bus = part->contributes = part->has_minus = false;
	}
	for (unsigned i = 0; i < plan->n_sources; i++)
		play_source(engine, plan->sources[i], now_ns, 1);
	for (unsigned i = 0; i < plan->n_leaving; i++) {
		AudioSource *source = plan->leaving[i];

		if (atomic_load_explicit(&source->faded, memory_order_relaxed))
			continue;
		play_source(engine, source, now_ns, 0);
		atomic_store_explicit(&source->faded, true, memory_order_release);
		atomic_store(&engine->news, true);
	}
}

/* level, speech; returns whether the participant wants to be in the mix */
static bool judge(AudioPart *part)
{
	bool muted = atomic_load_explicit(&part->muted, memory_order_relaxed);
	McuVad *vad = &part->vad;
	bool was_open = vad->open;

	mcu_vad_update(vad, part->has_bus ? part->bus : NULL, FRAMES);
	if (vad->open && !was_open)
		part->rank_dbov = vad->level_dbov;
	else if (vad->speech)
		part->rank_dbov += 0.1f * (vad->level_dbov - part->rank_dbov);
	atomic_store_explicit(&part->level_dbov,
			      muted ? MCU_LEVEL_SILENT_DBOV : (int)vad->level_dbov,
			      memory_order_relaxed);
	return vad->open && !muted;
}

/* Of those who want to be in the mix, keep the loudest. */
static void choose(const Plan *plan, unsigned max)
{
	for (unsigned k = 0; k < max; k++) {
		AudioPart *best = NULL;
		float best_rank = 0;

		for (unsigned i = 0; i < plan->n_parts; i++) {
			AudioPart *part = plan->parts[i];
			float rank = part->rank_dbov + (part->ramp.gain > 0 ? KEEP_DB : 0);

			if (!part->vad.open || part->allowed || atomic_load(&part->muted))
				continue;
			if (!best || rank > best_rank) {
				best = part;
				best_rank = rank;
			}
		}
		if (!best)
			return;
		best->allowed = true;
	}
}

static void gate(AudioPart *part)
{
	float target = part->allowed ? 1 : 0;
	unsigned swing = target > 0 ? OPEN_FRAMES : CLOSE_FRAMES;

	if (atomic_load_explicit(&part->muted, memory_order_relaxed))
		swing = JOIN_FRAMES;
	if (!part->has_bus) {
		part->ramp.gain = target;
		return;
	}
	part->contributes = part->ramp.gain > 0 || target > 0;
	mcu_ramp_apply(&part->ramp, target, swing, part->bus, FRAMES);
}

static void mix(McuAudioEngine *engine, const Plan *plan)
{
	unsigned wanting = 0, mixed = 0;

	for (unsigned i = 0; i < plan->n_parts; i++) {
		plan->parts[i]->allowed = judge(plan->parts[i]);
		wanting += plan->parts[i]->allowed;
	}
	if (wanting > engine->config.max_mixed) {
		for (unsigned i = 0; i < plan->n_parts; i++)
			plan->parts[i]->allowed = false;
		choose(plan, engine->config.max_mixed);
	}
	memset(engine->total, 0, sizeof(engine->total));
	for (unsigned i = 0; i < plan->n_parts; i++) {
		AudioPart *part = plan->parts[i];

		gate(part);
		if (!part->contributes)
			continue;
		mcu_mix_add(engine->total, part->bus, FRAMES);
		mixed++;
	}
	memcpy(engine->mix, engine->total, sizeof(engine->mix));
	mcu_limiter_run(&engine->limiter, engine->mix, FRAMES);
	atomic_store_explicit(&engine->mixed, mixed, memory_order_relaxed);
}

static void find_speaker(McuAudioEngine *engine, const Plan *plan)
{
	unsigned n = 0;
	uint32_t id;

	for (unsigned i = 0; i < plan->n_parts && n < MCU_MAX_AUDIO_PARTS; i++) {
		AudioPart *part = plan->parts[i];
		bool muted = atomic_load_explicit(&part->muted, memory_order_relaxed);
		bool talking = part->vad.talking && !muted;

		engine->speaker_in[n++] = (McuSpeakerInput){
			.id = part->id,
			.level_dbov = part->vad.level_dbov,
			.speech = part->vad.speech && !muted,
			.score = &part->score,
		};
		if (talking != atomic_load_explicit(&part->talking, memory_order_relaxed)) {
			atomic_store_explicit(&part->talking, talking, memory_order_relaxed);
			atomic_store(&engine->news, true);
		}
	}
	id = mcu_speaker_update(&engine->speaker, engine->speaker_in, n);
	if (id != atomic_load_explicit(&engine->speaker_id, memory_order_relaxed)) {
		atomic_store_explicit(&engine->speaker_id, id, memory_order_relaxed);
		atomic_store(&engine->news, true);
	}
}

static void feed_tap(McuAudioEngine *engine, int64_t slot_ns)
{
	McuAudioTap tap;

	/* set_tap() waits for in_tap, so the order of these two matters */
	atomic_store(&engine->in_tap, true);
	tap = atomic_load(&engine->tap);
	if (tap)
		tap(atomic_load(&engine->tap_data), engine->mix, slot_ns);
	atomic_store(&engine->in_tap, false);
}

void mcu_audio_tick(McuAudioEngine *engine, const Plan *plan, int64_t slot_ns)
{
	if (plan) {
		play_sources(engine, plan, slot_ns);
		mix(engine, plan);
		find_speaker(engine, plan);
	}
	feed_tap(engine, slot_ns);
	if (plan)
		mcu_audio_tick_send(engine, plan, slot_ns);
	engine->slot++;
	atomic_fetch_add_explicit(&engine->ticks, 1, memory_order_relaxed);
}
