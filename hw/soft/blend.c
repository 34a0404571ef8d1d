#include "hw/soft/blend.h"

#include <libyuv.h>

#include "hw/soft/soft.h"

/* BT.709 limited range, 8 fractional bits */
enum {
	YR = 47,
	YG = 157,
	YB = 16,
	UR = -26,
	UG = -86,
	UB = 112,
	VR = 112,
	VG = -102,
	VB = -10,
};

HwYuv hw_yuv_from_rgb(uint32_t rgb)
{
	int r = rgb >> 16 & 0xff, g = rgb >> 8 & 0xff, b = rgb & 0xff;

	return (HwYuv){
		.y = (uint8_t)((YR * r + YG * g + YB * b + (16 << 8) + 128) >> 8),
		.u = (uint8_t)((UR * r + UG * g + UB * b + (128 << 8) + 128) >> 8),
		.v = (uint8_t)((VR * r + VG * g + VB * b + (128 << 8) + 128) >> 8),
	};
}

/* v / 255, rounded, for v <= 255 * 255 */
static inline __attribute__((always_inline)) unsigned div255(unsigned v)
{
	v += 128;
	return (v + (v >> 8)) >> 8;
}

HW_VECTORIZE static void mix_row(uint8_t *dst, const uint8_t *src, int n, uint8_t alpha)
{
	for (int i = 0; i < n; i++)
		dst[i] = (uint8_t)div255(src[i] * (unsigned)alpha + dst[i] * (255u - alpha));
}

HW_VECTORIZE static void mix_row_value(uint8_t *dst, uint8_t value, int n, uint8_t alpha)
{
	for (int i = 0; i < n; i++)
		dst[i] = (uint8_t)div255(value * (unsigned)alpha + dst[i] * (255u - alpha));
}

void hw_fill(const HwMapping *dst, uint32_t rgb, uint8_t alpha)
{
	HwYuv c = hw_yuv_from_rgb(rgb);
	const uint8_t value[3] = { c.y, c.u, c.v };

	for (int i = 0; i < 3; i++) {
		int w = i ? dst->width / 2 : dst->width, h = i ? dst->height / 2 : dst->height;

		if (alpha == 255) {
			SetPlane(dst->data[i], dst->stride[i], w, h, value[i]);
			continue;
		}
		for (int y = 0; y < h; y++)
			mix_row_value(dst->data[i] + (ptrdiff_t)y * dst->stride[i], value[i], w,
				      alpha);
	}
}

void hw_blend_i420(const HwMapping *src, const HwMapping *dst, uint8_t alpha)
{
	for (int i = 0; i < 3; i++) {
		int w = i ? dst->width / 2 : dst->width, h = i ? dst->height / 2 : dst->height;

		for (int y = 0; y < h; y++)
			mix_row(dst->data[i] + (ptrdiff_t)y * dst->stride[i],
				src->data[i] + (ptrdiff_t)y * src->stride[i], w, alpha);
	}
}

static inline uint8_t clamp_u8(int v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Luma of one row. The overlay's colours are premultiplied, so black level counts by its alpha.
 * Inlined, so that the usual alpha of 255 costs nothing. */
static inline __attribute__((always_inline)) void
luma_pixels(uint8_t *restrict dst, const uint8_t *restrict bgra, int n, unsigned alpha)
{
	for (int i = 0; i < n; i++) {
		unsigned b = div255(bgra[i * 4] * alpha), g = div255(bgra[i * 4 + 1] * alpha);
		unsigned r = div255(bgra[i * 4 + 2] * alpha), a = div255(bgra[i * 4 + 3] * alpha);
		unsigned over = (YR * r + YG * g + YB * b + 16 * a + 128) >> 8;
		unsigned v = over + div255(dst[i] * (255 - a));

		dst[i] = (uint8_t)(v > 255 ? 255 : v);
	}
}

HW_VECTORIZE static void luma_row(uint8_t *dst, const uint8_t *bgra, int n, unsigned alpha)
{
	if (alpha == 255)
		luma_pixels(dst, bgra, n, 255);
	else
		luma_pixels(dst, bgra, n, alpha);
}

static inline __attribute__((always_inline)) void
chroma_pixels(uint8_t *restrict dst_u, uint8_t *restrict dst_v, const uint8_t *restrict top,
	      const uint8_t *restrict bottom, int n, unsigned alpha)
{
	for (int i = 0; i < n; i++) {
		int sum[4]; /* b g r a over 2x2 pixels */

		for (int c = 0; c < 4; c++)
			sum[c] = (int)(div255(top[i * 8 + c] * alpha) +
				       div255(top[i * 8 + 4 + c] * alpha) +
				       div255(bottom[i * 8 + c] * alpha) +
				       div255(bottom[i * 8 + 4 + c] * alpha));
		int u = (UR * sum[2] + UG * sum[1] + UB * sum[0] + 128 * sum[3] + 512) >> 10;
		int v = (VR * sum[2] + VG * sum[1] + VB * sum[0] + 128 * sum[3] + 512) >> 10;
		unsigned keep = 255 - (unsigned)((sum[3] + 2) >> 2);

		dst_u[i] = clamp_u8(u + (int)div255(dst_u[i] * keep));
		dst_v[i] = clamp_u8(v + (int)div255(dst_v[i] * keep));
	}
}

HW_VECTORIZE static void chroma_row(uint8_t *dst_u, uint8_t *dst_v, const uint8_t *top,
				    const uint8_t *bottom, int n, unsigned alpha)
{
	if (alpha == 255)
		chroma_pixels(dst_u, dst_v, top, bottom, n, 255);
	else
		chroma_pixels(dst_u, dst_v, top, bottom, n, alpha);
}

void hw_blend_bgra(const HwMapping *src, const HwMapping *dst, uint8_t alpha)
{
	for (int y = 0; y < dst->height; y += 2) {
		const uint8_t *top = src->data[0] + (ptrdiff_t)y * src->stride[0];
		const uint8_t *bottom = top + src->stride[0];
		uint8_t *luma = dst->data[0] + (ptrdiff_t)y * dst->stride[0];

		luma_row(luma, top, dst->width, alpha);
		luma_row(luma + dst->stride[0], bottom, dst->width, alpha);
		chroma_row(dst->data[1] + (ptrdiff_t)(y / 2) * dst->stride[1],
			   dst->data[2] + (ptrdiff_t)(y / 2) * dst->stride[2], top, bottom,
			   dst->width / 2, alpha);
	}
}
