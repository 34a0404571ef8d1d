#include "hw/ops.h"
#include "hw/soft/soft.h"

const char *hw_encoder_kind_name(HwEncoderKind kind)
{
	static const char *const names[] = {
		[HW_ENCODER_AUTO] = "auto",
		[HW_ENCODER_OPENH264] = "openh264",
		[HW_ENCODER_X264] = "x264",
	};

	return (unsigned)kind < G_N_ELEMENTS(names) ? names[kind] : NULL;
}

const char *hw_preset_name(HwPreset preset)
{
	static const char *const names[] = {
		[HW_PRESET_FASTEST] = "fastest",
		[HW_PRESET_FAST] = "fast",
		[HW_PRESET_MEDIUM] = "medium",
	};

	return (unsigned)preset < G_N_ELEMENTS(names) ? names[preset] : NULL;
}

static bool fps_ok(int num, int den)
{
	return num > 0 && den > 0 && num <= HW_MAX_FPS * (int64_t)den && num >= den;
}

static bool bitrate_ok(int bps)
{
	return bps >= HW_MIN_BITRATE_BPS && bps <= HW_MAX_BITRATE_BPS;
}

static int check_config(const HwEncoderConfig *c, McuDiag *reterr)
{
	if (c->codec != HW_CODEC_H264)
		return mcu_diag(reterr, -ENOTSUP, "encoding %s: only h264 is encoded",
				hw_codec_name(c->codec) ? hw_codec_name(c->codec)
							: "unknown codec");
	if (c->width < HW_MIN_ENCODE_SIZE || c->height < HW_MIN_ENCODE_SIZE ||
	    c->width > HW_MAX_SIZE || c->height > HW_MAX_SIZE || (c->width | c->height) & 1)
		return mcu_diag(reterr, -EINVAL,
				"encoding %dx%d: expected even sides from %d to %d", c->width,
				c->height, HW_MIN_ENCODE_SIZE, HW_MAX_SIZE);
	if (!fps_ok(c->fps_num, c->fps_den))
		return mcu_diag(reterr, -EINVAL, "%d/%d frames per second: expected 1 to %d",
				c->fps_num, c->fps_den, HW_MAX_FPS);
	if (!bitrate_ok(c->bitrate_bps))
		return mcu_diag(reterr, -EINVAL, "%d bit/s: expected %d to %d", c->bitrate_bps,
				HW_MIN_BITRATE_BPS, HW_MAX_BITRATE_BPS);
	if (!hw_encoder_kind_name(c->kind) || !hw_preset_name(c->preset) ||
	    (c->profile != HW_PROFILE_CONSTRAINED_BASELINE && c->profile != HW_PROFILE_HIGH))
		return mcu_diag(reterr, -EINVAL, "encoder kind, preset or profile is not set");
	if (c->max_slice_bytes && c->max_slice_bytes < HW_MIN_SLICE_BYTES)
		return mcu_diag(reterr, -EINVAL, "slices of %zu bytes: expected at least %d",
				c->max_slice_bytes, HW_MIN_SLICE_BYTES);
	return 0;
}

int hw_encoder_new(HwDevice *device, const HwEncoderConfig *config, HwEncoder **ret,
		   McuDiag *reterr)
{
	HwEncoderConfig c = *config;
	HwEncoder *enc = NULL;
	int r;

	if (!c.kind)
		c.kind = HW_ENCODER_AUTO;
	if (!c.preset)
		c.preset = HW_PRESET_FAST;
	if (!c.profile)
		c.profile = HW_PROFILE_CONSTRAINED_BASELINE;
	r = check_config(&c, reterr);
	if (r < 0)
		return r;
	if (device->ops->encoder_new)
		r = device->ops->encoder_new(device, &c, &enc, reterr);
	else
		r = hw_soft_encoder_new(device, &c, &enc, reterr);
	if (r < 0)
		return r;
	enc->config = c;
	enc->device = hw_device_ref(device);
	*ret = enc;
	return 0;
}

void hw_encoder_free(HwEncoder *enc)
{
	HwDevice *device;

	if (!enc)
		return;
	device = enc->device;
	enc->ops->destroy(enc);
	hw_device_unref(device);
}

int hw_encoder_send(HwEncoder *enc, HwFrame *frame, bool force_keyframe)
{
	if (frame->width != enc->config.width || frame->height != enc->config.height ||
	    frame->format == HW_FORMAT_BGRA)
		return -EINVAL;
	return enc->ops->send(enc, frame, force_keyframe);
}

int hw_encoder_receive(HwEncoder *enc, HwPacket *ret)
{
	return enc->ops->receive(enc, ret);
}

int hw_encoder_set_bitrate(HwEncoder *enc, int bitrate_bps)
{
	int r;

	if (!bitrate_ok(bitrate_bps))
		return -EINVAL;
	if (bitrate_bps == enc->config.bitrate_bps)
		return 0;
	r = enc->ops->set_bitrate(enc, bitrate_bps);
	if (r >= 0)
		enc->config.bitrate_bps = bitrate_bps;
	return r;
}

int hw_encoder_set_fps(HwEncoder *enc, int fps_num, int fps_den)
{
	int r;

	if (!fps_ok(fps_num, fps_den))
		return -EINVAL;
	r = enc->ops->set_fps(enc, fps_num, fps_den);
	if (r >= 0) {
		enc->config.fps_num = fps_num;
		enc->config.fps_den = fps_den;
	}
	return r;
}

const char *hw_encoder_name(const HwEncoder *enc)
{
	return enc->ops->name(enc);
}
