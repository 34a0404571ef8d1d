/* One encode of the canvas, with its thread. Private to video/; public functions in engine.h.
 *
 *   vtick: post() -> mailbox, newest wins -> enc: [scale] -> encode -> on_packet
 */
#pragma once
#include "video/engine.h"

/* What the rendition takes from the engine. */
typedef struct McuRenditionEnv {
	HwDevice *device;
	int width, height, fps; /* canvas */
	bool manual;            /* no thread: mcu_rendition_run() encodes */
} McuRenditionEnv;

/** One reference.   Errors: as mcu_video_engine_add_rendition().   Thread: loop. */
int mcu_rendition_new(const McuRenditionEnv *env, const McuRenditionConfig *config,
		      McuRendition **ret, McuDiag *reterr) MCU_WARN_UNUSED;
McuRendition *mcu_rendition_ref(McuRendition *r);
void mcu_rendition_unref(McuRendition *r);

/** Joins the thread. post() may still be called and does nothing.   Thread: loop. */
void mcu_rendition_stop(McuRendition *r);

/** Offer the canvas of the tick at now_ns; decides whether it is to be encoded.
 * Thread: vtick; no allocation, no lock. */
void mcu_rendition_post(McuRendition *r, HwFrame *canvas, int64_t now_ns);

/** Encode what is in the mailbox.   Thread: enc. */
void mcu_rendition_run(McuRendition *r);

/** The engine's frame rate has changed (overload).   Thread: any. */
void mcu_rendition_set_engine_fps(McuRendition *r, int fps);

/** Canvases replaced before they were encoded.   Thread: any. */
uint64_t mcu_rendition_overwritten(McuRendition *r);
