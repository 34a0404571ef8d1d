/* Records one rendition and the mix to an MP4 file: the encoded pictures as they are (H.264), the
 * sound as AAC-LC. Owns the thread `rec`; nothing here ever makes the meeting wait.
 *
 *   enc:   push_video --ring--+
 *                             +--> rec: AAC, fragments of at most 1 s --> PATH
 *   atick: push_audio --ring--+         at stop: the index, in place (mp4.h)
 *
 * While it runs the file is fragmented MP4: after kill -9 it plays, and misses at most 2 s. A clean
 * stop makes it an ordinary MP4 with an index at its end (duration known, every keyframe a seek
 * point) without copying anything, so in milliseconds whatever its length; should that fail, the
 * fragmented file stays as it was.
 *
 * Keyframes: the file begins at one, and then asks for one when none came for MCU_REC_KEYFRAME_NS.
 * They cost all listeners of the rendition bits, so not more often; a player that seeks decodes at
 * most these 10 s of pictures to get to a place.
 *
 * Both tracks count from the first keyframe on mcu_now_ns()'s scale; a hole in the sound is filled
 * with silence, sound that overlaps is left out. A change of picture size is a new file part
 * (name-2.mp4, …), because players do not follow a size change within a track; so is every sixth
 * hour. A recording that saw no keyframe at all leaves no file.
 *
 * Drop policy: when the disk cannot follow, pictures are dropped up to the next keyframe, sound in
 * slots of 20 ms; both are counted. A write error or a full disk ends the recording with a reason;
 * what was written until then stays playable.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MCU_REC_RATE        48000
#define MCU_REC_SLOT_FRAMES 960
/** Bounds of what waits for the rec thread: 20 ms slots of sound, pictures, bytes of pictures. */
#define MCU_REC_MAX_SLOTS         256
#define MCU_REC_MAX_PICTURES      256
#define MCU_REC_MAX_PICTURE_BYTES (8u << 20)
#define MCU_REC_FRAGMENT_NS       (INT64_C(900) * 1000000)
#define MCU_REC_KEYFRAME_NS       (INT64_C(10) * 1000000000)
/** File parts of one recording (changes of picture size). */
#define MCU_REC_MAX_PARTS 100

typedef struct McuRecorder McuRecorder;

typedef struct McuRecorderConfig {
	const char *path;           /* ends in .mp4; must not exist; folders are made */
	unsigned audio_bitrate_bps; /* 0 = 96000 */
	bool no_index;              /* keep the fragmented file at stop */
} McuRecorderConfig;

/** Called in the rec thread, without a lock held; no function of the recorder may be called from
 * within. Each may be NULL. */
typedef struct McuRecorderHandler {
	/** The rendition should make a keyframe: at the start, after 10 s without, after a drop. */
	void (*want_keyframe)(void *data);
	/** Recording ended by itself: -ENOSPC disk full, -EIO, … Comes at most once; stop() and
	 * free() are still the owner's. `reason` is one sentence. */
	void (*failed)(void *data, int err, const char *reason);
	/** A file is complete (all parts, at stop or failure). `bytes` as on disk. */
	void (*finished)(void *data, const char *path, uint64_t bytes, int64_t duration_ns);
} McuRecorderHandler;

typedef struct McuRecorderStats {
	uint64_t bytes;      /* written to all parts */
	int64_t duration_ns; /* since the first keyframe */
	uint64_t pictures, slots;
	uint64_t dropped_pictures, dropped_slots;
	uint64_t silence_slots; /* filled in */
	unsigned parts;
	bool failed;
} McuRecorderStats;

/** Create folder and file (never overwrites), start the thread.
 * Owns: config and handler are copied.   Thread: any; later calls as each says.
 * Errors: -EEXIST the file exists; -EACCES; -ENOENT, -EIO, -ENOSPC as the file system says;
 * -EINVAL path; -ENOTSUP no AAC encoder.
 */
int mcu_recorder_new(const McuRecorderConfig *config, const McuRecorderHandler *handler, void *data,
		     McuRecorder **ret, McuDiag *reterr) MCU_WARN_UNUSED;

/** One access unit (Annex B) in decoding order; no B pictures. Copied.
 * Thread: one producer (the rendition's enc thread); never blocks.
 * Errors: -ENOSPC dropped, the rec thread is behind; -ECANCELED stopped or failed.
 */
int mcu_recorder_push_video(McuRecorder *rec, const uint8_t *au, size_t len, bool keyframe,
			    int64_t pts_ns) MCU_WARN_UNUSED;

/** One slot: MCU_REC_SLOT_FRAMES mono float samples at 48 kHz (as McuAudioTap gives them).
 * Thread: one producer (atick); no allocation, no lock, wait-free.
 */
void mcu_recorder_push_audio(McuRecorder *rec, const float *pcm, int64_t pts_ns);

/** End the recording: write what waits, close with an index, join the thread. The producers must
 * have ended. May be called again.
 * Returns 0, or the error that had ended the recording before; -ETIMEDOUT when the disk does not
 * answer: the thread goes on, and free() waits for it.
 * Thread: the owner's; blocks for at most `timeout_ns` (0 = 3 s).
 */
int mcu_recorder_stop(McuRecorder *rec, int64_t timeout_ns) MCU_WARN_UNUSED;

/** Stops if need be, and waits as long as that takes. NULL is allowed. */
void mcu_recorder_free(McuRecorder *rec);

/** Thread: any. */
void mcu_recorder_stats(McuRecorder *rec, McuRecorderStats *ret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuRecorder, mcu_recorder_free)
