/* H.264 encoders on camera-like pictures: CPU per picture, rate, quality; side by side in one run.
 *
 * HW_ENCODER_AUTO follows this table (and SSIM on filmed people, where both are equal).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/hw.h"
#include "tests/tools/clip.h"

#define WIDTH    1280
#define HEIGHT   720
#define PICTURES 60
#define ROUNDS   3

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static HwFrame *camera(McuClip *clip, int w, int h, int n)
{
	HwMapping m;
	HwFrame *f;

	if (hw_frame_new(HW_FORMAT_I420, w, h, &f) < 0 || hw_frame_map(f, &m) < 0)
		abort();
	mcu_clip_render(clip, n, m.data, m.stride);
	return f;
}

/* `side` by `side` people on one canvas */
static void make_pictures(HwDevice *device, int side, HwFrame *out[PICTURES])
{
	int w = WIDTH / side & ~1, h = HEIGHT / side & ~1, tiles = side * side;
	McuClip *clips[16];

	for (int i = 0; i < tiles; i++)
		clips[i] = mcu_clip_new(w, h, (uint32_t)i);
	for (int n = 0; n < PICTURES; n++) {
		g_autoptr(HwComposer) comp = NULL;
		HwDrawItem items[16] = { 0 };

		if (hw_composer_new(device, WIDTH, HEIGHT, &comp, NULL) < 0)
			abort();
		for (int i = 0; i < tiles; i++)
			items[i] = (HwDrawItem){ .frame = camera(clips[i], w, h, n),
						 .dst = { i % side * w, i / side * h, w, h },
						 .alpha = 255 };
		if (hw_composer_compose(comp, &(HwDrawList){ items, (size_t)tiles, 0x202020 },
					&out[n]) < 0)
			abort();
		for (int i = 0; i < tiles; i++)
			hw_frame_unref(items[i].frame);
	}
	for (int i = 0; i < tiles; i++)
		mcu_clip_free(clips[i]);
}

static double square_error(HwFrame *fa, HwFrame *fb)
{
	HwMapping a, b;
	double sum = 0;

	if (hw_frame_map(fa, &a) < 0 || hw_frame_map(fb, &b) < 0)
		abort();
	for (int y = 0; y < a.height; y++)
		for (int x = 0; x < a.width; x++) {
			int d = a.data[0][y * a.stride[0] + x] - b.data[0][y * b.stride[0] + x];
			sum += d * d;
		}
	return sum / ((double)a.width * a.height);
}

typedef struct Result {
	double ms, kbps, psnr;
	size_t largest;
} Result;

static Result run(HwDevice *device, const HwEncoderConfig *config, HwFrame *in[PICTURES])
{
	g_autoptr(HwDecoder) dec = NULL;
	g_autoptr(HwEncoder) enc = NULL;
	Result res = { 0 };
	double bytes = 0, mse = 0;

	if (hw_encoder_new(device, config, &enc, NULL) < 0 ||
	    hw_decoder_new(device, &(HwDecoderConfig){ .codec = HW_CODEC_H264 }, &dec, NULL) < 0)
		abort();
	for (int n = 0; n < PICTURES; n++) {
		g_autoptr(HwFrame) out = NULL;
		double start = cpu_ms();
		HwPacket pkt;

		if (hw_encoder_send(enc, in[n], false) < 0 || hw_encoder_receive(enc, &pkt) < 0)
			continue;
		res.ms += (cpu_ms() - start) / PICTURES;
		bytes += (double)pkt.len;
		if (n > 0)
			res.largest = MAX(res.largest, pkt.len);
		if (hw_decoder_send(dec, pkt.data, pkt.len, 0) < 0 ||
		    hw_decoder_receive(dec, &out) < 0)
			abort();
		mse += square_error(in[n], out) / PICTURES;
	}
	res.kbps = bytes * 8 * 30 / PICTURES / 1000;
	res.psnr = 10 * log10(255 * 255 / mse);
	return res;
}

int main(void)
{
	HwFrame *pictures[PICTURES];
	HwDevice *device;

	if (hw_device_open(&(HwDeviceConfig){ 0 }, &device, NULL) < 0)
		return 1;
	printf("1280x720, 30 fps, 1.5 Mbit/s, %d pictures; ms of CPU per picture (best of %d)\n",
	       PICTURES, ROUNDS);
	for (int side = 1; side <= 3; side++) {
		make_pictures(device, side, pictures);
		for (int preset = HW_PRESET_FASTEST; preset <= HW_PRESET_MEDIUM; preset++)
			for (int kind = HW_ENCODER_OPENH264; kind <= HW_ENCODER_X264; kind++) {
				HwEncoderConfig c = { .codec = HW_CODEC_H264,
						      .kind = (HwEncoderKind)kind,
						      .preset = (HwPreset)preset,
						      .width = WIDTH,
						      .height = HEIGHT,
						      .fps_num = 30,
						      .fps_den = 1,
						      .bitrate_bps = 1500000 };
				Result best = { .ms = INFINITY };

				for (int r = 0; r < ROUNDS; r++) {
					Result now = run(device, &c, pictures);

					if (now.ms < best.ms)
						best = now;
				}
				printf("%d people  %-8s %-8s  %5.2f ms  %5.0f kbit/s  %5.2f dB  "
				       "largest %zu bytes\n",
				       side * side, hw_preset_name(c.preset),
				       hw_encoder_kind_name(c.kind), best.ms, best.kbps, best.psnr,
				       best.largest);
			}
		for (int n = 0; n < PICTURES; n++)
			hw_frame_unref(pictures[n]);
	}
	hw_device_unref(device);
	return 0;
}
