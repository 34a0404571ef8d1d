/* H.264 with openh264: real-time settings, one thread, keyframes only on demand. */
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

#include "hw/pool.h"
#include "hw/soft/level.h"
#include "hw/soft/scale.h"
#include "hw/soft/soft.h"

typedef struct Openh264Encoder {
	HwEncoder base;
	ISVCEncoder *wels;
	HwFramePool *converted; /* for NV12 input */
	int64_t frames;
	double fps;
	int max_bitrate_bps; /* openh264 refuses more than the level allows */
	uint8_t *buf;        /* the packet */
	size_t size;
	HwPacket packet; /* len 0: none */
} Openh264Encoder;

static void openh264_destroy(HwEncoder *enc)
{
	Openh264Encoder *e = (Openh264Encoder *)enc;

	if (e->wels) {
		(void)(*e->wels)->Uninitialize(e->wels);
		WelsDestroySVCEncoder(e->wels);
	}
	hw_frame_pool_free(e->converted);
	free(e->buf);
	g_free(e);
}

static int reserve(Openh264Encoder *e, size_t size)
{
	uint8_t *grown;

	if (size <= e->size)
		return 0;
	grown = realloc(e->buf, size * 2);
	if (!grown)
		return -ENOMEM;
	e->buf = grown;
	e->size = size * 2;
	return 0;
}

static size_t layer_bytes(const SLayerBSInfo *layer)
{
	size_t len = 0;

	for (int i = 0; i < layer->iNalCount; i++)
		len += (size_t)layer->pNalLengthInByte[i];
	return len;
}

/* Parameter sets and slices come in separate layers; the packet is all of them in order. */
static int collect(Openh264Encoder *e, const SFrameBSInfo *info, int64_t pts_ns)
{
	size_t len = 0;

	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *layer = &info->sLayerInfo[i];
		size_t n = layer_bytes(layer);
		int r = reserve(e, len + n);

		if (r < 0)
			return r;
		memcpy(e->buf + len, layer->pBsBuf, n);
		len += n;
	}
	e->packet = (HwPacket){ .data = e->buf,
				.len = len,
				.keyframe = info->eFrameType == videoFrameTypeIDR,
				.pts_ns = pts_ns,
				.qp = -1 };
	return 0;
}

/* openh264 reads I420 only */
static int as_i420(Openh264Encoder *e, HwFrame *frame, HwFrame **ret_held, HwMapping *ret)
{
	HwMapping src;
	int r = hw_frame_map(frame, ret);

	if (r < 0 || ret->format == HW_FORMAT_I420)
		return r;
	src = *ret;
	if (!e->converted)
		e->converted = hw_frame_pool_new(HW_FORMAT_I420, frame->width, frame->height, 1);
	r = hw_frame_pool_acquire(e->converted, ret_held);
	if (r < 0)
		return r;
	*ret = (*ret_held)->map;
	hw_scale_nv12_to_i420(&src, ret);
	return 0;
}

static int openh264_send(HwEncoder *enc, HwFrame *frame, bool force_keyframe)
{
	Openh264Encoder *e = (Openh264Encoder *)enc;
	g_autoptr(HwFrame) held = NULL;
	SSourcePicture pic = { .iColorFormat = videoFormatI420 };
	SFrameBSInfo info = { 0 };
	HwMapping m;
	int r;

	e->packet.len = 0;
	r = as_i420(e, frame, &held, &m);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++) {
		pic.pData[i] = m.data[i];
		pic.iStride[i] = m.stride[i];
	}
	pic.iPicWidth = m.width;
	pic.iPicHeight = m.height;
	pic.uiTimeStamp = (long long)((double)e->frames++ * 1000 / e->fps);
	if (force_keyframe && (*e->wels)->ForceIntraFrame(e->wels, true) != cmResultSuccess)
		return -EIO;
	if ((*e->wels)->EncodeFrame(e->wels, &pic, &info) != cmResultSuccess)
		return -EIO;
	if (info.eFrameType == videoFrameTypeSkip)
		return 0;
	return collect(e, &info, hw_frame_pts_ns(frame));
}

static int openh264_receive(HwEncoder *enc, HwPacket *ret)
{
	Openh264Encoder *e = (Openh264Encoder *)enc;

	if (!e->packet.len)
		return -EAGAIN;
	*ret = e->packet;
	e->packet.len = 0;
	return 0;
}

static int openh264_set_bitrate(HwEncoder *enc, int bitrate_bps)
{
	Openh264Encoder *e = (Openh264Encoder *)enc;
	SBitrateInfo info = { .iLayer = SPATIAL_LAYER_ALL,
			      .iBitrate = MIN(bitrate_bps, e->max_bitrate_bps) };

	if ((*e->wels)->SetOption(e->wels, ENCODER_OPTION_BITRATE, &info) != cmResultSuccess)
		return -EIO;
	return 0;
}

static int openh264_set_fps(HwEncoder *enc, int fps_num, int fps_den)
{
	Openh264Encoder *e = (Openh264Encoder *)enc;
	float fps = (float)fps_num / (float)fps_den;

	if ((*e->wels)->SetOption(e->wels, ENCODER_OPTION_FRAME_RATE, &fps) != cmResultSuccess)
		return -EIO;
	/* time stamps go on from where they are */
	e->frames = (int64_t)((double)e->frames * (double)fps / e->fps);
	e->fps = fps;
	return 0;
}

static const char *openh264_name(const HwEncoder *enc)
{
	(void)enc;
	return "openh264";
}

static const HwEncoderOps openh264_ops = {
	.destroy = openh264_destroy,
	.send = openh264_send,
	.receive = openh264_receive,
	.set_bitrate = openh264_set_bitrate,
	.set_fps = openh264_set_fps,
	.name = openh264_name,
};

static void configure_layer(SSpatialLayerConfig *l, const HwEncoderConfig *c)
{
	l->iVideoWidth = c->width;
	l->iVideoHeight = c->height;
	l->fFrameRate = (float)c->fps_num / (float)c->fps_den;
	l->iSpatialBitrate = MIN(c->bitrate_bps, hw_h264_level_max_bitrate(hw_h264_level(c)));
	l->iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
	l->uiProfileIdc = c->profile == HW_PROFILE_HIGH ? PRO_HIGH : PRO_BASELINE;
	l->uiLevelIdc = (ELevelIdc)hw_h264_level(c);
	l->sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
	l->sSliceArgument.uiSliceNum = 1;
	if (c->max_slice_bytes) {
		l->sSliceArgument.uiSliceMode = SM_SIZELIMITED_SLICE;
		l->sSliceArgument.uiSliceSizeConstraint = (unsigned)c->max_slice_bytes;
	}
	l->bVideoSignalTypePresent = true;
	l->uiVideoFormat = VF_UNDEF;
	l->bColorDescriptionPresent = true;
	l->uiColorPrimaries = CP_BT709;
	l->uiTransferCharacteristics = TRC_BT709;
	l->uiColorMatrix = CM_BT709;
}

static void configure(SEncParamExt *p, const HwEncoderConfig *c)
{
	p->iUsageType = CAMERA_VIDEO_REAL_TIME;
	p->iPicWidth = c->width;
	p->iPicHeight = c->height;
	p->iTargetBitrate = MIN(c->bitrate_bps, hw_h264_level_max_bitrate(hw_h264_level(c)));
	p->iMaxBitrate = UNSPECIFIED_BIT_RATE;
	p->fMaxFrameRate = (float)c->fps_num / (float)c->fps_den;
	p->iRCMode = RC_BITRATE_MODE;
	p->bEnableFrameSkip = false;
	p->iTemporalLayerNum = 1;
	p->iSpatialLayerNum = 1;
	p->iComplexityMode = c->preset == HW_PRESET_MEDIUM ? MEDIUM_COMPLEXITY : LOW_COMPLEXITY;
	p->uiIntraPeriod = 0;
	p->iNumRefFrame = 1;
	p->eSpsPpsIdStrategy = CONSTANT_ID;
	p->bPrefixNalAddingCtrl = false;
	p->iEntropyCodingModeFlag = c->profile == HW_PROFILE_HIGH;
	p->uiMaxNalSize = (unsigned)c->max_slice_bytes;
	p->iMultipleThreadIdc = 1;
	p->bEnableDenoise = false;
	p->bEnableSceneChangeDetect = false;
	p->bEnableBackgroundDetection = false;
	p->bEnableAdaptiveQuant = false;
	p->bEnableFrameCroppingFlag = true;
	configure_layer(&p->sSpatialLayers[0], c);
}

int hw_openh264_new(const HwEncoderConfig *config, HwEncoder **ret, McuDiag *reterr)
{
	Openh264Encoder *e = g_new0(Openh264Encoder, 1);
	int quiet = WELS_LOG_QUIET;
	SEncParamExt param;

	e->base.ops = &openh264_ops;
	e->fps = (double)config->fps_num / config->fps_den;
	e->max_bitrate_bps = hw_h264_level_max_bitrate(hw_h264_level(config));
	if (WelsCreateSVCEncoder(&e->wels) != 0 || !e->wels)
		goto fail;
	(void)(*e->wels)->SetOption(e->wels, ENCODER_OPTION_TRACE_LEVEL, &quiet);
	if ((*e->wels)->GetDefaultParams(e->wels, &param) != cmResultSuccess)
		goto fail;
	configure(&param, config);
	if ((*e->wels)->InitializeExt(e->wels, &param) != cmResultSuccess)
		goto fail;
	*ret = &e->base;
	return 0;
fail:
	openh264_destroy(&e->base);
	return mcu_diag(reterr, -EIO, "openh264 refuses %dx%d at %d bit/s", config->width,
			config->height, config->bitrate_bps);
}
