/* The audio side of one call: sources in, one mix, encoded mixes out, on a thread of its own.
 *
 *  loop: push() --ring--> atick: jitter buffer, decode, conceal, stretch -> level -> mix, mix-minus
 *  loop: on_encoded() <--ring + wake-- encode once per distinct mix <-----------'  '--> PCM tap
 *
 * Every 20 ms (absolute deadlines) the thread `atick` makes one slot. Participants that are not
 * talking all hear the same mix, so one encode per codec serves all of them; only who is in the mix
 * gets a mix of its own, without itself. Ids are chosen by the caller and are not 0.
 *
 * Who is in the mix: whoever talks, or did within the last second (level.h); from one slot to the
 * next, so that no word loses its onset. What is not speech and stays below -45 dBov is not mixed.
 *
 * Not here: RTP headers, sequence numbers and SRTP of what leaves (worker/, net/).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/packet.h"

#define MCU_AUDIO_RATE          48000
#define MCU_AUDIO_SLOT_MS       20
#define MCU_AUDIO_SLOT_FRAMES   960
#define MCU_AUDIO_MAX_PTS       8 /* payload types a source may switch between */
#define MCU_AUDIO_MAX_PAYLOAD   1500
#define MCU_MAX_AUDIO_SOURCES   256
#define MCU_MAX_AUDIO_LISTENERS 512
#define MCU_MAX_AUDIO_PARTS     256 /* participants */

typedef struct McuAudioEngine McuAudioEngine;

typedef struct McuAudioConfig {
	unsigned jitter_min_ms;   /* 0 = 20 */
	unsigned jitter_max_ms;   /* 0 = 200 */
	unsigned max_mixed;       /* loudest talkers in the mix; 0 = 24 */
	unsigned opus_complexity; /* 0 = 5; 1 to 10 */
} McuAudioConfig;

/** One encoded packet for one listener. */
typedef struct McuAudioEncoded {
	const uint8_t *payload; /* valid during the callback */
	size_t len;
	uint32_t rtp_ts;      /* in the codec's RTP clock, from 0; add the listener's random offset.
			       * Continuous for the life of the engine, whatever encoder is used */
	uint32_t duration_ts; /* same clock */
	int64_t pts_ns;       /* mcu_now_ns() time line of its first sample: for RTCP SR */
	bool marker;          /* first packet, or first after silence (DTX, hold) */
	McuCodec codec;
} McuAudioEncoded;

/* All run in the GMainContext given to _new(); they may call every function of the engine but
 * _stop() and _free(). Each may be NULL. */
typedef struct McuAudioHandler {
	void (*on_encoded)(void *data, uint32_t listener, const McuAudioEncoded *enc);
	/** The dominant speaker changed; 0 = nobody spoke yet. */
	void (*on_speaker)(void *data, uint32_t participant);
	/** A participant began or stopped talking (border in the picture). */
	void (*on_talking)(void *data, uint32_t participant, bool talking);
} McuAudioHandler;

/** `handler` is copied. Thread: the context's, as for all functions here ("loop"). */
McuAudioEngine *mcu_audio_engine_new(const McuAudioConfig *config, const McuAudioHandler *handler,
				     void *data, GMainContext *context);

/** Start the thread. Errors: -EBUSY already running. */
int mcu_audio_engine_start(McuAudioEngine *engine) MCU_WARN_UNUSED;

/** End the thread; no callback comes after. Idempotent. */
void mcu_audio_engine_stop(McuAudioEngine *engine);

/** Stops if need be. NULL is allowed. */
void mcu_audio_engine_free(McuAudioEngine *engine);

/* --- participants: a name for who hears what; made by the first source or listener that names it
 */

/** A muted participant is not mixed, and is not a speaker; it fades within one slot. May be called
 * before its first source.
 * Errors: -EOVERFLOW more than MCU_MAX_AUDIO_PARTS.
 */
int mcu_audio_engine_set_muted(McuAudioEngine *engine, uint32_t participant,
			       bool muted) MCU_WARN_UNUSED;

/** Forget a participant with all its sources and listeners. Errors: -ENOENT. */
int mcu_audio_engine_remove_participant(McuAudioEngine *engine,
					uint32_t participant) MCU_WARN_UNUSED;

/* --- sources */

typedef struct McuAudioPt {
	uint8_t pt;
	McuCodec codec; /* OPUS, G722, PCMU, PCMA, CN; others are skipped (DTMF is the worker's) */
} McuAudioPt;

/** Errors: -EEXIST, -EINVAL no codec that is known, -EOVERFLOW. */
int mcu_audio_engine_add_source(McuAudioEngine *engine, uint32_t source, uint32_t participant,
				const McuAudioPt *pts, size_t n_pts) MCU_WARN_UNUSED;

/** Other payload types after a re-offer. The same ones: nothing changes. Else the source begins
 * anew. Errors: -ENOENT, -EINVAL.
 */
int mcu_audio_engine_set_source_pts(McuAudioEngine *engine, uint32_t source, const McuAudioPt *pts,
				    size_t n_pts) MCU_WARN_UNUSED;

/** Fades out within one slot. Errors: -ENOENT. */
int mcu_audio_engine_remove_source(McuAudioEngine *engine, uint32_t source) MCU_WARN_UNUSED;

/** Fields of the RTP header that matter here, and the payload (inside the packet, no padding). */
typedef struct McuAudioRtp {
	uint32_t ssrc;
	uint32_t ts;
	uint16_t seq;
	uint8_t pt;
	bool marker;
	const uint8_t *payload;
	size_t payload_len;
} McuAudioRtp;

/** Give one received packet, in any order; arrival_ns of mcu_now_ns(). DTMF packets of the stream
 * too: they are not played, but their sequence numbers would count as lost.
 * Owns: borrows; the payload is copied. Never blocks: when the source's ring is full the packet is
 * dropped and counted.
 * Errors: -ENOENT, -EINVAL payload longer than MCU_AUDIO_MAX_PAYLOAD, -ENOSPC ring full.
 */
int mcu_audio_engine_push(McuAudioEngine *engine, uint32_t source, const McuAudioRtp *rtp,
			  int64_t arrival_ns) MCU_WARN_UNUSED;

/* --- listeners */

typedef struct McuAudioSendParams {
	McuCodec codec;       /* OPUS, G722, PCMU, PCMA */
	unsigned ptime_ms;    /* sent as 10, 20, 30 (not Opus), 40 or 60, rounded down; 0 = 20 */
	unsigned bitrate_bps; /* Opus only; 0 = 32000; kept within 6000 to 128000 */
	bool fec;             /* Opus in-band FEC (useinbandfec=1) */
	bool dtx;             /* Opus only (usedtx=1); silence is then not sent */
} McuAudioSendParams;

/** participant 0: hears the whole mix (recorder feeds, watchers).
 * Errors: -EEXIST, -EINVAL, -EOVERFLOW.
 */
int mcu_audio_engine_add_listener(McuAudioEngine *engine, uint32_t listener, uint32_t participant,
				  const McuAudioSendParams *params) MCU_WARN_UNUSED;

/** Change codec or rates in place. Errors: -ENOENT, -EINVAL. */
int mcu_audio_engine_set_listener(McuAudioEngine *engine, uint32_t listener,
				  const McuAudioSendParams *params) MCU_WARN_UNUSED;

int mcu_audio_engine_remove_listener(McuAudioEngine *engine, uint32_t listener) MCU_WARN_UNUSED;

/** Loss its receiver reports in RTCP, 0 to 100: steers FEC. Errors: -ENOENT. */
int mcu_audio_engine_set_loss(McuAudioEngine *engine, uint32_t listener,
			      unsigned percent) MCU_WARN_UNUSED;

/** On hold nothing is sent. Errors: -ENOENT. */
int mcu_audio_engine_set_hold(McuAudioEngine *engine, uint32_t listener, bool hold) MCU_WARN_UNUSED;

/* --- PCM of the whole mix */

/** One slot: MCU_AUDIO_SLOT_FRAMES mono float samples at 48 kHz, within -1 to 1; pts_ns of its
 * first sample on the mcu_now_ns() time line. Thread: atick; must be wait-free.
 */
typedef void (*McuAudioTap)(void *data, const float *pcm, int64_t pts_ns);

/** Set, replace or (NULL) remove the tap. When this returns the old one runs no more. */
void mcu_audio_engine_set_tap(McuAudioEngine *engine, McuAudioTap tap, void *data);

/* --- statistics: counters since the object was made */

typedef struct McuAudioSourceStats {
	uint32_t participant;
	McuCodec codec; /* of the last packet played; 0 = none yet */
	int level_dbov; /* -127 to 0, last slot */
	bool talking;
	unsigned jitter_ms; /* measured */
	unsigned target_ms; /* of the jitter buffer */
	unsigned delay_ms;  /* what waits in it */
	uint64_t received;  /* packets */
	uint64_t lost;      /* never came */
	uint64_t late;      /* came after their turn, or twice */
	uint64_t dropped;   /* ring full, unknown payload type */
	uint64_t fec;       /* frames restored from in-band FEC */
	uint64_t concealed; /* frames made up */
	uint64_t expanded;  /* stretches: one pitch period more */
	uint64_t accelerated;
} McuAudioSourceStats;

/** Errors: -ENOENT. */
int mcu_audio_engine_source_stats(McuAudioEngine *engine, uint32_t source,
				  McuAudioSourceStats *ret_stats) MCU_WARN_UNUSED;

typedef struct McuAudioListenerStats {
	uint64_t packets; /* given to on_encoded */
	uint64_t bytes;
	uint64_t shared; /* of the packets: made by the shared encode */
} McuAudioListenerStats;

/** Errors: -ENOENT. */
int mcu_audio_engine_listener_stats(McuAudioEngine *engine, uint32_t listener,
				    McuAudioListenerStats *ret_stats) MCU_WARN_UNUSED;

typedef struct McuAudioEngineStats {
	uint32_t speaker; /* dominant speaker or 0 */
	unsigned sources, listeners;
	unsigned mixed;   /* participants in the last mix */
	unsigned encodes; /* distinct encodes of the last slot */
	uint64_t encodes_total;
	uint64_t ticks;
	uint64_t late_ticks;    /* began more than 5 ms late */
	uint64_t skipped_ticks; /* more than 100 ms behind: not made */
	uint64_t dropped;       /* encoded packets nobody fetched in time */
	unsigned tick_max_us;   /* since the last call of this function */
	unsigned tick_avg_us;
} McuAudioEngineStats;

void mcu_audio_engine_stats(McuAudioEngine *engine, McuAudioEngineStats *ret_stats);

/** Level of a participant in dBov (-127 to 0), as in RFC 6464. -127 when unknown. */
int mcu_audio_engine_level(McuAudioEngine *engine, uint32_t participant);

/* --- tests: instead of _start() */

/** Make the slot that is due at now_ns, as the thread would, and run the callbacks.
 * Thread: the context's, and never with a started engine.
 */
void mcu_audio_engine_tick_at(McuAudioEngine *engine, int64_t now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuAudioEngine, mcu_audio_engine_free)
