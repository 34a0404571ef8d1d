#include "worker/recording.h"

#include <stdatomic.h>

#include "base/thread.h"
#include "rec/recorder.h"

struct McuRecording {
	char *path;
	McuRecorder *recorder;
	McuFeed *feed;
	McuAudioEngine *audio;
	McuRecordingFailed failed;
	void *data;

	/* rec -> loop */
	McuWake *wake;
	_Atomic bool wants_keyframe;
	_Atomic int error;       /* negative once it failed; `reason` is set before */
	char reason[MCU_DIAG_TEXT_MAX];
	bool reported; /* loop */
};

/* Thread: rec. */
static void on_want_keyframe(void *data)
{
	McuRecording *r = data;

	atomic_store(&r->wants_keyframe, true);
	mcu_wake(r->wake);
}

/* Thread: rec. */
static void on_failed(void *data, int err, const char *reason)
{
	McuRecording *r = data;

	g_strlcpy(r->reason, reason, sizeof(r->reason));
	atomic_store(&r->error, err);
	mcu_wake(r->wake);
}

static void on_wake(void *data, void *unused)
{
	McuRecording *r = data;
	int err = atomic_load(&r->error);

	(void)unused;
	if (atomic_exchange(&r->wants_keyframe, false) && r->feed)
		mcu_feed_request_keyframe(r->feed);
	if (err < 0 && !r->reported) {
		r->reported = true;
		r->failed(r->data, err, r->reason);
	}
}

static void on_picture(void *data, const McuFeedPicture *picture)
{
	McuRecording *r = data;

	/* what is dropped is counted there, and a keyframe asked for */
	(void)mcu_recorder_push_video(r->recorder, picture->au, picture->au_len, picture->keyframe,
				      picture->capture_ns);
}

/* Thread: atick. */
static void on_slot(void *data, const float *pcm, int64_t pts_ns)
{
	mcu_recorder_push_audio(((McuRecording *)data)->recorder, pcm, pts_ns);
}

int mcu_recording_start(const char *path, McuFeeds *feeds, McuAudioEngine *audio,
			McuRecordingFailed failed, void *data, McuRecording **ret, McuDiag *reterr)
{
	static const McuRecorderHandler handler = {
		.want_keyframe = on_want_keyframe,
		.failed = on_failed,
	};
	/* plays everywhere and is shared with the listeners that take the most */
	const McuFeedLimits limits = {
		.high_profile = true,
		.mode = 1,
		.max_fs = UINT32_MAX,
		.max_mbps = UINT32_MAX,
	};
	const McuRecorderConfig config = { .path = path };
	McuRecording *rec = g_new0(McuRecording, 1);
	int r;

	rec->path = g_strdup(path);
	rec->audio = audio;
	rec->failed = failed;
	rec->data = data;
	rec->wake = mcu_wake_new(g_main_context_get_thread_default(), on_wake, rec);
	r = mcu_recorder_new(&config, &handler, rec, &rec->recorder, reterr);
	if (r >= 0)
		r = mcu_feeds_join(feeds, &limits, on_picture, rec, &rec->feed, reterr);
	if (r < 0) {
		mcu_recording_free(rec);
		return r;
	}
	mcu_audio_engine_set_tap(audio, on_slot, rec);
	*ret = rec;
	return 0;
}

const char *mcu_recording_path(const McuRecording *r)
{
	return r->path;
}

void mcu_recording_detach(McuRecording *r)
{
	mcu_audio_engine_set_tap(r->audio, NULL, NULL);
	mcu_feed_leave(r->feed, r);
	r->feed = NULL;
	/* who detaches no longer holds it as the running one; close() says how it ended */
	r->reported = true;
}

int mcu_recording_close(McuRecording *r, int64_t timeout_ns)
{
	return mcu_recorder_stop(r->recorder, timeout_ns);
}

void mcu_recording_release(McuRecording *r)
{
	g_clear_pointer(&r->recorder, mcu_recorder_free);
}

void mcu_recording_free(McuRecording *r)
{
	if (!r)
		return;
	mcu_recording_release(r);
	mcu_wake_free(r->wake);
	g_free(r->path);
	g_free(r);
}

GVariant *mcu_recording_stats(McuRecording *r)
{
	McuRecorderStats s;
	GVariantDict d;

	mcu_recorder_stats(r->recorder, &s);
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "path", "s", r->path);
	g_variant_dict_insert(&d, "bytes", "t", s.bytes);
	g_variant_dict_insert(&d, "duration-s", "d", (double)s.duration_ns / 1e9);
	g_variant_dict_insert(&d, "dropped-pictures", "t", s.dropped_pictures);
	g_variant_dict_insert(&d, "dropped-slots", "t", s.dropped_slots);
	g_variant_dict_insert(&d, "silence-slots", "t", s.silence_slots);
	return g_variant_dict_end(&d);
}
