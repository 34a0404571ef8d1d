/* mcu/video/rendition: when is encoded, keyframes, sizes, failures; and the engine with its
 * threads. */
#include "tests/unit/video_meeting.h"

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
		g_assert_cmpint(
			mcu_video_engine_add_source(f->e, "p2", HW_CODEC_H264, &f->source[2]), ==,
			0);
	}
	if (n % 5 == 0)
		mcu_video_engine_snapshot(f->e, on_live_snapshot, f);
	return G_SOURCE_CONTINUE;
}

static void test_threads(void)
{
	g_autoptr(HwDevice) device = open_device(NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	McuVideoEngineConfig config = {
		.device = device, .width = W, .height = H, .fps = 30, .decode_threads = 2
	};
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
		g_assert_cmpint(mcu_video_engine_add_source(f.e, id, HW_CODEC_H264, &f.source[i]),
				==, 0);
	}
	for (int i = 0; i < 2; i++) {
		McuRenditionConfig rc = { .encoder = { .codec = HW_CODEC_H264,
						       .width = i ? 320 : 0,
						       .height = i ? 180 : 0,
						       .bitrate_bps = 500000 },
					  .on_packet = on_live_packet,
					  .data = &live[i] };

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
	g_test_message("ticks %lu skipped %lu composed %lu failed %lu packets %u %u keys %u",
		       s.ticks, s.skipped, s.composed, s.failed, live[0].packets, live[1].packets,
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

/* --- a receiver that takes its time --- */

typedef struct Slow {
	McuVideoEngine *e;
	unsigned frames;
	McuOverloadLevel level;
	_Atomic unsigned packets;
} Slow;

static void on_slow_packet(void *data, const HwPacket *pkt, int64_t capture_ns)
{
	Slow *s = data;

	(void)pkt;
	(void)capture_ns;
	s->packets++;
	g_usleep(100 * 1000);
}

static void on_overload(void *data, McuOverloadLevel level)
{
	((Slow *)data)->level = level;
}

/* Something new on every canvas: the border comes and goes. */
static gboolean blink(void *data)
{
	Slow *s = data;

	mcu_video_engine_set_speaking(s->e, "a", s->frames++ & 1);
	return G_SOURCE_CONTINUE;
}

static void test_slow_receiver(void)
{
	g_autoptr(HwDevice) device = open_device(NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	McuVideoEngineConfig config = { .device = device, .width = W, .height = H, .fps = 30 };
	McuVideoParticipant props = { .name = "a" };
	Slow slow = { 0 };
	McuVideoEvents events = { .data = &slow, .overload = on_overload };
	McuRenditionConfig rc = { .encoder = { .codec = HW_CODEC_H264, .bitrate_bps = 500000 },
				  .on_packet = on_slow_packet,
				  .data = &slow };
	McuRenditionStats rs;
	McuVideoStats s;
	McuRendition *r;
	guint timer;

	g_assert_cmpint(mcu_video_engine_new(&config, &events, NULL, &slow.e, NULL), ==, 0);
	mcu_video_engine_start(slow.e);
	g_assert_cmpint(mcu_video_engine_add_participant(slow.e, "a", &props), ==, 0);
	g_assert_cmpint(mcu_video_engine_add_participant(slow.e, "b", &props), ==, 0);
	g_assert_cmpint(mcu_video_engine_add_rendition(slow.e, &rc, &r, NULL), ==, 0);
	mcu_rendition_set_active(r, true);
	timer = g_timeout_add(40, blink, &slow);
	g_timeout_add(3500, quit, loop);
	g_main_loop_run(loop);
	g_source_remove(timer);
	mcu_video_engine_stats(slow.e, &s);
	mcu_rendition_stats(r, &rs);
	mcu_video_engine_stop(slow.e);
	g_test_message("ticks %lu failed %lu packets %u overwritten %lu", s.ticks, s.failed,
		       slow.packets, rs.overwritten);
	/* the clock does not wait for it, and the ladder is climbed */
	g_assert_cmpuint(s.ticks, >, 2 * slow.packets);
	g_assert_cmpuint(s.failed, ==, 0);
	g_assert_cmpuint(rs.overwritten, >, slow.packets / 2);
	g_assert_cmpint(slow.level, >=, MCU_OVERLOAD_SKIP_LOOP_FILTER);
	g_assert_cmpuint(s.overload_steps, >=, 1);
	mcu_video_engine_free(slow.e);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rendition/policy", test_rendition);
	g_test_add_func("/rendition/small", test_small_rendition);
	g_test_add_func("/rendition/dead-encoder", test_dead_encoder);
	g_test_add_func("/rendition/errors", test_rendition_errors);
	g_test_add_func("/rendition/snapshot", test_snapshot);
	g_test_add_func("/rendition/threads", test_threads);
	g_test_add_func("/rendition/slow-receiver", test_slow_receiver);
	return g_test_run();
}
