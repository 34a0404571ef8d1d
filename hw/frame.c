#include <stdlib.h>

#include "hw/ops.h"
#include "hw/pool.h"

#define ALIGN       64
#define TAIL_PAD    64 /* vector code reads past the last row */
#define ALIGN_UP(v) (((v) + ALIGN - 1) & ~(ALIGN - 1))

/* The one counter all frames share: serials must differ across devices and pools. */
static _Atomic uint64_t last_serial;

uint64_t hw_frame_next_serial(void)
{
	return atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
}

void hw_frame_init(HwFrame *frame, const HwFrameOps *ops, HwFormat format, int width, int height)
{
	frame->ops = ops;
	atomic_init(&frame->refs, 1);
	frame->format = format;
	frame->width = width;
	frame->height = height;
	frame->serial = hw_frame_next_serial();
	frame->map.format = format;
	frame->map.width = width;
	frame->map.height = height;
}

typedef struct PlaneLayout {
	size_t offset[3], total;
	int stride[3];
} PlaneLayout;

static PlaneLayout layout_planes(HwFormat format, int width, int height)
{
	int chroma_w = (width + 1) / 2, chroma_h = (height + 1) / 2;
	int widths[3] = { width }, heights[3] = { height };
	PlaneLayout l = { 0 };

	if (format == HW_FORMAT_BGRA) {
		widths[0] = width * 4;
	} else if (format == HW_FORMAT_NV12) {
		widths[1] = chroma_w * 2;
		heights[1] = chroma_h;
	} else {
		widths[1] = widths[2] = chroma_w;
		heights[1] = heights[2] = chroma_h;
	}
	for (int i = 0; i < 3 && widths[i]; i++) {
		l.stride[i] = ALIGN_UP(widths[i]);
		l.offset[i] = l.total;
		l.total += (size_t)l.stride[i] * (size_t)heights[i];
	}
	l.total = ALIGN_UP(l.total + TAIL_PAD);
	return l;
}

size_t hw_frame_bytes(HwFormat format, int width, int height)
{
	return layout_planes(format, width, height).total;
}

void hw_frame_layout(HwMapping *map, uint8_t *block)
{
	PlaneLayout l = layout_planes(map->format, map->width, map->height);

	for (int i = 0; i < 3; i++) {
		map->data[i] = l.stride[i] ? block + l.offset[i] : NULL;
		map->stride[i] = l.stride[i];
	}
}

int hw_frame_alloc_planes(HwFrame *frame)
{
	uint8_t *block =
		aligned_alloc(ALIGN, hw_frame_bytes(frame->format, frame->width, frame->height));

	if (!block)
		return -ENOMEM;
	frame->map.format = frame->format;
	frame->map.width = frame->width;
	frame->map.height = frame->height;
	hw_frame_layout(&frame->map, block);
	return 0;
}

static void system_destroy(HwFrame *frame)
{
	free(frame->map.data[0]);
	g_free(frame);
}

static const HwFrameOps system_ops = { .destroy = system_destroy };

int hw_frame_new(HwFormat format, int width, int height, HwFrame **ret)
{
	HwFrame *frame;
	int r;

	if (!hw_format_name(format) || width < 1 || height < 1 || width > HW_MAX_SIZE ||
	    height > HW_MAX_SIZE)
		return -EINVAL;
	frame = g_new0(HwFrame, 1);
	hw_frame_init(frame, &system_ops, format, width, height);
	r = hw_frame_alloc_planes(frame);
	if (r < 0) {
		g_free(frame);
		return r;
	}
	*ret = frame;
	return 0;
}

HwFrame *hw_frame_ref(HwFrame *frame)
{
	atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
	return frame;
}

void hw_frame_unref(HwFrame *frame)
{
	struct HwFramePool *pool;

	if (!frame)
		return;
	pool = frame->pool;
	if (atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* the pool may already have handed the frame out again: do not touch it any more */
	if (pool)
		hw_frame_pool_unref(pool);
	else
		frame->ops->destroy(frame);
}

int hw_frame_width(const HwFrame *frame)
{
	return frame->width;
}

int hw_frame_height(const HwFrame *frame)
{
	return frame->height;
}

HwFormat hw_frame_format(const HwFrame *frame)
{
	return frame->format;
}

int64_t hw_frame_pts_ns(const HwFrame *frame)
{
	return frame->pts_ns;
}

void hw_frame_set_pts_ns(HwFrame *frame, int64_t pts_ns)
{
	frame->pts_ns = pts_ns;
}

uint64_t hw_frame_serial(const HwFrame *frame)
{
	return frame->serial;
}

int hw_frame_map(HwFrame *frame, HwMapping *ret)
{
	if (frame->ops->map)
		return frame->ops->map(frame, ret);
	*ret = frame->map;
	return 0;
}
