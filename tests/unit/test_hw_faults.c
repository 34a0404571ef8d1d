/* The k-th call of each kind fails: the caller gets a clean error, nothing leaks, the rest goes on.
 * The meeting below is what the worker does: decode, compose, encode, each surviving on its own. */
#include "tests/unit/hw_conformance.h"

#define PICTURES 24
#define W        320
#define H        180

static GPtrArray *units; /* GBytes: H.264, keyframe every 6 pictures */

static void make_units(void)
{
	g_autoptr(HwDevice) device = open_device(&backends[0]);
	g_autoptr(McuClip) clip = mcu_clip_new(W, H, 1);
	HwEncoderConfig config = h264_config(HW_ENCODER_AUTO, W, H, 300000);
	g_autoptr(HwEncoder) enc = open_encoder(device, &config);

	units = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (int n = 0; n < PICTURES; n++) {
		g_autoptr(HwFrame) f = clip_frame(clip, W, H, n);
		HwPacket pkt = encode_frame(enc, f, n % 6 == 0);

		g_ptr_array_add(units, g_bytes_new(pkt.data, pkt.len));
	}
}

static HwDevice *open_mock(const char *plan)
{
	HwDevice *device = NULL;
	McuDiag diag;
	int r = hw_device_open(&(HwDeviceConfig){ .backend = HW_BACKEND_MOCK, .mock = plan },
			       &device, &diag);

	if (r < 0)
		g_error("%s: %s", plan, diag.text);
	return device;
}

typedef struct Count {
	int decoded, composed, encoded, errors, opened;
} Count;

static void check_error(Count *c, int r)
{
	g_assert_true(r == -EIO || r == -ENOMEM || r == -EINVAL);
	c->errors++;
}

/* A keyframe is asked for after each error, and comes with the next 6th unit. */
static void meet(HwDevice *device, Count *c)
{
	HwEncoderConfig config = h264_config(HW_ENCODER_AUTO, W, H, 300000);
	g_autoptr(HwDecoder) dec = NULL;
	g_autoptr(HwComposer) comp = NULL;
	g_autoptr(HwEncoder) enc = NULL;
	g_autoptr(HwFrame) tile = NULL;
	McuDiag diag = { 0 };

	c->opened += hw_decoder_new(device, &(HwDecoderConfig){ .codec = HW_CODEC_H264 }, &dec,
				    &diag) == 0;
	c->opened += hw_composer_new(device, W, H, &comp, &diag) == 0;
	c->opened += hw_encoder_new(device, &config, &enc, &diag) == 0;
	g_assert_cmpint(c->opened == 3, ==, diag.text[0] == 0);
	for (int n = 0; n < PICTURES; n++) {
		HwDrawItem items[2] = {
			{ .dst = { 0, 0, W / 2, H }, .alpha = 255 },
			{ .dst = { W / 2, 0, W / 2, H }, .alpha = 255, .color = (uint32_t)n * 9 }
		};
		g_autoptr(HwFrame) canvas = NULL;
		HwFrame *fresh = NULL;
		HwPacket pkt;
		gsize len;
		const uint8_t *unit = g_bytes_get_data(units->pdata[n], &len);
		int r;

		if (dec) {
			r = hw_decoder_send(dec, unit, len, n);
			if (r >= 0)
				r = hw_decoder_receive(dec, &fresh);
			if (r < 0) {
				check_error(c, r);
				hw_decoder_flush(dec);
			} else {
				hw_frame_unref(tile);
				tile = fresh;
				c->decoded++;
			}
		}
		if (!comp)
			continue;
		items[0].frame = tile;
		r = hw_composer_compose(comp, &(HwDrawList){ items, 2, 0 }, &canvas);
		if (r < 0) {
			check_error(c, r);
			continue;
		}
		c->composed++;
		if (!enc)
			continue;
		r = hw_encoder_send(enc, canvas, false);
		if (r >= 0)
			r = hw_encoder_receive(enc, &pkt);
		if (r < 0)
			check_error(c, r);
		else
			c->encoded++;
	}
}

static void test_no_fault(void)
{
	g_autoptr(HwDevice) device = open_mock(NULL);
	Count c = { 0 };

	meet(device, &c);
	g_assert_cmpint(c.errors, ==, 0);
	g_assert_cmpint(c.encoded, ==, PICTURES);
}

/* One failing call costs at most what waits for the next keyframe (6) or that one picture. */
static void test_once(void)
{
	static const char *const kinds[] = { "decode", "receive", "compose", "encode",
					     "packet", "frame",   "map" };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		for (int k = 0; k < 12; k++) {
			g_autofree char *plan = g_strdup_printf("%s:%d", kinds[i], k);
			g_autoptr(HwDevice) device = open_mock(plan);
			Count c = { 0 };

			meet(device, &c);
			g_assert_cmpint(c.opened, ==, 3);
			g_assert_cmpint(c.errors, >=, 1);
			g_assert_cmpint(c.decoded, >=, PICTURES - 6);
			g_assert_cmpint(c.composed, >=, PICTURES - 1);
			g_assert_cmpint(c.encoded, >=, PICTURES - 2);
		}
}

static void test_for_ever(void)
{
	static const struct {
		const char *plan;
		int decoded, composed, encoded;
	} cases[] = {
		{ "decode:2+", 2, PICTURES, PICTURES },
		{ "receive:5+", 5, PICTURES, PICTURES },
		{ "compose:7+", PICTURES, 7, 7 },
		{ "encode:4+", PICTURES, PICTURES, 4 },
		{ "packet:0+", PICTURES, PICTURES, 0 },
		{ "map:0+", PICTURES, 0, 0 },
		{ "decode:1%,compose:2%,encode:3%", -1, -1, -1 },
		{ "frame:2%,map:4%,packet:5%,receive:6%", -1, -1, -1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(HwDevice) device = open_mock(cases[i].plan);
		Count c = { 0 };

		meet(device, &c);
		g_assert_cmpint(c.errors, >, 0);
		if (cases[i].decoded < 0) {
			g_assert_cmpint(c.encoded, >, 0);
			continue;
		}
		g_assert_cmpint(c.decoded, ==, cases[i].decoded);
		g_assert_cmpint(c.composed, ==, cases[i].composed);
		g_assert_cmpint(c.encoded, ==, cases[i].encoded);
	}
}

static void test_open(void)
{
	for (int k = 0; k < 3; k++) {
		g_autofree char *plan = g_strdup_printf("open:%d", k);
		g_autoptr(HwDevice) device = open_mock(plan);
		Count c = { 0 };

		meet(device, &c);
		g_assert_cmpint(c.opened, ==, 2);
	}
}

/* After a failed map the canvas that was half painted is not taken for whole. */
static void test_canvas_after_fault(void)
{
	g_autoptr(HwDevice) device = open_mock("map:1");
	g_autoptr(HwDevice) soft = open_device(&backends[0]);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	g_autoptr(HwComposer) comp = NULL, fresh = NULL;
	g_autoptr(HwFrame) tile = NULL, canvas = NULL, expected = NULL;
	HwDrawItem items[3] = { { .dst = { 0, 0, W, H }, .alpha = 255, .color = 0x400000 },
				{ .dst = { 0, 0, 64, 64 }, .alpha = 255 },
				{ .dst = { 80, 80, 64, 64 }, .alpha = 255 } };
	HwDrawList list = { items, 3, 0 };
	HwMapping a, b;
	gsize len;
	const uint8_t *unit = g_bytes_get_data(units->pdata[0], &len);

	g_assert_cmpint(hw_decoder_send(dec, unit, len, 0), ==, 0);
	g_assert_cmpint(hw_decoder_receive(dec, &tile), ==, 0);
	g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
	items[1].frame = items[2].frame = tile;
	g_assert_cmpint(hw_composer_compose(comp, &list, &canvas), ==, -EIO);
	g_assert_null(canvas);
	g_assert_cmpint(hw_composer_compose(comp, &list, &canvas), ==, 0);
	g_assert_cmpint(hw_composer_new(soft, W, H, &fresh, NULL), ==, 0);
	g_assert_cmpint(hw_composer_compose(fresh, &list, &expected), ==, 0);
	a = map_frame(canvas);
	b = map_frame(expected);
	for (int p = 0; p < 3; p++)
		g_assert_cmpfloat(plane_psnr(&a, &b, p), ==, 100);
}

static void test_bad_plans(void)
{
	static const char *const plans[] = {
		"decode",     "decode:",           "decode:x",   "decode:-1",
		"nothing:1",  "decode:1!",         "decode:1+x", ":1",
		"decode:1,,", "decode:1,decode:2", "decode: 1"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
		HwDevice *device = NULL;
		McuDiag diag = { 0 };
		HwDeviceConfig config = { .backend = HW_BACKEND_MOCK, .mock = plans[i] };

		g_assert_cmpint(hw_device_open(&config, &device, &diag), ==, -EINVAL);
		g_assert_null(device);
		g_assert_cmpint(diag.text[0], !=, 0);
	}
}

int main(int argc, char **argv)
{
	int r;

	g_test_init(&argc, &argv, NULL);
	make_units();
	g_test_add_func("/hw/faults/none", test_no_fault);
	g_test_add_func("/hw/faults/once", test_once);
	g_test_add_func("/hw/faults/for-ever", test_for_ever);
	g_test_add_func("/hw/faults/open", test_open);
	g_test_add_func("/hw/faults/canvas-after-fault", test_canvas_after_fault);
	g_test_add_func("/hw/faults/bad-plans", test_bad_plans);
	r = g_test_run();
	g_ptr_array_unref(units);
	return r;
}
