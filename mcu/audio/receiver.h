/* One received audio stream made into a steady one: RTP packets in, 48 kHz slots out.
 *
 *   push() -> jitter buffer (rtp/jitter.h) -> decode | FEC | conceal | comfort noise
 *          -> resample to 48 kHz -> stretch when the buffer asks -> pull(): 20 ms
 *
 * Follows changes of payload type, of SSRC and of frame length, and discontinuous transmission.
 * One thread at a time. Not here: how packets get to that thread (engine.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/engine.h"

typedef struct McuAudioReceiver McuAudioReceiver;

/** jitter limits in ms. NULL when pts name no codec that is known; others in it are skipped. */
McuAudioReceiver *mcu_audio_receiver_new(const McuAudioPt *pts, size_t n_pts,
					 unsigned jitter_min_ms, unsigned jitter_max_ms);
void mcu_audio_receiver_free(McuAudioReceiver *rx);

/** Give a packet; the payload is copied.
 * Errors: -EINVAL malformed, -ENOENT unknown payload type, -EEXIST twice or too late, -ENOSPC.
 */
int mcu_audio_receiver_push(McuAudioReceiver *rx, const McuAudioRtp *rtp,
			    int64_t arrival_ns) MCU_WARN_UNUSED;

/** Next MCU_AUDIO_SLOT_FRAMES samples. True when they hold sound of the peer (decoded or
 * concealed), false when nothing was ever received or the stream has ended (then they are 0). No
 * allocation.
 */
bool mcu_audio_receiver_pull(McuAudioReceiver *rx, int64_t now_ns, float *out);

/** Fills what a receiver knows: not participant, level_dbov, talking. */
void mcu_audio_receiver_stats(const McuAudioReceiver *rx, McuAudioSourceStats *ret_stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAudioReceiver, mcu_audio_receiver_free)
