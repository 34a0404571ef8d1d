/* mcu/video/engine: tiles and sources, ticks by hand. */
#include "tests/unit/video_meeting.h"
#include "video/engine_priv.h"

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
	g_assert_cmpint(mcu_video_engine_push(m.e, 1, junk, MCU_MAX_ACCESS_UNIT + 1, 0, true, 0),
			==, -EOVERFLOW);
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

/* A picture waits until it is due, but not for a time that cannot be meant. */
static void test_due(void)
{
	Meeting m;
	HwPacket pkt;

	setup(&m, NULL);
	join(&m, 1);
	tick(&m);
	ASSERT_LUMA(&m, 320, 180, 60);
	for (int far = 0; far < 2; far++) {
		int64_t due = m.now + (far ? 60 * MCU_NS_PER_SEC : 5 * TICK);
		uint8_t luma = far ? 180 : 120;

		hw_frame_unref(m.cam[1].picture);
		m.cam[1].picture = plain_picture(320, 180, luma);
		g_assert_cmpint(hw_encoder_send(m.cam[1].enc, m.cam[1].picture, false), ==, 0);
		g_assert_cmpint(hw_encoder_receive(m.cam[1].enc, &pkt), ==, 0);
		g_assert_cmpint(
			mcu_video_engine_push(m.e, 1, pkt.data, pkt.len, due, pkt.keyframe, m.now),
			==, 0);
		tick(&m);
		if (!far) {
			ASSERT_LUMA(&m, 320, 180, 60);
			for (int t = 0; t < 4; t++)
				tick(&m);
		}
		ASSERT_LUMA(&m, 320, 180, luma);
	}
	teardown(&m);
}

/* Faults of the back end, one kind after the other: the meeting goes on, and the picture is whole
 * again after the last fault. */
static void test_faults(void)
{
	static const char *const plans[] = {
		"decode:2%", "receive:3%", "compose:4%",
		"frame:5%",  "map:6%",     "encode:9%",
		"packet:9%", "open:5",     "decode:4,compose:7,receive:9,frame:12"
	};

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
			g_assert_cmpint(
				mcu_video_engine_add_source(m.e, id, HW_CODEC_H264, &m.source[i]),
				==, 0);
		}
		for (int t = 0; t < 90; t++) {
			for (int i = 1; i <= 2; i++) {
				(void)!camera_send(&m.cam[i], m.e, m.source[i],
						   m.wants[i] > 0 || t == 0, m.now);
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
	m.e->overload.level = 3;
	mcu_video_engine_set_speaking(m.e, "p3", true);
	mcu_engine_dirty(m.e);
	tick(&m);
	g_assert_false(mcu_engine_source_of(m.e, 1)->visible); /* idle and small */
	g_assert_true(mcu_engine_source_of(m.e, 2)->visible);  /* large */
	g_assert_true(mcu_engine_source_of(m.e, 3)->visible);  /* speaks */
	mcu_video_engine_set_speaking(m.e, "p3", false);
	m.e->overload.level = 0;
	mcu_engine_dirty(m.e);
	tick(&m);
	g_assert_true(mcu_engine_source_of(m.e, 1)->visible);
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
	g_test_add_func("/engine/due", test_due);
	g_test_add_func("/engine/faults", test_faults);
	g_test_add_func("/engine/overload-steps", test_overload_steps);
	g_test_add_func("/engine/bad-config", test_bad_config);
	return g_test_run();
}
