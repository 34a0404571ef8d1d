/* Spreads the packets of a picture over about one frame interval, per listener (leaky bucket).
 * Owns the queue of payloads that wait, so that when a listener cannot take the rate whole pictures
 * are dropped before they get sequence numbers. Pure: time is passed in.
 *
 *   payload --push--> [queue] --pop (when the bucket allows)--> McuRtpSender
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/packet.h"

/** No payload waits longer than this before pictures are dropped. */
#define MCU_PACER_MAX_DELAY_NS (INT64_C(400) * 1000000)
/** Payloads that wait. */
#define MCU_PACER_MAX_PACKETS 4096
/** Bursts leave at most at this many times the configured bit rate. */
#define MCU_PACER_BURST 4

typedef struct McuPacer McuPacer;

typedef struct McuPacerConfig {
	uint64_t bitrate_bps;      /* long-term rate of the stream */
	int64_t frame_interval_ns; /* a picture leaves within about this time */
} McuPacerConfig;

typedef struct McuPacerStats {
	uint64_t pictures_dropped;
	uint64_t packets_dropped;
	size_t queued_packets, queued_bytes;
	int64_t max_delay_ns; /* longest wait of a payload so far */
} McuPacerStats;

McuPacer *mcu_pacer_new(const McuPacerConfig *config);
void mcu_pacer_free(McuPacer *p); /* NULL is allowed */

/** New rate; takes effect at once. */
void mcu_pacer_set(McuPacer *p, const McuPacerConfig *config);

/** Queue one payload; payload->flags (MCU_RTP_FLAG_*) tell where pictures begin and which are
 * keyframes. After an overflow everything up to the next keyframe is refused: ask for one.
 * Owns: takes a reference of its own.
 * Errors: -EOVERFLOW dropped (mcu_pacer_wants_keyframe() is true from now on).
 */
int mcu_pacer_push(McuPacer *p, McuPacket *payload, uint32_t media_ts,
		   int64_t now_ns) MCU_WARN_UNUSED;

/** Next payload that may leave now. Owns: caller gets the reference.  Errors: -EAGAIN. */
int mcu_pacer_pop(McuPacer *p, int64_t now_ns, McuPacket **ret,
		  uint32_t *ret_media_ts) MCU_WARN_UNUSED;

/** When pop() will give something; INT64_MAX when nothing waits. */
int64_t mcu_pacer_next_ns(const McuPacer *p);

/** Pictures were dropped, and no keyframe has been queued since. */
bool mcu_pacer_wants_keyframe(const McuPacer *p);

void mcu_pacer_stats(const McuPacer *p, McuPacerStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuPacer, mcu_pacer_free)
