#include "hw/pool.h"

#include <stdlib.h>

struct HwFramePool {
	_Atomic uint32_t refs; /* the owner's and one for each frame that is out */
	HwFormat format;
	int width, height;
	unsigned capacity;
	HwFrame frames[HW_POOL_MAX]; /* refs 0: free; map.data[0] NULL: never used */
};

static const HwFrameOps pooled_ops = { 0 };

HwFramePool *hw_frame_pool_new(HwFormat format, int width, int height, unsigned capacity)
{
	HwFramePool *pool = g_new0(HwFramePool, 1);

	g_assert(capacity >= 1 && capacity <= HW_POOL_MAX);
	atomic_init(&pool->refs, 1);
	pool->format = format;
	pool->width = width;
	pool->height = height;
	pool->capacity = capacity;
	return pool;
}

void hw_frame_pool_unref(HwFramePool *pool)
{
	if (atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < pool->capacity; i++)
		free(pool->frames[i].map.data[0]);
	g_free(pool);
}

void hw_frame_pool_free(HwFramePool *pool)
{
	if (pool)
		hw_frame_pool_unref(pool);
}

bool hw_frame_pool_is_free(const HwFramePool *pool, unsigned slot)
{
	return atomic_load_explicit(&pool->frames[slot].refs, memory_order_acquire) == 0;
}

int hw_frame_pool_take(HwFramePool *pool, unsigned slot, HwFrame **ret)
{
	HwFrame *frame = &pool->frames[slot];
	int r;

	if (!hw_frame_pool_is_free(pool, slot))
		return -EAGAIN;
	if (!frame->map.data[0]) {
		frame->format = pool->format;
		frame->width = pool->width;
		frame->height = pool->height;
		r = hw_frame_alloc_planes(frame);
		if (r < 0)
			return r;
	}
	hw_frame_init(frame, &pooled_ops, pool->format, pool->width, pool->height);
	frame->pts_ns = 0;
	frame->pool = pool;
	frame->slot = slot;
	atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
	*ret = frame;
	return 0;
}

int hw_frame_pool_acquire(HwFramePool *pool, HwFrame **ret)
{
	for (unsigned i = 0; i < pool->capacity; i++)
		if (hw_frame_pool_is_free(pool, i))
			return hw_frame_pool_take(pool, i, ret);
	return -EAGAIN;
}
