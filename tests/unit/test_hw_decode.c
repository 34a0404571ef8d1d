/* Decoding on every back end: the pictures libavcodec gives in its plainest use, nothing broken
 * shown, sizes bounded. Streams are made here with libavcodec's encoders. */
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "base/thread.h"
#include "tests/unit/hw_conformance.h"

typedef struct Stream {
	GPtrArray *units; /* GBytes */
} Stream;

typedef struct StreamConfig {
	const char *name, *encoder, *options;
	HwCodec codec;
	enum AVPixelFormat format;
	int width, height, pictures, keyframe_every;
} StreamConfig;

/* libx265 keeps memory to itself and starts threads no sanitizer sees into; it only makes a test
 * stream here */
const char *__lsan_default_suppressions(void);
const char *__tsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libx265";
}

const char *__tsan_default_suppressions(void)
{
	return "race:libx265";
}

static void no_log(void *ctx, int level, const char *fmt, va_list args)
{
	(void)ctx;
	(void)level;
	(void)fmt;
	(void)args;
}

static void stream_done(Stream *s)
{
	g_clear_pointer(&s->units, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stream, stream_done)

static void take_packets(AVCodecContext *av, AVPacket *pkt, Stream *s)
{
	while (avcodec_receive_packet(av, pkt) == 0) {
		g_ptr_array_add(s->units, g_bytes_new(pkt->data, (gsize)pkt->size));
		av_packet_unref(pkt);
	}
}

static AVCodecContext *open_av_encoder(const StreamConfig *c)
{
	const AVCodec *codec = avcodec_find_encoder_by_name(c->encoder);
	AVDictionary *options = NULL;
	AVCodecContext *av;

	g_assert_nonnull(codec);
	av = avcodec_alloc_context3(codec);
	av->width = c->width;
	av->height = c->height;
	av->pix_fmt = c->format;
	av->color_range = c->format == AV_PIX_FMT_YUVJ420P ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
	av->time_base = (AVRational){ 1, 30 };
	av->bit_rate = 800000;
	av->gop_size = c->keyframe_every;
	av->max_b_frames = -1; /* as the options say */
	av->thread_count = 1;
	g_assert_cmpint(av_dict_parse_string(&options, c->options, "=", ",", 0), >=, 0);
	g_assert_cmpint(avcodec_open2(av, codec, &options), ==, 0);
	av_dict_free(&options);
	return av;
}

static AVFrame *convert_frame(HwFrame *in, const StreamConfig *c, int n)
{
	HwMapping m = map_frame(in);
	AVFrame *f = av_frame_alloc();
	struct SwsContext *sws =
		sws_getContext(c->width, c->height, AV_PIX_FMT_YUV420P, c->width, c->height,
			       c->format, SWS_BICUBIC, NULL, NULL, NULL);

	f->width = c->width;
	f->height = c->height;
	f->format = c->format;
	f->pts = n;
	g_assert_cmpint(av_frame_get_buffer(f, 0), ==, 0);
	sws_scale(sws, (const uint8_t *const *)m.data, m.stride, 0, c->height, f->data,
		  f->linesize);
	sws_freeContext(sws);
	return f;
}

/* Clip `seed` in the wanted coding; pictures are numbered from `first`. */
static Stream make_stream(const StreamConfig *c, uint32_t seed, int first)
{
	int even_w = (c->width + 1) & ~1, even_h = (c->height + 1) & ~1;
	g_autoptr(McuClip) clip = mcu_clip_new(even_w, even_h, seed);
	Stream s = { g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
	AVCodecContext *av = open_av_encoder(c);
	AVPacket *pkt = av_packet_alloc();

	for (int n = 0; n < c->pictures; n++) {
		g_autoptr(HwFrame) in = clip_frame(clip, even_w, even_h, first + n);
		AVFrame *f = convert_frame(in, c, n);

		g_assert_cmpint(avcodec_send_frame(av, f), ==, 0);
		av_frame_free(&f);
		take_packets(av, pkt, &s);
	}
	g_assert_cmpint(avcodec_send_frame(av, NULL), ==, 0);
	take_packets(av, pkt, &s);
	av_packet_free(&pkt);
	avcodec_free_context(&av);
	return s;
}

#define X264_LIVE "preset=superfast,tune=zerolatency"

static const StreamConfig streams[] = {
	{ "h264-baseline", "libx264", X264_LIVE ",profile=baseline", HW_CODEC_H264,
	  AV_PIX_FMT_YUV420P, 320, 180, 40, 300 },
	{ "h264-slices", "libx264", X264_LIVE ",profile=baseline,slices=4", HW_CODEC_H264,
	  AV_PIX_FMT_YUV420P, 640, 360, 20, 300 },
	{ "h264-high", "libx264", X264_LIVE ",profile=high,x264-params=cabac=1:8x8dct=1:ref=4",
	  HW_CODEC_H264, AV_PIX_FMT_YUV420P, 638, 358, 20, 300 },
	{ "h264-intra-refresh", "libx264", X264_LIVE ",intra-refresh=1", HW_CODEC_H264,
	  AV_PIX_FMT_YUV420P, 320, 180, 40, 20 },
	{ "vp8", "libvpx", "deadline=realtime,cpu-used=8,lag-in-frames=0", HW_CODEC_VP8,
	  AV_PIX_FMT_YUV420P, 320, 180, 40, 300 },
	{ "vp8-odd", "libvpx", "deadline=realtime,cpu-used=8,lag-in-frames=0", HW_CODEC_VP8,
	  AV_PIX_FMT_YUV420P, 175, 143, 10, 300 },
	{ "vp9", "libvpx-vp9", "deadline=realtime,cpu-used=8,lag-in-frames=0", HW_CODEC_VP9,
	  AV_PIX_FMT_YUV420P, 320, 180, 20, 300 },
	{ "hevc", "libx265", "preset=ultrafast,tune=zerolatency,x265-params=log-level=none:pools=1",
	  HW_CODEC_HEVC, AV_PIX_FMT_YUV420P, 320, 180, 10, 300 },
};

/* libavcodec used plainly: the reference */
static AVCodecContext *open_reference(HwCodec codec)
{
	static const enum AVCodecID ids[] = {
		[HW_CODEC_H264] = AV_CODEC_ID_H264, [HW_CODEC_VP8] = AV_CODEC_ID_VP8,
		[HW_CODEC_VP9] = AV_CODEC_ID_VP9,   [HW_CODEC_HEVC] = AV_CODEC_ID_HEVC,
		[HW_CODEC_AV1] = AV_CODEC_ID_AV1,
	};
	const AVCodec *c = avcodec_find_decoder(ids[codec]);
	AVCodecContext *av = avcodec_alloc_context3(c);

	av->thread_count = 1;
	av->flags |= AV_CODEC_FLAG_LOW_DELAY;
	g_assert_cmpint(avcodec_open2(av, c, NULL), ==, 0);
	return av;
}

static bool reference_decode(AVCodecContext *av, GBytes *unit, AVFrame *out)
{
	AVPacket *pkt = av_packet_alloc();
	gsize len;
	const void *data = g_bytes_get_data(unit, &len);
	bool got;

	g_assert_cmpint(av_new_packet(pkt, (int)len), ==, 0);
	memcpy(pkt->data, data, len);
	got = avcodec_send_packet(av, pkt) == 0 && avcodec_receive_frame(av, out) == 0;
	av_packet_free(&pkt);
	return got;
}

static void assert_same_picture(HwFrame *frame, const AVFrame *av)
{
	HwMapping m = map_frame(frame);

	g_assert_cmpint(m.format, ==, HW_FORMAT_I420);
	g_assert_cmpint(m.width, ==, av->width);
	g_assert_cmpint(m.height, ==, av->height);
	for (int i = 0; i < 3; i++) {
		int w = i ? (m.width + 1) / 2 : m.width, h = i ? (m.height + 1) / 2 : m.height;

		for (int y = 0; y < h; y++)
			g_assert_cmpmem(m.data[i] + y * m.stride[i], w,
					av->data[i] + y * av->linesize[i], w);
	}
}

static int send_unit(HwDecoder *dec, const Stream *s, guint i, int64_t pts_ns)
{
	gsize len;
	const uint8_t *data = g_bytes_get_data(s->units->pdata[i], &len);

	return hw_decoder_send(dec, data, len, pts_ns);
}

/* Every unit gives its picture at once, bit for bit the reference's. */
static void test_exact(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t k = 0; k < G_N_ELEMENTS(streams); k++) {
		g_auto(Stream) s = make_stream(&streams[k], 1, 0);
		g_autoptr(HwDecoder) dec = open_decoder(device, streams[k].codec);
		AVCodecContext *av = open_reference(streams[k].codec);
		AVFrame *expected = av_frame_alloc();

		g_assert_cmpuint(s.units->len, ==, streams[k].pictures);
		for (guint i = 0; i < s.units->len; i++) {
			g_autoptr(HwFrame) out = NULL;

			g_assert_true(reference_decode(av, s.units->pdata[i], expected));
			g_assert_cmpint(send_unit(dec, &s, i, 1000 + i), ==, 0);
			g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
			g_assert_cmpint(hw_frame_pts_ns(out), ==, 1000 + i);
			assert_same_picture(out, expected);
			g_assert_cmpint(hw_decoder_receive(dec, &out), ==, -EAGAIN);
		}
		av_frame_free(&expected);
		avcodec_free_context(&av);
	}
}

/* Some rooms send B-frames: pictures come late, but none is refused and all are in order. */
static void test_reordered(gconstpointer data)
{
	StreamConfig c = { "b-frames",
			   "libx264",
			   "preset=veryfast,rc-lookahead=0,x264-params=bframes=2:b-adapt=0",
			   HW_CODEC_H264,
			   AV_PIX_FMT_YUV420P,
			   320,
			   180,
			   30,
			   300 };
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	g_auto(Stream) s = make_stream(&c, 1, 0);
	int pictures = 0;

	for (guint i = 0; i < s.units->len; i++) {
		g_autoptr(HwFrame) out = NULL;

		g_assert_cmpint(send_unit(dec, &s, i, i), ==, 0);
		pictures += hw_decoder_receive(dec, &out) == 0;
	}
	g_assert_cmpint(pictures, >=, 26);
	g_assert_cmpint(pictures, <, 30); /* it does reorder */
}

static void test_size_change(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t k = 0; k < 5; k += 4) { /* h264, vp8 */
		g_autoptr(HwDecoder) dec = open_decoder(device, streams[k].codec);
		StreamConfig c = streams[k];

		c.pictures = 5;
		for (int change = 0; change < 4; change++) {
			g_auto(Stream) s = { 0 };

			c.width = change % 2 ? 640 : 320;
			c.height = change % 2 ? 480 : 180;
			s = make_stream(&c, (uint32_t)change, 0);
			for (guint i = 0; i < s.units->len; i++) {
				g_autoptr(HwFrame) out = NULL;

				g_assert_cmpint(send_unit(dec, &s, i, i), ==, 0);
				g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
				g_assert_cmpint(hw_frame_width(out), ==, c.width);
				g_assert_cmpint(hw_frame_height(out), ==, c.height);
			}
		}
	}
}

static void test_too_large(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t k = 0; k < G_N_ELEMENTS(streams); k++) {
		HwDecoderConfig config = { streams[k].codec, 320, 180 };
		g_autoptr(HwDecoder) dec = NULL;
		g_autoptr(HwFrame) out = NULL;
		StreamConfig large = streams[k], fits = streams[k];
		g_auto(Stream) a = { 0 };
		g_auto(Stream) b = { 0 };

		large.width = 322;
		fits.width = 320;
		large.height = fits.height = 180;
		large.pictures = fits.pictures = 3;
		a = make_stream(&large, 1, 0);
		b = make_stream(&fits, 1, 0);
		g_assert_cmpint(hw_decoder_new(device, &config, &dec, NULL), ==, 0);
		g_assert_cmpint(send_unit(dec, &a, 0, 0), ==, -EOVERFLOW);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, -EAGAIN);
		g_assert_cmpint(send_unit(dec, &b, 0, 0), ==, 0);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
	}
}

/* Joining in the middle, or after a flush: refused until a keyframe. */
static void test_keyframe_needed(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t k = 0; k < 5; k += 4) {
		g_autoptr(HwDecoder) dec = open_decoder(device, streams[k].codec);
		StreamConfig c = streams[k];
		g_auto(Stream) s = { 0 };

		c.keyframe_every = 10;
		s = make_stream(&c, 1, 0);
		for (int round = 0; round < 2; round++) {
			for (guint i = 3; i < 15; i++) {
				g_autoptr(HwFrame) out = NULL;
				int sent = send_unit(dec, &s, i, i);

				g_assert_cmpint(sent, ==, i < 10 ? -EINVAL : 0);
				g_assert_cmpint(hw_decoder_receive(dec, &out), ==,
						i < 10 ? -EAGAIN : 0);
			}
			hw_decoder_flush(dec);
		}
	}
}

/* Half of a picture lost: nothing is shown until the next keyframe, then all is as before. */
static void test_damage(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	StreamConfig c = streams[1];
	g_auto(Stream) s = { 0 };
	g_autoptr(GBytes) half = NULL;

	c.keyframe_every = 10;
	s = make_stream(&c, 1, 0);
	half = g_bytes_new_from_bytes(s.units->pdata[4], 0,
				      g_bytes_get_size(s.units->pdata[4]) / 2);
	g_bytes_unref(s.units->pdata[4]);
	s.units->pdata[4] = g_bytes_ref(half);
	for (guint i = 0; i < s.units->len; i++) {
		g_autoptr(HwFrame) out = NULL;
		bool broken = i >= 4 && i < 10;

		g_assert_cmpint(send_unit(dec, &s, i, i), ==, broken ? -EINVAL : 0);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, broken ? -EAGAIN : 0);
	}
}

/* A sender that never repeats its keyframe: after a while a damaged picture is better than none. */
static void test_damage_for_ever(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	StreamConfig c = streams[1];
	g_auto(Stream) s = { 0 };
	bool shown = false;

	c.pictures = 120;
	s = make_stream(&c, 1, 0);
	for (guint i = 0; i < s.units->len; i++) {
		g_autoptr(HwFrame) out = NULL;
		gsize len;
		const uint8_t *unit = g_bytes_get_data(s.units->pdata[i], &len);

		(void)hw_decoder_send(dec, unit, i == 5 ? len / 2 : len, i);
		if (hw_decoder_receive(dec, &out) < 0) {
			g_assert_false(shown && i > 5);
			continue;
		}
		shown = i > 5;
	}
	g_assert_true(shown);
}

/* A whole access unit lost: frame_num has a gap. */
static void test_missing_unit(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	StreamConfig c = streams[0];
	g_auto(Stream) s = { 0 };

	c.keyframe_every = 10;
	s = make_stream(&c, 1, 0);
	for (guint i = 0; i < s.units->len; i++) {
		g_autoptr(HwFrame) out = NULL;
		bool broken = i >= 5 && i < 10;

		if (i == 4)
			continue;
		g_assert_cmpint(send_unit(dec, &s, i, i), ==, broken ? -EINVAL : 0);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, broken ? -EAGAIN : 0);
	}
}

/* 4:2:2, 4:4:4, 10 bit and full range come out as 8-bit 4:2:0 in limited range. */
static void test_other_formats(gconstpointer data)
{
	static const enum AVPixelFormat formats[] = { AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P,
						      AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUVJ420P };
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t k = 0; k < G_N_ELEMENTS(formats); k++) {
		StreamConfig c = { "other",       "libx264",  X264_LIVE ",crf=14",
				   HW_CODEC_H264, formats[k], 320,
				   180,           3,          300 };
		g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
		g_autoptr(McuClip) clip = mcu_clip_new(320, 180, 9);
		g_auto(Stream) s = make_stream(&c, 9, 0);

		for (guint i = 0; i < s.units->len; i++) {
			g_autoptr(HwFrame) in = clip_frame(clip, 320, 180, i), out = NULL;
			HwMapping a = map_frame(in), b;

			g_assert_cmpint(send_unit(dec, &s, i, 7 + i), ==, 0);
			g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
			g_assert_cmpint(hw_frame_pts_ns(out), ==, 7 + i);
			b = map_frame(out);
			g_assert_cmpint(b.format, ==, HW_FORMAT_I420);
			for (int plane = 0; plane < 3; plane++)
				g_assert_cmpfloat(plane_psnr(&a, &b, plane), >, 36);
		}
	}
}

static void test_garbage(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(GRand) rand = g_rand_new_with_seed(5);
	uint8_t noise[600] = { 0, 0, 0, 1 };

	for (size_t k = 0; k < G_N_ELEMENTS(streams); k++) {
		g_autoptr(HwDecoder) dec = open_decoder(device, streams[k].codec);
		g_autoptr(HwFrame) out = NULL;
		StreamConfig c = streams[k];
		g_auto(Stream) s = { 0 };

		c.pictures = 3;
		s = make_stream(&c, 1, 0);
		g_assert_cmpint(hw_decoder_send(dec, noise, 0, 0), ==, -EINVAL);
		for (int round = 0; round < 60; round++) {
			size_t len = (size_t)g_rand_int_range(rand, 1, sizeof(noise));
			g_autoptr(HwFrame) any = NULL;

			for (size_t i = 4; i < len; i++)
				noise[i] = (uint8_t)g_rand_int(rand);
			noise[4] = round % 2 ? 0x65 : 0x41;
			(void)hw_decoder_send(dec, noise, len, 0);
			(void)hw_decoder_receive(dec, &any);
		}
		g_assert_cmpint(send_unit(dec, &s, 0, 0), ==, 0);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
	}
}

static void test_skip_loop_filter(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_auto(Stream) s = make_stream(&streams[0], 1, 0);
	g_autoptr(HwDecoder) plain = open_decoder(device, HW_CODEC_H264);
	g_autoptr(HwDecoder) skips = open_decoder(device, HW_CODEC_H264);
	bool differs = false;

	hw_decoder_set_skip_loop_filter(skips, true);
	for (guint i = 0; i < 10; i++) {
		g_autoptr(HwFrame) a = NULL, b = NULL;
		HwMapping ma, mb;

		g_assert_cmpint(send_unit(plain, &s, i, i), ==, 0);
		g_assert_cmpint(send_unit(skips, &s, i, i), ==, 0);
		g_assert_cmpint(hw_decoder_receive(plain, &a), ==, 0);
		g_assert_cmpint(hw_decoder_receive(skips, &b), ==, 0);
		ma = map_frame(a);
		mb = map_frame(b);
		differs |= plane_psnr(&ma, &mb, 0) < 60;
		g_assert_cmpfloat(plane_psnr(&ma, &mb, 0), >, 25);
	}
	g_assert_true(differs);
}

typedef struct Step {
	HwDecoder *dec;
	const Stream *stream;
	guint unit;
} Step;

static void *decode_step(void *data)
{
	Step *step = data;
	HwFrame *out = NULL;

	g_assert_cmpint(send_unit(step->dec, step->stream, step->unit, 0), ==, 0);
	g_assert_cmpint(hw_decoder_receive(step->dec, &out), ==, 0);
	return out;
}

/* A pool of decoding threads: each unit in another thread; frames outlive the decoder. */
static void test_threads(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_auto(Stream) s = make_stream(&streams[0], 1, 0);
	HwDecoder *dec = open_decoder(device, HW_CODEC_H264);
	HwFrame *last = NULL;

	for (guint i = 0; i < 10; i++) {
		Step step = { dec, &s, i };
		GThread *thread = mcu_thread_start("dec", decode_step, &step);

		hw_frame_unref(last);
		last = g_thread_join(thread);
	}
	hw_decoder_free(dec);
	g_assert_cmpint(map_frame(last).width, ==, 320);
	hw_frame_unref(last);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	av_log_set_callback(no_log);
	add_for_all("decode/exact", test_exact);
	add_for_all("decode/reordered", test_reordered);
	add_for_all("decode/size-change", test_size_change);
	add_for_all("decode/too-large", test_too_large);
	add_for_all("decode/keyframe-needed", test_keyframe_needed);
	add_for_all("decode/damage", test_damage);
	add_for_all("decode/damage-for-ever", test_damage_for_ever);
	add_for_all("decode/missing-unit", test_missing_unit);
	add_for_all("decode/other-formats", test_other_formats);
	add_for_all("decode/garbage", test_garbage);
	add_for_all("decode/skip-loop-filter", test_skip_loop_filter);
	add_for_all("decode/threads", test_threads);
	return g_test_run();
}
