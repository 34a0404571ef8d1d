#include <inttypes.h>
#include <opus/opus.h>
#include <string.h>

/* these need each other in this order */
#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "audio/codec.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/noise.h"
#include "audio/plc.h"

#define OPUS_RATE    48000
#define OPUS_STEP    120 /* 2.5 ms: what libopus conceals in */
#define OPUS_JOIN    240 /* 5 ms */
#define TOO_FAINT_DB 6.0f
#define G722_BITS    64000
#define CN_RATE      8000

struct McuAudioDecoder {
	McuCodec codec;
	OpusDecoder *opus;
	g722_decode_state_t g722;
	McuPlc plc;
	McuNoise noise;                      /* CN */
	float table[256];                    /* G.711 */
	int16_t linear[MCU_AUDIO_MAX_FRAME]; /* G.722 */
	float made[MCU_AUDIO_MAX_FRAME];     /* Opus: what plc makes up */
	bool use_made;                       /* and that is what was heard last */
};

unsigned mcu_audio_codec_rate(McuCodec codec)
{
	switch (codec) {
	case MCU_CODEC_OPUS:
		return OPUS_RATE;
	case MCU_CODEC_G722:
		return 16000;
	case MCU_CODEC_PCMU:
	case MCU_CODEC_PCMA:
	case MCU_CODEC_CN:
		return 8000;
	default:
		return 0;
	}
}

unsigned mcu_audio_payload_samples(McuCodec codec, const uint8_t *payload, size_t len)
{
	int n = 0;

	if (!len || len > MCU_AUDIO_MAX_FRAME)
		return 0;
	if (codec == MCU_CODEC_OPUS)
		n = opus_packet_get_nb_samples(payload, (opus_int32)len, OPUS_RATE);
	else if (codec == MCU_CODEC_G722)
		n = (int)len * 2;
	else if (codec == MCU_CODEC_PCMU || codec == MCU_CODEC_PCMA)
		n = (int)len;
	return n > 0 && n <= MCU_AUDIO_MAX_FRAME ? (unsigned)n : 0;
}

static void fill_table(McuAudioDecoder *dec)
{
	for (unsigned c = 0; c < 256; c++) {
		int16_t v = dec->codec == MCU_CODEC_PCMU ? mcu_ulaw_decode((uint8_t)c)
							 : mcu_alaw_decode((uint8_t)c);
		dec->table[c] = (float)v / 32768;
	}
}

McuAudioDecoder *mcu_audio_decoder_new(McuCodec codec)
{
	McuAudioDecoder *dec;

	if (!mcu_audio_codec_rate(codec))
		return NULL;
	dec = g_new0(McuAudioDecoder, 1);
	dec->codec = codec;
	if (codec == MCU_CODEC_OPUS)
		dec->opus = g_malloc((gsize)opus_decoder_get_size(1));
	else if (codec == MCU_CODEC_PCMU || codec == MCU_CODEC_PCMA)
		fill_table(dec);
	mcu_audio_decoder_reset(dec);
	return dec;
}

void mcu_audio_decoder_free(McuAudioDecoder *dec)
{
	if (!dec)
		return;
	g_free(dec->opus);
	g_free(dec);
}

void mcu_audio_decoder_reset(McuAudioDecoder *dec)
{
	if (dec->opus) {
		int err = opus_decoder_init(dec->opus, OPUS_RATE, 1);
		g_assert(err == OPUS_OK);
		dec->use_made = false;
	}
	if (dec->codec == MCU_CODEC_G722)
		g722_decode_init(&dec->g722, G722_BITS, 0);
	if (dec->codec != MCU_CODEC_CN)
		mcu_plc_init(&dec->plc, mcu_audio_codec_rate(dec->codec));
	else
		dec->noise = (McuNoise){ 0 };
}

McuCodec mcu_audio_decoder_codec(const McuAudioDecoder *dec)
{
	return dec->codec;
}

/* libopus joins its own concealment to what follows; ours is for us to join */
static void good_opus(McuAudioDecoder *dec, float *pcm, size_t n)
{
	if (!dec->use_made)
		dec->plc.lost = 0;
	dec->use_made = false;
	mcu_plc_good(&dec->plc, pcm, n);
}

static void decode_g722(McuAudioDecoder *dec, const uint8_t *payload, size_t len, float *out)
{
	int n = g722_decode(&dec->g722, dec->linear, payload, (int)len);

	for (int i = 0; i < n; i++)
		out[i] = (float)dec->linear[i] / 32768;
}

int mcu_audio_decoder_decode(McuAudioDecoder *dec, const uint8_t *payload, size_t len, float *out)
{
	unsigned n = mcu_audio_payload_samples(dec->codec, payload, len);
	int got;

	if (dec->codec == MCU_CODEC_CN)
		return mcu_noise_set_cn(&dec->noise, payload, len);
	if (!n)
		return -EINVAL;
	if (dec->opus) {
		got = opus_decode_float(dec->opus, payload, (opus_int32)len, out,
					MCU_AUDIO_MAX_FRAME, 0);
		if (got < 0)
			return -EINVAL;
		good_opus(dec, out, (size_t)got);
		return got;
	}
	if (dec->codec == MCU_CODEC_G722)
		decode_g722(dec, payload, len, out);
	else
		for (unsigned i = 0; i < n; i++)
			out[i] = dec->table[payload[i]];
	mcu_plc_good(&dec->plc, out, n);
	return (int)n;
}

/* RFC 6716 section 4.2.3: the first bits of a SILK frame are one VAD flag per 20 ms, then LBRR */
static bool has_fec(const uint8_t *payload, size_t len)
{
	const unsigned char *frames[48];
	opus_int16 sizes[48];
	unsigned char toc;
	int n, silk_frames;

	n = opus_packet_parse(payload, (opus_int32)len, &toc, frames, sizes, NULL);
	if (n < 1 || (toc & 0x80) || sizes[0] < 1) /* CELT only has none */
		return false;
	silk_frames = opus_packet_get_samples_per_frame(payload, OPUS_RATE) / (OPUS_RATE / 50);
	if (silk_frames < 1)
		silk_frames = 1;
	if (frames[0][0] >> (7 - silk_frames) & 1)
		return true;
	/* the side channel of stereo has flags of its own after those of the middle */
	return opus_packet_get_nb_channels(payload) == 2 &&
	       (frames[0][0] >> (6 - 2 * silk_frames) & 1);
}

static int round_up_step(unsigned n)
{
	return (int)MIN((n + OPUS_STEP - 1) / OPUS_STEP * OPUS_STEP, (unsigned)MCU_AUDIO_MAX_FRAME);
}

int mcu_audio_decoder_fec(McuAudioDecoder *dec, const uint8_t *payload, size_t len, float *out,
			  unsigned n)
{
	int got;

	if (!dec->opus || !len || !has_fec(payload, len))
		return -ENOENT;
	got = opus_decode_float(dec->opus, payload, (opus_int32)len, out, round_up_step(n), 1);
	if (got < 0)
		return -EINVAL;
	got = MIN(got, (int)n);
	good_opus(dec, out, (size_t)got);
	return got;
}

/* libopus conceals voices well, but lets tones and music drop within milliseconds: then repeating
 * the last period is better. */
static void conceal_opus(McuAudioDecoder *dec, float *out, unsigned n)
{
	bool first = dec->plc.lost == 0, was_made = dec->use_made;
	unsigned join = MIN(n, (unsigned)OPUS_JOIN);

	if (opus_decode_float(dec->opus, NULL, 0, out, round_up_step(n), 0) < 0)
		memset(out, 0, n * sizeof(float));
	mcu_plc_lost(&dec->plc, dec->made, n);
	dec->use_made =
		was_made || mcu_level_dbov(dec->made, n) > mcu_level_dbov(out, n) + TOO_FAINT_DB;
	if (!dec->use_made)
		return;
	for (unsigned i = 0; !first && !was_made && i < join; i++) {
		float t = ((float)i + 0.5f) / (float)join;

		dec->made[i] = out[i] + t * (dec->made[i] - out[i]);
	}
	memcpy(out, dec->made, n * sizeof(float));
}

void mcu_audio_decoder_conceal(McuAudioDecoder *dec, float *out, unsigned n)
{
	n = MIN(n, (unsigned)MCU_AUDIO_MAX_FRAME);
	if (dec->codec == MCU_CODEC_CN) {
		mcu_noise_run(&dec->noise, out, n);
	} else if (!dec->opus) {
		mcu_plc_lost(&dec->plc, out, n);
	} else if (n) {
		conceal_opus(dec, out, n);
	}
}
