/* Reads a recording back with libavformat and libavcodec: times at which the picture turns bright
 * and beeps begin, durations, boxes. For test_rec_recorder.c. */
#pragma once
#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <math.h>

#define READ_MAX_EVENTS 32

typedef struct Read {
	double duration_s; /* by the container */
	unsigned pictures, keyframes;
	double last_picture_s;
	double lit_at[READ_MAX_EVENTS]; /* times at which it becomes bright */
	unsigned n_lit;
	double beep_at[READ_MAX_EVENTS];
	unsigned n_beeps;
	double sound_start_s, sound_end_s;
	int width;
	bool was_lit, was_loud;
	unsigned quiet;
} Read;

static AVCodecContext *decoder_of(const AVStream *st)
{
	AVCodecContext *ctx = avcodec_alloc_context3(avcodec_find_decoder(st->codecpar->codec_id));

	g_assert_cmpint(avcodec_parameters_to_context(ctx, st->codecpar), ==, 0);
	ctx->thread_count = 1;
	g_assert_cmpint(avcodec_open2(ctx, NULL, NULL), ==, 0);
	return ctx;
}

static void see(Read *r, const AVFrame *f, double t)
{
	bool is_lit = f->data[0][f->height / 2 * f->linesize[0] + f->width / 2] > 120;

	if (is_lit && !r->was_lit && r->n_lit < G_N_ELEMENTS(r->lit_at))
		r->lit_at[r->n_lit++] = t;
	r->was_lit = is_lit;
	r->pictures++;
	r->keyframes += f->key_frame;
	r->last_picture_s = t;
	r->width = f->width;
}

static void hear(Read *r, const AVFrame *f, double t)
{
	const float *pcm = (const float *)(const void *)f->data[0];

	if (r->sound_end_s == 0)
		r->sound_start_s = t;
	for (int k = 0; k < f->nb_samples; k++) {
		bool loud = fabsf(pcm[k]) > 0.25f;

		r->quiet = loud ? 0 : r->quiet + 1;
		if (loud && !r->was_loud && r->n_beeps < G_N_ELEMENTS(r->beep_at))
			r->beep_at[r->n_beeps++] = t + (double)k / 48000;
		if (loud)
			r->was_loud = true;
		else if (r->quiet > 2400)
			r->was_loud = false;
	}
	r->sound_end_s = t + (double)f->nb_samples / 48000;
}

static void decode(Read *r, AVCodecContext *ctx, const AVPacket *pkt, AVFrame *frame, AVRational tb)
{
	g_assert_cmpint(avcodec_send_packet(ctx, pkt), ==, 0);
	while (avcodec_receive_frame(ctx, frame) == 0) {
		double t = (double)frame->best_effort_timestamp * av_q2d(tb);

		g_assert_cmpint(frame->decode_error_flags, ==, 0);
		if (ctx->codec_type == AVMEDIA_TYPE_VIDEO)
			see(r, frame, t);
		else
			hear(r, frame, t);
	}
}

static void read_back(const char *path, Read *r)
{
	AVFormatContext *fmt = NULL;
	AVCodecContext *ctx[2];
	AVPacket *pkt = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();

	*r = (Read){ 0 };
	g_assert_cmpint(avformat_open_input(&fmt, path, NULL, NULL), ==, 0);
	g_assert_cmpint(avformat_find_stream_info(fmt, NULL), >=, 0);
	g_assert_cmpuint(fmt->nb_streams, ==, 2);
	r->duration_s = (double)fmt->duration / AV_TIME_BASE;
	for (unsigned i = 0; i < 2; i++)
		ctx[i] = decoder_of(fmt->streams[i]);
	while (av_read_frame(fmt, pkt) >= 0) {
		decode(r, ctx[pkt->stream_index], pkt, frame,
		       fmt->streams[pkt->stream_index]->time_base);
		av_packet_unref(pkt);
	}
	for (unsigned i = 0; i < 2; i++) {
		decode(r, ctx[i], NULL, frame, fmt->streams[i]->time_base);
		avcodec_free_context(&ctx[i]);
	}
	av_frame_free(&frame);
	av_packet_free(&pkt);
	avformat_close_input(&fmt);
}

/* Beeps belong to flashes: within 15 ms (AAC smears their beginning by a few). */
static void check_sync(const Read *r, unsigned first, unsigned n)
{
	g_assert_cmpuint(r->n_lit, >=, first + n);
	for (unsigned i = first; i < first + n; i++) {
		bool found = false;

		g_assert_cmpfloat_with_epsilon(r->lit_at[i], (double)i, 0.002);
		for (unsigned k = 0; k < r->n_beeps; k++)
			found |= fabs(r->beep_at[k] - (double)i) < 0.015;
		g_assert_true(found);
	}
}

/* Top-level boxes as "ftyp mdat moov". */
static char *boxes(const char *path)
{
	g_autofree char *data = NULL;
	GString *s = g_string_new(NULL);
	gsize len, at = 0;

	g_assert_true(g_file_get_contents(path, &data, &len, NULL));
	while (at + 8 <= len) {
		const uint8_t *p = (const uint8_t *)data + at;
		uint64_t size =
			(uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];

		if (size == 1) {
			size = 0;
			for (unsigned i = 8; i < 16; i++)
				size = size << 8 | p[i];
		}
		g_string_append_printf(s, "%s%.4s", s->len ? " " : "", p + 4);
		g_assert_cmpuint(size, >=, 8);
		at += size;
	}
	g_assert_cmpuint(at, ==, len); /* the boxes cover the file exactly */
	return g_string_free(s, FALSE);
}
