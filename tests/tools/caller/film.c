#include "film.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <libyuv.h>
#include <string.h>

#define RATE_HZ 48000
/* Longest block of sound one decoded frame may give. */
#define MAX_SAMPLES (2 * RATE_HZ)

typedef struct Track {
	int index; /* -1 = none */
	AVCodecContext *codec;
	AVRational time_base;
} Track;

struct McuFilm {
	AVFormatContext *format;
	Track video, audio;
	AVPacket *packet;
	AVFrame *frame;
	SwrContext *resampler;
	struct SwsContext *scaler;
	float *pcm;
	bool drained;
};

static int open_track(McuFilm *f, enum AVMediaType type, Track *t, McuDiag *reterr)
{
	const AVCodec *codec = NULL;
	AVStream *stream;

	t->index = av_find_best_stream(f->format, type, -1, -1, &codec, 0);
	if (t->index < 0)
		return 0;
	if (!codec)
		return mcu_diag(reterr, -ENOTSUP, "no decoder for a track of %s", f->format->url);
	stream = f->format->streams[t->index];
	t->time_base = stream->time_base;
	t->codec = avcodec_alloc_context3(codec);
	if (!t->codec || avcodec_parameters_to_context(t->codec, stream->codecpar) < 0)
		return -ENOMEM;
	t->codec->thread_count = 1;
	t->codec->pkt_timebase = stream->time_base;
	if (avcodec_open2(t->codec, codec, NULL) < 0)
		return mcu_diag(reterr, -ENOTSUP, "cannot decode a track of %s", f->format->url);
	return 0;
}

int mcu_film_open(const char *path, bool want_sound, McuFilm **ret, McuDiag *reterr)
{
	g_autoptr(McuFilm) f = g_new0(McuFilm, 1);
	int r;

	f->video.index = f->audio.index = -1;
	r = avformat_open_input(&f->format, path, NULL, NULL);
	if (r < 0)
		return mcu_diag(reterr, r == AVERROR(ENOENT) ? -ENOENT : -EIO, "cannot open %s: %s",
				path, av_err2str(r));
	r = avformat_find_stream_info(f->format, NULL);
	if (r < 0)
		return mcu_diag(reterr, -EIO, "cannot read %s: %s", path, av_err2str(r));
	if ((r = open_track(f, AVMEDIA_TYPE_VIDEO, &f->video, reterr)) < 0 ||
	    (want_sound && (r = open_track(f, AVMEDIA_TYPE_AUDIO, &f->audio, reterr)) < 0))
		return r;
	f->packet = av_packet_alloc();
	f->frame = av_frame_alloc();
	if (!f->packet || !f->frame)
		return -ENOMEM;
	*ret = g_steal_pointer(&f);
	return 0;
}

void mcu_film_free(McuFilm *f)
{
	if (!f)
		return;
	avcodec_free_context(&f->video.codec);
	avcodec_free_context(&f->audio.codec);
	avformat_close_input(&f->format);
	av_packet_free(&f->packet);
	av_frame_free(&f->frame);
	swr_free(&f->resampler);
	sws_freeContext(f->scaler);
	g_free(f->pcm);
	g_free(f);
}

int mcu_film_width(const McuFilm *f)
{
	return f->video.codec ? f->video.codec->width : 0;
}

int mcu_film_height(const McuFilm *f)
{
	return f->video.codec ? f->video.codec->height : 0;
}

double mcu_film_fps(const McuFilm *f)
{
	AVRational rate = { 0 };

	if (f->video.index >= 0)
		rate = av_guess_frame_rate(f->format, f->format->streams[f->video.index], NULL);
	return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 30;
}

bool mcu_film_has_sound(const McuFilm *f)
{
	return f->audio.index >= 0;
}

static int to_picture(McuFilm *f, McuFilmPiece *ret)
{
	const AVFrame *in = f->frame;
	g_autoptr(HwFrame) out = NULL;
	HwMapping map;
	int r = hw_frame_new(HW_FORMAT_I420, in->width & ~1, in->height & ~1, &out);

	if (r < 0 || (r = hw_frame_map(out, &map)) < 0)
		return r;
	if (in->format == AV_PIX_FMT_YUV420P || in->format == AV_PIX_FMT_YUVJ420P) {
		I420Copy(in->data[0], in->linesize[0], in->data[1], in->linesize[1], in->data[2],
			 in->linesize[2], map.data[0], map.stride[0], map.data[1], map.stride[1],
			 map.data[2], map.stride[2], map.width, map.height);
	} else {
		f->scaler = sws_getCachedContext(f->scaler, in->width, in->height, in->format,
						 map.width, map.height, AV_PIX_FMT_YUV420P,
						 SWS_BILINEAR, NULL, NULL, NULL);
		if (!f->scaler)
			return -EIO;
		sws_scale(f->scaler, (const uint8_t *const *)in->data, in->linesize, 0, in->height,
			  map.data, map.stride);
	}
	ret->picture = g_steal_pointer(&out);
	ret->keyframe = in->key_frame;
	return 0;
}

static int to_sound(McuFilm *f, McuFilmPiece *ret)
{
	AVFrame *in = f->frame;
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
	int n;

	if (!f->resampler &&
	    (swr_alloc_set_opts2(&f->resampler, &mono, AV_SAMPLE_FMT_FLT, RATE_HZ, &in->ch_layout,
				 in->format, in->sample_rate, 0, NULL) < 0 ||
	     swr_init(f->resampler) < 0))
		return -EIO;
	if (!f->pcm)
		f->pcm = g_new(float, MAX_SAMPLES);
	n = swr_convert(f->resampler, (uint8_t *[]){ (uint8_t *)f->pcm }, MAX_SAMPLES,
			(const uint8_t **)in->extended_data, in->nb_samples);
	if (n < 0)
		return -EIO;
	ret->pcm = f->pcm;
	ret->n_samples = (size_t)n;
	return 0;
}

/* A frame a decoder has ready. -EAGAIN: it wants more input, or has ended. */
static int take(McuFilm *f, Track *t, McuFilmPiece *ret)
{
	int r;

	if (!t->codec || avcodec_receive_frame(t->codec, f->frame) < 0)
		return -EAGAIN;
	*ret = (McuFilmPiece){ 0 };
	if (f->frame->best_effort_timestamp != AV_NOPTS_VALUE)
		ret->t_s = (double)f->frame->best_effort_timestamp * av_q2d(t->time_base);
	r = t == &f->video ? to_picture(f, ret) : to_sound(f, ret);
	av_frame_unref(f->frame);
	return r;
}

int mcu_film_next(McuFilm *f, McuFilmPiece *ret)
{
	for (;;) {
		int r = take(f, &f->video, ret);

		if (r == -EAGAIN)
			r = take(f, &f->audio, ret);
		if (r != -EAGAIN || f->drained)
			return r;
		if (av_read_frame(f->format, f->packet) < 0) {
			f->drained = true;
			if (f->video.codec)
				(void)avcodec_send_packet(f->video.codec, NULL);
			if (f->audio.codec)
				(void)avcodec_send_packet(f->audio.codec, NULL);
			continue;
		}
		/* what cannot be decoded is passed over: a cut file ends with such a packet */
		if (f->packet->stream_index == f->video.index)
			(void)avcodec_send_packet(f->video.codec, f->packet);
		else if (f->packet->stream_index == f->audio.index)
			(void)avcodec_send_packet(f->audio.codec, f->packet);
		av_packet_unref(f->packet);
	}
}

int mcu_film_rewind(McuFilm *f)
{
	if (av_seek_frame(f->format, -1,
			  f->format->start_time == AV_NOPTS_VALUE ? 0 : f->format->start_time,
			  AVSEEK_FLAG_BACKWARD) < 0)
		return -EIO;
	if (f->video.codec)
		avcodec_flush_buffers(f->video.codec);
	if (f->audio.codec)
		avcodec_flush_buffers(f->audio.codec);
	f->drained = false;
	return 0;
}
