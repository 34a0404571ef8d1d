/* Encoding once per distinct mix. Thread: atick.
 *
 * Each group of equal listeners has one shared encoder on the whole mix, each voice (listeners of
 * one participant) an encoder of its own for the mix without that participant. Who begins to talk
 * gets a copy of the shared encoder as it stands, so his decoder sees one unbroken stream; who has
 * been quiet for RETURN_SLOTS goes back: by then both encoders have long coded the same sound.
 */
#include <string.h>

#include "audio/engine_priv.h"
#include "base/clock.h"

#define RETURN_SLOTS 25

static void decide(AudioVoice *voice, uint64_t slot)
{
	McuAudioSender *shared = voice->group->shared;

	/* a decoder that begins in the middle of a stream */
	if (!voice->greeted)
		mcu_audio_sender_refresh(shared);
	voice->greeted = true;
	if (!voice->part)
		return;
	if (voice->part->contributes) {
		voice->same_slots = 0;
		if (!voice->on_own && mcu_audio_sender_runs(shared, slot))
			mcu_audio_sender_copy(voice->own, shared);
		voice->on_own = true;
		return;
	}
	if (!voice->on_own || ++voice->same_slots < RETURN_SLOTS)
		return;
	voice->on_own = false;
	if (mcu_audio_sender_runs(shared, slot))
		mcu_audio_sender_refresh(shared);
	else if (mcu_audio_sender_runs(voice->own, slot))
		mcu_audio_sender_copy(shared, voice->own);
}

static const float *minus_of(McuAudioEngine *engine, AudioPart *part)
{
	if (!part->contributes) {
		part->limiter = engine->limiter;
		return engine->mix;
	}
	if (!part->has_minus) {
		mcu_mix_minus(part->minus, engine->total, part->bus, MCU_AUDIO_SLOT_FRAMES);
		mcu_limiter_run(&part->limiter, part->minus, MCU_AUDIO_SLOT_FRAMES);
		part->has_minus = true;
	}
	return part->minus;
}

/* Give the packet in engine->payload to the n_ids listeners in engine->ids. */
static void deliver(McuAudioEngine *engine, const McuAudioEncoded *enc, unsigned n_ids, bool shared)
{
	for (unsigned i = 0; i < n_ids; i += OUT_IDS) {
		OutItem *item = mcu_ring_pop(engine->spare);
		bool pushed;

		if (!item) {
			atomic_fetch_add_explicit(&engine->dropped, 1, memory_order_relaxed);
			return;
		}
		item->enc = *enc;
		item->enc.payload = memcpy(item->bytes, engine->payload, enc->len);
		item->shared = shared;
		item->n_ids = MIN(n_ids - i, (unsigned)OUT_IDS);
		memcpy(item->ids, engine->ids + i, item->n_ids * sizeof(item->ids[0]));
		/* the ring has room for all items there are */
		pushed = mcu_ring_push(engine->out, item);
		g_assert(pushed);
	}
}

static unsigned collect(McuAudioEngine *engine, unsigned n, const PlanVoice *voice)
{
	for (unsigned i = 0; i < voice->n_ids && n < MCU_MAX_AUDIO_LISTENERS; i++)
		engine->ids[n++] = voice->ids[i];
	return n;
}

/* code one more slot and deliver what frames are complete; result: number of encodes */
static unsigned encode(McuAudioEngine *engine, const AudioGroup *group, McuAudioSender *sender,
		       const float *pcm, int64_t slot_ns, unsigned n_ids)
{
	McuAudioFrame frame;
	unsigned n = 0;

	mcu_audio_sender_set_loss(sender,
				  atomic_load_explicit(&group->loss_percent, memory_order_relaxed));
	mcu_audio_sender_feed(sender, pcm, engine->slot);
	while (mcu_audio_sender_take(sender, engine->payload, &frame)) {
		McuAudioEncoded enc = {
			.len = frame.len,
			.rtp_ts = frame.rtp_ts,
			.duration_ts = frame.duration_ts,
			.pts_ns = slot_ns + frame.offset_ms * MCU_NS_PER_MS,
			.codec = group->params.codec,
		};

		n++;
		if (frame.len)
			deliver(engine, &enc, n_ids, sender == group->shared);
	}
	return n;
}

static unsigned send_group(McuAudioEngine *engine, const PlanGroup *pg, int64_t slot_ns)
{
	AudioGroup *group = pg->group;
	unsigned n = 0, n_ids;

	/* before anything is fed: the encoders stand at the same place */
	for (unsigned v = 0; v < pg->n_voices; v++)
		decide(pg->voices[v].voice, engine->slot);
	for (unsigned v = 0; v < pg->n_voices; v++) {
		const PlanVoice *pv = &pg->voices[v];

		if (!pv->voice->on_own || !pv->n_ids)
			continue;
		n_ids = collect(engine, 0, pv);
		n += encode(engine, group, pv->voice->own, minus_of(engine, pv->voice->part),
			    slot_ns, n_ids);
	}
	n_ids = 0;
	for (unsigned v = 0; v < pg->n_voices; v++) {
		if (!pg->voices[v].voice->on_own)
			n_ids = collect(engine, n_ids, &pg->voices[v]);
	}
	if (n_ids)
		n += encode(engine, group, group->shared, engine->mix, slot_ns, n_ids);
	return n;
}

void mcu_audio_tick_send(McuAudioEngine *engine, const Plan *plan, int64_t slot_ns)
{
	unsigned n = 0;

	for (unsigned g = 0; g < plan->n_groups; g++)
		n += send_group(engine, &plan->groups[g], slot_ns);
	atomic_store_explicit(&engine->encodes, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&engine->encodes_total, n, memory_order_relaxed);
}
