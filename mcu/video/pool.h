/* The threads that decode. A source is worked on by one of them at a time; sources take turns.
 * Private to video/. */
#pragma once
#include "video/source.h"

typedef struct McuDecodePool McuDecodePool;

/** threads 0: none, mcu_decode_pool_run() does the work.   Thread: loop. */
McuDecodePool *mcu_decode_pool_new(unsigned threads);
/** Joins the threads; what is queued is not decoded.   Thread: loop. */
void mcu_decode_pool_stop(McuDecodePool *pool);
void mcu_decode_pool_free(McuDecodePool *pool);

/** There is something in the queue of `s`.   Thread: loop. */
void mcu_decode_pool_schedule(McuDecodePool *pool, McuVideoSource *s);

/** Decode all that is queued, here.   Thread: the only one, with threads 0. */
void mcu_decode_pool_run(McuDecodePool *pool);
