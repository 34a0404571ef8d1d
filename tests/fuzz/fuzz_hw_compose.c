/* Random draw lists: the canvas is never overrun, and painting by steps equals painting at once. */
#include <string.h>

#include "base/bytes.h"
#include "hw/hw.h"

#define W     48
#define H     32
#define GUARD 0xa5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct World {
	HwDevice *device;
	HwFrame *sources[4];
} World;

static const struct {
	HwFormat format;
	int w, h;
} kinds[4] = {
	{ HW_FORMAT_I420, 40, 24 },
	{ HW_FORMAT_NV12, 17, 13 },
	{ HW_FORMAT_BGRA, 20, 11 },
	{ HW_FORMAT_I420, 1, 1 },
};

static void make_world(World *w)
{
	if (hw_device_open(&(HwDeviceConfig){ .backend = HW_BACKEND_SOFT }, &w->device, NULL) < 0)
		g_assert_not_reached();
	for (int i = 0; i < 4; i++) {
		HwMapping m;

		if (hw_frame_new(kinds[i].format, kinds[i].w, kinds[i].h, &w->sources[i]) < 0 ||
		    hw_frame_map(w->sources[i], &m) < 0)
			g_assert_not_reached();
		for (int p = 0; p < 3 && m.data[p]; p++)
			for (int y = 0; y < (p ? (m.height + 1) / 2 : m.height); y++)
				for (int x = 0; x < m.stride[p]; x++)
					m.data[p][y * m.stride[p] + x] =
						(uint8_t)(x * 37 + y * 91 + p);
	}
}

static int coordinate(McuReader *r)
{
	int v = (int8_t)mcu_read_u8(r);

	return v == 127 ? G_MAXINT - 5 : v == -128 ? G_MININT : v;
}

static HwRect rect(McuReader *r)
{
	HwRect v;

	v.x = coordinate(r);
	v.y = coordinate(r);
	v.w = coordinate(r);
	v.h = coordinate(r);
	return v;
}

static size_t read_list(const World *w, McuReader *r, HwDrawItem *items, size_t max)
{
	size_t n = mcu_read_u8(r) % (max + 1);

	for (size_t i = 0; i < n; i++) {
		uint8_t kind = mcu_read_u8(r);

		items[i] = (HwDrawItem){ .alpha = 255, .color = kind * 0x010305u };
		items[i].frame = kind % 5 < 4 ? w->sources[kind % 5] : NULL;
		items[i].dst = rect(r);
		if (kind & 0x80)
			items[i].crop = rect(r);
		if (kind & 0x40)
			items[i].alpha = mcu_read_u8(r);
	}
	return n;
}

/* Bytes behind each row's end must stay as they are. */
static void guard(HwFrame *canvas, bool check)
{
	HwMapping m;

	if (hw_frame_map(canvas, &m) < 0)
		g_assert_not_reached();
	for (int p = 0; p < 3; p++) {
		int w = p ? W / 2 : W, h = p ? H / 2 : H;

		for (int y = 0; y < h; y++)
			for (int x = w; x < m.stride[p]; x++) {
				uint8_t *at = m.data[p] + y * m.stride[p] + x;

				g_assert(!check || *at == GUARD);
				*at = GUARD;
			}
	}
}

static void assert_same(HwFrame *fa, HwFrame *fb)
{
	HwMapping a, b;

	if (hw_frame_map(fa, &a) < 0 || hw_frame_map(fb, &b) < 0)
		g_assert_not_reached();
	for (int p = 0; p < 3; p++)
		for (int y = 0; y < (p ? H / 2 : H); y++)
			g_assert(memcmp(a.data[p] + y * a.stride[p], b.data[p] + y * b.stride[p],
					p ? W / 2 : W) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	McuReader r = mcu_reader(data, size);
	g_autoptr(HwComposer) comp = NULL;
	HwFrame *canvas = NULL;
	World w = { 0 };

	make_world(&w);
	if (hw_composer_new(w.device, W, H, &comp, NULL) < 0 ||
	    hw_composer_compose(comp, &(HwDrawList){ NULL, 0, 0x123456 }, &canvas) < 0)
		g_assert_not_reached();
	guard(canvas, false);
	hw_frame_unref(canvas);
	for (int step = 0; step < 6 && !r.failed; step++) {
		g_autoptr(HwComposer) fresh = NULL;
		g_autoptr(HwFrame) a = NULL, b = NULL;
		HwDrawItem items[8];
		HwDrawList list = { items, read_list(&w, &r, items, 8), 0x123456 };

		if (hw_composer_compose(comp, &list, &a) < 0 ||
		    hw_composer_new(w.device, W, H, &fresh, NULL) < 0 ||
		    hw_composer_compose(fresh, &list, &b) < 0)
			g_assert_not_reached();
		guard(a, true); /* the one canvas is free at each step: always the same */
		assert_same(a, b);
	}
	for (int i = 0; i < 4; i++)
		hw_frame_unref(w.sources[i]);
	hw_device_unref(w.device);
	return 0;
}
