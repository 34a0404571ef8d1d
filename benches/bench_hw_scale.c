/* Scaling into the canvas: ours against bare libyuv and swscale, per ratio.
 *
 * Prints ms per picture (median) and the ratio to the fastest of the bare ones that do not alias.
 * Rotates over distinct pictures, as a mixer does.
 */
#include <libswscale/swscale.h>
#include <libyuv.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/hw.h"
#include "hw/soft/scale.h"
#include "tests/tools/clip.h"

#define PICTURES 12
#define ROUNDS   9

typedef struct Job {
	HwMapping src[PICTURES], dst;
	HwScaler *scaler;
	struct SwsContext *sws;
	enum FilterMode filter;
} Job;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void run_ours(Job *j, int i)
{
	if (hw_scaler_scale(j->scaler, &j->src[i], &j->dst) < 0)
		abort();
}

static void run_yuv(Job *j, int i)
{
	const HwMapping *s = &j->src[i], *d = &j->dst;

	I420Scale(s->data[0], s->stride[0], s->data[1], s->stride[1], s->data[2], s->stride[2],
		  s->width, s->height, d->data[0], d->stride[0], d->data[1], d->stride[1],
		  d->data[2], d->stride[2], d->width, d->height, j->filter);
}

static void run_sws(Job *j, int i)
{
	const HwMapping *s = &j->src[i];

	sws_scale(j->sws, (const uint8_t *const *)s->data, s->stride, 0, s->height, j->dst.data,
		  j->dst.stride);
}

static double measure(Job *j, void (*run)(Job *j, int i))
{
	double ms[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double start = cpu_ms();

		for (int i = 0; i < PICTURES; i++)
			run(j, i);
		ms[r] = (cpu_ms() - start) / PICTURES;
	}
	qsort(ms, ROUNDS, sizeof(ms[0]), compare);
	return ms[ROUNDS / 2];
}

static double measure_sws(Job *j, int flags)
{
	double ms;

	j->sws = sws_getContext(j->src[0].width, j->src[0].height, AV_PIX_FMT_YUV420P, j->dst.width,
				j->dst.height, AV_PIX_FMT_YUV420P, flags, NULL, NULL, NULL);
	ms = measure(j, run_sws);
	sws_freeContext(j->sws);
	return ms;
}

static HwFrame *picture(McuClip *clip, int w, int h, int n, HwMapping *ret)
{
	HwFrame *f;

	if (hw_frame_new(HW_FORMAT_I420, w, h, &f) < 0 || hw_frame_map(f, ret) < 0)
		abort();
	if (clip)
		mcu_clip_render(clip, n, ret->data, ret->stride);
	return f;
}

static void row(int sw, int sh, int dw, int dh)
{
	g_autoptr(McuClip) clip = mcu_clip_new(sw, sh, 1);
	HwFrame *held[PICTURES + 1];
	Job j = { .scaler = hw_scaler_new() };
	double ours, bilinear, box, sws_bilinear, sws_area, best;

	for (int i = 0; i < PICTURES; i++)
		held[i] = picture(clip, sw, sh, i, &j.src[i]);
	held[PICTURES] = picture(NULL, dw, dh, 0, &j.dst);
	ours = measure(&j, run_ours);
	j.filter = kFilterBilinear;
	bilinear = measure(&j, run_yuv);
	j.filter = kFilterBox;
	box = measure(&j, run_yuv);
	sws_bilinear = measure_sws(&j, SWS_BILINEAR);
	sws_area = measure_sws(&j, SWS_AREA);
	best = MIN(box, MIN(sws_bilinear, sws_area));
	if (sw <= dw * 2 && sh <= dh * 2)
		best = MIN(best, bilinear);
	printf("%4dx%-4d -> %4dx%-4d  %6.3f  %8.3f %8.3f  %8.3f %8.3f   %5.2f\n", sw, sh, dw, dh,
	       ours, bilinear, box, sws_bilinear, sws_area, ours / best);
	for (int i = 0; i <= PICTURES; i++)
		hw_frame_unref(held[i]);
	hw_scaler_free(j.scaler);
}

int main(void)
{
	static const int sizes[][4] = {
		{ 1280, 720, 1280, 720 }, { 1280, 720, 640, 360 }, { 1280, 720, 426, 240 },
		{ 1280, 720, 424, 238 },  { 1280, 720, 320, 180 }, { 1280, 720, 256, 144 },
		{ 1280, 720, 960, 540 },  { 1280, 720, 852, 480 }, { 1920, 1080, 640, 360 },
		{ 1920, 1080, 426, 240 }, { 640, 360, 640, 360 },  { 640, 360, 426, 240 },
		{ 640, 360, 320, 180 },   { 640, 360, 256, 144 },  { 640, 360, 960, 540 },
		{ 640, 360, 852, 480 },   { 640, 360, 1280, 720 }, { 320, 180, 426, 240 },
		{ 320, 180, 640, 360 },   { 640, 480, 568, 426 },  { 352, 288, 640, 360 },
	};

	printf("source    -> tile          ours    libyuv: bil      box    sws: bil     area   "
	       "ours/best\n");
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
		row(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
	return 0;
}
