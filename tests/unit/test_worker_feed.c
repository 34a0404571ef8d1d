/* mcu/worker/feed: which listeners share an encode, and what happens when there is room for no
 * more. */
#include <glib.h>
#include <string.h>

#include "worker/feed.h"

#define FULL 240 /* macroblocks of 320x180; three quarters 135, half 60, a third 28 */

typedef struct Bed {
	HwDevice *device;
	McuVideoEngine *video;
	McuWorkerOptions options;
	McuFeeds *feeds;
} Bed;

static void setup(Bed *bed)
{
	const HwDeviceConfig config = { .backend = HW_BACKEND_SOFT };
	McuVideoEngineConfig engine = { .width = 320, .height = 180, .fps = 16, .manual = true };

	g_assert_cmpint(hw_device_open(&config, &bed->device, NULL), ==, 0);
	engine.device = bed->device;
	g_assert_cmpint(mcu_video_engine_new(&engine, NULL, NULL, &bed->video, NULL), ==, 0);
	mcu_video_engine_start(bed->video);
	mcu_worker_options_init(&bed->options);
	bed->options.width = 320;
	bed->options.height = 180;
	bed->options.fps = 16;
	bed->options.bitrate_bps = 1600000;
	bed->feeds = mcu_feeds_new(bed->video, &bed->options);
}

static void teardown(Bed *bed)
{
	mcu_video_engine_stop(bed->video);
	mcu_feeds_free(bed->feeds);
	mcu_video_engine_free(bed->video);
	mcu_worker_options_done(&bed->options);
	hw_device_unref(bed->device);
}

static void on_picture(void *data, const McuFeedPicture *picture)
{
	(void)data;
	(void)picture;
}

static McuFeedLimits limits(bool high, unsigned mode, unsigned max_fs, unsigned bps)
{
	return (McuFeedLimits){ .high_profile = high,
				.mode = mode,
				.max_fs = max_fs,
				.max_mbps = 100000,
				.max_bitrate_bps = bps };
}

static int join(Bed *bed, McuFeedLimits l, McuFeed **feed)
{
	return mcu_feeds_join(bed->feeds, &l, on_picture, feed, feed, NULL);
}

static uint64_t keyframe_requests(Bed *bed)
{
	g_autoptr(GVariant) all = g_variant_ref_sink(mcu_feeds_stats(bed->feeds));
	uint64_t sum = 0;

	for (gsize i = 0; i < g_variant_n_children(all); i++) {
		g_autoptr(GVariant) one = g_variant_get_child_value(all, i);
		guint64 n = 0;

		g_assert_true(g_variant_lookup(one, "keyframe-requests", "t", &n));
		sum += n;
	}
	return sum;
}

static void test_share(void)
{
	McuFeed *a = NULL, *b = NULL, *c = NULL;
	Bed bed;

	setup(&bed);
	g_assert_cmpint(join(&bed, limits(false, 1, FULL, 0), &a), ==, 0);
	g_assert_cmpint(join(&bed, limits(true, 1, FULL, 0), &b), ==, 0);
	g_assert_true(a == b);
	g_assert_cmpint(join(&bed, limits(false, 0, FULL, 0), &c), ==, 0);
	g_assert_true(a != c);
	/* once more, or with a bound that changes nothing: nobody's picture begins anew */
	uint64_t before = keyframe_requests(&bed);
	g_assert_cmpint(join(&bed, limits(false, 1, FULL, 0), &a), ==, 0);
	g_assert_cmpint(join(&bed, limits(false, 1, FULL, 1600001), &a), ==, 0);
	g_assert_true(a == b);
	g_assert_cmpuint(keyframe_requests(&bed), ==, before);
	/* a lower bound: a feed of its own, the other's stays */
	g_assert_cmpint(join(&bed, limits(false, 1, FULL, 800000), &a), ==, 0);
	g_assert_true(a != b);
	g_assert_cmpuint(mcu_feed_bitrate(a), <=, 800000);
	g_assert_cmpuint(keyframe_requests(&bed), ==, before + 1);
	mcu_feed_leave(a, &a);
	mcu_feed_leave(b, &b);
	mcu_feed_leave(c, &c);
	teardown(&bed);
}

static void test_no_room(void)
{
	static const unsigned sizes[] = { FULL, 135, 60 };
	McuFeed *feeds[MCU_MAX_RENDITIONS] = { NULL }, *late = NULL;
	McuFeedLimits tiny = limits(false, 1, 28, 0), slow = limits(false, 1, FULL, 400000);
	size_t n = 0;
	Bed bed;

	setup(&bed);
	for (unsigned mode = 0; mode < 2; mode++, n++)
		g_assert_cmpint(join(&bed, limits(true, mode, FULL, 0), &feeds[n]), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
		for (unsigned mode = 0; mode < 2; mode++, n++)
			g_assert_cmpint(join(&bed, limits(false, mode, sizes[i], 0), &feeds[n]), ==,
					0);
	g_assert_cmpuint(n, ==, MCU_MAX_RENDITIONS);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			g_assert_true(feeds[i] != feeds[k]);
	/* nothing it could decode: refused, and said so before the answer */
	g_assert_cmpint(mcu_feeds_check(bed.feeds, &tiny, NULL), ==, -EOVERFLOW);
	g_assert_cmpint(join(&bed, tiny, &late), ==, -EOVERFLOW);
	g_assert_null(late);
	/* none within its bit rate: the smallest, and no High, which it did not name */
	g_assert_cmpint(mcu_feeds_check(bed.feeds, &slow, NULL), ==, 0);
	g_assert_cmpint(join(&bed, slow, &late), ==, 0);
	g_assert_nonnull(late);
	g_assert_cmpint(mcu_feed_width(late), ==, 160);
	mcu_feed_leave(late, &late);
	/* room again */
	mcu_feed_leave(feeds[0], &feeds[0]);
	late = NULL;
	g_assert_cmpint(mcu_feeds_check(bed.feeds, &tiny, NULL), ==, 0);
	g_assert_cmpint(join(&bed, tiny, &late), ==, 0);
	g_assert_cmpint(mcu_feed_width(late), ==, 106);
	mcu_feed_leave(late, &late);
	for (size_t i = 1; i < n; i++)
		mcu_feed_leave(feeds[i], &feeds[i]);
	teardown(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/worker/feed/share", test_share);
	g_test_add_func("/worker/feed/no-room", test_no_room);
	return g_test_run();
}
