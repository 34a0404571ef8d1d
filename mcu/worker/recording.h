/* The recording of a call: a sink of a feed and of the mix. Thread: loop. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "audio/engine.h"
#include "base/err.h"
#include "worker/feed.h"

typedef struct McuRecording McuRecording;

/** `failed` is called at most once, when it ended by itself (disk full, …); stop it then. */
typedef void (*McuRecordingFailed)(void *data, int err, const char *reason);

/** Errors: what mcu_recorder_new() and mcu_feeds_join() say. */
int mcu_recording_start(const char *path, McuFeeds *feeds, McuAudioEngine *audio,
			McuRecordingFailed failed, void *data, McuRecording **ret,
			McuDiag *reterr) MCU_WARN_UNUSED;

const char *mcu_recording_path(const McuRecording *r);

/** Take no more pictures and sound. Then mcu_recording_close() may run in any thread. */
void mcu_recording_detach(McuRecording *r);

/** Write what waits and close the file; blocks for about timeout_ns at most. After detach().
 * Returns 0, or why it had ended before.
 */
int mcu_recording_close(McuRecording *r, int64_t timeout_ns);

/** End the thread that writes; blocks for as long as the disk does. After close(). Thread: any. */
void mcu_recording_release(McuRecording *r);

/** After close(); releases where that was not done. NULL is allowed. */
void mcu_recording_free(McuRecording *r);

/** a{sv}, floating. */
GVariant *mcu_recording_stats(McuRecording *r);
