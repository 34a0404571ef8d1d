/* The picture of one call: sources in, one composition, renditions out. Owns the threads vtick,
 * label, dec[n] and one enc per rendition. Not here: RTP, who speaks (audio/), files (rec/).
 *
 *   loop:  push(access unit) --> bounded queue --> dec[n] --newest frame of the source--+
 *          participants, layout --> scene --> label: tiles with texts --> plan ---------+
 *                                                                                       v
 *   vtick: every 1/fps on absolute deadlines: plan + newest frames -> compose -> canvas
 *                                                                                       |
 *   enc:   newest canvas wins <---- one mailbox per rendition --------------------------+
 *          -> HwPacket -> on_packet (in the enc thread)
 *
 * Policies
 * - A source that no tile shows is not decoded: its access units are dropped at push(). When it is
 *   shown again it waits for a keyframe, which is asked for (source_wants_keyframe).
 * - Queue of a source over MCU_VIDEO_QUEUE_MAX access units or MCU_VIDEO_QUEUE_BYTES: everything up
 *   to the next keyframe is dropped, and one is asked for.
 * - Keyframes are asked for again after 300 ms, doubling up to 2 s, until one is decoded.
 * - A picture older than 2 s is dimmed and marked.
 * - A canvas that did not change is encoded twice a second only (MCU_VIDEO_REFRESH_MS), so that a
 *   receiver's picture stays alive.
 * - Keyframe requests to a rendition are merged: one keyframe per MCU_VIDEO_KEYFRAME_MS at most; a
 *   request within that time is honoured at its end.
 * - An encoder that fails is made anew, once per second at most.
 * - Overload (ticks skipped, canvases overwritten before they were encoded, queues dropped): first
 *   the loop filter is left out on small tiles, then the frame rate is halved, then small tiles of
 *   people who do not speak stand still (dimmed and marked like any old picture); undone with
 *   hysteresis. Every step is a callback and a metric.
 *
 * Thread of every function below: loop (the thread that runs the GMainContext), unless it says so.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hw/hw.h"
#include "video/layout.h"

#define MCU_MAX_VIDEO_PARTICIPANTS 256
#define MCU_MAX_VIDEO_SOURCES      256
#define MCU_MAX_RENDITIONS         8
#define MCU_MAX_DECODE_THREADS     64
/** Most snapshots that wait for the next canvas. */
#define MCU_MAX_SNAPSHOTS 64
/** Largest access unit that is taken. */
#define MCU_MAX_ACCESS_UNIT   (2 * 1024 * 1024)
#define MCU_VIDEO_QUEUE_MAX   24
#define MCU_VIDEO_QUEUE_BYTES (4 * 1024 * 1024)
/** A picture that is due later than this from now is shown at once. */
#define MCU_VIDEO_MAX_WAIT_MS 1000
#define MCU_VIDEO_STALE_MS    2000
#define MCU_VIDEO_REFRESH_MS  500
#define MCU_VIDEO_KEYFRAME_MS 500

typedef struct McuVideoEngine McuVideoEngine;
typedef struct McuRendition McuRendition;

typedef enum McuVideoSourceState {
	MCU_VIDEO_SOURCE_NONE = 1, /* no picture yet */
	MCU_VIDEO_SOURCE_LIVE,
	MCU_VIDEO_SOURCE_STALE, /* no new picture for MCU_VIDEO_STALE_MS */
} McuVideoSourceState;

typedef enum McuOverloadLevel {
	MCU_OVERLOAD_NONE = 1,
	MCU_OVERLOAD_SKIP_LOOP_FILTER,
	MCU_OVERLOAD_HALF_RATE,
	MCU_OVERLOAD_FREEZE_IDLE,
} McuOverloadLevel;

const char *mcu_video_source_state_name(McuVideoSourceState state);
const char *mcu_overload_level_name(McuOverloadLevel level);

/* Called on loop, never from within a call to the engine, except source_wants_keyframe, which may
 * be called from push(). All may be NULL. */
typedef struct McuVideoEvents {
	void *data;
	/* Ask the sender for a keyframe, now. Already paced; repeated until one was decoded. */
	void (*source_wants_keyframe)(void *data, uint32_t source);
	/* The state changed, or the size of the picture did (0 x 0 in NONE). */
	void (*source_state)(void *data, uint32_t source, McuVideoSourceState state, int width,
			     int height);
	/* Shown in a tile of this size, or no longer (then 0 x 0): ask the sender for less or more.
	 */
	void (*source_visible)(void *data, uint32_t source, bool visible, int width, int height);
	void (*overload)(void *data, McuOverloadLevel level);
} McuVideoEvents;

typedef struct McuVideoEngineConfig {
	HwDevice *device;        /* borrowed; the engine takes a reference */
	int width, height;       /* canvas, even */
	int fps;                 /* 1..60 */
	unsigned decode_threads; /* 0 = number of cores */
	const char
		*text_waiting;  /* beside a lone participant; NULL = "Waiting for others to join" */
	const char *text_empty; /* nobody is there; NULL = "Waiting for participants" */
	bool manual; /* no threads: mcu_video_engine_tick_at() does everything (tests, offline) */
} McuVideoEngineConfig;

/** Owns: caller; `events` is copied.   Thread: the one that will run `context` (NULL = default).
 * Errors: -EINVAL a value out of range; what hw_composer_new() returns.
 */
int mcu_video_engine_new(const McuVideoEngineConfig *config, const McuVideoEvents *events,
			 GMainContext *context, McuVideoEngine **ret,
			 McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_video_engine_start(McuVideoEngine *e);
/** Joins all threads; no callback comes after it. Renditions must not be used any more. */
void mcu_video_engine_stop(McuVideoEngine *e);
/** After stop(); NULL is allowed. */
void mcu_video_engine_free(McuVideoEngine *e);

/* --- participants --- */

typedef struct McuVideoParticipant {
	const char *name; /* shown; any script; NULL = "" */
	bool muted;       /* mark: microphone off */
	bool camera_off;  /* video is neither decoded nor shown; card with initials */
	bool hidden;      /* never drawn */
	bool held;        /* leg on hold: dimmed, mark */
} McuVideoParticipant;

/** Errors: -EEXIST; -EOVERFLOW MCU_MAX_VIDEO_PARTICIPANTS; -EINVAL empty id. */
int mcu_video_engine_add_participant(McuVideoEngine *e, const char *id,
				     const McuVideoParticipant *props) MCU_WARN_UNUSED;
/** Replaces all properties. Errors: -ENOENT. */
int mcu_video_engine_update_participant(McuVideoEngine *e, const char *id,
					const McuVideoParticipant *props) MCU_WARN_UNUSED;
/** Also removes its sources. Unknown ids are ignored. */
void mcu_video_engine_remove_participant(McuVideoEngine *e, const char *id);

/** Border of its tile. Cheap; unknown ids are ignored. */
void mcu_video_engine_set_speaking(McuVideoEngine *e, const char *id, bool speaking);

/** Who takes the speaker slot (held there for 2 s at least); NULL = keep who is there. */
void mcu_video_engine_set_active_speaker(McuVideoEngine *e, const char *id);

/** `focus`: kept in the first slot, NULL or "" = nobody. `order`: ids in slot order, the rest in
 * order of joining; NULL = none. Ids that are unknown now count when they join.
 * Owns: takes its own reference of `layout` and copies.
 */
void mcu_video_engine_set_layout(McuVideoEngine *e, McuLayout *layout, const char *focus,
				 const char *const *order);
/** Name of the layout in use. */
const char *mcu_video_engine_layout_name(const McuVideoEngine *e);

/* --- sources; ids are never 0 --- */

/** A camera of a participant; the one added last is shown.
 * Errors: -ENOENT no such participant; -EOVERFLOW MCU_MAX_VIDEO_SOURCES.
 */
int mcu_video_engine_add_source(McuVideoEngine *e, const char *participant, HwCodec codec,
				uint32_t *ret_source) MCU_WARN_UNUSED;
void mcu_video_engine_remove_source(McuVideoEngine *e, uint32_t source);

/** One access unit, as hw_decoder_send() takes it. Copied. Never blocks.
 * pts_ns: when the picture is due on the canvas, on mcu_now_ns()'s scale: capture time plus a
 * constant delay where known (evenly spaced, so that no picture is skipped or shown twice), else
 * arrival_ns. At most 8 pictures wait. keyframe: a decoder can start here. A gap before it is told
 * by mcu_video_engine_source_lost(). Errors: -ENOENT; -EOVERFLOW larger than MCU_MAX_ACCESS_UNIT;
 * -EAGAIN dropped by policy (counted: not visible, waiting for a keyframe, queue full); -ENOMEM.
 */
int mcu_video_engine_push(McuVideoEngine *e, uint32_t source, const void *data, size_t len,
			  int64_t pts_ns, bool keyframe, int64_t arrival_ns) MCU_WARN_UNUSED;

/** Access units are missing for good: go on with the next keyframe, and ask for it. */
void mcu_video_engine_source_lost(McuVideoEngine *e, uint32_t source);

/** Is it shown now, and in a tile of what size? False for unknown ids. Outputs may be NULL. */
bool mcu_video_engine_source_visible(McuVideoEngine *e, uint32_t source, int *ret_width,
				     int *ret_height);

/* --- renditions --- */

/** One encoded picture. `pkt` is valid until return. capture_ns: time of its tick, on
 * mcu_now_ns()'s scale. Thread: enc of this rendition; must not call the engine, must not block. */
typedef void (*McuRenditionPacketFn)(void *data, const HwPacket *pkt, int64_t capture_ns);

typedef struct McuRenditionConfig {
	HwEncoderConfig encoder; /* width, height 0 = canvas; fps_num 0 = the engine's; a smaller
				  * size is scaled, a lower rate leaves canvases out */
	McuRenditionPacketFn on_packet;
	void *data;
} McuRenditionConfig;

/** Starts inactive.
 * Owns: the engine; valid until mcu_video_engine_remove_rendition() or stop().
 * Errors: -EOVERFLOW MCU_MAX_RENDITIONS; -EINVAL; what hw_encoder_new() returns.
 */
int mcu_video_engine_add_rendition(McuVideoEngine *e, const McuRenditionConfig *config,
				   McuRendition **ret, McuDiag *reterr) MCU_WARN_UNUSED;
/** Joins its enc thread (waits for one picture at most); on_packet is not called after it. */
void mcu_video_engine_remove_rendition(McuVideoEngine *e, McuRendition *r);

/** False: no sink, the encoder does not run. True: it starts with a keyframe. */
void mcu_rendition_set_active(McuRendition *r, bool active);
/** Merged and rate-limited, see above. Thread: any. */
void mcu_rendition_request_keyframe(McuRendition *r);
/** Thread: any. */
void mcu_rendition_set_bitrate(McuRendition *r, int bitrate_bps);

/* --- what it does --- */

/** The next canvas, for hw_frame_to_jpeg() in a thread that may take its time; borrowed: take a
 * reference, and keep it briefly, canvases are few. `fn` is called once on loop; frame is NULL when
 * the engine stops, or at once when MCU_MAX_SNAPSHOTS are waiting. */
typedef void (*McuSnapshotFn)(void *data, HwFrame *frame);
void mcu_video_engine_snapshot(McuVideoEngine *e, McuSnapshotFn fn, void *data);

typedef struct McuVideoStats {
	uint64_t ticks;     /* deadlines that were met */
	uint64_t skipped;   /* deadlines left out because a tick came late */
	uint64_t composed;  /* canvases with a change */
	uint64_t unchanged; /* ticks at which nothing had changed */
	uint64_t failed;    /* ticks without a canvas: all held, or the back end failed */
	uint64_t compose_ns, compose_max_ns; /* sum over ticks; maximum */
	uint64_t tiles;
	uint64_t label_renders; /* texts and marks drawn anew */
	McuOverloadLevel overload;
	uint64_t overload_steps; /* times the level went up */
	int fps;                 /* now aimed at */
} McuVideoStats;
void mcu_video_engine_stats(McuVideoEngine *e, McuVideoStats *ret);

typedef struct McuVideoSourceStats {
	McuVideoSourceState state;
	bool visible;
	int width, height; /* of the picture */
	int64_t age_ns;    /* of the newest picture; -1 = none yet */
	double fps;        /* decoded, over the last second */
	uint64_t pushed, decoded, keyframes;
	uint64_t decode_ns;      /* sum */
	uint64_t decode_errors;  /* access units that could not be decoded */
	uint64_t dropped_hidden; /* not visible */
	uint64_t dropped_wait;   /* waiting for a keyframe */
	uint64_t dropped_queue;  /* queue over its limit */
	uint64_t keyframe_requests;
	size_t queue;
	char decoder[48];
} McuVideoSourceStats;
/** Errors: -ENOENT. */
int mcu_video_engine_source_stats(McuVideoEngine *e, uint32_t source,
				  McuVideoSourceStats *ret) MCU_WARN_UNUSED;

typedef struct McuRenditionStats {
	bool active;
	int width, height, bitrate_bps;
	uint64_t frames, bytes, keyframes;
	uint64_t keyframe_requests;
	uint64_t encode_ns, encode_max_ns;
	uint64_t overwritten; /* canvases replaced before they were encoded */
	uint64_t failures;    /* the encoder failed and was dropped */
	int qp;               /* of the last picture, -1 = unknown */
	char encoder[48];
} McuRenditionStats;
/** Thread: any. */
void mcu_rendition_stats(McuRendition *r, McuRenditionStats *ret);

/* --- by hand --- */

/** With config.manual: do at time now_ns all that is due: scene, labels, decoding, housekeeping,
 * one tick, encoding (on_packet included). Returns the canvas (caller's reference) or NULL. */
HwFrame *mcu_video_engine_tick_at(McuVideoEngine *e, int64_t now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuVideoEngine, mcu_video_engine_free)
