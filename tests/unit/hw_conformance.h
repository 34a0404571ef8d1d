/* Shared by the tests that every back end of hw/ must pass: each case runs on each back end. */
#pragma once
#include <glib.h>
#include <math.h>
#include <string.h>

#include "hw/hw.h"
#include "tests/tools/clip.h"

typedef struct Backend {
	const char *name;
	HwBackend backend;
} Backend;

static const Backend backends[] = {
	{ "soft", HW_BACKEND_SOFT },
	{ "mock", HW_BACKEND_MOCK },
};

static inline HwDevice *open_device(const Backend *b)
{
	HwDevice *device = NULL;
	McuDiag diag;
	int r = hw_device_open(&(HwDeviceConfig){ .backend = b->backend }, &device, &diag);

	if (r < 0)
		g_error("%s: %s", b->name, diag.text);
	g_assert_cmpint(hw_device_backend(device), ==, b->backend);
	return device;
}

static inline HwMapping map_frame(HwFrame *frame)
{
	HwMapping m;

	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	return m;
}

static inline HwFrame *new_frame(HwFormat format, int width, int height)
{
	HwFrame *f = NULL;

	g_assert_cmpint(hw_frame_new(format, width, height, &f), ==, 0);
	return f;
}

/* Picture n of the clip, at 30 frames per second. */
static inline HwFrame *clip_frame(McuClip *clip, int width, int height, int64_t n)
{
	HwFrame *f = new_frame(HW_FORMAT_I420, width, height);
	HwMapping m = map_frame(f);

	mcu_clip_render(clip, n, m.data, m.stride);
	hw_frame_set_pts_ns(f, n * 1000000000 / 30);
	return f;
}

static inline double plane_psnr(const HwMapping *a, const HwMapping *b, int plane)
{
	int w = plane ? a->width / 2 : a->width, h = plane ? a->height / 2 : a->height;
	double sum = 0;

	g_assert_cmpint(a->width, ==, b->width);
	g_assert_cmpint(a->height, ==, b->height);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			int d = a->data[plane][y * a->stride[plane] + x] -
				b->data[plane][y * b->stride[plane] + x];
			sum += d * d;
		}
	return sum > 0 ? 10 * log10(255.0 * 255.0 * w * h / sum) : 100;
}

static inline HwDecoder *open_decoder(HwDevice *device, HwCodec codec)
{
	HwDecoder *dec = NULL;
	McuDiag diag;
	int r = hw_decoder_new(device, &(HwDecoderConfig){ .codec = codec }, &dec, &diag);

	if (r < 0)
		g_error("decoder: %s", diag.text);
	return dec;
}

static inline HwEncoderConfig h264_config(HwEncoderKind kind, int width, int height,
					  int bitrate_bps)
{
	return (HwEncoderConfig){ .codec = HW_CODEC_H264,
				  .kind = kind,
				  .width = width,
				  .height = height,
				  .fps_num = 30,
				  .fps_den = 1,
				  .bitrate_bps = bitrate_bps };
}

static inline HwEncoder *open_encoder(HwDevice *device, const HwEncoderConfig *config)
{
	HwEncoder *enc = NULL;
	McuDiag diag;
	int r = hw_encoder_new(device, config, &enc, &diag);

	if (r < 0)
		g_error("encoder: %s", diag.text);
	return enc;
}

static inline HwPacket encode_frame(HwEncoder *enc, HwFrame *frame, bool force_keyframe)
{
	HwPacket pkt = { 0 };

	g_assert_cmpint(hw_encoder_send(enc, frame, force_keyframe), ==, 0);
	g_assert_cmpint(hw_encoder_receive(enc, &pkt), ==, 0);
	g_assert_cmpint(pkt.pts_ns, ==, hw_frame_pts_ns(frame));
	return pkt;
}

/* The next NAL unit of Annex B at *at: its first byte and length without start code; NULL at the
 * end. */
static inline const uint8_t *next_nal(const uint8_t *data, size_t len, size_t *at, size_t *ret_len)
{
	size_t start = *at, end;

	while (start + 3 <= len && memcmp(data + start, "\0\0\1", 3) != 0)
		start++;
	if (start + 3 >= len)
		return NULL;
	start += 3;
	for (end = start; end + 3 <= len && memcmp(data + end, "\0\0\1", 3) != 0;)
		end++;
	if (end + 3 > len)
		end = len;
	*at = end;
	while (end > start && data[end - 1] == 0)
		end--;
	*ret_len = end - start;
	return data + start;
}

static inline void add_for_all(const char *name, GTestDataFunc fn)
{
	for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
		g_autofree char *path = g_strdup_printf("/hw/%s/%s", backends[i].name, name);

		g_test_add_data_func(path, &backends[i], fn);
	}
}
