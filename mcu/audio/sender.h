/* One encode of one mix: 48 kHz slots in, payloads with RTP time out.
 *
 *   feed(slot) -> resample -> frames of ptime (on a grid common to all senders) -> take(): encode
 *
 * Two senders with the same parameters cut frames at the same places, so a listener can be moved
 * from one to the other. No allocation after _new(). Not here: who gets it (engine.h).
 */
#pragma once
#include "audio/engine.h"

typedef struct McuAudioSender McuAudioSender;

/** Fill in defaults and drop what the codec does not use, so that equal settings compare equal.
 * Errors: -EINVAL.
 */
int mcu_audio_send_params_normalise(McuAudioSendParams *params) MCU_WARN_UNUSED;

/** params: normalised. */
McuAudioSender *mcu_audio_sender_new(const McuAudioSendParams *params, unsigned complexity);
void mcu_audio_sender_free(McuAudioSender *s);

/** True when `s` was fed the slot before `slot`. */
bool mcu_audio_sender_runs(const McuAudioSender *s, uint64_t slot);

/** Make dst (same parameters) go on where src is: whoever decoded src can decode dst. */
void mcu_audio_sender_copy(McuAudioSender *dst, const McuAudioSender *src);

/** A decoder joins now: lean on nothing before. */
void mcu_audio_sender_refresh(McuAudioSender *s);

void mcu_audio_sender_set_loss(McuAudioSender *s, unsigned percent);

/** Give the slot number `slot` (MCU_AUDIO_SLOT_FRAMES samples). Call take() until it gives 0. */
void mcu_audio_sender_feed(McuAudioSender *s, const float *pcm, uint64_t slot);

typedef struct McuAudioFrame {
	size_t len; /* 0: nothing to send (DTX) */
	uint32_t rtp_ts, duration_ts;
	int offset_ms; /* from the start of the fed slot to its own; at most 0, or 10 */
} McuAudioFrame;

/** Encode the next whole frame. Result: 1 and the frame, or 0 when there is none.
 * buf: at least MCU_AUDIO_MAX_PAYLOAD bytes.
 */
int mcu_audio_sender_take(McuAudioSender *s, uint8_t *buf,
			  McuAudioFrame *ret_frame) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAudioSender, mcu_audio_sender_free)
