/* Tests of the codecs: round trips, hostile payloads, FEC, comfort noise, copied encoders. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "audio/codec.h"
#include "audio/tone.h"

#define SECONDS 1

static const McuCodec all[] = { MCU_CODEC_OPUS, MCU_CODEC_G722, MCU_CODEC_PCMU, MCU_CODEC_PCMA };

static McuAudioEncoder *encoder(McuCodec codec, bool fec)
{
	McuAudioEncoderParams p = { .codec = codec, .fec = fec };

	return mcu_audio_encoder_new(&p);
}

static void round_trip(McuCodec codec, unsigned ms, double hz)
{
	g_autoptr(McuAudioEncoder) enc = encoder(codec, false);
	g_autoptr(McuAudioDecoder) dec = mcu_audio_decoder_new(codec);
	unsigned rate = mcu_audio_codec_rate(codec), n = rate * ms / 1000;
	g_autofree float *pcm = g_new(float, rate *(SECONDS + 1));
	g_autofree float *heard = g_new(float, rate *(SECONDS + 1));
	size_t at = 0, half = rate / 2;
	McuTone t;

	mcu_tone_init(&t, hz, -12, rate);
	mcu_tone_run(&t, pcm, rate * (SECONDS + 1), 0);
	for (; at + n <= rate * SECONDS; at += n) {
		uint8_t payload[1500];
		float out[MCU_AUDIO_MAX_FRAME];
		int len = mcu_audio_encoder_encode(enc, pcm + at, n, payload, sizeof(payload));

		g_assert_cmpint(len, >, 0);
		g_assert_cmpuint(mcu_audio_payload_samples(codec, payload, (size_t)len), ==, n);
		g_assert_cmpint(mcu_audio_decoder_decode(dec, payload, (size_t)len, out), ==,
				(int)n);
		memcpy(heard + at, out, n * sizeof(float));
	}
	g_assert_cmpfloat(fabs(mcu_tone_level(heard + half, at - half, hz, rate) + 12), <, 1);
	g_assert_cmpfloat(mcu_tone_residual(heard + half, at - half, &hz, 1, rate), <, -32);
}

static void test_round_trip(void)
{
	const unsigned ms[] = { 10, 20, 40, 60 };

	for (size_t c = 0; c < G_N_ELEMENTS(all); c++) {
		for (size_t i = 0; i < G_N_ELEMENTS(ms); i++) {
			round_trip(all[c], ms[i], 440);
			round_trip(all[c], ms[i], 1700);
		}
	}
	round_trip(MCU_CODEC_PCMU, 30, 440);
	round_trip(MCU_CODEC_G722, 20, 5000);
}

static void test_limits(void)
{
	float pcm[2880] = { 0 };
	uint8_t out[1500];

	g_assert_null(mcu_audio_decoder_new(MCU_CODEC_H264));
	g_assert_null(encoder(MCU_CODEC_CN, false));
	for (size_t c = 0; c < G_N_ELEMENTS(all); c++) {
		g_autoptr(McuAudioEncoder) enc = encoder(all[c], false);
		unsigned rate = mcu_audio_codec_rate(all[c]);

		g_assert_cmpint(mcu_audio_encoder_encode(enc, pcm, rate / 50 - 1, out, 1500), ==,
				-EINVAL);
		g_assert_cmpint(mcu_audio_encoder_encode(enc, pcm, rate / 50, out, 1), <, 2);
		for (int i = 0; i < 2880; i++)
			pcm[i] = i % 2 ? 40.0f : -40.0f;
		g_assert_cmpint(mcu_audio_encoder_encode(enc, pcm, rate / 50, out, 1500), >, 0);
	}
}

static void test_hostile(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(4);
	const McuCodec more[] = { MCU_CODEC_OPUS, MCU_CODEC_G722, MCU_CODEC_PCMU, MCU_CODEC_CN };

	for (size_t c = 0; c < G_N_ELEMENTS(more); c++) {
		g_autoptr(McuAudioDecoder) dec = mcu_audio_decoder_new(more[c]);
		float out[MCU_AUDIO_MAX_FRAME];
		uint8_t bytes[1500];

		for (int i = 0; i < 3000; i++) {
			size_t len = (size_t)g_rand_int_range(r, 0, i % 8 ? 200 : 1500);
			int got;

			for (size_t k = 0; k < len; k++)
				bytes[k] = (uint8_t)g_rand_int(r);
			got = mcu_audio_decoder_decode(dec, bytes, len, out);
			g_assert_cmpint(got, <=, MCU_AUDIO_MAX_FRAME);
			got = mcu_audio_decoder_fec(dec, bytes, len, out, 960);
			g_assert_cmpint(got, <=, 960);
			mcu_audio_decoder_conceal(dec, out, (unsigned)g_rand_int_range(r, 0, 7000));
		}
	}
}

/* something libopus takes for speech: harmonics of a voice in syllables */
static void voice(float *pcm, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++) {
		double t = (double)(at + i) / 48000, v = 0;

		for (int h = 1; h <= 20; h++)
			v += sin(2 * M_PI * 120 * h * t + h * h) / h;
		pcm[i] = (float)(0.08 * v * (0.6 - 0.4 * cos(2 * M_PI * 4 * t)));
	}
}

/* every other packet is lost: with FEC the sound of the lost one is in the next */
static void test_fec(void)
{
	g_autoptr(McuAudioEncoder) enc = encoder(MCU_CODEC_OPUS, true);
	g_autoptr(McuAudioDecoder) dec = mcu_audio_decoder_new(MCU_CODEC_OPUS);
	uint8_t payload[1500];
	float pcm[960], out[MCU_AUDIO_MAX_FRAME];
	unsigned restored = 0;
	double was = 0, now = 0;

	mcu_audio_encoder_set_loss(enc, 25);
	for (size_t i = 0; i < 200; i++) {
		int len;

		voice(pcm, 960, i * 960);
		if (i % 2 == 0)
			was += pow(10, mcu_tone_level(pcm, 960, 240, 48000) / 10);
		len = mcu_audio_encoder_encode(enc, pcm, 960, payload, sizeof(payload));
		g_assert_cmpint(len, >, 0);
		if (i % 2 == 0)
			continue;
		if (mcu_audio_decoder_fec(dec, payload, (size_t)len, out, 960) == 960)
			restored++;
		else
			mcu_audio_decoder_conceal(dec, out, 960);
		now += pow(10, mcu_tone_level(out, 960, 240, 48000) / 10);
		g_assert_cmpint(mcu_audio_decoder_decode(dec, payload, (size_t)len, out), ==, 960);
	}
	g_assert_cmpuint(restored, >, 50); /* the rest is too quiet to spend bits on */
	g_assert_cmpfloat(fabs(10 * log10(now / was)), <, 4);
}

static void test_no_fec(void)
{
	g_autoptr(McuAudioEncoder) enc = encoder(MCU_CODEC_OPUS, false);
	g_autoptr(McuAudioDecoder) dec = mcu_audio_decoder_new(MCU_CODEC_OPUS);
	uint8_t payload[1500];
	float pcm[960], out[MCU_AUDIO_MAX_FRAME];
	McuTone t;

	mcu_tone_init(&t, 300, -12, 48000);
	for (int i = 0; i < 20; i++) {
		int len;

		mcu_tone_run(&t, pcm, 960, 0);
		len = mcu_audio_encoder_encode(enc, pcm, 960, payload, sizeof(payload));
		g_assert_cmpint(mcu_audio_decoder_fec(dec, payload, (size_t)len, out, 960), ==,
				-ENOENT);
	}
}

static void test_dtx(void)
{
	McuAudioEncoderParams p = { .codec = MCU_CODEC_OPUS, .dtx = true };
	g_autoptr(McuAudioEncoder) enc = mcu_audio_encoder_new(&p);
	float pcm[960] = { 0 };
	uint8_t payload[1500];
	unsigned quiet = 0;

	for (int i = 0; i < 100; i++)
		quiet += mcu_audio_encoder_encode(enc, pcm, 960, payload, sizeof(payload)) == 0;
	g_assert_cmpuint(quiet, >, 60);
}

/* a decoder that followed one encoder follows its copy without a step */
static void copied(McuCodec codec)
{
	g_autoptr(McuAudioEncoder) a = encoder(codec, false), b = encoder(codec, false);
	unsigned n = mcu_audio_codec_rate(codec) / 50;
	uint8_t pa[1500], pb[1500];
	float pcm[960];
	int la, lb;
	McuTone t;

	mcu_tone_init(&t, 440, -12, mcu_audio_codec_rate(codec));
	for (int i = 0; i < 20; i++) {
		mcu_tone_run(&t, pcm, n, 0);
		g_assert_cmpint(mcu_audio_encoder_encode(a, pcm, n, pa, 1500), >, 0);
	}
	mcu_audio_encoder_copy(b, a);
	for (int i = 0; i < 5; i++) {
		mcu_tone_run(&t, pcm, n, 0);
		la = mcu_audio_encoder_encode(a, pcm, n, pa, 1500);
		lb = mcu_audio_encoder_encode(b, pcm, n, pb, 1500);
		g_assert_cmpmem(pa, (size_t)la, pb, (size_t)lb);
	}
}

static void test_copy(void)
{
	for (size_t c = 0; c < G_N_ELEMENTS(all); c++)
		copied(all[c]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/codec/round-trip", test_round_trip);
	g_test_add_func("/audio/codec/limits", test_limits);
	g_test_add_func("/audio/codec/hostile", test_hostile);
	g_test_add_func("/audio/codec/fec", test_fec);
	g_test_add_func("/audio/codec/no-fec", test_no_fec);
	g_test_add_func("/audio/codec/dtx", test_dtx);
	g_test_add_func("/audio/codec/copy", test_copy);
	return g_test_run();
}
