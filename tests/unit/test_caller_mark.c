/* Marks survive what a mixer and a codec do to a picture: scaling, cropping, blur, noise, dimming.
 */
#include <libyuv.h>
#include <math.h>
#include <string.h>

#include "../tools/caller/mark.h"

static HwFrame *frame_new(int w, int h, HwMapping *map)
{
	HwFrame *frame = NULL;

	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, w, h, &frame), ==, 0);
	g_assert_cmpint(hw_frame_map(frame, map), ==, 0);
	return frame;
}

static void fill(const HwMapping *m, uint8_t y, uint8_t u, uint8_t v)
{
	g_assert_cmpint(I420Rect(m->data[0], m->stride[0], m->data[1], m->stride[1], m->data[2],
				 m->stride[2], 0, 0, m->width, m->height, y, u, v),
			==, 0);
}

/* A gradient with the mark on it. */
static HwFrame *marked_picture(int w, int h, McuMark mark, HwMapping *map)
{
	HwFrame *frame = frame_new(w, h, map);

	fill(map, 90, 120, 140);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			map->data[0][y * map->stride[0] + x] =
				(uint8_t)(40 + x * 100 / w + y * 60 / h);
	g_assert_cmpint(mcu_mark_draw(map, mark), ==, 0);
	return frame;
}

/* Scale all of `src` into a rectangle of `dst`. */
static void scale_into(const HwMapping *src, const HwMapping *dst, HwRect r)
{
	uint8_t *y = dst->data[0] + r.y * dst->stride[0] + r.x;
	uint8_t *u = dst->data[1] + r.y / 2 * dst->stride[1] + r.x / 2;
	uint8_t *v = dst->data[2] + r.y / 2 * dst->stride[2] + r.x / 2;

	g_assert_cmpint(I420Scale(src->data[0], src->stride[0], src->data[1], src->stride[1],
				  src->data[2], src->stride[2], src->width, src->height, y,
				  dst->stride[0], u, dst->stride[1], v, dst->stride[2], r.w, r.h,
				  kFilterBox),
			==, 0);
}

static void assert_found(const HwMapping *map, McuMark mark, McuMarkHit *ret)
{
	McuMarkHit hits[MCU_MARK_MAX];

	g_assert_cmpint(mcu_mark_find(map, hits, MCU_MARK_MAX), ==, 1);
	g_assert_cmpint(hits[0].mark.id, ==, mark.id);
	g_assert_cmpint(hits[0].mark.clock_ms, ==, mark.clock_ms);
	if (ret)
		*ret = hits[0];
}

static void test_pack(void)
{
	for (unsigned id = 0; id < 256; id++) {
		McuMark mark = { (uint8_t)id, (uint16_t)(id * 977) }, out;
		uint64_t bits = mcu_mark_pack(mark);

		g_assert_cmpint(mcu_mark_unpack(bits, &out), ==, 0);
		g_assert_cmpint(out.id, ==, mark.id);
		g_assert_cmpint(out.clock_ms, ==, mark.clock_ms);
		for (int bit = 0; bit < 36; bit++)
			g_assert_cmpint(mcu_mark_unpack(bits ^ UINT64_C(1) << bit, &out), ==,
					-EINVAL);
	}
	/* a flat picture is no mark */
	McuMark out;
	g_assert_cmpint(mcu_mark_unpack(0, &out), ==, -EINVAL);
	g_assert_cmpint(mcu_mark_unpack(UINT64_C(0xfffffffff), &out), ==, -EINVAL);
}

static void test_sizes(void)
{
	static const int sizes[][2] = { { 160, 90 },  { 176, 144 }, { 320, 180 },  { 352, 288 },
					{ 640, 360 }, { 640, 480 }, { 1280, 720 }, { 1920, 1080 } };

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		HwMapping map;
		McuMark mark = { (uint8_t)(i + 1), (uint16_t)(i * 7919) };
		g_autoptr(HwFrame) frame = marked_picture(sizes[i][0], sizes[i][1], mark, &map);
		McuMarkHit hit;

		assert_found(&map, mark, &hit);
		g_assert_cmpint(ABS(hit.rect.x + hit.rect.w / 2 - map.width / 2), <=, 3);
		g_assert_cmpint(hit.contrast, >, 180);
	}
}

static void test_grid(void)
{
	static const int source[][2] = { { 320, 180 }, { 640, 360 }, { 1280, 720 } };

	for (int n = 1; n <= 5; n++)
		for (size_t k = 0; k < G_N_ELEMENTS(source); k++) {
			HwMapping canvas;
			g_autoptr(HwFrame) frame = frame_new(1280, 720, &canvas);
			McuMarkHit hits[MCU_MARK_MAX];

			fill(&canvas, 16, 128, 128);
			for (int i = 0; i < n * n; i++) {
				HwMapping map;
				McuMark mark = { (uint8_t)(100 + i), (uint16_t)(i * 1000) };
				g_autoptr(HwFrame) src =
					marked_picture(source[k][0], source[k][1], mark, &map);

				scale_into(&map, &canvas,
					   (HwRect){ i % n * (1280 / n & ~1),
						     i / n * (720 / n & ~1), 1280 / n & ~1,
						     720 / n & ~1 });
			}
			g_assert_cmpint(mcu_mark_find(&canvas, hits, MCU_MARK_MAX), ==, n * n);
			for (int i = 0; i < n * n; i++) {
				HwRect tile = mcu_mark_tile(hits[i].rect);
				int at = hits[i].mark.id - 100;

				g_assert_cmpint(at, ==, i);
				g_assert_cmpint(ABS(tile.x - i % n * (1280 / n)), <=,
						1280 / n / 10);
				g_assert_cmpint(ABS(tile.y - i / n * (720 / n)), <=, 720 / n / 10);
				g_assert_cmpint(ABS(tile.w - 1280 / n), <=, 1280 / n / 10);
			}
		}
}

static void test_crop(void)
{
	HwMapping map, out;
	McuMark mark = { 42, 54321 };
	g_autoptr(HwFrame) src = marked_picture(640, 360, mark, &map);
	g_autoptr(HwFrame) dst = frame_new(256, 144, &out);
	HwMapping cut = map;

	/* a tenth of each side away, then down to a tile of a 5 x 5 grid */
	cut.width = 512;
	cut.height = 288;
	cut.data[0] += 36 * map.stride[0] + 64;
	cut.data[1] += 18 * map.stride[1] + 32;
	cut.data[2] += 18 * map.stride[2] + 32;
	scale_into(&cut, &out, (HwRect){ 0, 0, 256, 144 });
	assert_found(&out, mark, NULL);
}

static void test_dim(void)
{
	HwMapping map;
	McuMark mark = { 7, 65535 };
	g_autoptr(HwFrame) frame = marked_picture(320, 180, mark, &map);
	McuMarkHit hit;

	/* black at 60 % over it */
	for (int p = 0; p < 3; p++)
		for (int i = 0; i < map.stride[p] * (p ? 90 : 180); i++)
			map.data[p][i] = (uint8_t)((map.data[p][i] * 2 + (p ? 128 : 16) * 3) / 5);
	assert_found(&map, mark, &hit);
	g_assert_cmpint(hit.contrast, <, 100);
}

static void test_noise_blur(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	HwMapping map, small, big;
	McuMark mark = { 200, 1 };
	g_autoptr(HwFrame) src = marked_picture(640, 360, mark, &map);
	g_autoptr(HwFrame) tile = frame_new(256, 144, &small);
	g_autoptr(HwFrame) wide = frame_new(1280, 720, &big);

	scale_into(&map, &small, (HwRect){ 0, 0, 256, 144 });
	scale_into(&small, &big, (HwRect){ 0, 0, 1280, 720 });
	for (int p = 0; p < 3; p++)
		for (int i = 0; i < big.stride[p] * (p ? 360 : 720); i++)
			big.data[p][i] = (uint8_t)CLAMP(
				big.data[p][i] + g_rand_int_range(rand, -20, 21), 0, 255);
	assert_found(&big, mark, NULL);
}

static void test_nothing(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(2);
	HwMapping map;
	g_autoptr(HwFrame) frame = frame_new(1280, 720, &map);
	McuMarkHit hits[MCU_MARK_MAX];

	for (int round = 0; round < 20; round++) {
		for (int p = 0; p < 3; p++)
			for (int i = 0; i < map.stride[p] * (p ? 360 : 720); i++)
				map.data[p][i] = (uint8_t)g_rand_int(rand);
		g_assert_cmpint(mcu_mark_find(&map, hits, MCU_MARK_MAX), ==, 0);
	}
	fill(&map, 96, 206, 206);
	g_assert_cmpint(mcu_mark_find(&map, hits, MCU_MARK_MAX), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/caller/mark/pack", test_pack);
	g_test_add_func("/caller/mark/sizes", test_sizes);
	g_test_add_func("/caller/mark/grid", test_grid);
	g_test_add_func("/caller/mark/crop", test_crop);
	g_test_add_func("/caller/mark/dim", test_dim);
	g_test_add_func("/caller/mark/noise-blur", test_noise_blur);
	g_test_add_func("/caller/mark/nothing", test_nothing);
	return g_test_run();
}
