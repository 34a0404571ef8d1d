/* vtick: the frame clock. Composes the newest plan at each deadline and offers the canvas to every
 * rendition. Private to video/.
 */
#pragma once
#include "base/thread.h"
#include "video/rendition.h"
#include "video/stage.h"

typedef struct McuFrameClock McuFrameClock;

typedef struct McuFrameClockStats {
	uint64_t ticks, skipped, composed, unchanged, failed, compose_ns, compose_max_ns;
} McuFrameClockStats;

/** Borrows `stage`.
 * Errors: what hw_composer_new() returns.   Thread: loop, for all but tick(). */
int mcu_frame_clock_new(HwDevice *device, int width, int height, int fps, McuStage *stage,
			McuFrameClock **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_frame_clock_start(McuFrameClock *c);
/** Joins the thread. */
void mcu_frame_clock_stop(McuFrameClock *c);
void mcu_frame_clock_free(McuFrameClock *c);

/** Renditions from the next tick on. References are taken; n <= MCU_MAX_RENDITIONS. */
void mcu_frame_clock_set_renditions(McuFrameClock *c, McuRendition *const *r, size_t n);
/** Let go of what the thread no longer uses. */
void mcu_frame_clock_reap(McuFrameClock *c);
/** Takes effect at the next deadline. */
void mcu_frame_clock_set_fps(McuFrameClock *c, int fps);
int mcu_frame_clock_fps(const McuFrameClock *c);

/** Keep a reference of the next canvas, then wake. */
void mcu_frame_clock_want_snapshot(McuFrameClock *c, McuWake *wake);
/** The canvas that was kept, or NULL. Owns: caller. */
HwFrame *mcu_frame_clock_take_snapshot(McuFrameClock *c);

void mcu_frame_clock_stats(McuFrameClock *c, McuFrameClockStats *ret);

/** One tick. The canvas is the caller's; NULL when there is none.
 * Thread: vtick, or the only thread when it was not started; no allocation, no contended lock. */
HwFrame *mcu_frame_clock_tick(McuFrameClock *c, int64_t now_ns);
