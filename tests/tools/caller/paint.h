/* Filled shapes with soft edges on I420 pictures. Coordinates in pixels, may leave the picture.
 * Pure. */
#pragma once
#include "hw/hw.h"

/** Luma and chroma of a colour, 8 bit. */
typedef struct McuPaint {
	uint8_t y, u, v;
} McuPaint;

/** BT.709, limited range. hue 0..1, saturation 0..1, value 0..1. */
McuPaint mcu_paint_hsv(double hue, double saturation, double value);

typedef struct McuEllipse {
	double x, y;   /* centre */
	double rx, ry; /* radii */
} McuEllipse;

/** alpha 0..1. */
void mcu_paint_ellipse(const HwMapping *picture, const McuEllipse *e, McuPaint paint, double alpha);

/** A gradient from top left to bottom right over the whole picture. */
void mcu_paint_gradient(const HwMapping *picture, McuPaint from, McuPaint to);
