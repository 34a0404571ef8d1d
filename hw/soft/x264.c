/* H.264 with x264: real-time settings, one thread, no delay, keyframes only on demand. */
#include <stdint.h>
#include <string.h>

#include <x264.h>

#include "hw/soft/level.h"
#include "hw/soft/soft.h"

typedef struct X264Encoder {
	HwEncoder base;
	x264_t *x264;
	x264_param_t param;
	double open_fps; /* what x264 believes; the rate is scaled to the real one */
	double fps;
	int bitrate_bps;
	int64_t frames;
	HwPacket packet; /* len 0: none */
} X264Encoder;

static void x264_destroy(HwEncoder *enc)
{
	X264Encoder *e = (X264Encoder *)enc;

	if (e->x264)
		x264_encoder_close(e->x264);
	x264_param_cleanup(&e->param);
	g_free(e);
}

/* x264 takes its frame rate at opening only, and spends bit rate / that rate on each picture. */
static void set_rate(X264Encoder *e)
{
	double kbps = e->bitrate_bps * (e->open_fps / e->fps) / 1000;

	e->param.rc.i_bitrate = MAX(1, (int)kbps);
	e->param.rc.i_vbv_max_bitrate = e->param.rc.i_bitrate;
	e->param.rc.i_vbv_buffer_size = MAX(1, (int)(e->bitrate_bps * HW_SOFT_VBV_SECONDS / 1000));
}

static int reconfigure(X264Encoder *e)
{
	set_rate(e);
	return x264_encoder_reconfig(e->x264, &e->param) < 0 ? -EIO : 0;
}

/* x264 signs its first picture with an SEI of some 700 bytes: leave it out. The NAL units of one
 * picture lie one behind the other, so those in front move up to those behind. */
static const uint8_t *without_signature(x264_nal_t *nals, int n, int *size)
{
	uint8_t *start = nals[0].p_payload;

	for (int i = 0; i < n; i++) {
		ptrdiff_t before = nals[i].p_payload - nals[0].p_payload;

		if (nals[i].i_type != NAL_SEI)
			continue;
		memmove(start + nals[i].i_payload, start, (size_t)before);
		*size -= nals[i].i_payload;
		return start + nals[i].i_payload;
	}
	return start;
}

static int x264_send(HwEncoder *enc, HwFrame *frame, bool force_keyframe)
{
	X264Encoder *e = (X264Encoder *)enc;
	x264_picture_t in, out;
	const uint8_t *data;
	x264_nal_t *nals;
	HwMapping m;
	int n_nals, size;
	int r = hw_frame_map(frame, &m);

	e->packet.len = 0;
	if (r < 0)
		return r;
	x264_picture_init(&in);
	in.i_type = force_keyframe ? X264_TYPE_IDR : X264_TYPE_AUTO;
	in.i_pts = e->frames;
	in.img.i_csp = m.format == HW_FORMAT_NV12 ? X264_CSP_NV12 : X264_CSP_I420;
	in.img.i_plane = m.format == HW_FORMAT_NV12 ? 2 : 3;
	for (int i = 0; i < in.img.i_plane; i++) {
		in.img.plane[i] = m.data[i];
		in.img.i_stride[i] = m.stride[i];
	}
	size = x264_encoder_encode(e->x264, &nals, &n_nals, &in, &out);
	if (size < 0)
		return -EIO;
	e->frames++;
	if (!size)
		return 0;
	data = without_signature(nals, n_nals, &size);
	e->packet = (HwPacket){ .data = data,
				.len = (size_t)size,
				.keyframe = out.b_keyframe,
				.pts_ns = hw_frame_pts_ns(frame),
				.qp = -1 };
	return 0;
}

static int x264_receive(HwEncoder *enc, HwPacket *ret)
{
	X264Encoder *e = (X264Encoder *)enc;

	if (!e->packet.len)
		return -EAGAIN;
	*ret = e->packet;
	e->packet.len = 0;
	return 0;
}

static int x264_set_bitrate(HwEncoder *enc, int bitrate_bps)
{
	X264Encoder *e = (X264Encoder *)enc;

	e->bitrate_bps = MIN(bitrate_bps, hw_h264_level_max_bitrate(e->param.i_level_idc));
	return reconfigure(e);
}

static int x264_set_fps(HwEncoder *enc, int fps_num, int fps_den)
{
	X264Encoder *e = (X264Encoder *)enc;

	e->fps = (double)fps_num / fps_den;
	return reconfigure(e);
}

static const char *x264_name(const HwEncoder *enc)
{
	(void)enc;
	return "x264";
}

static const HwEncoderOps x264_ops = {
	.destroy = x264_destroy,
	.send = x264_send,
	.receive = x264_receive,
	.set_bitrate = x264_set_bitrate,
	.set_fps = x264_set_fps,
	.name = x264_name,
};

static void configure(x264_param_t *p, const HwEncoderConfig *c)
{
	bool high = c->profile == HW_PROFILE_HIGH;

	p->i_log_level = X264_LOG_NONE;
	p->i_width = c->width;
	p->i_height = c->height;
	p->i_csp = X264_CSP_I420;
	p->i_fps_num = (uint32_t)c->fps_num;
	p->i_fps_den = (uint32_t)c->fps_den;
	p->b_vfr_input = 0;
	p->i_threads = 1;
	p->b_sliced_threads = 0;
	p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
	p->i_scenecut_threshold = 0;
	p->i_frame_reference = 1;
	p->b_repeat_headers = 1;
	p->b_annexb = 1;
	p->b_aud = 0;
	p->i_slice_max_size = (int)c->max_slice_bytes;
	p->i_level_idc = hw_h264_level(c);
	p->rc.i_rc_method = X264_RC_ABR;
	p->rc.f_vbv_buffer_init = 0.9f;
	p->vui.b_fullrange = 0;
	p->vui.i_colorprim = p->vui.i_transfer = p->vui.i_colmatrix = 1; /* BT.709 */
	p->b_cabac = high;
	p->analyse.b_transform_8x8 = high;
}

int hw_x264_new(const HwEncoderConfig *config, HwEncoder **ret, McuDiag *reterr)
{
	static const char *const presets[] = {
		[HW_PRESET_FASTEST] = "ultrafast",
		[HW_PRESET_FAST] = "superfast",
		[HW_PRESET_MEDIUM] = "veryfast",
	};
	X264Encoder *e = g_new0(X264Encoder, 1);
	bool high = config->profile == HW_PROFILE_HIGH;

	e->base.ops = &x264_ops;
	if (x264_param_default_preset(&e->param, presets[config->preset], "zerolatency") < 0)
		goto fail;
	configure(&e->param, config);
	e->fps = e->open_fps = (double)config->fps_num / config->fps_den;
	e->bitrate_bps = MIN(config->bitrate_bps, hw_h264_level_max_bitrate(e->param.i_level_idc));
	set_rate(e);
	if (x264_param_apply_profile(&e->param, high ? "high" : "baseline") < 0)
		goto fail;
	e->x264 = x264_encoder_open(&e->param);
	if (!e->x264)
		goto fail;
	*ret = &e->base;
	return 0;
fail:
	x264_destroy(&e->base);
	return mcu_diag(reterr, -EIO, "x264 refuses %dx%d at %d bit/s", config->width,
			config->height, config->bitrate_bps);
}
