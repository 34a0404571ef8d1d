#include "audio/sender.h"

#include <string.h>

#include "audio/codec.h"
#include "audio/resample.h"

#define MAX_FRAME_MS 60
#define MAX_HELD     (MCU_AUDIO_RATE * (MAX_FRAME_MS + MCU_AUDIO_SLOT_MS) / 1000)

struct McuAudioSender {
	McuAudioSendParams params;
	unsigned rate;
	unsigned frame; /* samples */
	McuResampler *resampler;
	McuAudioEncoder *encoder;
	unsigned loss;
	uint64_t next_slot; /* 0 = never fed */
	uint64_t begin;     /* place of held[0] on the time line, in samples */
	size_t n_held;
	float held[MAX_HELD];
};

/* the longest frame that is not longer than what is asked for; peers ask for 5, 25 and 200 too */
static unsigned frame_ms(McuCodec codec, unsigned ptime_ms)
{
	static const unsigned ms[] = { 60, 40, 30, 20 };

	if (!ptime_ms)
		return MCU_AUDIO_SLOT_MS;
	for (size_t i = 0; i < G_N_ELEMENTS(ms); i++) {
		/* Opus has no frames of 30 ms */
		if (ptime_ms >= ms[i] && !(codec == MCU_CODEC_OPUS && ms[i] == 30))
			return ms[i];
	}
	return 10;
}

int mcu_audio_send_params_normalise(McuAudioSendParams *params)
{
	unsigned ms = frame_ms(params->codec, params->ptime_ms);

	if (!mcu_audio_codec_rate(params->codec) || params->codec == MCU_CODEC_CN)
		return -EINVAL;
	if (params->codec != MCU_CODEC_OPUS) {
		*params = (McuAudioSendParams){ .codec = params->codec, .ptime_ms = ms };
		return 0;
	}
	params->ptime_ms = ms;
	params->bitrate_bps =
		params->bitrate_bps ? CLAMP(params->bitrate_bps, 6000u, 128000u) : 32000;
	return 0;
}

McuAudioSender *mcu_audio_sender_new(const McuAudioSendParams *params, unsigned complexity)
{
	McuAudioEncoderParams ep = {
		.codec = params->codec,
		.bitrate_bps = params->bitrate_bps,
		.complexity = complexity,
		.fec = params->fec,
		.dtx = params->dtx,
	};
	McuAudioSender *s = g_new0(McuAudioSender, 1);

	s->params = *params;
	s->rate = mcu_audio_codec_rate(params->codec);
	s->frame = s->rate * params->ptime_ms / 1000;
	s->resampler = mcu_resampler_new(MCU_AUDIO_RATE, s->rate);
	s->encoder = mcu_audio_encoder_new(&ep);
	return s;
}

void mcu_audio_sender_free(McuAudioSender *s)
{
	if (!s)
		return;
	mcu_resampler_free(s->resampler);
	mcu_audio_encoder_free(s->encoder);
	g_free(s);
}

bool mcu_audio_sender_runs(const McuAudioSender *s, uint64_t slot)
{
	return s->next_slot == slot && slot > 0;
}

void mcu_audio_sender_copy(McuAudioSender *dst, const McuAudioSender *src)
{
	mcu_resampler_copy(dst->resampler, src->resampler);
	mcu_audio_encoder_copy(dst->encoder, src->encoder);
	dst->loss = src->loss;
	dst->next_slot = src->next_slot;
	dst->begin = src->begin;
	dst->n_held = src->n_held;
	memcpy(dst->held, src->held, src->n_held * sizeof(float));
}

void mcu_audio_sender_refresh(McuAudioSender *s)
{
	mcu_audio_encoder_refresh(s->encoder);
}

void mcu_audio_sender_set_loss(McuAudioSender *s, unsigned percent)
{
	if (percent == s->loss)
		return;
	s->loss = percent;
	mcu_audio_encoder_set_loss(s->encoder, percent);
}

/* begin anew in the frame that `slot` falls into, silent up to the slot */
static void restart(McuAudioSender *s, uint64_t slot)
{
	uint64_t at = slot * (s->rate * MCU_AUDIO_SLOT_MS / 1000);

	s->n_held = (size_t)(at % s->frame);
	s->begin = at - s->n_held;
	memset(s->held, 0, s->n_held * sizeof(float));
	mcu_resampler_reset(s->resampler);
	mcu_audio_encoder_refresh(s->encoder);
}

void mcu_audio_sender_feed(McuAudioSender *s, const float *pcm, uint64_t slot)
{
	if (!mcu_audio_sender_runs(s, slot))
		restart(s, slot);
	s->n_held +=
		mcu_resampler_run(s->resampler, pcm, MCU_AUDIO_SLOT_FRAMES, s->held + s->n_held);
	s->next_slot = slot + 1;
}

int mcu_audio_sender_take(McuAudioSender *s, uint8_t *buf, McuAudioFrame *ret_frame)
{
	uint64_t clock = mcu_codec_clock_hz(s->params.codec);
	uint64_t slot_at;
	int len;

	if (s->n_held < s->frame)
		return 0;
	slot_at = (s->next_slot - 1) * (s->rate * MCU_AUDIO_SLOT_MS / 1000);
	len = mcu_audio_encoder_encode(s->encoder, s->held, s->frame, buf, MCU_AUDIO_MAX_PAYLOAD);
	*ret_frame = (McuAudioFrame){
		.len = len > 0 ? (size_t)len : 0,
		.rtp_ts = (uint32_t)(s->begin * clock / s->rate),
		.duration_ts = (uint32_t)(s->frame * clock / s->rate),
		.offset_ms = (int)((int64_t)(s->begin - slot_at) * 1000 / (int64_t)s->rate),
	};
	s->begin += s->frame;
	s->n_held -= s->frame;
	memmove(s->held, s->held + s->frame, s->n_held * sizeof(float));
	return 1;
}
