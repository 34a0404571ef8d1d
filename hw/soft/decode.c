/* Decoding with libavcodec: one thread, no reordering delay, nothing broken is shown.
 *
 *   access unit -> avcodec -> [newest picture] -> hw_decoder_receive()
 *
 * A picture that libavcodec had to conceal, or whose references are missing, is withheld, and so is
 * what follows (it refers to it), until the next intact keyframe or recovery point. A sender that
 * never sends one would leave a frozen tile, so after WITHHOLD_MAX pictures they are shown again.
 */
#include "hw/soft/compat.h"
#include "hw/soft/h264_gap.h"
#include "hw/soft/soft.h"

#define WITHHOLD_MAX 60

typedef struct SoftDecoder {
	HwDecoder base;
	HwDecoderConfig config;
	AVCodecContext *av;
	AVPacket *pkt;
	AVFrame *frame;
	HwFrame *ready; /* not yet received */
	char name[48];
	bool too_large;     /* get_buffer refused the picture's size */
	bool need_keyframe; /* after flush, error or loss */
	unsigned withheld;  /* pictures since the last intact one */
	int silent;         /* units since the last error or picture */
	HwH264Gap gap;
} SoftDecoder;

static int get_buffer(AVCodecContext *av, AVFrame *frame, int flags)
{
	SoftDecoder *d = av->opaque;

	if (av->width > d->config.max_width || av->height > d->config.max_height) {
		d->too_large = true;
		return AVERROR(EINVAL);
	}
	return avcodec_default_get_buffer2(av, frame, flags);
}

static enum AVPixelFormat software_format(AVCodecContext *av, const enum AVPixelFormat *formats)
{
	(void)av;
	for (; *formats != AV_PIX_FMT_NONE; formats++) {
		const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(*formats);

		if (desc && !(desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
			return *formats;
	}
	return AV_PIX_FMT_NONE;
}

static void soft_destroy(HwDecoder *dec)
{
	SoftDecoder *d = (SoftDecoder *)dec;

	hw_frame_unref(d->ready);
	av_frame_free(&d->frame);
	av_packet_free(&d->pkt);
	avcodec_free_context(&d->av);
	g_free(d);
}

static int from_av(SoftDecoder *d, int av_err)
{
	if (d->too_large) {
		d->too_large = false;
		return -EOVERFLOW;
	}
	return av_err == AVERROR(ENOMEM) ? -ENOMEM : -EINVAL;
}

/* Is this picture fit to be seen? */
static bool is_intact(SoftDecoder *d, const AVFrame *f)
{
	bool damaged = f->decode_error_flags || (f->flags & AV_FRAME_FLAG_CORRUPT);

	if (!damaged && (hw_av_is_key(f) || !d->need_keyframe)) {
		d->need_keyframe = false;
		d->withheld = 0;
		return true;
	}
	d->need_keyframe = true;
	return ++d->withheld > WITHHOLD_MAX;
}

/* Take all pictures out of libavcodec, keep the newest that may be shown. */
static int drain(SoftDecoder *d)
{
	int result = 0;

	for (;;) {
		HwFrame *picture = NULL;
		int r = avcodec_receive_frame(d->av, d->frame);

		if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
			return result;
		if (r < 0) {
			d->need_keyframe = true;
			return from_av(d, r);
		}
		if (!is_intact(d, d->frame)) {
			av_frame_unref(d->frame);
			result = -EINVAL;
			continue;
		}
		r = hw_soft_wrap_picture(d->frame, &picture);
		av_frame_unref(d->frame);
		if (r < 0)
			return r;
		hw_frame_unref(d->ready);
		d->ready = picture;
	}
}

static int soft_send(HwDecoder *dec, const uint8_t *data, size_t len, int64_t pts_ns)
{
	SoftDecoder *d = (SoftDecoder *)dec;
	int r;

	if (d->config.codec == HW_CODEC_H264 && hw_h264_gap_check(&d->gap, data, len))
		d->need_keyframe = true;
	/* libavcodec wants zeroed padding behind the data */
	r = av_new_packet(d->pkt, (int)len);
	if (r < 0)
		return -ENOMEM;
	memcpy(d->pkt->data, data, len);
	d->pkt->pts = pts_ns;
	r = avcodec_send_packet(d->av, d->pkt);
	av_packet_unref(d->pkt);
	if (r < 0) {
		d->need_keyframe = true;
		return from_av(d, r);
	}
	r = drain(d);
	if (r < 0 || d->ready)
		d->silent = 0;
	/* waiting for a keyframe, unless the stream reorders and has it inside */
	else if (d->need_keyframe && ++d->silent > d->av->has_b_frames)
		return -EINVAL;
	return r;
}

static int soft_receive(HwDecoder *dec, HwFrame **ret)
{
	SoftDecoder *d = (SoftDecoder *)dec;

	if (!d->ready)
		return -EAGAIN;
	*ret = g_steal_pointer(&d->ready);
	return 0;
}

static void soft_flush(HwDecoder *dec)
{
	SoftDecoder *d = (SoftDecoder *)dec;

	avcodec_flush_buffers(d->av);
	g_clear_pointer(&d->ready, hw_frame_unref);
	d->need_keyframe = true;
	d->withheld = 0;
	d->silent = 0;
	d->gap.started = false;
}

static void soft_set_skip_loop_filter(HwDecoder *dec, bool skip)
{
	SoftDecoder *d = (SoftDecoder *)dec;

	d->av->skip_loop_filter = skip ? AVDISCARD_ALL : AVDISCARD_DEFAULT;
}

static const char *soft_name(const HwDecoder *dec)
{
	return ((const SoftDecoder *)dec)->name;
}

static const HwDecoderOps soft_ops = {
	.destroy = soft_destroy,
	.send = soft_send,
	.receive = soft_receive,
	.flush = soft_flush,
	.set_skip_loop_filter = soft_set_skip_loop_filter,
	.name = soft_name,
};

static const AVCodec *find_codec(HwCodec codec)
{
	/* the native decoders by name: faster than the wrapped libraries, and software */
	static const char *const names[] = {
		[HW_CODEC_H264] = "h264", [HW_CODEC_VP8] = "vp8",      [HW_CODEC_VP9] = "vp9",
		[HW_CODEC_HEVC] = "hevc", [HW_CODEC_AV1] = "libdav1d",
	};

	return avcodec_find_decoder_by_name(names[codec]);
}

static int open_codec(SoftDecoder *d, const AVCodec *codec)
{
	AVCodecContext *av = avcodec_alloc_context3(codec);

	d->av = av;
	d->pkt = av_packet_alloc();
	d->frame = av_frame_alloc();
	if (!av || !d->pkt || !d->frame)
		return -ENOMEM;
	av->thread_count = 1;
	av->flags |= AV_CODEC_FLAG_LOW_DELAY;
	av->opaque = d;
	av->get_buffer2 = get_buffer;
	av->get_format = software_format;
	/* coded size: what is cropped away at the edges counts */
	av->max_pixels = (int64_t)(d->config.max_width + 64) * (d->config.max_height + 64);
	return avcodec_open2(av, codec, NULL) < 0 ? -EIO : 0;
}

int hw_soft_decoder_new(HwDevice *device, const HwDecoderConfig *config, HwDecoder **ret,
			McuDiag *reterr)
{
	const AVCodec *codec = find_codec(config->codec);
	SoftDecoder *d;
	int r;

	(void)device;
	if (!codec)
		return mcu_diag(reterr, -ENOTSUP, "libavcodec here has no decoder for %s",
				hw_codec_name(config->codec));
	d = g_new0(SoftDecoder, 1);
	d->base.ops = &soft_ops;
	d->config = *config;
	d->need_keyframe = true;
	g_snprintf(d->name, sizeof(d->name), "libavcodec %s", codec->name);
	r = open_codec(d, codec);
	if (r < 0) {
		soft_destroy(&d->base);
		return mcu_diag(reterr, r, "libavcodec cannot open its %s decoder", codec->name);
	}
	*ret = &d->base;
	return 0;
}
