/* What a call writes: recordings and snapshots. Files are closed and JPEGs made off the loop. */
#include "base/clock.h"
#include "base/job.h"
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

/* Thread: a job's. */
static void close_file(void *data)
{
	Closing *c = data;

	c->result = mcu_recording_close(c->recording, MCU_CALL_CLOSE_TIMEOUT_NS);
}

/* Thread: a job's. */
static void release_file(void *data)
{
	mcu_recording_release(((Closing *)data)->recording);
}

static void on_released(void *data)
{
	Closing *c = data;

	c->call->jobs--;
	mcu_recording_free(c->recording);
	g_free(c);
}

static void on_closed(void *data)
{
	Closing *c = data;
	McuCall *call = c->call;
	GVariantDict d;

	mcu_info(call->id, "recording closed: %s", mcu_recording_path(c->recording));
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "path", "s", mcu_recording_path(c->recording));
	g_variant_dict_insert(&d, "reason", "s", c->result < 0 ? mcu_err_name(c->result) : "stopped");
	mcu_call_emit(call, "recording-stopped", g_variant_dict_end(&d));
	if (c->done)
		c->done(c->data, 0, NULL, NULL);
	/* a disk that hangs keeps its thread, not the loop */
	mcu_job_run(release_file, on_released, c);
}

void mcu_call_close_recording(McuCall *call, McuCallDone done, void *data)
{
	Closing *c = g_new0(Closing, 1);

	c->call = call;
	c->recording = g_steal_pointer(&call->recording);
	c->done = done;
	c->data = data;
	call->jobs++;
	mcu_recording_detach(c->recording);
	mcu_job_run(close_file, on_closed, c);
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
		mcu_info(call->id, "recording to %s", path);
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
	McuCall *call;
	McuCallDone done;
	void *data;
	unsigned width, height;
	HwFrame *frame;
	GBytes *jpeg;
	int result;
} Snapshot;

/* Thread: a job's. */
static void encode_jpeg(void *data)
{
	Snapshot *s = data;

	s->result = hw_frame_to_jpeg(s->frame, (int)s->width, (int)s->height, JPEG_QUALITY, &s->jpeg);
}

static void on_jpeg(void *data)
{
	Snapshot *s = data;

	s->call->jobs--;
	s->done(s->data, s->result, s->result < 0 ? "the picture could not be encoded" : NULL,
		s->jpeg);
	g_clear_pointer(&s->jpeg, g_bytes_unref);
	hw_frame_unref(s->frame);
	g_free(s);
}

static void on_snapshot_frame(void *data, HwFrame *frame)
{
	Snapshot *s = data;

	if (!frame) {
		s->done(s->data, -EAGAIN, "there is no picture", NULL);
		g_free(s);
		return;
	}
	s->frame = hw_frame_ref(frame);
	s->call->jobs++;
	mcu_job_run(encode_jpeg, on_jpeg, s);
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
	s->call = call;
	s->done = done;
	s->data = data;
	s->width = width;
	s->height = height;
	mcu_video_engine_snapshot(call->video, on_snapshot_frame, s);
}
