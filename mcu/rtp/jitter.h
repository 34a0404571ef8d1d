/* Adaptive jitter buffer for audio packets: decides when each packet is played, from measured
 * jitter, and says when to stretch or squeeze time. Pure; no allocation after _new(), no lock: made
 * for the audio tick. Payload bytes are copied in, so the caller keeps its packets.
 *
 *   put(packet) --> [slots by sequence number] --get--> piece: packet | lost | silence | underrun
 *
 * The consumer keeps decoded sound in a FIFO and calls get() while that FIFO holds less than it
 * needs for the tick. Delay of a packet = when its first sample is heard - when it could have
 * arrived at the earliest (smallest transit of the last seconds); the target is the 97 % quantile
 * of the measured jitter plus one tick, as a packet is fetched up to 20 ms before it is heard. It
 * is expanded when a packet that is as late as that quantile would miss its fetching. Clock drift
 * shows as a slow change of the delay, and is answered by MCU_JITTER_EXPAND or _ACCELERATE like any
 * other error.
 *
 * Not here: codecs, concealment, time stretching (audio/).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Packets kept at most (power of two), and bytes of one payload. */
#define MCU_JITTER_SLOTS       128
#define MCU_JITTER_MAX_PAYLOAD 1500
/** Delay beyond max_target that is cut by leaving packets out instead of by squeezing. */
#define MCU_JITTER_MAX_EXCESS_NS (INT64_C(300) * 1000000)

typedef struct McuJitter McuJitter;

typedef struct McuJitterConfig {
	uint32_t clock_hz;     /* RTP clock */
	int64_t min_target_ns; /* 0 = 20 ms */
	int64_t max_target_ns; /* 0 = 200 ms */
} McuJitterConfig;

typedef struct McuJitterPacket {
	uint32_t ssrc;
	uint16_t seq;
	uint32_t ts;
	uint8_t pt;
	bool marker;
	bool silence; /* the sender goes quiet after it: comfort noise, Opus of 1 or 2 bytes */
	uint32_t duration_ts; /* what it decodes to, in RTP clock units; 0 = unknown or none (CN) */
	const uint8_t *payload;
	size_t len; /* 0: the packet carries no sound (telephone-event); it only fills its number */
	int64_t arrival_ns;
} McuJitterPacket;

typedef enum McuJitterKind {
	MCU_JITTER_PACKET = 1, /* decode payload[len] */
	MCU_JITTER_LOST,      /* conceal one packet; fec[fec_len], if any, is the packet after it */
	MCU_JITTER_SILENCE,   /* the sender is quiet (DTX): comfort noise or silence */
	MCU_JITTER_UNDERRUN,  /* nothing came in time: conceal; time is not used up */
	MCU_JITTER_BUFFERING, /* not started yet: silence */
} McuJitterKind;

const char *mcu_jitter_kind_name(McuJitterKind kind);

typedef enum McuJitterAdvice {
	MCU_JITTER_NORMAL = 1,
	MCU_JITTER_EXPAND,          /* play this piece longer: delay is below target */
	MCU_JITTER_ACCELERATE,      /* play it shorter: delay is above target */
	MCU_JITTER_ACCELERATE_FAST, /* far above: squeeze as much as sounds bearable */
} McuJitterAdvice;

/** Pointers are valid until the next put() or get(). */
typedef struct McuJitterPiece {
	McuJitterKind kind;
	McuJitterAdvice advice;
	const uint8_t *payload;
	size_t len;
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint32_t ts;
	const uint8_t *fec;
	size_t fec_len;
	uint32_t duration_ts; /* how much sound the piece stands for, in RTP clock units; PACKET: as
				 put() was told, or estimated; SILENCE, UNDERRUN, BUFFERING: at most
				 20 ms */
	bool reset;           /* first piece of a new source or time base: reset the decoder */
	int64_t delay_ns;     /* of a PACKET, see above */
	int64_t arrival_ns;
} McuJitterPiece;

typedef struct McuJitterStats {
	uint64_t packets;
	uint64_t lost; /* LOST pieces */
	uint64_t late; /* came after their time */
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t discarded; /* left out to cut delay, or too long, or far off in sequence */
	uint64_t underruns; /* times the buffer ran dry (not pieces) */
	uint64_t expanded, accelerated; /* pieces with that advice */
	uint64_t resets;
	double delay_ms; /* of the last packet played */
	double target_ms;
	double jitter_ms; /* RFC 3550 style, smoothed */
} McuJitterStats;

McuJitter *mcu_jitter_new(const McuJitterConfig *config);
void mcu_jitter_free(McuJitter *j); /* NULL is allowed */

/** Forget packets, source and time base; statistics go on. */
void mcu_jitter_reset(McuJitter *j);

/** Errors: -EEXIST duplicate; -ETIMEDOUT late; -EOVERFLOW payload too long; -EAGAIN stray sequence
 * number (see recv.h). All are counted; the caller need not care.
 * Thread: owner (atick); no allocation, no lock, O(1).
 */
int mcu_jitter_put(McuJitter *j, const McuJitterPacket *packet);

/** Next piece to play. `queued_ns`: sound that was made of earlier pieces and is not yet played.
 * Thread: owner (atick); no allocation, no lock, O(MCU_JITTER_SLOTS).
 */
void mcu_jitter_get(McuJitter *j, int64_t now_ns, int64_t queued_ns, McuJitterPiece *ret);

void mcu_jitter_stats(const McuJitter *j, McuJitterStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuJitter, mcu_jitter_free)
