/* What a call writes: recordings and snapshots. Files are closed and JPEGs made off the loop. */
#include <gio/gio.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/call_priv.h"

#define JPEG_QUALITY 85

/* --- recording --- */

typedef struct Closing {
	McuCall *call;
	McuRecording *recording;
	McuCallDone done; /* NULL when it ended by itself */
	void *data;
	int result;
} Closing;

static void close_in_thread(GTask *task, void *source, void *data, GCancellable *cancellable)
{
	Closing *c = data;

	(void)source;
	(void)cancellable;
	c->result = mcu_recording_close(c->recording, MCU_CALL_CLOSE_TIMEOUT_NS);
	g_task_return_boolean(task, TRUE);
}

static void on_closed(GObject *source, GAsyncResult *result, void *data)
{
	Closing *c = data;
	McuCall *call = c->call;
	GVariantDict d;

	(void)source;
	(void)result;
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "path", "s", mcu_recording_path(c->recording));
	g_variant_dict_insert(&d, "reason", "s", c->result < 0 ? mcu_err_name(c->result) : "stopped");
	mcu_call_emit(call, "recording-stopped", g_variant_dict_end(&d));
	call->closing--;
	if (c->done)
		c->done(c->data, 0, NULL, NULL);
	mcu_recording_free(c->recording);
	g_free(c);
}

void mcu_call_close_recording(McuCall *call, McuCallDone done, void *data)
{
	Closing *c = g_new0(Closing, 1);
	g_autoptr(GTask) task = NULL;

	c->call = call;
	c->recording = g_steal_pointer(&call->recording);
	c->done = done;
	c->data = data;
	call->closing++;
	mcu_recording_detach(c->recording);
	task = g_task_new(NULL, NULL, on_closed, c);
	g_task_set_task_data(task, c, NULL);
	g_task_run_in_thread(task, close_in_thread);
}

static void on_recording_failed(void *data, int err, const char *reason)
{
	McuCall *call = data;
	GVariantDict d;

	mcu_warning(call->id, "recording ended: %s (%s)", reason, mcu_err_name(err));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "path", "s", mcu_recording_path(call->recording));
	g_variant_dict_insert(&d, "reason", "s", reason);
	mcu_call_emit(call, "recording-failed", g_variant_dict_end(&d));
	mcu_call_close_recording(call, NULL, NULL);
}

int mcu_call_start_recording(McuCall *call, const char *path, McuDiag *reterr)
{
	int r = mcu_call_check_started(call, reterr);

	if (r < 0)
		return r;
	if (call->recording)
		return mcu_diag(reterr, -EBUSY, "already recording to %s",
				mcu_recording_path(call->recording));
	r = mcu_recording_start(path, call->feeds, call->audio, on_recording_failed, call,
				&call->recording, reterr);
	if (r >= 0)
		mcu_call_emit(call, "recording-started", mcu_detail("path", path));
	return r;
}

void mcu_call_stop_recording(McuCall *call, McuCallDone done, void *data)
{
	if (call->recording)
		mcu_call_close_recording(call, done, data);
	else
		done(data, -ENOENT, "nothing is being recorded", NULL);
}

/* --- snapshot --- */

typedef struct Snapshot {
	McuCallDone done;
	void *data;
	unsigned width, height;
	HwFrame *frame;
	GBytes *jpeg;
	int result;
} Snapshot;

static void encode_in_thread(GTask *task, void *source, void *data, GCancellable *cancellable)
{
	Snapshot *s = data;

	(void)source;
	(void)cancellable;
	s->result = hw_frame_to_jpeg(s->frame, (int)s->width, (int)s->height, JPEG_QUALITY, &s->jpeg);
	g_task_return_boolean(task, TRUE);
}

static void on_jpeg(GObject *source, GAsyncResult *result, void *data)
{
	Snapshot *s = data;

	(void)source;
	(void)result;
	s->done(s->data, s->result, s->result < 0 ? "the picture could not be encoded" : NULL,
		s->jpeg);
	g_clear_pointer(&s->jpeg, g_bytes_unref);
	hw_frame_unref(s->frame);
	g_free(s);
}

static void on_snapshot_frame(void *data, HwFrame *frame)
{
	Snapshot *s = data;
	g_autoptr(GTask) task = NULL;

	if (!frame) {
		s->done(s->data, -EAGAIN, "there is no picture", NULL);
		g_free(s);
		return;
	}
	s->frame = hw_frame_ref(frame);
	task = g_task_new(NULL, NULL, on_jpeg, s);
	g_task_set_task_data(task, s, NULL);
	g_task_run_in_thread(task, encode_in_thread);
}

void mcu_call_snapshot(McuCall *call, unsigned width, unsigned height, McuCallDone done, void *data)
{
	Snapshot *s;

	if (!call->started || width > HW_MAX_SIZE || height > HW_MAX_SIZE) {
		done(data, call->started ? -EINVAL : -EPROTO,
		     call->started ? "the picture may have 4096 pixels a side" :
				     "the call has not started",
		     NULL);
		return;
	}
	s = g_new0(Snapshot, 1);
	s->done = done;
	s->data = data;
	s->width = width;
	s->height = height;
	mcu_video_engine_snapshot(call->video, on_snapshot_frame, s);
}
