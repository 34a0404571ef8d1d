/* Encoding on every back end: quality, rate, keyframes, parameter sets, slices. */
#include "tests/unit/hw_conformance.h"

static const HwEncoderKind kinds[] = { HW_ENCODER_OPENH264, HW_ENCODER_X264 };

/* The mock is the soft back end behind one more layer: one encoder shows that layer. */
static size_t n_kinds(gconstpointer data)
{
	const Backend *b = data;

	return b->backend == HW_BACKEND_MOCK ? 1 : G_N_ELEMENTS(kinds);
}

static void check_quality(HwDevice *device, HwEncoderKind kind, HwProfile profile)
{
	HwEncoderConfig config = h264_config(kind, 1280, 720, 1500000);
	g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 1);
	g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
	g_autoptr(HwEncoder) enc = NULL;
	double psnr = 0;

	config.profile = profile;
	enc = open_encoder(device, &config);
	for (int n = 0; n < 45; n++) {
		g_autoptr(HwFrame) in = clip_frame(clip, 1280, 720, n), out = NULL;
		HwPacket pkt = encode_frame(enc, in, false);
		HwMapping a, b;

		g_assert_cmpint(pkt.keyframe, ==, n == 0);
		g_assert_cmpint(hw_decoder_send(dec, pkt.data, pkt.len, pkt.pts_ns), ==, 0);
		g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
		g_assert_cmpint(hw_frame_pts_ns(out), ==, pkt.pts_ns);
		a = map_frame(in);
		b = map_frame(out);
		if (n >= 15)
			psnr += plane_psnr(&a, &b, 0) / 30;
	}
	g_test_message("%s: %.2f dB", hw_encoder_kind_name(kind), psnr);
	g_assert_cmpfloat(psnr, >=, 38);
}

static void test_quality(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++) {
		check_quality(device, kinds[i], HW_PROFILE_CONSTRAINED_BASELINE);
		check_quality(device, kinds[i], HW_PROFILE_HIGH);
	}
}

/* Bit/s over pictures [from, from + n), which are encoded here. */
static double run_rate(HwEncoder *enc, McuClip *clip, int from, int n, int fps)
{
	double bits = 0;

	for (int i = from; i < from + n; i++) {
		g_autoptr(HwFrame) in = clip_frame(clip, 1280, 720, i * 30 / fps);
		HwPacket pkt;

		g_assert_cmpint(hw_encoder_send(enc, in, false), ==, 0);
		if (hw_encoder_receive(enc, &pkt) < 0)
			continue;
		g_assert_true(!pkt.keyframe || i == 0);
		bits += (double)pkt.len * 8;
	}
	return bits * fps / n;
}

static void check_rate(HwDevice *device, HwEncoderKind kind)
{
	static const int targets[] = { 2000000, 400000, 1000000 };
	HwEncoderConfig config = h264_config(kind, 1280, 720, targets[0]);
	g_autoptr(HwEncoder) enc = open_encoder(device, &config);
	g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 2);
	int n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
		double settling, settled;

		g_assert_cmpint(hw_encoder_set_bitrate(enc, targets[i]), ==, 0);
		settling = run_rate(enc, clip, n, 30, 30);
		settled = run_rate(enc, clip, n + 30, 30, 30);
		n += 60;
		g_test_message("%s: %d kbit/s wanted, %.0f in the first second, %.0f then",
			       hw_encoder_kind_name(kind), targets[i] / 1000, settling / 1000,
			       settled / 1000);
		g_assert_cmpfloat(fabs(settled / targets[i] - 1), <=, 0.15);
	}
}

static void test_rate(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++)
		check_rate(device, kinds[i]);
}

/* From a rate for satellite to one for a LAN and back, whatever level that began with. */
static void test_rate_range(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++)
		for (int level = 0; level <= 12; level += 12) {
			HwEncoderConfig config = h264_config(kinds[i], 320, 180, 64000);
			g_autoptr(McuClip) clip = mcu_clip_new(320, 180, 2);
			g_autoptr(HwEncoder) enc = NULL;

			config.fps_num = 15;
			config.level_idc = level;
			enc = open_encoder(device, &config);
			for (int n = 0; n < 6; n++) {
				g_autoptr(HwFrame) in = clip_frame(clip, 320, 180, n);
				int bps = n % 2 ? 100000 : 8000000;

				g_assert_cmpint(hw_encoder_set_bitrate(enc, bps), ==, 0);
				g_assert_cmpint(hw_encoder_set_fps(enc, n % 2 ? 15 : 30, 1), ==, 0);
				g_assert_cmpint(encode_frame(enc, in, false).keyframe, ==, n == 0);
			}
		}
}

static void test_fps(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++) {
		HwEncoderConfig config = h264_config(kinds[i], 1280, 720, 800000);
		g_autoptr(HwEncoder) enc = open_encoder(device, &config);
		g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 2);
		double rate;

		(void)run_rate(enc, clip, 0, 30, 30);
		g_assert_cmpint(hw_encoder_set_fps(enc, 15, 1), ==, 0);
		(void)run_rate(enc, clip, 15, 15, 15);
		rate = run_rate(enc, clip, 30, 30, 15);
		g_test_message("%s: 800 kbit/s wanted, %.0f at 15 fps",
			       hw_encoder_kind_name(kinds[i]), rate / 1000);
		g_assert_cmpfloat(fabs(rate / 800000 - 1), <=, 0.15);
		g_assert_cmpint(hw_encoder_set_fps(enc, 0, 1), ==, -EINVAL);
		g_assert_cmpint(hw_encoder_set_fps(enc, 1000, 1), ==, -EINVAL);
		g_assert_cmpint(hw_encoder_set_bitrate(enc, 1), ==, -EINVAL);
	}
}

/* NAL unit types of a packet, in order, as text: "7 8 5" */
static char *nal_types(const HwPacket *pkt, size_t *ret_largest)
{
	GString *text = g_string_new(NULL);
	const uint8_t *nal;
	size_t at = 0, len = 0;

	*ret_largest = 0;
	while ((nal = next_nal(pkt->data, pkt->len, &at, &len))) {
		g_string_append_printf(text, text->len ? " %d" : "%d", nal[0] & 31);
		*ret_largest = MAX(*ret_largest, len);
	}
	return g_string_free(text, FALSE);
}

static void test_keyframes(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++) {
		HwEncoderConfig config = h264_config(kinds[i], 640, 360, 500000);
		g_autoptr(HwEncoder) enc = open_encoder(device, &config);
		g_autoptr(McuClip) clip = mcu_clip_new(640, 360, 3);

		for (int n = 0; n < 200; n++) {
			g_autoptr(HwFrame) in = clip_frame(clip, 640, 360, n);
			bool force = n == 17 || n == 18;
			HwPacket pkt = encode_frame(enc, in, force);
			g_autofree char *types = NULL;
			size_t largest;

			types = nal_types(&pkt, &largest);
			g_assert_cmpint(pkt.keyframe, ==, n == 0 || force);
			g_assert_cmpstr(types, ==, pkt.keyframe ? "7 8 5" : "1");
			g_assert_cmpint(hw_encoder_receive(enc, &pkt), ==, -EAGAIN);
		}
	}
}

/* profile_idc, constraint flags and level_idc of the SPS */
static void check_sps(HwDevice *device, HwEncoderKind kind, HwProfile profile, int level,
		      int expect_level)
{
	HwEncoderConfig config = h264_config(kind, 1280, 720, 1500000);
	g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 3);
	g_autoptr(HwFrame) in = clip_frame(clip, 1280, 720, 0);
	g_autoptr(HwEncoder) enc = NULL;
	const uint8_t *sps;
	size_t at = 0, len = 0;
	HwPacket pkt;

	config.profile = profile;
	config.level_idc = level;
	enc = open_encoder(device, &config);
	pkt = encode_frame(enc, in, false);
	sps = next_nal(pkt.data, pkt.len, &at, &len);
	g_assert_nonnull(sps);
	g_assert_cmpuint(len, >, 4);
	g_assert_cmpint(sps[0] & 31, ==, 7);
	g_assert_cmpint(sps[3], ==, expect_level);
	if (profile == HW_PROFILE_HIGH) {
		g_assert_cmpint(sps[1], ==, 100);
	} else {
		g_assert_cmpint(sps[1], ==, 66);
		g_assert_cmpint(sps[2] & 0x40, ==, 0x40); /* constraint_set1_flag */
	}
}

static void test_sps(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++) {
		check_sps(device, kinds[i], HW_PROFILE_CONSTRAINED_BASELINE, 0, 31);
		check_sps(device, kinds[i], HW_PROFILE_CONSTRAINED_BASELINE, 40, 40);
		check_sps(device, kinds[i], HW_PROFILE_HIGH, 0, 31);
	}
}

static void test_slices(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (size_t i = 0; i < n_kinds(data); i++) {
		HwEncoderConfig config = h264_config(kinds[i], 1280, 720, 2000000);
		g_autoptr(HwDecoder) dec = open_decoder(device, HW_CODEC_H264);
		g_autoptr(McuClip) clip = mcu_clip_new(1280, 720, 4);
		g_autoptr(HwEncoder) enc = NULL;

		config.max_slice_bytes = 1200;
		enc = open_encoder(device, &config);
		for (int n = 0; n < 40; n++) {
			g_autoptr(HwFrame) in = clip_frame(clip, 1280, 720, n), out = NULL;
			HwPacket pkt = encode_frame(enc, in, n == 20);
			g_autofree char *types = NULL;
			size_t largest;

			types = nal_types(&pkt, &largest);
			g_assert_cmpuint(largest, <=, 1200);
			g_assert_cmpint(hw_decoder_send(dec, pkt.data, pkt.len, 0), ==, 0);
			g_assert_cmpint(hw_decoder_receive(dec, &out), ==, 0);
		}
	}
}

static void test_refused(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	const HwEncoderConfig good = h264_config(HW_ENCODER_AUTO, 640, 360, 500000);
	g_autoptr(HwFrame) wrong = new_frame(HW_FORMAT_I420, 320, 180);
	g_autoptr(HwFrame) bgra = new_frame(HW_FORMAT_BGRA, 640, 360);
	g_autoptr(HwEncoder) enc = open_encoder(device, &good);
	HwEncoderConfig bad[8];
	McuDiag diag = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		bad[i] = good;
	bad[0].width = 641;
	bad[1].height = 0;
	bad[2].fps_num = 0;
	bad[3].fps_den = 0;
	bad[4].bitrate_bps = 0;
	bad[5].codec = HW_CODEC_VP8;
	bad[6].max_slice_bytes = 10;
	bad[7].width = HW_MAX_SIZE + 2;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		HwEncoder *none = NULL;

		diag.text[0] = 0;
		g_assert_cmpint(hw_encoder_new(device, &bad[i], &none, &diag), <, 0);
		g_assert_cmpint(diag.text[0], !=, 0);
		g_assert_null(none);
	}
	g_assert_cmpint(hw_encoder_send(enc, wrong, false), ==, -EINVAL);
	g_assert_cmpint(hw_encoder_send(enc, bgra, false), ==, -EINVAL);
}

static void test_nv12(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(McuClip) clip = mcu_clip_new(320, 180, 5);
	g_autoptr(HwFrame) i420 = clip_frame(clip, 320, 180, 0);
	g_autoptr(HwFrame) nv12 = new_frame(HW_FORMAT_NV12, 320, 180);
	HwMapping from = map_frame(i420), to = map_frame(nv12);

	for (int y = 0; y < 180; y++)
		memcpy(to.data[0] + y * to.stride[0], from.data[0] + y * from.stride[0], 320);
	for (int y = 0; y < 90; y++)
		for (int x = 0; x < 320; x++)
			to.data[1][y * to.stride[1] + x] =
				from.data[1 + x % 2][y * from.stride[1 + x % 2] + x / 2];
	for (size_t i = 0; i < n_kinds(data); i++) {
		HwEncoderConfig config = h264_config(kinds[i], 320, 180, 300000);
		g_autoptr(HwEncoder) a = open_encoder(device, &config);
		g_autoptr(HwEncoder) b = open_encoder(device, &config);
		HwPacket pa, pb;

		hw_frame_set_pts_ns(nv12, hw_frame_pts_ns(i420));
		pa = encode_frame(a, i420, false);
		pb = encode_frame(b, nv12, false);
		g_assert_cmpmem(pa.data, pa.len, pb.data, pb.len);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_for_all("encode/quality", test_quality);
	add_for_all("encode/rate", test_rate);
	add_for_all("encode/rate-range", test_rate_range);
	add_for_all("encode/fps", test_fps);
	add_for_all("encode/keyframes", test_keyframes);
	add_for_all("encode/sps", test_sps);
	add_for_all("encode/slices", test_slices);
	add_for_all("encode/refused", test_refused);
	add_for_all("encode/nv12", test_nv12);
	return g_test_run();
}
