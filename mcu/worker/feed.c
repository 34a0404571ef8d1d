#include "worker/feed.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/ring.h"
#include "base/thread.h"
#include "rtp/pay_h264.h"

/* Pictures that wait for loop; at 30 fps a second's worth, after which the oldest are useless. */
#define RING_PICTURES 32
/* Slices of packetization-mode 0 must fit a packet as they are. */
#define MODE0_SLICE_BYTES (MCU_H264_PAYLOAD_DEFAULT - 32)
#define MIN_BITRATE_BPS 64000
/* A listener's bit rate carries a size when it has a bit for this many pixels: 720p30 from 550 kbit/s,
 * 360p30 from 140 kbit/s. */
#define PIXELS_PER_BIT 50

typedef struct Sink {
	McuFeedFn fn;
	void *data;
} Sink;

typedef struct Params {
	HwProfile profile;
	unsigned mode;
	int width, height;
	unsigned fps;
	unsigned share; /* bit rate = the call's / share */
} Params;

struct McuFeed {
	McuFeeds *feeds;
	unsigned id;
	Params params;
	McuRendition *rendition;
	GArray *sinks; /* of Sink */

	/* enc -> loop */
	McuRing *ring;
	McuWake *wake;
	uint64_t reported_drops; /* loop */

	/* enc */
	McuH264PayConfig pay;
};

struct McuFeeds {
	McuVideoEngine *video;
	const McuWorkerOptions *options;
	unsigned bitrate_bps;
	unsigned last_id; /* never used again within the call */
	GPtrArray *list; /* of McuFeed */
};

static void picture_free(void *p)
{
	McuFeedPicture *pic = p;

	g_ptr_array_unref(pic->payloads);
	g_free(pic->au);
	g_free(pic);
}

/* Thread: enc. */
static void on_packet(void *data, const HwPacket *pkt, int64_t capture_ns)
{
	McuFeed *feed = data;
	McuFeedPicture *pic = g_new0(McuFeedPicture, 1);
	int r;

	pic->payloads = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_packet_unref);
	pic->au = g_memdup2(pkt->data, pkt->len);
	pic->au_len = pkt->len;
	pic->keyframe = pkt->keyframe;
	pic->capture_ns = capture_ns;
	pic->media_ts = (uint32_t)(uint64_t)(capture_ns / 100000 * 9);
	r = mcu_h264_pay(&feed->pay, pkt->data, pkt->len, capture_ns, pic->payloads);
	/* drop policy: the newest goes, and loop asks for a keyframe when it sees the count */
	if (r < 0 || !mcu_ring_push(feed->ring, pic))
		picture_free(pic);
	mcu_wake(feed->wake);
}

static void on_wake(void *data, void *unused)
{
	McuFeed *feed = data;
	McuFeedPicture *pic;
	uint64_t drops = mcu_ring_dropped(feed->ring);

	(void)unused;
	if (drops != feed->reported_drops) {
		feed->reported_drops = drops;
		mcu_rendition_request_keyframe(feed->rendition);
	}
	while ((pic = mcu_ring_pop(feed->ring))) {
		for (guint i = 0; i < feed->sinks->len; i++) {
			Sink *sink = &g_array_index(feed->sinks, Sink, i);
			sink->fn(sink->data, pic);
		}
		picture_free(pic);
	}
}

McuFeeds *mcu_feeds_new(McuVideoEngine *video, const McuWorkerOptions *options)
{
	McuFeeds *feeds = g_new0(McuFeeds, 1);

	feeds->video = video;
	feeds->options = options;
	feeds->bitrate_bps = options->bitrate_bps;
	feeds->list = g_ptr_array_new();
	return feeds;
}

static void feed_free(McuFeed *feed)
{
	mcu_wake_free(feed->wake);
	mcu_ring_free(feed->ring);
	g_array_unref(feed->sinks);
	g_free(feed);
}

void mcu_feeds_free(McuFeeds *feeds)
{
	if (!feeds)
		return;
	for (guint i = 0; i < feeds->list->len; i++)
		feed_free(feeds->list->pdata[i]);
	g_ptr_array_unref(feeds->list);
	g_free(feeds);
}

static unsigned macroblocks(int width, int height)
{
	return (unsigned)((width + 15) / 16 * ((height + 15) / 16));
}

/* Halvings of the call's bit rate, so that it stays within what the listener takes. */
static unsigned share_for(unsigned bitrate_bps, unsigned share, unsigned limit_bps)
{
	while (limit_bps && bitrate_bps / share > limit_bps &&
	       bitrate_bps / (share * 2) >= MIN_BITRATE_BPS)
		share *= 2;
	return share;
}

/* The canvas at num/den of its size. False when the listener cannot take pictures of that size. */
static bool scale_to(const McuFeeds *feeds, const McuFeedLimits *limits, int num, int den, Params *p)
{
	const McuWorkerOptions *o = feeds->options;

	p->width = (int)o->width * num / den & ~1;
	p->height = (int)o->height * num / den & ~1;
	if (macroblocks(p->width, p->height) > limits->max_fs)
		return false;
	p->fps = o->fps;
	while (p->fps > 1 && macroblocks(p->width, p->height) * p->fps > limits->max_mbps)
		p->fps /= 2;
	/* half the picture, half the bits: a smaller canvas needs more bits per pixel */
	p->share = 1;
	while (p->share < 16 && (unsigned)p->width * p->share * 2 <= o->width)
		p->share *= 2;
	return true;
}

/* What to encode for a listener of these limits: the largest size that its bit rate carries. Few
 * distinct answers, so that feeds are shared. */
static int choose(McuFeeds *feeds, const McuFeedLimits *limits, Params *ret, McuDiag *reterr)
{
	static const struct {
		int num, den;
	} scales[] = { { 1, 1 }, { 3, 4 }, { 1, 2 }, { 1, 3 }, { 1, 4 } };
	Params p = {
		.profile = limits->high_profile ? HW_PROFILE_HIGH : HW_PROFILE_CONSTRAINED_BASELINE,
		.mode = limits->mode,
	};
	bool any = false;

	for (size_t i = 0; i < G_N_ELEMENTS(scales); i++) {
		unsigned own, needed;
		if (!scale_to(feeds, limits, scales[i].num, scales[i].den, &p))
			continue;
		own = p.share;
		p.share = share_for(feeds->bitrate_bps, own, limits->max_bitrate_bps);
		needed = (unsigned)(p.width * p.height) * p.fps / PIXELS_PER_BIT;
		*ret = p;
		any = true;
		/* what the operator chose for this size is enough in any case */
		if (p.share == own || feeds->bitrate_bps / p.share >= needed)
			break;
	}
	if (!any)
		return mcu_diag(reterr, -ENOTSUP,
				"the peer takes pictures of %u macroblocks, the smallest has %u",
				limits->max_fs, macroblocks(p.width, p.height));
	return 0;
}

/* A baseline feed serves a high-profile listener, too: every high decoder decodes it. */
static bool serves(const Params *have, const Params *want)
{
	return have->mode == want->mode && have->width == want->width &&
	       have->height == want->height && have->fps == want->fps &&
	       have->share == want->share &&
	       (have->profile == want->profile || want->profile == HW_PROFILE_HIGH);
}

static McuFeed *find(McuFeeds *feeds, const Params *want)
{
	McuFeed *spare = NULL;

	for (guint i = 0; i < feeds->list->len; i++) {
		McuFeed *feed = feeds->list->pdata[i];
		if (!serves(&feed->params, want))
			continue;
		if (feed->sinks->len)
			return feed;
		spare = feed;
	}
	return spare;
}

static bool can_decode(const Params *p, const McuFeedLimits *limits)
{
	unsigned fs = macroblocks(p->width, p->height);

	/* packetization-mode 1 includes the single NAL units of mode 0 */
	return p->mode <= limits->mode && fs <= limits->max_fs && fs * p->fps <= limits->max_mbps &&
	       (limits->high_profile || p->profile != HW_PROFILE_HIGH);
}

/* Of the feeds in use that the listener can decode: the most bits within its limit, else the
 * fewest. */
static McuFeed *nearest(McuFeeds *feeds, const McuFeedLimits *limits)
{
	unsigned max = limits->max_bitrate_bps ? limits->max_bitrate_bps : UINT_MAX;
	McuFeed *best = NULL;

	for (guint i = 0; i < feeds->list->len; i++) {
		McuFeed *feed = feeds->list->pdata[i];
		unsigned have = mcu_feed_bitrate(feed), than = best ? mcu_feed_bitrate(best) : 0;

		if (!feed->sinks->len || !can_decode(&feed->params, limits))
			continue;
		if (!best || (have <= max ? than > max || have > than : have < than))
			best = feed;
	}
	return best;
}

static HwEncoderKind encoder_kind(const char *name)
{
	if (strcmp(name, "openh264") == 0)
		return HW_ENCODER_OPENH264;
	return strcmp(name, "x264") == 0 ? HW_ENCODER_X264 : HW_ENCODER_AUTO;
}

static HwPreset encoder_preset(const char *name)
{
	if (strcmp(name, "fastest") == 0)
		return HW_PRESET_FASTEST;
	return strcmp(name, "medium") == 0 ? HW_PRESET_MEDIUM : HW_PRESET_FAST;
}

static int add_feed(McuFeeds *feeds, const Params *p, McuFeed **ret, McuDiag *reterr)
{
	const McuWorkerOptions *o = feeds->options;
	McuFeed *feed = g_new0(McuFeed, 1);
	McuRenditionConfig config = {
		.encoder = {
			.codec = HW_CODEC_H264,
			.kind = encoder_kind(o->encoder),
			.preset = encoder_preset(o->preset),
			.profile = p->profile,
			.width = p->width,
			.height = p->height,
			.fps_num = (int)p->fps,
			.fps_den = 1,
			.bitrate_bps = (int)(feeds->bitrate_bps / p->share),
			.max_slice_bytes = p->mode == 0 ? MODE0_SLICE_BYTES : 0,
		},
		.on_packet = on_packet,
		.data = feed,
	};
	int r;

	feed->feeds = feeds;
	feed->id = ++feeds->last_id;
	feed->params = *p;
	feed->pay.mode = p->mode;
	feed->sinks = g_array_new(FALSE, FALSE, sizeof(Sink));
	feed->ring = mcu_ring_new(RING_PICTURES, picture_free);
	feed->wake = mcu_wake_new(g_main_context_get_thread_default(), on_wake, feed);
	r = mcu_video_engine_add_rendition(feeds->video, &config, &feed->rendition, reterr);
	if (r < 0) {
		feed_free(feed);
		return r;
	}
	g_ptr_array_add(feeds->list, feed);
	*ret = feed;
	return 0;
}

/* Renditions without sinks make room for a new one. */
static void drop_idle(McuFeeds *feeds)
{
	for (guint i = feeds->list->len; i-- > 0;) {
		McuFeed *feed = feeds->list->pdata[i];
		if (feed->sinks->len)
			continue;
		mcu_video_engine_remove_rendition(feeds->video, feed->rendition);
		g_ptr_array_remove_index_fast(feeds->list, i);
		feed_free(feed);
	}
}

static int find_or_add(McuFeeds *feeds, const McuFeedLimits *limits, const Params *want,
		       McuFeed **ret, McuDiag *reterr)
{
	int r;

	*ret = find(feeds, want);
	if (*ret)
		return 0;
	drop_idle(feeds);
	r = add_feed(feeds, want, ret, reterr);
	if (r < 0)
		*ret = nearest(feeds, limits);
	return *ret ? 0 : r;
}

int mcu_feeds_join(McuFeeds *feeds, const McuFeedLimits *limits, McuFeedFn fn, void *data,
		   McuFeed **feed, McuDiag *reterr)
{
	const Sink sink = { fn, data };
	McuFeed *next;
	Params want;
	int r = choose(feeds, limits, &want, reterr);

	if (r < 0 || (*feed && serves(&(*feed)->params, &want)))
		return r;
	r = find_or_add(feeds, limits, &want, &next, reterr);
	if (r < 0 || next == *feed)
		return r;
	g_array_append_val(next->sinks, sink);
	if (next->sinks->len == 1)
		mcu_rendition_set_active(next->rendition, true);
	mcu_rendition_request_keyframe(next->rendition);
	mcu_feed_leave(*feed, data);
	*feed = next;
	return 0;
}

int mcu_feeds_check(McuFeeds *feeds, const McuFeedLimits *limits, McuDiag *reterr)
{
	unsigned in_use = 0;
	Params want;
	int r = choose(feeds, limits, &want, reterr);

	if (r < 0)
		return r;
	for (guint i = 0; i < feeds->list->len; i++)
		in_use += ((McuFeed *)feeds->list->pdata[i])->sinks->len > 0;
	if (in_use < MCU_MAX_RENDITIONS || find(feeds, &want) || nearest(feeds, limits))
		return 0;
	return mcu_diag(reterr, -EOVERFLOW,
			"%u different pictures are made already, and none suits the peer", in_use);
}

void mcu_feed_leave(McuFeed *feed, void *data)
{
	if (!feed)
		return;
	for (guint i = 0; i < feed->sinks->len; i++) {
		if (g_array_index(feed->sinks, Sink, i).data == data) {
			g_array_remove_index(feed->sinks, i);
			break;
		}
	}
	if (!feed->sinks->len)
		mcu_rendition_set_active(feed->rendition, false);
}

void mcu_feed_request_keyframe(McuFeed *feed)
{
	mcu_rendition_request_keyframe(feed->rendition);
}

unsigned mcu_feed_fps(const McuFeed *feed)
{
	return feed->params.fps;
}

unsigned mcu_feed_bitrate(const McuFeed *feed)
{
	return feed->feeds->bitrate_bps / feed->params.share;
}

int mcu_feed_width(const McuFeed *feed)
{
	return feed->params.width;
}

int mcu_feed_height(const McuFeed *feed)
{
	return feed->params.height;
}

void mcu_feeds_set_bitrate(McuFeeds *feeds, unsigned bitrate_bps)
{
	feeds->bitrate_bps = bitrate_bps;
	for (guint i = 0; i < feeds->list->len; i++) {
		McuFeed *feed = feeds->list->pdata[i];
		mcu_rendition_set_bitrate(feed->rendition, (int)mcu_feed_bitrate(feed));
	}
}

static GVariant *feed_stats(McuFeed *feed)
{
	McuRenditionStats s;
	GVariantDict d;

	mcu_rendition_stats(feed->rendition, &s);
	g_variant_dict_init(&d, NULL);
	g_variant_dict_insert(&d, "id", "u", feed->id);
	g_variant_dict_insert(&d, "encoder", "s", s.encoder);
	g_variant_dict_insert(&d, "active", "b", s.active);
	g_variant_dict_insert(&d, "width", "u", (guint)s.width);
	g_variant_dict_insert(&d, "height", "u", (guint)s.height);
	g_variant_dict_insert(&d, "fps", "u", feed->params.fps);
	g_variant_dict_insert(&d, "mode", "u", feed->params.mode);
	g_variant_dict_insert(&d, "profile", "s",
			      feed->params.profile == HW_PROFILE_HIGH ? "high" :
									"constrained-baseline");
	g_variant_dict_insert(&d, "bitrate-bps", "u", (guint)s.bitrate_bps);
	g_variant_dict_insert(&d, "listeners", "u", feed->sinks->len);
	g_variant_dict_insert(&d, "frames", "t", s.frames);
	g_variant_dict_insert(&d, "bytes", "t", s.bytes);
	g_variant_dict_insert(&d, "keyframes", "t", s.keyframes);
	g_variant_dict_insert(&d, "keyframe-requests", "t", s.keyframe_requests);
	g_variant_dict_insert(&d, "overwritten", "t", s.overwritten);
	g_variant_dict_insert(&d, "failures", "t", s.failures);
	g_variant_dict_insert(&d, "encode-us-avg", "d",
			      s.frames ? (double)s.encode_ns / (double)s.frames / 1e3 : 0.0);
	g_variant_dict_insert(&d, "encode-us-max", "d", (double)s.encode_max_ns / 1e3);
	return g_variant_dict_end(&d);
}

GVariant *mcu_feeds_stats(McuFeeds *feeds)
{
	GVariantBuilder b;

	g_variant_builder_init(&b, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < feeds->list->len; i++)
		g_variant_builder_add_value(&b, feed_stats(feeds->list->pdata[i]));
	return g_variant_builder_end(&b);
}
