#include "hw/soft/scale.h"

#include <libyuv.h>
#include <stdlib.h>

#include "hw/pool.h"

struct HwScaler {
	HwScratch planar;  /* NV12 taken apart */
	HwScratch half[2]; /* steps of a large reduction, in turn */
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

static int scale_plain(const HwMapping *src, const HwMapping *dst)
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

/* libyuv has a fast kernel for these */
static bool is_exact_reduction(int src, int dst)
{
	return src == dst * 4 || src * 3 == dst * 8;
}

int hw_scaler_scale(HwScaler *s, const HwMapping *src, const HwMapping *dst)
{
	HwMapping step, planar;
	int r;

	if (src->format == HW_FORMAT_NV12) {
		if (src->width == dst->width && src->height == dst->height) {
			hw_scale_nv12_to_i420(src, dst);
			return 0;
		}
		r = hw_scratch_picture(&s->planar, HW_FORMAT_I420, src->width, src->height,
				       &planar);
		if (r < 0)
			return r;
		hw_scale_nv12_to_i420(src, &planar);
		src = &planar;
	}
	for (unsigned i = 0; src->width > dst->width * 2 && src->height > dst->height * 2; i ^= 1) {
		HwMapping halved;

		if (is_exact_reduction(src->width, dst->width) &&
		    is_exact_reduction(src->height, dst->height))
			break;
		r = hw_scratch_picture(&s->half[i], src->format, (src->width + 1) / 2,
				       (src->height + 1) / 2, &halved);
		if (r >= 0)
			r = scale_plain(src, &halved);
		if (r < 0)
			return r;
		step = halved;
		src = &step;
	}
	return scale_plain(src, dst);
}
