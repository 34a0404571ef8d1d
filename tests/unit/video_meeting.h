/* What tests of the video engine share: a meeting that ticks by hand, with real encoders as
 * cameras. Pictures are of one colour each, so that a pixel of a tile says whose it is. */
#pragma once
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "hw/hw.h"
#include "video/engine.h"

#define W    640
#define H    360
#define TICK (MCU_NS_PER_SEC / 30)

/* --- a camera: one colour, H.264 --- */

typedef struct Camera {
	HwEncoder *enc;
	HwFrame *picture;
	int64_t pts;
} Camera;

static inline HwDevice *open_device(const char *mock)
{
	HwDeviceConfig config = { .backend = mock ? HW_BACKEND_MOCK : HW_BACKEND_SOFT,
				  .mock = mock };
	HwDevice *device = NULL;

	g_assert_cmpint(hw_device_open(&config, &device, NULL), ==, 0);
	return device;
}

static inline HwFrame *plain_picture(int w, int h, uint8_t luma)
{
	HwFrame *frame;
	HwMapping m;

	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, w, h, &frame), ==, 0);
	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	for (int y = 0; y < h; y++)
		memset(m.data[0] + y * m.stride[0], luma, (size_t)w);
	for (int p = 1; p < 3; p++)
		for (int y = 0; y < h / 2; y++)
			memset(m.data[p] + y * m.stride[p], 128, (size_t)w / 2);
	return frame;
}

static inline void camera_init(Camera *c, HwDevice *device, int w, int h, uint8_t luma)
{
	HwEncoderConfig config = { .codec = HW_CODEC_H264,
				   .width = w,
				   .height = h,
				   .fps_num = 30,
				   .fps_den = 1,
				   .bitrate_bps = 300000 };

	*c = (Camera){ .picture = plain_picture(w, h, luma) };
	g_assert_cmpint(hw_encoder_new(device, &config, &c->enc, NULL), ==, 0);
}

static inline void camera_done(Camera *c)
{
	hw_encoder_free(c->enc);
	hw_frame_unref(c->picture);
}

static inline int camera_send(Camera *c, McuVideoEngine *e, uint32_t source, bool key, int64_t now)
{
	HwPacket pkt;

	g_assert_cmpint(hw_encoder_send(c->enc, c->picture, key), ==, 0);
	g_assert_cmpint(hw_encoder_receive(c->enc, &pkt), ==, 0);
	return mcu_video_engine_push(e, source, pkt.data, pkt.len, now, pkt.keyframe, now);
}

/* --- a meeting --- */

typedef struct Meeting {
	HwDevice *device;
	McuVideoEngine *e;
	HwFrame *canvas; /* of the last tick */
	int64_t now;
	unsigned wants[8]; /* keyframes asked for, by source */
	McuVideoSourceState state[8];
	bool visible[8];
	int visible_w[8];
	Camera cam[8];
	uint32_t source[8];
} Meeting;

static inline void on_wants(void *data, uint32_t source)
{
	((Meeting *)data)->wants[source]++;
}

static inline void on_state(void *data, uint32_t source, McuVideoSourceState state, int w, int h)
{
	(void)w;
	(void)h;
	((Meeting *)data)->state[source] = state;
}

static inline void on_visible(void *data, uint32_t source, bool visible, int w, int h)
{
	Meeting *m = data;

	(void)h;
	m->visible[source] = visible;
	m->visible_w[source] = w;
}

static inline void setup(Meeting *m, const char *mock)
{
	McuVideoEvents events = { .data = m,
				  .source_wants_keyframe = on_wants,
				  .source_state = on_state,
				  .source_visible = on_visible };
	McuVideoEngineConfig config = { .width = W, .height = H, .fps = 30, .manual = true };

	*m = (Meeting){ .now = 1000 * MCU_NS_PER_SEC };
	config.device = m->device = open_device(mock);
	g_assert_cmpint(mcu_video_engine_new(&config, &events, NULL, &m->e, NULL), ==, 0);
	mcu_video_engine_start(m->e);
}

static inline void teardown(Meeting *m)
{
	hw_frame_unref(m->canvas);
	mcu_video_engine_stop(m->e);
	mcu_video_engine_free(m->e);
	for (int i = 0; i < 8; i++)
		if (m->cam[i].enc)
			camera_done(&m->cam[i]);
	hw_device_unref(m->device);
}

static inline void tick(Meeting *m)
{
	m->now += TICK;
	hw_frame_unref(m->canvas);
	m->canvas = mcu_video_engine_tick_at(m->e, m->now);
}

/* Participant number i ("p1", …), whose picture has luma 40 + 20 i; sources are numbered alike. */
static inline void join(Meeting *m, int i)
{
	g_autofree char *id = g_strdup_printf("p%d", i);
	McuVideoParticipant props = { .name = id };

	camera_init(&m->cam[i], m->device, 320, 180, (uint8_t)(40 + 20 * i));
	g_assert_cmpint(mcu_video_engine_add_participant(m->e, id, &props), ==, 0);
	g_assert_cmpint(mcu_video_engine_add_source(m->e, id, HW_CODEC_H264, &m->source[i]), ==, 0);
	g_assert_cmpuint(m->source[i], ==, (unsigned)i);
	tick(m);
	g_assert_cmpint(camera_send(&m->cam[i], m->e, m->source[i], true, m->now), ==, 0);
}

static inline int luma_at(const Meeting *m, int x, int y)
{
	HwMapping map;

	g_assert_nonnull(m->canvas);
	g_assert_cmpint(hw_frame_map(m->canvas, &map), ==, 0);
	return map.data[0][y * map.stride[0] + x];
}

#define ASSERT_LUMA(m, x, y, want) g_assert_cmpint(ABS(luma_at(m, x, y) - (want)), <=, 4)

static inline void set_layout(Meeting *m, const char *name, const char *focus)
{
	McuLayout *l = NULL;

	g_assert_cmpint(mcu_layout_load("config/layouts", name, &l, NULL), ==, 0);
	mcu_video_engine_set_layout(m->e, l, focus, NULL);
	mcu_layout_unref(l);
}

/* --- renditions --- */

typedef struct Receiver {
	unsigned packets, keyframes;
	int64_t last_key, min_key_gap;
	int64_t last_pts;
	GByteArray *stream;
} Receiver;

static inline void on_packet(void *data, const HwPacket *pkt, int64_t capture_ns)
{
	Receiver *r = data;

	r->packets++;
	g_assert_cmpint(capture_ns, >, r->last_pts);
	r->last_pts = capture_ns;
	if (pkt->keyframe) {
		if (r->keyframes++)
			r->min_key_gap = MIN(r->min_key_gap, capture_ns - r->last_key);
		r->last_key = capture_ns;
	}
	g_byte_array_set_size(r->stream, 0);
	g_byte_array_append(r->stream, pkt->data, (guint)pkt->len);
}

static inline McuRendition *add_rendition(Meeting *m, Receiver *r, int w, int h, int fps)
{
	McuRenditionConfig config = { .encoder = { .codec = HW_CODEC_H264,
						   .width = w,
						   .height = h,
						   .fps_num = fps,
						   .fps_den = fps ? 1 : 0,
						   .bitrate_bps = 500000 },
				      .on_packet = on_packet,
				      .data = r };
	McuRendition *rendition = NULL;
	McuDiag d = { 0 };

	*r = (Receiver){ .min_key_gap = INT64_MAX, .stream = g_byte_array_new() };
	if (mcu_video_engine_add_rendition(m->e, &config, &rendition, &d) < 0)
		g_error("%s", d.text);
	return rendition;
}

static inline void receiver_done(Receiver *r)
{
	g_byte_array_unref(r->stream);
}
