#include "video_line.h"

#include <cairo.h>
#include <libyuv.h>
#include <stdio.h>

#include "base/clock.h"
#include "camera.h"
#include "json.h"
#include "rtp/depay_h264.h"
#include "rtp/keyframe.h"
#include "rtp/pay_h264.h"
#include "sdp/h264.h"

#define CLOCK_HZ 90000
/* Bytes of one NAL unit in packetization-mode 0. */
#define MODE0_BYTES 1100

struct McuVideoLine {
	const McuCallerOptions *options;
	McuReport *report;
	McuLine *line;
	HwDevice *device;

	/* --- sending --- */
	McuCamera *camera;
	HwEncoder *encoder;
	GPtrArray *payloads;
	unsigned mode;
	int64_t start_ns;
	uint64_t next_picture;
	bool refresh;
	uint64_t sent_pictures, sent_keyframes, skipped_pictures;

	/* --- receiving --- */
	McuH264Depay *depay;
	HwDecoder *decoder;
	McuEye *eye;
	HwFrame *last;
	FILE *dump;
	McuKeyframeRequest keyframe;
	bool wants_info;
	uint64_t keyframes, decode_errors;
	double first_picture_s;
};

/* --- receiving --- */

static void see(McuVideoLine *v, HwFrame *frame)
{
	HwMapping map;

	if (hw_frame_map(frame, &map) < 0 ||
	    mcu_eye_see(v->eye, &map, mcu_report_now_s(v->report), g_get_real_time() / 1000) < 0)
		v->decode_errors++;
	if (v->first_picture_s == 0)
		v->first_picture_s = mcu_report_now_s(v->report);
	hw_frame_unref(v->last);
	v->last = frame;
}

static void decode(McuVideoLine *v, const McuAccessUnit *au)
{
	HwFrame *frame;

	v->keyframes += au->keyframe;
	if (v->dump)
		fwrite(au->data, 1, au->len, v->dump);
	if (hw_decoder_send(v->decoder, au->data, au->len, au->first_arrival_ns) < 0) {
		v->decode_errors++;
		mcu_h264_depay_restart(v->depay);
		return;
	}
	while (hw_decoder_receive(v->decoder, &frame) == 0)
		see(v, frame);
}

static void on_media(void *data, const McuRtpReceived *media, bool restarted)
{
	McuVideoLine *v = data;
	McuAccessUnit *au;

	if (restarted)
		mcu_h264_depay_restart(v->depay);
	mcu_h264_depay_put(v->depay, media->payload, media->payload_len, media->ts, media->marker,
			   media->gap, media->pkt->arrival_ns);
	while ((au = mcu_h264_depay_next(v->depay))) {
		decode(v, au);
		mcu_access_unit_free(au);
	}
}

static void on_keyframe_wanted(void *data)
{
	mcu_video_line_refresh(data);
}

static void ask_keyframe(McuVideoLine *v, int64_t now_ns)
{
	mcu_keyframe_request_set(&v->keyframe, mcu_line_received(v->line) > 0 &&
						       mcu_h264_depay_wants_keyframe(v->depay));
	if (mcu_keyframe_request_due(&v->keyframe, now_ns) && !mcu_line_ask_keyframe(v->line))
		v->wants_info = true;
}

/* --- life --- */

int mcu_video_line_new(const McuCallerOptions *options, McuReport *report, const char *address,
		       McuVideoLine **ret, McuDiag *reterr)
{
	g_autoptr(McuVideoLine) v = g_new0(McuVideoLine, 1);
	const McuLineConfig config = {
		.report = report,
		.address = address,
		.video = true,
		.loss_in = options->loss_in,
		.loss_out = options->loss_out,
		.reorder = options->reorder,
		.handler = { .on_media = on_media, .on_keyframe_wanted = on_keyframe_wanted },
		.data = v,
	};
	const HwDeviceConfig soft = { .backend = HW_BACKEND_SOFT };
	const HwDecoderConfig decoder = { .codec = HW_CODEC_H264 };
	int r;

	v->options = options;
	v->report = report;
	v->eye = mcu_eye_new(options->analyse_fps);
	v->depay = mcu_h264_depay_new(NULL);
	v->payloads = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_packet_unref);
	if ((r = hw_device_open(&soft, &v->device, reterr)) < 0 ||
	    (r = hw_decoder_new(v->device, &decoder, &v->decoder, reterr)) < 0 ||
	    (r = mcu_line_new(&config, &v->line, reterr)) < 0)
		return r;
	if (options->recv_dump && !(v->dump = fopen(options->recv_dump, "we")))
		return mcu_diag(reterr, -EIO, "cannot write %s", options->recv_dump);
	*ret = g_steal_pointer(&v);
	return 0;
}

void mcu_video_line_free(McuVideoLine *v)
{
	if (!v)
		return;
	mcu_line_free(v->line);
	mcu_camera_free(v->camera);
	hw_encoder_free(v->encoder);
	hw_decoder_free(v->decoder);
	mcu_h264_depay_free(v->depay);
	mcu_eye_free(v->eye);
	hw_frame_unref(v->last);
	hw_device_unref(v->device);
	if (v->payloads)
		g_ptr_array_unref(v->payloads);
	if (v->dump)
		fclose(v->dump);
	g_free(v);
}

McuLine *mcu_video_line_line(McuVideoLine *v)
{
	return v->line;
}

McuEye *mcu_video_line_eye(McuVideoLine *v)
{
	return v->eye;
}

uint64_t mcu_video_line_sent(const McuVideoLine *v)
{
	return v->sent_pictures;
}

void mcu_video_line_refresh(McuVideoLine *v)
{
	v->refresh = true;
}

bool mcu_video_line_wants_info(McuVideoLine *v)
{
	bool wants = v->wants_info;

	v->wants_info = false;
	return wants;
}

/* --- sending --- */

static int open_camera(McuVideoLine *v, McuDiag *reterr)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	const McuCallerOptions *o = v->options;
	McuCameraConfig config = { .file = o->video_file,
				   .width = o->width,
				   .height = o->height,
				   .fps = o->fps,
				   .mark = (unsigned)o->mark,
				   .look = o->mark ? (unsigned)o->mark
						   : g_str_hash(o->name) % 997 };
	McuSdpVideoSize wish = { .bitrate_bps = (unsigned)o->bitrate_bps }, size;
	HwEncoderConfig encoder = { .codec = HW_CODEC_H264,
				    .kind = HW_ENCODER_OPENH264,
				    .preset = HW_PRESET_FASTEST,
				    .profile = HW_PROFILE_CONSTRAINED_BASELINE,
				    .fps_den = 1 };
	int r = mcu_camera_new(&config, &v->camera, reterr);

	if (r < 0)
		return r;
	wish.width = (unsigned)mcu_camera_width(v->camera);
	wish.height = (unsigned)mcu_camera_height(v->camera);
	wish.fps = (unsigned)mcu_camera_fps(v->camera);
	mcu_sdp_h264_limit(&s->h264, &wish, &size);
	if (size.width != wish.width || size.height != wish.height || size.fps != wish.fps) {
		g_clear_pointer(&v->camera, mcu_camera_free);
		config.width = (int)size.width;
		config.height = (int)size.height;
		config.fps = (int)size.fps;
		r = mcu_camera_new(&config, &v->camera, reterr);
		if (r < 0)
			return r;
	}
	v->mode = s->h264.packetization_mode;
	encoder.width = (int)size.width;
	encoder.height = (int)size.height;
	encoder.fps_num = (int)size.fps;
	encoder.bitrate_bps = (int)(s->send_limit_bps ? MIN(size.bitrate_bps, s->send_limit_bps)
						      : size.bitrate_bps);
	encoder.max_slice_bytes = v->mode == 0 ? MODE0_BYTES : 0;
	return hw_encoder_new(v->device, &encoder, &v->encoder, reterr);
}

int mcu_video_line_applied(McuVideoLine *v, McuDiag *reterr)
{
	const McuSdpStream *s = mcu_line_stream(v->line);
	int r;

	if (!s->enabled || g_str_equal(v->options->video, "none"))
		return 0;
	v->refresh = true;
	if (v->camera)
		return 0;
	r = open_camera(v, reterr);
	v->start_ns = mcu_now_ns();
	return r;
}

static void send_packet(McuVideoLine *v, const HwPacket *coded, uint32_t media_ts)
{
	const McuH264PayConfig config = { .mode = v->mode };

	g_ptr_array_set_size(v->payloads, 0);
	if (mcu_h264_pay(&config, coded->data, coded->len, coded->pts_ns, v->payloads) < 0)
		return;
	for (guint i = 0; i < v->payloads->len; i++)
		mcu_line_send(v->line, mcu_line_stream(v->line)->send_pt, v->payloads->pdata[i],
			      media_ts);
	v->sent_pictures++;
	v->sent_keyframes += coded->keyframe;
}

static void send_picture(McuVideoLine *v, uint64_t n, int64_t now_ns, double loudness)
{
	g_autoptr(HwFrame) frame = NULL;
	uint32_t media_ts = (uint32_t)((uint64_t)(now_ns - v->start_ns) * 9 / 100000);
	HwPacket coded;

	if (mcu_camera_take(v->camera, n, g_get_real_time() / 1000, loudness, &frame) < 0)
		return;
	hw_frame_set_pts_ns(frame, now_ns);
	if (hw_encoder_send(v->encoder, frame, v->refresh) < 0)
		return;
	v->refresh = false;
	while (hw_encoder_receive(v->encoder, &coded) == 0)
		send_packet(v, &coded, media_ts);
}

void mcu_video_line_tick(McuVideoLine *v, int64_t now_ns, double loudness)
{
	uint64_t due;

	mcu_line_tick(v->line, now_ns);
	if (!mcu_line_stream(v->line)->enabled)
		return;
	ask_keyframe(v, now_ns);
	if (!v->encoder || !mcu_line_may_send(v->line))
		return;
	due = (uint64_t)(now_ns - v->start_ns) * (uint64_t)mcu_camera_fps(v->camera) /
	      (uint64_t)MCU_NS_PER_SEC;
	if (due < v->next_picture)
		return;
	v->skipped_pictures += due - v->next_picture;
	v->next_picture = due + 1;
	send_picture(v, due, now_ns, loudness);
}

/* --- report --- */

int mcu_video_line_snapshot(const McuVideoLine *v, const char *path)
{
	cairo_surface_t *surface;
	HwMapping m;
	int r = -EIO;

	if (!v->last)
		return -ENOENT;
	if (hw_frame_map(v->last, &m) < 0 || m.format != HW_FORMAT_I420)
		return -EIO;
	surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, m.width, m.height);
	if (cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS) {
		H420ToARGB(m.data[0], m.stride[0], m.data[1], m.stride[1], m.data[2], m.stride[2],
			   cairo_image_surface_get_data(surface),
			   cairo_image_surface_get_stride(surface), m.width, m.height);
		cairo_surface_mark_dirty(surface);
		if (cairo_surface_write_to_png(surface, path) == CAIRO_STATUS_SUCCESS)
			r = 0;
	}
	cairo_surface_destroy(surface);
	return r;
}

void mcu_video_line_report(const McuVideoLine *v, JsonBuilder *json)
{
	McuH264DepayStats depay;

	mcu_h264_depay_stats(v->depay, &depay);
	json_builder_begin_object(json);
	mcu_line_report(v->line, json);
	mcu_json_int(json, "packetization_mode", v->mode);
	mcu_json_int(json, "sent_width", v->camera ? mcu_camera_width(v->camera) : 0);
	mcu_json_int(json, "sent_height", v->camera ? mcu_camera_height(v->camera) : 0);
	mcu_json_int(json, "sent_fps", v->camera ? mcu_camera_fps(v->camera) : 0);
	mcu_json_int(json, "sent_pictures", (gint64)v->sent_pictures);
	mcu_json_int(json, "sent_keyframes", (gint64)v->sent_keyframes);
	mcu_json_int(json, "skipped_pictures", (gint64)v->skipped_pictures);
	mcu_json_int(json, "keyframes", (gint64)v->keyframes);
	mcu_json_int(json, "keyframe_requests", (gint64)v->keyframe.sent);
	mcu_json_int(json, "damaged", (gint64)depay.damaged);
	mcu_json_int(json, "malformed", (gint64)depay.malformed);
	mcu_json_int(json, "decode_errors", (gint64)v->decode_errors);
	mcu_json_real(json, "first_picture_s", v->first_picture_s > 0 ? v->first_picture_s : NAN);
	json_builder_set_member_name(json, "seen");
	mcu_eye_report(v->eye, mcu_report_now_s(v->report), json);
	json_builder_end_object(json);
}
