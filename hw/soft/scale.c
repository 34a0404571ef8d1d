#include "hw/soft/scale.h"

#include <libswscale/swscale.h>
#include <libyuv.h>
#include <stdlib.h>

#include "hw/pool.h"

/* ratios in use at once: sizes of sources times sizes of tiles */
#define CONTEXTS 24

typedef struct Context {
	int src_w, src_h, dst_w, dst_h;
	uint64_t used; /* counted in pictures */
	struct SwsContext *sws;
} Context;

struct HwScaler {
	HwScratch planar;  /* NV12 taken apart */
	HwScratch half[2]; /* steps of a large reduction, in turn */
	HwScratch out;     /* swscale writes past the right edge */
	uint64_t pictures;
	Context contexts[CONTEXTS];
};

HwScaler *hw_scaler_new(void)
{
	return g_new0(HwScaler, 1);
}

void hw_scaler_free(HwScaler *s)
{
	if (!s)
		return;
	hw_scratch_done(&s->planar);
	hw_scratch_done(&s->half[0]);
	hw_scratch_done(&s->half[1]);
	hw_scratch_done(&s->out);
	for (int i = 0; i < CONTEXTS; i++)
		sws_freeContext(s->contexts[i].sws);
	g_free(s);
}

int hw_scratch_picture(HwScratch *s, HwFormat format, int width, int height, HwMapping *ret)
{
	size_t size = hw_frame_bytes(format, width, height);

	if (size > s->size) {
		free(s->data);
		s->data = aligned_alloc(64, size);
		s->size = s->data ? size : 0;
		if (!s->data)
			return -ENOMEM;
	}
	*ret = (HwMapping){ .format = format, .width = width, .height = height };
	hw_frame_layout(ret, s->data);
	return 0;
}

void hw_scratch_done(HwScratch *s)
{
	free(s->data);
	*s = (HwScratch){ 0 };
}

HwMapping hw_mapping_view(const HwMapping *m, HwRect r)
{
	HwMapping v = *m;

	v.width = r.w;
	v.height = r.h;
	if (m->format == HW_FORMAT_BGRA) {
		v.data[0] += (ptrdiff_t)r.y * m->stride[0] + (ptrdiff_t)r.x * 4;
		return v;
	}
	v.data[0] += (ptrdiff_t)r.y * m->stride[0] + r.x;
	if (m->format == HW_FORMAT_NV12) {
		v.data[1] += (ptrdiff_t)(r.y / 2) * m->stride[1] + r.x;
		return v;
	}
	for (int i = 1; i < 3; i++)
		v.data[i] += (ptrdiff_t)(r.y / 2) * m->stride[i] + r.x / 2;
	return v;
}

void hw_scale_nv12_to_i420(const HwMapping *src, const HwMapping *dst)
{
	(void)NV12ToI420(src->data[0], src->stride[0], src->data[1], src->stride[1], dst->data[0],
			 dst->stride[0], dst->data[1], dst->stride[1], dst->data[2], dst->stride[2],
			 src->width, src->height);
}

static int scale_libyuv(const HwMapping *src, const HwMapping *dst)
{
	int r;

	if (src->format == HW_FORMAT_BGRA)
		r = ARGBScale(src->data[0], src->stride[0], src->width, src->height, dst->data[0],
			      dst->stride[0], dst->width, dst->height, kFilterBox);
	else
		r = I420Scale(src->data[0], src->stride[0], src->data[1], src->stride[1],
			      src->data[2], src->stride[2], src->width, src->height, dst->data[0],
			      dst->stride[0], dst->data[1], dst->stride[1], dst->data[2],
			      dst->stride[2], dst->width, dst->height, kFilterBox);
	return r ? -ENOMEM : 0;
}

/* The context for these sizes; the one unused for longest makes room. */
static struct SwsContext *context(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	Context *oldest = &s->contexts[0];

	s->pictures++;
	for (int i = 0; i < CONTEXTS; i++) {
		Context *c = &s->contexts[i];

		if (c->sws && c->src_w == src->width && c->src_h == src->height &&
		    c->dst_w == dst->width && c->dst_h == dst->height) {
			c->used = s->pictures;
			return c->sws;
		}
		if (c->used < oldest->used)
			oldest = c;
	}
	sws_freeContext(oldest->sws);
	*oldest = (Context){ src->width, src->height, dst->width, dst->height, s->pictures, NULL };
	/* "area" averages when it shrinks and is bilinear when it enlarges */
	oldest->sws = sws_getContext(src->width, src->height, AV_PIX_FMT_YUV420P, dst->width,
				     dst->height, AV_PIX_FMT_YUV420P, SWS_AREA, NULL, NULL, NULL);
	return oldest->sws;
}

static void copy(const HwMapping *src, const HwMapping *dst)
{
	(void)I420Copy(src->data[0], src->stride[0], src->data[1], src->stride[1], src->data[2],
		       src->stride[2], dst->data[0], dst->stride[0], dst->data[1], dst->stride[1],
		       dst->data[2], dst->stride[2], src->width, src->height);
}

static int scale_swscale(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	struct SwsContext *sws = context(s, src, dst);
	HwMapping out;
	int r;

	if (!sws)
		return scale_libyuv(src, dst);
	r = hw_scratch_picture(&s->out, HW_FORMAT_I420, dst->width, dst->height, &out);
	if (r < 0)
		return r;
	r = sws_scale(sws, (const uint8_t *const *)src->data, src->stride, 0, src->height, out.data,
		      out.stride);
	if (r != dst->height)
		return -EIO;
	copy(&out, dst);
	return 0;
}

/* dst / src is one of the ratios libyuv has a kernel for; elsewhere swscale is up to twice as fast
 * (benches/bench_hw_scale) */
static bool is_exact(int src, int dst)
{
	return src == dst || src == dst * 2 || src == dst * 4 || src * 3 == dst * 4 ||
	       src * 3 == dst * 8 || src * 2 == dst;
}

static bool is_exact_size(const HwMapping *src, const HwMapping *dst)
{
	return is_exact(src->width, dst->width) && is_exact(src->height, dst->height) &&
	       (src->width < dst->width) == (src->height < dst->height);
}

static int scale_once(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	if (src->format == HW_FORMAT_BGRA || is_exact_size(src, dst))
		return scale_libyuv(src, dst);
	return scale_swscale(s, src, dst);
}

/* Halving first is cheaper than one large step, and averages as well. */
static int scale_in_steps(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	HwMapping from = *src, halved;

	for (unsigned i = 0; from.width > dst->width * 2 && from.height > dst->height * 2 &&
			     !is_exact_size(&from, dst);
	     i ^= 1) {
		int r = hw_scratch_picture(&s->half[i], from.format, (from.width + 1) / 2,
					   (from.height + 1) / 2, &halved);

		if (r >= 0)
			r = scale_libyuv(&from, &halved);
		if (r < 0)
			return r;
		from = halved;
	}
	return scale_once(s, &from, dst);
}

int hw_scaler_scale(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	HwMapping planar;
	int r;

	if (src->format != HW_FORMAT_NV12)
		return scale_in_steps(s, src, dst);
	if (src->width == dst->width && src->height == dst->height) {
		hw_scale_nv12_to_i420(src, dst);
		return 0;
	}
	r = hw_scratch_picture(&s->planar, HW_FORMAT_I420, src->width, src->height, &planar);
	if (r < 0)
		return r;
	hw_scale_nv12_to_i420(src, &planar);
	return scale_in_steps(s, &planar, dst);
}
