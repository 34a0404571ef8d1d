#include "rec/aac.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#define RATE 48000

struct McuAac {
	AVCodecContext *ctx;
	AVFrame *frame;
	AVPacket *pkt;
	size_t filled; /* samples in `frame` */
	int64_t next_pts;
};

static AVCodecContext *open_encoder(unsigned bitrate_bps)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
	AVCodecContext *ctx = codec ? avcodec_alloc_context3(codec) : NULL;

	if (!ctx)
		return NULL;
	ctx->sample_rate = RATE;
	ctx->sample_fmt = AV_SAMPLE_FMT_FLTP;
	ctx->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
	ctx->bit_rate = bitrate_bps;
	ctx->time_base = (AVRational){ 1, RATE };
	ctx->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	ctx->thread_count = 1;
	if (avcodec_open2(ctx, codec, NULL) < 0 || ctx->frame_size != MCU_AAC_FRAME)
		avcodec_free_context(&ctx);
	return ctx;
}

int mcu_aac_new(unsigned bitrate_bps, McuAac **ret)
{
	g_autoptr(McuAac) aac = g_new0(McuAac, 1);

	aac->ctx = open_encoder(bitrate_bps);
	aac->frame = av_frame_alloc();
	aac->pkt = av_packet_alloc();
	if (!aac->ctx || !aac->frame || !aac->pkt)
		return -ENOTSUP;
	aac->frame->format = AV_SAMPLE_FMT_FLTP;
	aac->frame->sample_rate = RATE;
	aac->frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
	aac->frame->nb_samples = MCU_AAC_FRAME;
	if (av_frame_get_buffer(aac->frame, 0) < 0)
		return -ENOTSUP;
	*ret = g_steal_pointer(&aac);
	return 0;
}

void mcu_aac_free(McuAac *aac)
{
	if (!aac)
		return;
	avcodec_free_context(&aac->ctx);
	av_frame_free(&aac->frame);
	av_packet_free(&aac->pkt);
	g_free(aac);
}

const uint8_t *mcu_aac_config(const McuAac *aac, size_t *ret_len)
{
	*ret_len = (size_t)aac->ctx->extradata_size;
	return aac->ctx->extradata;
}

static int fetch(McuAac *aac, McuAacPacket fn, void *data)
{
	int r;

	while ((r = avcodec_receive_packet(aac->ctx, aac->pkt)) == 0) {
		/* the packets before 0 hold nothing but the encoder's delay */
		if (aac->pkt->pts >= 0)
			fn(data, aac->pkt->data, (size_t)aac->pkt->size, (uint64_t)aac->pkt->pts);
		av_packet_unref(aac->pkt);
	}
	return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? 0 : -EIO;
}

static int send_frame(McuAac *aac, McuAacPacket fn, void *data)
{
	aac->frame->pts = aac->next_pts;
	aac->next_pts += MCU_AAC_FRAME;
	aac->filled = 0;
	if (avcodec_send_frame(aac->ctx, aac->frame) < 0)
		return -EIO;
	return fetch(aac, fn, data);
}

int mcu_aac_encode(McuAac *aac, const float *pcm, size_t n, McuAacPacket fn, void *data)
{
	while (n > 0) {
		size_t some = MIN(n, MCU_AAC_FRAME - aac->filled);
		float *to;
		int r;

		if (aac->filled == 0 && av_frame_make_writable(aac->frame) < 0)
			return -EIO;
		to = (float *)(void *)aac->frame->data[0] + aac->filled;
		if (pcm)
			memcpy(to, pcm, some * sizeof(*to));
		else
			memset(to, 0, some * sizeof(*to));
		pcm = pcm ? pcm + some : NULL;
		n -= some;
		aac->filled += some;
		r = aac->filled == MCU_AAC_FRAME ? send_frame(aac, fn, data) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int mcu_aac_finish(McuAac *aac, McuAacPacket fn, void *data)
{
	int r = 0;

	if (aac->filled > 0)
		r = mcu_aac_encode(aac, NULL, MCU_AAC_FRAME - aac->filled, fn, data);
	if (r == 0 && avcodec_send_frame(aac->ctx, NULL) < 0)
		r = -EIO;
	return r < 0 ? r : fetch(aac, fn, data);
}
