/* Fills and blending onto an I420 canvas. Colours are BT.709, limited range. Private to hw/. */
#pragma once
#include "hw/ops.h"

typedef struct HwYuv {
	uint8_t y, u, v;
} HwYuv;

HwYuv hw_yuv_from_rgb(uint32_t rgb);

/* `dst` is the part of the canvas that is covered: I420, even sides; `src` has its size. */

void hw_fill(const HwMapping *dst, uint32_t rgb, uint8_t alpha);
void hw_blend_i420(const HwMapping *src, const HwMapping *dst, uint8_t alpha);

/** `src` is BGRA with premultiplied alpha; its chroma is averaged over 2x2 pixels. */
void hw_blend_bgra(const HwMapping *src, const HwMapping *dst, uint8_t alpha);
