#include <inttypes.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

/* these need each other in this order */
#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "audio/codec.h"
#include "audio/g711.h"

#define OPUS_RATE          48000
#define G722_BITS          64000
#define MAX_FRAME          (OPUS_RATE * 60 / 1000)
#define DEFAULT_BITRATE    32000
#define DEFAULT_COMPLEXITY 5
#define DTX_MAX_BYTES      2 /* libopus: "the packet need not be transmitted" */

struct McuAudioEncoder {
	McuAudioEncoderParams params;
	OpusEncoder *opus;
	g722_encode_state_t g722;
	bool refresh;
	int16_t linear[MAX_FRAME];
};

static void set_up_opus(McuAudioEncoder *enc)
{
	const McuAudioEncoderParams *p = &enc->params;
	int err = opus_encoder_init(enc->opus, OPUS_RATE, 1, OPUS_APPLICATION_VOIP);

	g_assert(err == OPUS_OK);
	opus_encoder_ctl(enc->opus, OPUS_SET_BITRATE((opus_int32)p->bitrate_bps));
	opus_encoder_ctl(enc->opus, OPUS_SET_COMPLEXITY((opus_int32)p->complexity));
	opus_encoder_ctl(enc->opus, OPUS_SET_INBAND_FEC(p->fec));
	opus_encoder_ctl(enc->opus, OPUS_SET_DTX(p->dtx));
}

McuAudioEncoder *mcu_audio_encoder_new(const McuAudioEncoderParams *params)
{
	McuAudioEncoder *enc;

	if (!mcu_audio_codec_rate(params->codec) || params->codec == MCU_CODEC_CN)
		return NULL;
	enc = g_new0(McuAudioEncoder, 1);
	enc->params = *params;
	if (!enc->params.bitrate_bps)
		enc->params.bitrate_bps = DEFAULT_BITRATE;
	if (!enc->params.complexity)
		enc->params.complexity = DEFAULT_COMPLEXITY;
	if (params->codec == MCU_CODEC_OPUS)
		enc->opus = g_malloc((gsize)opus_encoder_get_size(1));
	mcu_audio_encoder_reset(enc);
	return enc;
}

void mcu_audio_encoder_free(McuAudioEncoder *enc)
{
	if (!enc)
		return;
	g_free(enc->opus);
	g_free(enc);
}

void mcu_audio_encoder_reset(McuAudioEncoder *enc)
{
	if (enc->opus)
		set_up_opus(enc);
	else if (enc->params.codec == MCU_CODEC_G722)
		g722_encode_init(&enc->g722, G722_BITS, 0);
	enc->refresh = false;
}

void mcu_audio_encoder_copy(McuAudioEncoder *dst, const McuAudioEncoder *src)
{
	g_assert(dst->params.codec == src->params.codec);
	/* opus.h: the state is one block without pointers, a shallow copy is a copy */
	if (dst->opus)
		memcpy(dst->opus, src->opus, (size_t)opus_encoder_get_size(1));
	dst->g722 = src->g722;
	dst->params = src->params;
	dst->refresh = src->refresh;
}

void mcu_audio_encoder_set_loss(McuAudioEncoder *enc, unsigned percent)
{
	if (enc->opus)
		opus_encoder_ctl(enc->opus, OPUS_SET_PACKET_LOSS_PERC((int)MIN(percent, 100u)));
}

void mcu_audio_encoder_refresh(McuAudioEncoder *enc)
{
	enc->refresh = true;
}

static bool frame_fits(const McuAudioEncoder *enc, unsigned n)
{
	unsigned ms = n * 1000 / mcu_audio_codec_rate(enc->params.codec);

	if (n != ms * mcu_audio_codec_rate(enc->params.codec) / 1000)
		return false;
	return ms == 10 || ms == 20 || ms == 40 || ms == 60 || (ms == 30 && !enc->opus);
}

static int encode_opus(McuAudioEncoder *enc, const float *pcm, unsigned n, uint8_t *out,
		       size_t size)
{
	bool refresh = enc->refresh;
	int got;

	if (refresh)
		opus_encoder_ctl(enc->opus, OPUS_SET_PREDICTION_DISABLED(1));
	got = opus_encode_float(enc->opus, pcm, (int)n, out,
				(opus_int32)MIN(size, (size_t)INT_MAX));
	if (refresh)
		opus_encoder_ctl(enc->opus, OPUS_SET_PREDICTION_DISABLED(0));
	if (got < 0)
		return got == OPUS_BUFFER_TOO_SMALL ? -ENOSPC : -EIO;
	if (enc->params.dtx && got <= DTX_MAX_BYTES)
		return 0;
	enc->refresh = false;
	return got;
}

int mcu_audio_encoder_encode(McuAudioEncoder *enc, const float *pcm, unsigned n, uint8_t *out,
			     size_t size)
{
	if (!frame_fits(enc, n))
		return -EINVAL;
	if (enc->opus)
		return encode_opus(enc, pcm, n, out, size);
	if (size < (enc->params.codec == MCU_CODEC_G722 ? n / 2 : n))
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++)
		enc->linear[i] = (int16_t)lrintf(CLAMP(pcm[i] * 32768, -32768.0f, 32767.0f));
	if (enc->params.codec == MCU_CODEC_G722)
		return g722_encode(&enc->g722, out, enc->linear, (int)n);
	for (unsigned i = 0; i < n; i++)
		out[i] = enc->params.codec == MCU_CODEC_PCMU ? mcu_ulaw_encode(enc->linear[i])
							     : mcu_alaw_encode(enc->linear[i]);
	return (int)n;
}
