/* Bounded pool of frames in system memory, all of one format and size. Private to hw/.
 *
 *   acquire --> frame (refs 1) --unref to 0, any thread--> free again
 *
 * Lock-free; memory is allocated when a slot is first used and goes when the pool and all frames
 * taken from it are gone. A slot keeps its pixels between uses: the composer relies on it.
 */
#pragma once
#include "hw/ops.h"

#define HW_POOL_MAX 8

typedef struct HwFramePool HwFramePool;

/** Budget: at most `capacity` (<= HW_POOL_MAX) frames are out at once. */
HwFramePool *hw_frame_pool_new(HwFormat format, int width, int height, unsigned capacity);

/** Frames that are out stay valid. NULL is allowed. */
void hw_frame_pool_free(HwFramePool *pool);

/** Is nobody holding this slot's frame? Stays true until the owner takes it. Thread: owner. */
bool hw_frame_pool_is_free(const HwFramePool *pool, unsigned slot);

/** Take the frame of a free slot, with a new serial. Errors: -EAGAIN it is held; -ENOMEM.
 * Thread: owner (one at a time).
 */
int hw_frame_pool_take(HwFramePool *pool, unsigned slot, HwFrame **ret) MCU_WARN_UNUSED;

/** Take any free frame. Errors: -EAGAIN all are held; -ENOMEM. Thread: owner. */
int hw_frame_pool_acquire(HwFramePool *pool, HwFrame **ret) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HwFramePool, hw_frame_pool_free)

/** A frame of the pool lost its last reference. Thread: any. */
void hw_frame_pool_unref(HwFramePool *pool);

/** Fill in `frame->map` with 64-byte aligned planes in one block, with room for SIMD to read past
 * the end. Errors: -ENOMEM.  Owns: caller frees map.data[0] with free().
 */
int hw_frame_alloc_planes(HwFrame *frame) MCU_WARN_UNUSED;

/** Bytes that one frame of this kind takes. */
size_t hw_frame_bytes(HwFormat format, int width, int height);

/** Place the planes of map's format and size into `block` of hw_frame_bytes(). */
void hw_frame_layout(HwMapping *map, uint8_t *block);
