/* H.264 RTP payloads (RFC 6184) to Annex B access units. Pure.
 *
 *   payload in order (recv.h) --put--> [access unit being gathered] --next--> McuAccessUnit
 *
 * Single NAL, STAP-A, STAP-B, MTAP16/24 (decoding order taken as it comes) and FU-A, FU-B.
 * Parameter sets are remembered, and put before a keyframe that comes without them. After a loss
 * nothing is given out until a picture that decoding can begin with; wants_keyframe() says so.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "rtp/access_unit.h"
#include "rtp/h264.h"

typedef struct McuH264Depay McuH264Depay;

typedef struct McuH264DepayConfig {
	bool keep_incomplete; /* give out damaged pictures too (complete = false), do not wait */
	unsigned max_width, max_height; /* larger pictures are not given out; 0 = no limit */
} McuH264DepayConfig;

typedef struct McuH264DepayStats {
	uint64_t access_units, keyframes; /* given out */
	uint64_t dropped;                 /* access units not given out, whatever the reason */
	uint64_t damaged;                 /* access units of which something was lost */
	uint64_t malformed;               /* payloads that RFC 6184 does not allow */
	uint64_t too_big;                 /* over MCU_H264_MAX_AU or the size limits */
	unsigned width, height;           /* current picture size; 0 = unknown */
} McuH264DepayStats;

/** `config` may be NULL. */
McuH264Depay *mcu_h264_depay_new(const McuH264DepayConfig *config);
void mcu_h264_depay_free(McuH264Depay *d); /* NULL is allowed */

/** Parameter sets from SDP: "base64,base64,…". Unusable ones are skipped.
 * Returns how many were taken; -EINVAL when none.
 */
int mcu_h264_depay_set_sprop(McuH264Depay *d, const char *sprop) MCU_WARN_UNUSED;

/** The same from Annex B bytes. Returns how many were taken. */
unsigned mcu_h264_depay_set_parameter_sets(McuH264Depay *d, const uint8_t *annexb, size_t len);

/** One payload, in sequence order. `gap`: packets before this one are lost. An empty payload
 * (padding, probing) only passes on `gap`. Fetch with next() until NULL afterwards.
 */
void mcu_h264_depay_put(McuH264Depay *d, const uint8_t *payload, size_t len, uint32_t ts,
			bool marker, bool gap, int64_t arrival_ns);

/** Next whole access unit, oldest first, or NULL. Owns: caller. */
McuAccessUnit *mcu_h264_depay_next(McuH264Depay *d) MCU_WARN_UNUSED;

/** Nothing can be decoded before a keyframe arrives; feed it to McuKeyframeRequest. */
bool mcu_h264_depay_wants_keyframe(const McuH264Depay *d);

/** The decoder lost its state (or a picture was skipped): begin again at a keyframe. */
void mcu_h264_depay_restart(McuH264Depay *d);

void mcu_h264_depay_stats(const McuH264Depay *d, McuH264DepayStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuH264Depay, mcu_h264_depay_free)
