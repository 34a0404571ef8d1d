/* A picture of libavcodec as a HwFrame: without copying where it is 8-bit 4:2:0 in limited range,
 * else converted once. */
#include <libswscale/swscale.h>

#include "hw/soft/compat.h"
#include "hw/soft/soft.h"

typedef struct AvHwFrame {
	HwFrame base;
	AVFrame *av;
} AvHwFrame;

static void av_destroy(HwFrame *frame)
{
	AvHwFrame *f = (AvHwFrame *)frame;

	av_frame_free(&f->av);
	g_free(f);
}

static const HwFrameOps av_ops = { .destroy = av_destroy };

static int wrap(AVFrame *av, HwFrame **ret)
{
	AvHwFrame *f = g_new0(AvHwFrame, 1);
	HwFormat format = av->format == AV_PIX_FMT_NV12 ? HW_FORMAT_NV12 : HW_FORMAT_I420;

	hw_frame_init(&f->base, &av_ops, format, av->width, av->height);
	f->base.pts_ns = av->pts;
	f->av = av_frame_alloc();
	if (!f->av) {
		g_free(f);
		return -ENOMEM;
	}
	av_frame_move_ref(f->av, av);
	for (int i = 0; i < 3; i++) {
		f->base.map.data[i] = f->av->data[i];
		f->base.map.stride[i] = f->av->linesize[i];
	}
	*ret = &f->base;
	return 0;
}

/* 0..255 -> 16..235 (luma) or 16..240 (chroma around 128), rounded; t / 255 without a division */
HW_VECTORIZE static void limit_rows(const uint8_t *src, int src_stride, uint8_t *dst,
				    int dst_stride, int w, int h, unsigned scale)
{
	for (int y = 0; y < h; y++) {
		for (int x = 0; x < w; x++) {
			unsigned t = src[x] * scale + 128;

			dst[x] = (uint8_t)(16 + ((t + (t >> 8)) >> 8));
		}
		src += src_stride;
		dst += dst_stride;
	}
}

static int limit_range(const AVFrame *av, HwFrame **ret)
{
	const HwMapping *m;
	HwFrame *out;
	int r = hw_frame_new(HW_FORMAT_I420, av->width, av->height, &out);

	if (r < 0)
		return r;
	m = &out->map;
	for (int i = 0; i < 3; i++)
		limit_rows(av->data[i], av->linesize[i], m->data[i], m->stride[i],
			   i ? (av->width + 1) / 2 : av->width,
			   i ? (av->height + 1) / 2 : av->height, i ? 224 : 219);
	out->pts_ns = av->pts;
	*ret = out;
	return 0;
}

/* swscale in its plain way: rare streams (4:2:2, 4:4:4, 10 bit, grey) */
static int convert(const AVFrame *av, HwFrame **ret)
{
	const int *matrix = sws_getCoefficients(SWS_CS_ITU709);
	struct SwsContext *sws;
	HwFrame *out;
	int r;

	if (!sws_isSupportedInput((enum AVPixelFormat)av->format))
		return -ENOTSUP;
	r = hw_frame_new(HW_FORMAT_I420, av->width, av->height, &out);
	if (r < 0)
		return r;
	sws = sws_getContext(av->width, av->height, (enum AVPixelFormat)av->format, av->width,
			     av->height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
	if (!sws) {
		hw_frame_unref(out);
		return -ENOTSUP;
	}
	(void)sws_setColorspaceDetails(sws, matrix, hw_av_is_full_range(av), matrix, 0, 0, 1 << 16,
				       1 << 16);
	r = sws_scale(sws, (const uint8_t *const *)av->data, av->linesize, 0, av->height,
		      out->map.data, out->map.stride);
	sws_freeContext(sws);
	if (r != av->height) {
		hw_frame_unref(out);
		return -ENOTSUP;
	}
	out->pts_ns = av->pts;
	*ret = out;
	return 0;
}

int hw_soft_wrap_picture(AVFrame *av, HwFrame **ret)
{
	bool planar = av->format == AV_PIX_FMT_YUV420P || av->format == AV_PIX_FMT_YUVJ420P;
	int r;

	if (av->width < 1 || av->height < 1 || av->width > HW_MAX_SIZE || av->height > HW_MAX_SIZE)
		return -EOVERFLOW;
	if (planar && !hw_av_is_full_range(av))
		return wrap(av, ret);
	r = planar ? limit_range(av, ret) : convert(av, ret);
	av_frame_unref(av);
	return r;
}
