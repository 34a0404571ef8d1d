/* The caller's eye on a composed, coded picture: every tile's mark is followed through H.264 at the
 * rate of a real call; freezes and changes of place are told.
 */
#include <libyuv.h>

#include "../tools/caller/camera.h"
#include "../tools/caller/eye.h"

#define WIDTH  1280
#define HEIGHT 720
#define FPS    30

static McuCamera *camera_new(unsigned mark, int w, int h)
{
	McuCameraConfig config = { .width = w, .height = h, .fps = FPS, .mark = mark };
	McuCamera *camera = NULL;

	g_assert_cmpint(mcu_camera_new(&config, &camera, NULL), ==, 0);
	return camera;
}

static void place(HwFrame *frame, const HwMapping *canvas, HwRect r)
{
	HwMapping m;

	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	I420Scale(m.data[0], m.stride[0], m.data[1], m.stride[1], m.data[2], m.stride[2], m.width,
		  m.height, canvas->data[0] + r.y * canvas->stride[0] + r.x, canvas->stride[0],
		  canvas->data[1] + r.y / 2 * canvas->stride[1] + r.x / 2, canvas->stride[1],
		  canvas->data[2] + r.y / 2 * canvas->stride[2] + r.x / 2, canvas->stride[2], r.w,
		  r.h, kFilterBox);
}

/* One picture of n x n cameras. */
static void compose(McuCamera **cameras, int n, uint64_t number, HwFrame **ret)
{
	HwMapping canvas;

	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, WIDTH, HEIGHT, ret), ==, 0);
	g_assert_cmpint(hw_frame_map(*ret, &canvas), ==, 0);
	I420Rect(canvas.data[0], canvas.stride[0], canvas.data[1], canvas.stride[1], canvas.data[2],
		 canvas.stride[2], 0, 0, WIDTH, HEIGHT, 16, 128, 128);
	for (int i = 0; i < n * n; i++) {
		g_autoptr(HwFrame) frame = NULL;
		HwRect tile = { i % n * (WIDTH / n & ~1), i / n * (HEIGHT / n & ~1), WIDTH / n & ~1,
				HEIGHT / n & ~1 };

		g_assert_cmpint(
			mcu_camera_take(cameras[i], number, (int64_t)number * 33, 0.5, &frame), ==,
			0);
		place(frame, &canvas, tile);
	}
}

static void through_codec(int n, int bitrate_bps, int source_w, int source_h)
{
	const HwDeviceConfig soft = { .backend = HW_BACKEND_SOFT };
	const HwEncoderConfig encoder = { .codec = HW_CODEC_H264,
					  .kind = HW_ENCODER_OPENH264,
					  .preset = HW_PRESET_FASTEST,
					  .profile = HW_PROFILE_CONSTRAINED_BASELINE,
					  .width = WIDTH,
					  .height = HEIGHT,
					  .fps_num = FPS,
					  .fps_den = 1,
					  .bitrate_bps = bitrate_bps };
	const HwDecoderConfig decoder = { .codec = HW_CODEC_H264 };
	g_autoptr(HwDevice) device = NULL;
	g_autoptr(HwEncoder) enc = NULL;
	g_autoptr(HwDecoder) dec = NULL;
	g_autoptr(McuEye) eye = mcu_eye_new(10);
	McuCamera *cameras[25];
	unsigned coded_pictures = 0;

	g_assert_cmpint(hw_device_open(&soft, &device, NULL), ==, 0);
	g_assert_cmpint(hw_encoder_new(device, &encoder, &enc, NULL), ==, 0);
	g_assert_cmpint(hw_decoder_new(device, &decoder, &dec, NULL), ==, 0);
	for (int i = 0; i < n * n; i++)
		cameras[i] = camera_new((unsigned)i + 1, source_w, source_h);
	for (uint64_t number = 0; number < 60; number++) {
		g_autoptr(HwFrame) canvas = NULL;
		HwPacket coded;
		HwFrame *out;

		compose(cameras, n, number, &canvas);
		g_assert_cmpint(hw_encoder_send(enc, canvas, number == 0), ==, 0);
		while (hw_encoder_receive(enc, &coded) == 0) {
			coded_pictures++;
			g_assert_cmpint(hw_decoder_send(dec, coded.data, coded.len, 0), ==, 0);
		}
		while (hw_decoder_receive(dec, &out) == 0) {
			HwMapping m;

			g_assert_cmpint(hw_frame_map(out, &m), ==, 0);
			g_assert_cmpint(
				mcu_eye_see(eye, &m, (double)number / FPS, (int64_t)number * 33),
				==, 0);
			hw_frame_unref(out);
		}
	}
	for (int i = 0; i < n * n; i++) {
		unsigned advances = mcu_eye_advances(eye, (unsigned)i + 1);

		g_assert_cmpuint(advances, >=, coded_pictures * 95 / 100);
		mcu_camera_free(cameras[i]);
	}
	g_assert_cmpuint(mcu_eye_advances(eye, 200), ==, 0);
}

static void test_coded_9(void)
{
	through_codec(3, 1500000, 640, 360);
}

static void test_coded_16(void)
{
	through_codec(4, 1500000, 320, 180);
}

static void test_coded_25(void)
{
	through_codec(5, 1500000, 640, 360);
}

static void see_still(McuEye *eye, McuCamera *camera, uint64_t number, double t_s)
{
	g_autoptr(HwFrame) frame = NULL;
	HwMapping m;

	g_assert_cmpint(mcu_camera_take(camera, number, (int64_t)number * 33, 0, &frame), ==, 0);
	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	g_assert_cmpint(mcu_eye_see(eye, &m, t_s, 0), ==, 0);
}

/* 1 s of motion, `still_ms` of the same picture, 1 s of motion. */
static unsigned freezes_after(int still_ms)
{
	g_autoptr(McuEye) eye = mcu_eye_new(10);
	g_autoptr(McuCamera) camera = camera_new(9, 320, 180);
	uint64_t number = 0;
	double t_s = 0;

	for (; t_s < 1; t_s += 1.0 / FPS)
		see_still(eye, camera, number++, t_s);
	for (; t_s < 1 + still_ms / 1000.0; t_s += 1.0 / FPS)
		see_still(eye, camera, number, t_s);
	for (double end_s = t_s + 1; t_s < end_s; t_s += 1.0 / FPS)
		see_still(eye, camera, ++number, t_s);
	return mcu_eye_freezes(eye, 9);
}

static void test_freeze(void)
{
	g_assert_cmpuint(freezes_after(0), ==, 0);
	g_assert_cmpuint(freezes_after(400), ==, 0);
	g_assert_cmpuint(freezes_after(600), ==, 1);
	g_assert_cmpuint(freezes_after(3000), ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/caller/eye/coded-9", test_coded_9);
	g_test_add_func("/caller/eye/coded-16", test_coded_16);
	g_test_add_func("/caller/eye/coded-25", test_coded_25);
	g_test_add_func("/caller/eye/freeze", test_freeze);
	return g_test_run();
}
