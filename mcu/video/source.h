/* One camera inside the engine. Crosses three threads; each part says whose it is. Private to
 * video/.
 *
 *   loop: take() -> [queue] -> dec: decode() -> [ready] -> vtick: picture()
 *                <- [spare] <-                          <- [retired] <-
 */
#pragma once
#include <glib.h>
#include <stdatomic.h>

#include "video/engine.h"

/* One access unit in a buffer that is used again. */
typedef struct McuQueued {
	uint8_t *data;
	size_t len, capacity;
	int64_t pts_ns, arrival_ns;
	uint64_t seq;
	bool keyframe;
} McuQueued;

typedef struct McuVideoSource {
	_Atomic unsigned refs;
	uint32_t id;
	HwCodec codec;
	HwDevice *device;

	/* --- loop --- */
	uint32_t person;
	bool visible;
	int tile_w, tile_h;
	bool visible_told; /* what source_visible last said */
	int told_tile_w, told_tile_h;
	bool need_key;
	int64_t key_due_ns, key_wait_ns; /* next request; the pause after it */
	int64_t key_last_ns;             /* last request */
	uint64_t seq;
	uint64_t pushed, dropped_hidden, dropped_wait, dropped_queue, keyframe_requests;
	bool overflowed; /* since the last look of the overload ladder */
	McuVideoSourceState told;
	int told_w, told_h;
	uint64_t fps_decoded; /* `decoded` at fps_ns */
	int64_t fps_ns;
	double fps;

	/* --- loop <-> dec --- */
	struct McuRing *queue, *spare;
	_Atomic size_t queue_bytes;
	_Atomic uint64_t skip_before; /* older access units are dropped undecoded */
	_Atomic bool removed;
	_Atomic bool skip_loop_filter;
	_Atomic bool failed; /* dec -> loop: a keyframe is needed */

	/* --- lock of the pool --- */
	bool scheduled;

	/* --- dec (one thread at a time) --- */
	HwDecoder *dec;
	bool wait_key, filter_skipped;
	uint64_t next_seq;
	int64_t retry_ns; /* no new decoder before */

	/* --- dec -> vtick --- */
	struct McuRing *ready; /* decoded pictures in order, each with the time it is due as pts */
	struct McuRing *retired; /* vtick -> dec: frames to let go */

	/* --- dec -> anyone --- */
	_Atomic int64_t picture_ns; /* arrival of the newest picture; 0 = none yet */
	_Atomic uint64_t size;      /* width << 32 | height */
	_Atomic uint64_t decoded, keyframes, decode_ns, decode_errors;
	_Atomic(const char *) decoder_name;

	/* --- vtick --- */
	HwFrame *shown;
} McuVideoSource;

/** One reference. Thread: loop. */
McuVideoSource *mcu_video_source_new(HwDevice *device, uint32_t id, HwCodec codec, uint32_t person);
/** Thread: any. */
McuVideoSource *mcu_video_source_ref(McuVideoSource *s);
void mcu_video_source_unref(McuVideoSource *s);

/** Queue one access unit, by the policies of engine.h. 0 = queued, to be scheduled.
 * Errors: as mcu_video_engine_push().   Thread: loop. */
int mcu_video_source_take(McuVideoSource *s, const McuQueued *au, int64_t now_ns) MCU_WARN_UNUSED;

/** Wait for a keyframe and ask for it from `due_ns` on.   Thread: loop. */
void mcu_video_source_need_key(McuVideoSource *s, int64_t due_ns);

/** True when it is time to ask for a keyframe; sets the next time.   Thread: loop. */
bool mcu_video_source_key_due(McuVideoSource *s, int64_t now_ns);

/** Show or hide; hidden, the queue is dropped.   Thread: loop. */
void mcu_video_source_set_visible(McuVideoSource *s, bool visible, int tile_w, int tile_h,
				  int64_t now_ns);

McuVideoSourceState mcu_video_source_state(const McuVideoSource *s, int64_t now_ns);

void mcu_video_source_stats(McuVideoSource *s, int64_t now_ns, McuVideoSourceStats *ret);

/** Decode at most `most` access units.   Thread: one dec at a time. */
void mcu_video_source_decode(McuVideoSource *s, unsigned most);
/** Is something queued?   Thread: any; a moment later it may differ. */
bool mcu_video_source_pending(McuVideoSource *s);

/** Newest picture that is due (borrowed until the next call), NULL = none yet.   Thread: vtick. */
HwFrame *mcu_video_source_picture(McuVideoSource *s, int64_t now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuVideoSource, mcu_video_source_unref)
