/* JPEG of a frame, for snapshots. JFIF is full range BT.601, frames are limited range BT.709. */
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>

#include "hw/ops.h"
#include "hw/soft/compat.h"
#include "hw/soft/soft.h"

static void fit(const HwMapping *m, int *width, int *height)
{
	double scale = 1;

	if (*width > 0)
		scale = (double)*width / m->width;
	if (*height > 0)
		scale = *width > 0 ? MIN(scale, (double)*height / m->height)
				   : (double)*height / m->height;
	*width = CLAMP((int)(m->width * scale + 0.5), 1, HW_MAX_SIZE);
	*height = CLAMP((int)(m->height * scale + 0.5), 1, HW_MAX_SIZE);
}

static enum AVPixelFormat av_format(HwFormat format)
{
	return format == HW_FORMAT_BGRA   ? AV_PIX_FMT_BGRA
	       : format == HW_FORMAT_NV12 ? AV_PIX_FMT_NV12
					  : AV_PIX_FMT_YUV420P;
}

static int scale_to(const HwMapping *m, AVFrame *out)
{
	const int *from = sws_getCoefficients(SWS_CS_ITU709);
	const int *to = sws_getCoefficients(SWS_CS_ITU601);
	struct SwsContext *sws =
		sws_getContext(m->width, m->height, av_format(m->format), out->width, out->height,
			       AV_PIX_FMT_YUVJ420P, SWS_BICUBIC, NULL, NULL, NULL);
	const uint8_t *data[4] = { m->data[0], m->data[1], m->data[2], NULL };
	int stride[4] = { m->stride[0], m->stride[1], m->stride[2], 0 };
	int r;

	if (!sws)
		return -ENOMEM;
	(void)sws_setColorspaceDetails(sws, from, m->format == HW_FORMAT_BGRA, to, 1, 0, 1 << 16,
				       1 << 16);
	r = sws_scale(sws, data, stride, 0, m->height, out->data, out->linesize);
	sws_freeContext(sws);
	return r == out->height ? 0 : -EIO;
}

static AVCodecContext *open_mjpeg(int width, int height, int quality)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
	AVCodecContext *av = codec ? avcodec_alloc_context3(codec) : NULL;

	if (!av)
		return NULL;
	av->width = width;
	av->height = height;
	av->pix_fmt = AV_PIX_FMT_YUVJ420P;
	av->color_range = AVCOL_RANGE_JPEG;
	av->time_base = (AVRational){ 1, 25 };
	av->thread_count = 1;
	av->flags |= AV_CODEC_FLAG_QSCALE;
	/* mjpeg's quantiser runs from 1 (best) to 31 */
	av->global_quality = FF_QP2LAMBDA * (1 + (100 - CLAMP(quality, 1, 100)) * 30 / 99);
	if (avcodec_open2(av, codec, NULL) < 0)
		avcodec_free_context(&av);
	return av;
}

static int encode(AVCodecContext *av, AVFrame *picture, AVPacket *pkt, GBytes **ret)
{
	picture->quality = av->global_quality;
	picture->pts = 0;
	if (avcodec_send_frame(av, picture) < 0 || avcodec_send_frame(av, NULL) < 0 ||
	    avcodec_receive_packet(av, pkt) < 0)
		return -EIO;
	*ret = g_bytes_new(pkt->data, (gsize)pkt->size);
	return 0;
}

int hw_frame_to_jpeg(HwFrame *frame, int width, int height, int quality, GBytes **ret)
{
	AVFrame *picture = av_frame_alloc();
	AVPacket *pkt = av_packet_alloc();
	AVCodecContext *av = NULL;
	HwMapping m;
	int r;

	hw_soft_quiet_libav();
	r = picture && pkt ? hw_frame_map(frame, &m) : -ENOMEM;
	if (r < 0)
		goto out;
	fit(&m, &width, &height);
	picture->width = width;
	picture->height = height;
	picture->format = AV_PIX_FMT_YUVJ420P;
	picture->color_range = AVCOL_RANGE_JPEG;
	r = -ENOMEM;
	if (av_frame_get_buffer(picture, 0) < 0)
		goto out;
	r = scale_to(&m, picture);
	if (r < 0)
		goto out;
	av = open_mjpeg(width, height, quality);
	r = av ? encode(av, picture, pkt, ret) : -EIO;
out:
	avcodec_free_context(&av);
	av_packet_free(&pkt);
	av_frame_free(&picture);
	return r;
}
