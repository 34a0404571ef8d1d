/* What every back end of hw/ must do: decode, compose and encode like the model. Each case runs on
 * each back end that opens. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "hw/hw.h"
#include "tests/tools/clip.h"

typedef struct Case {
	const char *name;
	HwBackend backend;
} Case;

static const Case backends[] = {
	{ "soft", HW_BACKEND_SOFT },
	{ "mock", HW_BACKEND_MOCK },
};

static HwDevice *open_device(const Case *c)
{
	HwDevice *device = NULL;
	McuDiag diag;

	g_assert_cmpint(hw_device_open(&(HwDeviceConfig){ .backend = c->backend }, &device, &diag),
			==, 0);
	g_assert_cmpint(hw_device_backend(device), ==, c->backend);
	return device;
}

static HwFrame *clip_frame(McuClip *clip, int width, int height, int64_t n)
{
	HwFrame *f = NULL;
	HwMapping m;

	g_assert_cmpint(hw_frame_new(HW_FORMAT_I420, width, height, &f), ==, 0);
	g_assert_cmpint(hw_frame_map(f, &m), ==, 0);
	mcu_clip_render(clip, n, m.data, m.stride);
	hw_frame_set_pts_ns(f, n * 1000000000 / 30);
	return f;
}

static double plane_sse(const HwMapping *a, const HwMapping *b, int plane)
{
	int w = plane ? a->width / 2 : a->width, h = plane ? a->height / 2 : a->height;
	double sum = 0;

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			int d = a->data[plane][y * a->stride[plane] + x] -
				b->data[plane][y * b->stride[plane] + x];
			sum += d * d;
		}
	return sum;
}

static double psnr_y(HwFrame *fa, HwFrame *fb)
{
	HwMapping a, b;
	double mse;

	g_assert_cmpint(hw_frame_map(fa, &a), ==, 0);
	g_assert_cmpint(hw_frame_map(fb, &b), ==, 0);
	g_assert_cmpint(a.width, ==, b.width);
	g_assert_cmpint(a.height, ==, b.height);
	mse = plane_sse(&a, &b, 0) / ((double)a.width * a.height);
	return mse > 0 ? 10 * log10(255 * 255 / mse) : 100;
}

/* --- encode, decode --- */

static const HwEncoderConfig base_config = {
	.codec = HW_CODEC_H264,
	.kind = HW_ENCODER_AUTO,
	.width = 1280,
	.height = 720,
	.fps_num = 30,
	.fps_den = 1,
	.bitrate_bps = 1500000,
};

static HwEncoder *open_encoder(HwDevice *device, const HwEncoderConfig *config)
{
	HwEncoder *enc = NULL;
	McuDiag diag;
	int r = hw_encoder_new(device, config, &enc, &diag);

	if (r < 0)
		g_error("encoder: %s", diag.text);
	return enc;
}

static HwDecoder *open_decoder(HwDevice *device, HwCodec codec)
{
	HwDecoder *dec = NULL;
	McuDiag diag;

	g_assert_cmpint(hw_decoder_new(device, &(HwDecoderConfig){ .codec = codec }, &dec, &diag),
			==, 0);
	return dec;
}

/* Encode one picture and decode it again; bytes of the packet. */
static size_t round_trip(HwEncoder *enc, HwDecoder *dec, HwFrame *in, bool force, HwFrame **out,
			 bool *keyframe)
{
	HwPacket pkt;

	g_assert_cmpint(hw_encoder_send(enc, in, force), ==, 0);
	g_assert_cmpint(hw_encoder_receive(enc, &pkt), ==, 0);
	g_assert_cmpint(pkt.pts_ns, ==, hw_frame_pts_ns(in));
	g_assert_cmpint(hw_decoder_send(dec, pkt.data, pkt.len, pkt.pts_ns), ==, 0);
	g_assert_cmpint(hw_decoder_receive(dec, out), ==, 0);
	g_assert_cmpint(hw_frame_pts_ns(*out), ==, pkt.pts_ns);
	*keyframe = pkt.keyframe;
	return pkt.len;
}

static void check_quality(HwDevice *device, HwEncoderKind kind, HwProfile profile)
{
	HwEncoderConfig config = base_config;
	g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 1);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	g_autoptr(HwEncoder) enc = NULL;
	double psnr = 0;
	size_t bytes = 0;

	config.kind = kind;
	config.profile = profile;
	enc = open_encoder(device, &config);
	for (int n = 0; n < 90; n++) {
		g_autoptr(HwFrame) in = clip_frame(clip, 1280, 720, n), out = NULL;
		bool keyframe;

		bytes += round_trip(enc, dec, in, false, &out, &keyframe);
		g_assert_cmpint(keyframe, ==, n == 0);
		if (n >= 30)
			psnr += psnr_y(in, out) / 60;
	}
	g_test_message("%s %s: %.2f dB, %.0f kbit/s", hw_encoder_name(enc),
		       profile == HW_PROFILE_HIGH ? "high" : "baseline", psnr,
		       (double)bytes * 8 / 3000);
	g_assert_cmpfloat(psnr, >=, 38);
}

static void test_encode_quality(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (int kind = HW_ENCODER_OPENH264; kind <= HW_ENCODER_X264; kind++)
		for (int profile = HW_PROFILE_CONSTRAINED_BASELINE; profile <= HW_PROFILE_HIGH;
		     profile++)
			check_quality(device, (HwEncoderKind)kind, (HwProfile)profile);
}

static void add(const char *name, GTestDataFunc fn)
{
	for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
		g_autofree char *path = g_strdup_printf("/hw/%s/%s", backends[i].name, name);

		g_test_add_data_func(path, &backends[i], fn);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("encode/quality", test_encode_quality);
	return g_test_run();
}
