/* mcu/video/engine: ticks by hand, with real encoders and decoders. Pictures are of one colour each,
 * so that a pixel of a tile says whose it is. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "hw/hw.h"
#include "video/engine.h"
#include "video/engine_priv.h"

#define W 640
#define H 360
#define TICK (MCU_NS_PER_SEC / 30)

/* --- a camera: one colour, H.264 --- */

typedef struct Camera {
	HwEncoder *enc;
	HwFrame *picture;
	int64_t pts;
} Camera;

static HwDevice *open_device(const char *mock)
{
	HwDeviceConfig config = { .backend = mock ? HW_BACKEND_MOCK : HW_BACKEND_SOFT, .mock = mock };
	HwDevice *device = NULL;

	g_assert_cmpint(hw_device_open(&config, &device, NULL), ==, 0);
	return device;
}

static HwFrame *plain_picture(int w, int h, uint8_t luma)
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

static void camera_init(Camera *c, HwDevice *device, int w, int h, uint8_t luma)
{
	HwEncoderConfig config = { .codec = HW_CODEC_H264, .width = w, .height = h, .fps_num = 30,
				   .fps_den = 1, .bitrate_bps = 300000 };

	*c = (Camera){ .picture = plain_picture(w, h, luma) };
	g_assert_cmpint(hw_encoder_new(device, &config, &c->enc, NULL), ==, 0);
}

static void camera_done(Camera *c)
{
	hw_encoder_free(c->enc);
	hw_frame_unref(c->picture);
}

static int camera_send(Camera *c, McuVideoEngine *e, uint32_t source, bool key, int64_t now)
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

static void on_wants(void *data, uint32_t source)
{
	((Meeting *)data)->wants[source]++;
}

static void on_state(void *data, uint32_t source, McuVideoSourceState state, int w, int h)
{
	(void)w;
	(void)h;
	((Meeting *)data)->state[source] = state;
}

static void on_visible(void *data, uint32_t source, bool visible, int w, int h)
{
	Meeting *m = data;

	(void)h;
	m->visible[source] = visible;
	m->visible_w[source] = w;
}

static void setup(Meeting *m, const char *mock)
{
	McuVideoEvents events = { .data = m, .source_wants_keyframe = on_wants,
				  .source_state = on_state, .source_visible = on_visible };
	McuVideoEngineConfig config = { .width = W, .height = H, .fps = 30, .manual = true };

	*m = (Meeting){ .now = 1000 * MCU_NS_PER_SEC };
	config.device = m->device = open_device(mock);
	g_assert_cmpint(mcu_video_engine_new(&config, &events, NULL, &m->e, NULL), ==, 0);
	mcu_video_engine_start(m->e);
}

static void teardown(Meeting *m)
{
	hw_frame_unref(m->canvas);
	mcu_video_engine_stop(m->e);
	mcu_video_engine_free(m->e);
	for (int i = 0; i < 8; i++)
		if (m->cam[i].enc)
			camera_done(&m->cam[i]);
	hw_device_unref(m->device);
}

static void tick(Meeting *m)
{
	m->now += TICK;
	hw_frame_unref(m->canvas);
	m->canvas = mcu_video_engine_tick_at(m->e, m->now);
}

/* Participant number i ("p1", …), whose picture has luma 40 + 20 i; sources are numbered alike. */
static void join(Meeting *m, int i)
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

static int luma_at(const Meeting *m, int x, int y)
{
	HwMapping map;

	g_assert_nonnull(m->canvas);
	g_assert_cmpint(hw_frame_map(m->canvas, &map), ==, 0);
	return map.data[0][y * map.stride[0] + x];
}

#define ASSERT_LUMA(m, x, y, want) g_assert_cmpint(ABS(luma_at(m, x, y) - (want)), <=, 4)

static void set_layout(Meeting *m, const char *name, const char *focus)
{
	McuLayout *l = NULL;

	g_assert_cmpint(mcu_layout_load("config/layouts", name, &l, NULL), ==, 0);
	mcu_video_engine_set_layout(m->e, l, focus, NULL);
	mcu_layout_unref(l);
}

/* --- tests --- */

static void test_grid(void)
{
	Meeting m;

	setup(&m, NULL);
	tick(&m);
	ASSERT_LUMA(&m, 5, 5, 36); /* an empty room shows the ground */
	for (int i = 1; i <= 4; i++)
		join(&m, i);
	tick(&m);
	tick(&m);
	ASSERT_LUMA(&m, 160, 90, 60);
	ASSERT_LUMA(&m, 480, 90, 80);
	ASSERT_LUMA(&m, 160, 250, 100);
	ASSERT_LUMA(&m, 480, 250, 120);
	ASSERT_LUMA(&m, 320, 180, 36); /* between the tiles */
	for (int i = 1; i <= 4; i++)
		g_assert_true(m.visible[i] && m.state[i] == MCU_VIDEO_SOURCE_LIVE);
	/* who leaves makes room */
	mcu_video_engine_remove_participant(m.e, "p2");
	mcu_video_engine_remove_participant(m.e, "p3");
	mcu_video_engine_remove_participant(m.e, "p4");
	tick(&m);
	ASSERT_LUMA(&m, 320, 180, 60);
	ASSERT_LUMA(&m, 20, 180, 60);
	teardown(&m);
}

static void test_stale_is_dimmed(void)
{
	Meeting m;

	setup(&m, NULL);
	for (int i = 1; i <= 4; i++)
		join(&m, i);
	tick(&m);
	ASSERT_LUMA(&m, 420, 130, 80);
	for (int t = 0; t < 75; t++) { /* 2.5 s; p1 goes on */
		g_assert_cmpint(camera_send(&m.cam[1], m.e, 1, false, m.now), ==, 0);
		tick(&m);
	}
	ASSERT_LUMA(&m, 120, 130, 60);
	g_assert_cmpint(luma_at(&m, 420, 130), <, 60);
	g_assert_cmpint(m.state[2], ==, MCU_VIDEO_SOURCE_STALE);
	g_assert_cmpint(m.state[1], ==, MCU_VIDEO_SOURCE_LIVE);
	/* it comes back bright */
	g_assert_cmpint(camera_send(&m.cam[2], m.e, 2, false, m.now), ==, 0);
	tick(&m);
	ASSERT_LUMA(&m, 420, 130, 80);
	teardown(&m);
}

static void test_layout_switch(void)
{
	Meeting m;

	setup(&m, NULL);
	for (int i = 1; i <= 4; i++)
		join(&m, i);
	tick(&m);
	mcu_video_engine_set_active_speaker(m.e, "p3");
	set_layout(&m, "speaker", NULL);
	tick(&m); /* whole, at the next tick */
	ASSERT_LUMA(&m, 320, 140, 100);
	ASSERT_LUMA(&m, 100, 140, 100);
	ASSERT_LUMA(&m, 320, 320, 80);
	g_assert_cmpint(m.visible_w[3], >, 450);
	set_layout(&m, "single", "p1");
	tick(&m);
	ASSERT_LUMA(&m, 320, 180, 60);
	ASSERT_LUMA(&m, 600, 20, 60);
	g_assert_cmpstr(mcu_video_engine_layout_name(m.e), ==, "single");
	/* the others are not decoded */
	g_assert_false(m.visible[2]);
	for (int t = 0; t < 5; t++)
		g_assert_cmpint(camera_send(&m.cam[2], m.e, 2, false, m.now), ==, -EAGAIN);
	tick(&m);
	McuVideoSourceStats s;
	g_assert_cmpint(mcu_video_engine_source_stats(m.e, 2, &s), ==, 0);
	g_assert_cmpuint(s.decoded, ==, 1);
	g_assert_cmpuint(s.dropped_hidden, ==, 5);
	/* shown again: its last picture at once, a keyframe is asked for and awaited */
	unsigned asked = m.wants[2];
	set_layout(&m, "auto", NULL);
	tick(&m);
	ASSERT_LUMA(&m, 480, 90, 80);
	g_assert_cmpuint(m.wants[2], ==, asked + 1);
	g_assert_cmpint(camera_send(&m.cam[2], m.e, 2, false, m.now), ==, -EAGAIN);
	for (int t = 0; t < 12; t++) /* 400 ms: asked once more */
		tick(&m);
	g_assert_cmpuint(m.wants[2], ==, asked + 2);
	g_assert_cmpint(camera_send(&m.cam[2], m.e, 2, true, m.now), ==, 0);
	tick(&m);
	g_assert_cmpint(mcu_video_engine_source_stats(m.e, 2, &s), ==, 0);
	g_assert_cmpuint(s.decoded, ==, 2);
	g_assert_cmpuint(s.keyframes, ==, 2);
	for (int t = 0; t < 60; t++)
		tick(&m);
	g_assert_cmpuint(m.wants[2], ==, asked + 2);
	teardown(&m);
}

static void test_props(void)
{
	McuVideoParticipant props = { .name = "Ada" };
	Meeting m;

	setup(&m, NULL);
	join(&m, 1);
	join(&m, 2);
	tick(&m);
	ASSERT_LUMA(&m, 480, 130, 80);
	props.camera_off = true;
	g_assert_cmpint(mcu_video_engine_update_participant(m.e, "p2", &props), ==, 0);
	tick(&m);
	g_assert_cmpint(luma_at(&m, 340, 110), <, 70); /* the card's ground */
	g_assert_false(m.visible[2]);
	g_assert_cmpint(camera_send(&m.cam[2], m.e, 2, true, m.now), ==, -EAGAIN);
	props = (McuVideoParticipant){ .name = "Ada", .hidden = true };
	g_assert_cmpint(mcu_video_engine_update_participant(m.e, "p2", &props), ==, 0);
	tick(&m);
	ASSERT_LUMA(&m, 480, 130, 60); /* p1 alone, full size */
	g_assert_cmpint(mcu_video_engine_update_participant(m.e, "nobody", &props), ==, -ENOENT);
	g_assert_cmpint(mcu_video_engine_add_participant(m.e, "p1", &props), ==, -EEXIST);
	g_assert_cmpint(mcu_video_engine_add_participant(m.e, "", &props), ==, -EINVAL);
	g_assert_cmpint(mcu_video_engine_push(m.e, 99, "x", 1, 0, true, 0), ==, -ENOENT);
	teardown(&m);
}

static void test_speaking_border(void)
{
	Meeting m;

	setup(&m, NULL);
	join(&m, 1);
	join(&m, 2);
	tick(&m);
	ASSERT_LUMA(&m, 160, 94, 60);
	mcu_video_engine_set_speaking(m.e, "p1", true);
	tick(&m);
	HwMapping map;
	g_assert_cmpint(hw_frame_map(m.canvas, &map), ==, 0);
	/* somewhere on a column through the tile there is blue */
	int most = 0;
	for (int y = 0; y < H / 2; y++)
		most = MAX(most, map.data[1][y * map.stride[1] + 80]);
	g_assert_cmpint(most, >, 150);
	mcu_video_engine_set_speaking(m.e, "p1", false);
	tick(&m);
	g_assert_cmpint(hw_frame_map(m.canvas, &map), ==, 0);
	for (int y = 0; y < H / 2; y++)
		g_assert_cmpint(map.data[1][y * map.stride[1] + 80], <, 150);
	teardown(&m);
}

static void test_garbage(void)
{
	uint8_t junk[2000];
	McuVideoSourceStats s;
	Meeting m;

	setup(&m, NULL);
	join(&m, 1);
	tick(&m);
	for (size_t i = 0; i < sizeof junk; i++)
		junk[i] = (uint8_t)(i * 7);
	for (int t = 0; t < 60; t++) {
		(void)!mcu_video_engine_push(m.e, 1, junk, sizeof junk, m.now, true, m.now);
		tick(&m);
	}
	g_assert_cmpint(mcu_video_engine_source_stats(m.e, 1, &s), ==, 0);
	g_assert_cmpuint(s.decode_errors, >, 0);
	g_assert_cmpuint(m.wants[1], >=, 2); /* with pauses */
	g_assert_cmpuint(m.wants[1], <=, 6);
	g_assert_cmpint(camera_send(&m.cam[1], m.e, 1, true, m.now), ==, 0);
	tick(&m);
	g_assert_cmpint(m.state[1], ==, MCU_VIDEO_SOURCE_LIVE);
	ASSERT_LUMA(&m, 320, 180, 60);
	g_assert_cmpint(mcu_video_engine_push(m.e, 1, junk, MCU_MAX_ACCESS_UNIT + 1, 0, true, 0), ==,
			-EOVERFLOW);
	teardown(&m);
}

static void test_queue_limit(void)
{
	McuVideoSourceStats s;
	Meeting m;
	int taken = 0;

	setup(&m, NULL);
	join(&m, 1);
	tick(&m);
	for (int t = 0; t < 60; t++) /* nothing is decoded between ticks by hand */
		taken += camera_send(&m.cam[1], m.e, 1, false, m.now) == 0;
	g_assert_cmpint(taken, ==, MCU_VIDEO_QUEUE_MAX);
	g_assert_cmpuint(m.wants[1], ==, 1);
	g_assert_cmpint(camera_send(&m.cam[1], m.e, 1, true, m.now), ==, -EAGAIN);
	tick(&m);
	g_assert_cmpint(mcu_video_engine_source_stats(m.e, 1, &s), ==, 0);
	g_assert_cmpuint(s.dropped_queue, ==, 2);
	g_assert_cmpuint(s.queue, ==, 0);
	g_assert_cmpuint(s.decoded, ==, 1); /* the backlog was not worth decoding */
	g_assert_cmpint(camera_send(&m.cam[1], m.e, 1, true, m.now), ==, 0);
	tick(&m);
	g_assert_cmpint(mcu_video_engine_source_stats(m.e, 1, &s), ==, 0);
	g_assert_cmpuint(s.decoded, ==, 2);
	teardown(&m);
}

/* --- renditions --- */

typedef struct Receiver {
	unsigned packets, keyframes;
	int64_t last_key, min_key_gap;
	int64_t last_pts;
	GByteArray *stream;
} Receiver;

static void on_packet(void *data, const HwPacket *pkt, int64_t capture_ns)
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

static McuRendition *add_rendition(Meeting *m, Receiver *r, int w, int h, int fps)
{
	McuRenditionConfig config = { .encoder = { .codec = HW_CODEC_H264, .width = w, .height = h,
						   .fps_num = fps, .fps_den = fps ? 1 : 0,
						   .bitrate_bps = 500000 },
				      .on_packet = on_packet, .data = r };
	McuRendition *rendition = NULL;
	McuDiag d = { 0 };

	*r = (Receiver){ .min_key_gap = INT64_MAX, .stream = g_byte_array_new() };
	if (mcu_video_engine_add_rendition(m->e, &config, &rendition, &d) < 0)
		g_error("%s", d.text);
	return rendition;
}

static void receiver_done(Receiver *r)
{
	g_byte_array_unref(r->stream);
}

static void test_rendition(void)
{
	McuRendition *r;
	McuRenditionStats s;
	Receiver rx;
	Meeting m;

	setup(&m, NULL);
	r = add_rendition(&m, &rx, 0, 0, 0);
	join(&m, 1);
	join(&m, 2);
	for (int t = 0; t < 10; t++)
		tick(&m);
	g_assert_cmpuint(rx.packets, ==, 0); /* no sink, no encode */
	mcu_rendition_set_active(r, true);
	tick(&m);
	g_assert_cmpuint(rx.packets, ==, 1);
	g_assert_cmpuint(rx.keyframes, ==, 1);
	/* nothing changes: two pictures a second */
	for (int t = 0; t < 60; t++)
		tick(&m);
	g_assert_cmpuint(rx.packets, >=, 4);
	g_assert_cmpuint(rx.packets, <=, 6);
	g_assert_cmpuint(rx.keyframes, ==, 1);
	/* many requests: one keyframe per half second, the last is honoured */
	for (int t = 0; t < 30; t++) {
		mcu_rendition_request_keyframe(r);
		tick(&m);
	}
	for (int t = 0; t < 20; t++)
		tick(&m);
	g_assert_cmpuint(rx.keyframes, >=, 3);
	g_assert_cmpuint(rx.keyframes, <=, 4);
	g_assert_cmpint(rx.min_key_gap, >=, 500 * MCU_NS_PER_MS);
	mcu_rendition_stats(r, &s);
	g_assert_cmpuint(s.keyframe_requests, ==, 30);
	g_assert_cmpuint(s.frames, ==, rx.packets);
	g_assert_cmpuint(s.overwritten, ==, 0);
	/* off and on again */
	unsigned before = rx.packets, keys = rx.keyframes;
	mcu_rendition_set_active(r, false);
	for (int t = 0; t < 30; t++)
		tick(&m);
	g_assert_cmpuint(rx.packets, ==, before);
	mcu_rendition_set_active(r, true);
	tick(&m);
	g_assert_cmpuint(rx.packets, ==, before + 1);
	g_assert_cmpuint(rx.keyframes, ==, keys + 1);
	mcu_video_engine_remove_rendition(m.e, r);
	tick(&m);
	g_assert_cmpuint(rx.packets, ==, before + 1);
	receiver_done(&rx);
	teardown(&m);
}

/* What a receiver of a smaller and slower rendition sees. */
static void test_small_rendition(void)
{
	HwDecoderConfig config = { .codec = HW_CODEC_H264 };
	g_autoptr(HwDecoder) dec = NULL;
	g_autoptr(HwFrame) seen = NULL;
	McuRendition *r;
	HwMapping map;
	Receiver rx;
	Meeting m;

	setup(&m, NULL);
	r = add_rendition(&m, &rx, 352, 288, 10);
	g_assert_cmpint(hw_decoder_new(m.device, &config, &dec, NULL), ==, 0);
	join(&m, 1);
	mcu_rendition_set_active(r, true);
	for (int t = 0; t < 60; t++) {
		unsigned before = rx.packets;
		HwFrame *f;

		m.cam[1].picture = (hw_frame_unref(m.cam[1].picture),
				    plain_picture(320, 180, (uint8_t)(60 + t)));
		g_assert_cmpint(camera_send(&m.cam[1], m.e, 1, false, m.now), ==, 0);
		tick(&m);
		if (rx.packets == before)
			continue;
		g_assert_cmpint(hw_decoder_send(dec, rx.stream->data, rx.stream->len, 0), ==, 0);
		while (hw_decoder_receive(dec, &f) == 0) {
			hw_frame_unref(seen);
			seen = f;
		}
	}
	g_assert_cmpuint(rx.packets, >=, 19);
	g_assert_cmpuint(rx.packets, <=, 23);
	g_assert_nonnull(seen);
	g_assert_cmpint(hw_frame_width(seen), ==, 352);
	g_assert_cmpint(hw_frame_height(seen), ==, 288);
	g_assert_cmpint(hw_frame_map(seen, &map), ==, 0);
	g_assert_cmpint(ABS(map.data[0][144 * map.stride[0] + 176] - 116), <=, 8);
	g_assert_cmpint(map.data[0][10 * map.stride[0] + 176], <, 50); /* bar */
	receiver_done(&rx);
	teardown(&m);
}

static void test_dead_encoder(void)
{
	McuRendition *r;
	McuRenditionStats s;
	Receiver rx;
	Meeting m;

	setup(&m, "encode:4+"); /* the camera's own encode calls count, too */
	r = add_rendition(&m, &rx, 0, 0, 0);
	mcu_rendition_set_active(r, true);
	join(&m, 1);
	for (int t = 0; t < 100; t++) {
		mcu_rendition_request_keyframe(r);
		tick(&m);
	}
	mcu_rendition_stats(r, &s);
	g_assert_cmpuint(s.failures, >=, 1);
	g_assert_cmpuint(s.failures, <=, 3); /* once per second of real time */
	g_assert_nonnull(m.canvas);
	g_assert_cmpint(luma_at(&m, 100, 100), <, 58); /* the picture goes on, by now dimmed */
	receiver_done(&rx);
	teardown(&m);
}

static void test_rendition_errors(void)
{
	McuRenditionConfig bad = { .encoder = { .codec = HW_CODEC_H264, .bitrate_bps = 1000000 } };
	McuRendition *r = NULL;
	Receiver rx[MCU_MAX_RENDITIONS];
	McuDiag d = { 0 };
	Meeting m;

	setup(&m, NULL);
	g_assert_cmpint(mcu_video_engine_add_rendition(m.e, &bad, &r, &d), ==, -EINVAL);
	bad.on_packet = on_packet;
	bad.encoder.width = 33;
	bad.encoder.height = 17;
	g_assert_cmpint(mcu_video_engine_add_rendition(m.e, &bad, &r, &d), <, 0);
	for (int i = 0; i < MCU_MAX_RENDITIONS; i++)
		add_rendition(&m, &rx[i], 0, 0, 0);
	bad.encoder.width = bad.encoder.height = 0;
	g_assert_cmpint(mcu_video_engine_add_rendition(m.e, &bad, &r, &d), ==, -EOVERFLOW);
	for (int i = 0; i < MCU_MAX_RENDITIONS; i++)
		receiver_done(&rx[i]);
	teardown(&m);
}

static void on_snapshot(void *data, HwFrame *frame)
{
	HwFrame **seen = data;

	*seen = frame ? hw_frame_ref(frame) : NULL;
}

static void test_snapshot(void)
{
	g_autoptr(HwFrame) frame = NULL;
	Meeting m;

	setup(&m, NULL);
	join(&m, 1);
	tick(&m);
	mcu_video_engine_snapshot(m.e, on_snapshot, &frame);
	g_assert_null(frame);
	tick(&m);
	g_assert_true(frame == m.canvas);
	teardown(&m);
}

/* Faults of the back end, one kind after the other: the meeting goes on, and the picture is whole
 * again after the last fault. */
static void test_faults(void)
{
	static const char *const plans[] = { "decode:2%",  "receive:3%", "compose:4%", "frame:5%",
					     "map:6%",     "encode:9%",  "packet:9%",  "open:5",
					     "decode:4,compose:7,receive:9,frame:12" };

	for (size_t p = 0; p < G_N_ELEMENTS(plans); p++) {
		unsigned canvases = 0;
		McuRendition *r;
		Receiver rx;
		Meeting m;

		g_test_message("%s", plans[p]);
		setup(&m, plans[p]);
		r = add_rendition(&m, &rx, 0, 0, 0);
		mcu_rendition_set_active(r, true);
		for (int i = 1; i <= 2; i++) {
			g_autofree char *id = g_strdup_printf("p%d", i);
			McuVideoParticipant props = { .name = id };
			g_autoptr(HwDevice) sound = open_device(NULL);

			camera_init(&m.cam[i], sound, 320, 180, (uint8_t)(40 + 20 * i));
			g_assert_cmpint(mcu_video_engine_add_participant(m.e, id, &props), ==, 0);
			g_assert_cmpint(mcu_video_engine_add_source(m.e, id, HW_CODEC_H264, &m.source[i]),
					==, 0);
		}
		for (int t = 0; t < 90; t++) {
			for (int i = 1; i <= 2; i++) {
				(void)!camera_send(&m.cam[i], m.e, m.source[i], m.wants[i] > 0 || t == 0,
						   m.now);
				m.wants[i] = 0;
			}
			tick(&m);
			canvases += m.canvas != NULL;
		}
		g_assert_cmpuint(canvases, >=, 40);
		g_assert_cmpuint(rx.packets, >, 1);
		receiver_done(&rx);
		teardown(&m);
	}
}

/* What each step of the ladder does. */
static void test_overload_steps(void)
{
	McuVideoStats s;
	Meeting m;

	setup(&m, NULL);
	for (int i = 1; i <= 3; i++)
		join(&m, i);
	set_layout(&m, "speaker", "p2");
	tick(&m);
	m.e->overload.level = 1;
	mcu_engine_apply_overload(m.e);
	g_assert_true(atomic_load(&mcu_engine_source_of(m.e, 1)->skip_loop_filter));
	g_assert_false(atomic_load(&mcu_engine_source_of(m.e, 2)->skip_loop_filter)); /* large */
	mcu_video_engine_stats(m.e, &s);
	g_assert_cmpint(s.fps, ==, 30);
	g_assert_cmpint(s.overload, ==, MCU_OVERLOAD_SKIP_LOOP_FILTER);
	m.e->overload.level = 2;
	mcu_engine_apply_overload(m.e);
	mcu_video_engine_stats(m.e, &s);
	g_assert_cmpint(s.fps, ==, 15);
	m.e->overload.level = 0;
	mcu_engine_apply_overload(m.e);
	mcu_video_engine_stats(m.e, &s);
	g_assert_cmpint(s.fps, ==, 30);
	g_assert_false(atomic_load(&mcu_engine_source_of(m.e, 1)->skip_loop_filter));
	teardown(&m);
}

static void test_bad_config(void)
{
	g_autoptr(HwDevice) device = open_device(NULL);
	McuVideoEngineConfig config = { .device = device, .width = 641, .height = 360, .fps = 30 };
	McuVideoEngine *e = NULL;
	McuDiag d = { 0 };

	g_assert_cmpint(mcu_video_engine_new(&config, NULL, NULL, &e, &d), ==, -EINVAL);
	config.width = 640;
	config.fps = 0;
	g_assert_cmpint(mcu_video_engine_new(&config, NULL, NULL, &e, &d), ==, -EINVAL);
	g_assert_null(e);
}

/* --- with threads --- */

typedef struct Live {
	_Atomic unsigned packets, keyframes;
} Live;

static void on_live_packet(void *data, const HwPacket *pkt, int64_t capture_ns)
{
	Live *l = data;

	(void)capture_ns;
	l->packets++;
	l->keyframes += pkt->keyframe;
}

static gboolean quit(void *loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

typedef struct Feeder {
	McuVideoEngine *e;
	Camera cam[4];
	uint32_t source[4];
	unsigned round;
	HwFrame *snapshot;
} Feeder;

static void on_live_snapshot(void *data, HwFrame *frame)
{
	Feeder *f = data;

	if (frame && !f->snapshot)
		f->snapshot = hw_frame_ref(frame);
}

static gboolean feed(void *data)
{
	static const char *const names[] = { "p0", "p1", "p2", "p3" };
	McuVideoParticipant props = { .name = "somebody" };
	Feeder *f = data;
	unsigned n = f->round++;

	for (int i = 0; i < 4; i++)
		(void)!camera_send(&f->cam[i], f->e, f->source[i], n % 10 == 0, mcu_now_ns());
	mcu_video_engine_set_active_speaker(f->e, names[n % 4]);
	mcu_video_engine_set_speaking(f->e, names[n % 4], n & 4);
	props.muted = n & 1;
	g_assert_cmpint(mcu_video_engine_update_participant(f->e, "p1", &props), ==, 0);
	if (n % 7 == 3) {
		mcu_video_engine_remove_source(f->e, f->source[2]);
		g_assert_cmpint(mcu_video_engine_add_source(f->e, "p2", HW_CODEC_H264, &f->source[2]),
				==, 0);
	}
	if (n % 5 == 0)
		mcu_video_engine_snapshot(f->e, on_live_snapshot, f);
	return G_SOURCE_CONTINUE;
}

static void test_threads(void)
{
	g_autoptr(HwDevice) device = open_device(NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	McuVideoEngineConfig config = { .device = device, .width = W, .height = H, .fps = 30,
					.decode_threads = 2 };
	Live live[2] = { 0 };
	McuRendition *r[2];
	McuVideoStats s;
	Feeder f = { 0 };
	guint timer;

	g_assert_cmpint(mcu_video_engine_new(&config, NULL, NULL, &f.e, NULL), ==, 0);
	mcu_video_engine_start(f.e);
	for (int i = 0; i < 4; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);
		McuVideoParticipant props = { .name = id };

		camera_init(&f.cam[i], device, 320, 180, (uint8_t)(50 + 20 * i));
		g_assert_cmpint(mcu_video_engine_add_participant(f.e, id, &props), ==, 0);
		g_assert_cmpint(mcu_video_engine_add_source(f.e, id, HW_CODEC_H264, &f.source[i]), ==, 0);
	}
	for (int i = 0; i < 2; i++) {
		McuRenditionConfig rc = { .encoder = { .codec = HW_CODEC_H264, .width = i ? 320 : 0,
						       .height = i ? 180 : 0, .bitrate_bps = 500000 },
					  .on_packet = on_live_packet, .data = &live[i] };

		g_assert_cmpint(mcu_video_engine_add_rendition(f.e, &rc, &r[i], NULL), ==, 0);
		mcu_rendition_set_active(r[i], true);
	}
	timer = g_timeout_add(25, feed, &f);
	g_timeout_add(1500, quit, loop);
	g_main_loop_run(loop);
	mcu_video_engine_remove_rendition(f.e, r[1]);
	mcu_rendition_request_keyframe(r[0]);
	g_timeout_add(1000, quit, loop);
	g_main_loop_run(loop);
	g_source_remove(timer);
	mcu_video_engine_stats(f.e, &s);
	mcu_video_engine_stop(f.e);
	g_test_message("ticks %lu skipped %lu composed %lu failed %lu packets %u %u keys %u", s.ticks,
		       s.skipped, s.composed, s.failed, live[0].packets, live[1].packets,
		       live[0].keyframes);
	g_assert_cmpuint(s.ticks, >, 10);
	g_assert_cmpuint(live[0].packets, >, 10);
	g_assert_cmpuint(live[1].packets, >, 5);
	g_assert_cmpuint(live[0].keyframes, >=, 2);
	g_assert_nonnull(f.snapshot);
	hw_frame_unref(f.snapshot);
	mcu_video_engine_free(f.e);
	for (int i = 0; i < 4; i++)
		camera_done(&f.cam[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/grid", test_grid);
	g_test_add_func("/engine/stale-is-dimmed", test_stale_is_dimmed);
	g_test_add_func("/engine/layout-switch", test_layout_switch);
	g_test_add_func("/engine/props", test_props);
	g_test_add_func("/engine/speaking-border", test_speaking_border);
	g_test_add_func("/engine/garbage", test_garbage);
	g_test_add_func("/engine/queue-limit", test_queue_limit);
	g_test_add_func("/engine/rendition", test_rendition);
	g_test_add_func("/engine/small-rendition", test_small_rendition);
	g_test_add_func("/engine/dead-encoder", test_dead_encoder);
	g_test_add_func("/engine/rendition-errors", test_rendition_errors);
	g_test_add_func("/engine/snapshot", test_snapshot);
	g_test_add_func("/engine/faults", test_faults);
	g_test_add_func("/engine/overload-steps", test_overload_steps);
	g_test_add_func("/engine/bad-config", test_bad_config);
	g_test_add_func("/engine/threads", test_threads);
	return g_test_run();
}
