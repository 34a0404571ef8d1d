#include "paint.h"

#include <math.h>
#include <string.h>

static uint8_t clip(double v)
{
	return (uint8_t)lrint(fmin(fmax(v, 0), 255));
}

McuPaint mcu_paint_hsv(double hue, double s, double value)
{
	double rgb[3], y;

	for (int i = 0; i < 3; i++) {
		double k = fmod(fmod(hue, 1) * 6 + (double[]){ 5, 3, 1 }[i], 6);

		rgb[i] = value - value * s * fmax(0, fmin(fmin(k, 4 - k), 1));
	}
	y = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
	return (McuPaint){ clip(16 + 219 * y), clip(128 + 224 * (rgb[2] - y) / 1.8556),
			   clip(128 + 224 * (rgb[0] - y) / 1.5748) };
}

static void blend(uint8_t *row, int x, uint8_t value, int alpha)
{
	row[x] = (uint8_t)(row[x] + ((value - row[x]) * alpha + 128) / 256);
}

/* One row of a shape between x0 and x1, its two ends in proportion to what they cover. */
static void span(uint8_t *row, int width, double x0, double x1, uint8_t value, int alpha)
{
	int from, to;

	x0 = fmax(x0, 0);
	x1 = fmin(x1, width);
	if (x1 <= x0)
		return;
	from = (int)ceil(x0);
	to = (int)floor(x1);
	if (from > to) {
		blend(row, to, value, (int)((x1 - x0) * alpha));
		return;
	}
	if (from > x0)
		blend(row, from - 1, value, (int)((from - x0) * alpha));
	if (alpha >= 256)
		memset(row + from, value, (size_t)(to - from));
	else
		for (int x = from; x < to; x++)
			blend(row, x, value, alpha);
	if (to < x1)
		blend(row, to, value, (int)((x1 - to) * alpha));
}

static void plane_ellipse(uint8_t *plane, int stride, int width, int height, const McuEllipse *e,
			  uint8_t value, int alpha)
{
	int y0 = MAX(0, (int)floor(e->y - e->ry)), y1 = MIN(height, (int)ceil(e->y + e->ry));

	for (int y = y0; y < y1; y++) {
		double d = (y + 0.5 - e->y) / e->ry, half;

		if (fabs(d) >= 1)
			continue;
		half = e->rx * sqrt(1 - d * d);
		span(plane + y * stride, width, e->x - half, e->x + half, value, alpha);
	}
}

void mcu_paint_ellipse(const HwMapping *pic, const McuEllipse *e, McuPaint paint, double alpha)
{
	McuEllipse half = { e->x / 2, e->y / 2, e->rx / 2, e->ry / 2 };
	int a = (int)(alpha * 256);

	plane_ellipse(pic->data[0], pic->stride[0], pic->width, pic->height, e, paint.y, a);
	plane_ellipse(pic->data[1], pic->stride[1], pic->width / 2, pic->height / 2, &half, paint.u,
		      a);
	plane_ellipse(pic->data[2], pic->stride[2], pic->width / 2, pic->height / 2, &half, paint.v,
		      a);
}

static void plane_gradient(uint8_t *plane, int stride, int width, int height, int from, int to)
{
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			plane[y * stride + x] =
				(uint8_t)(from + (to - from) * (x * height + y * width) /
							 (2 * width * height));
}

void mcu_paint_gradient(const HwMapping *pic, McuPaint from, McuPaint to)
{
	plane_gradient(pic->data[0], pic->stride[0], pic->width, pic->height, from.y, to.y);
	plane_gradient(pic->data[1], pic->stride[1], pic->width / 2, pic->height / 2, from.u, to.u);
	plane_gradient(pic->data[2], pic->stride[2], pic->width / 2, pic->height / 2, from.v, to.v);
}
