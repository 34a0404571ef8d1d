/* Tests of the pure signal parts: resampler, mixer, limiter, stretch, concealment, noise. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "audio/g711.h"
#include "audio/mixer.h"
#include "audio/noise.h"
#include "audio/plc.h"
#include "audio/resample.h"
#include "audio/stretch.h"
#include "audio/tone.h"

#define RATE 48000
#define SLOT 960
#define LONG (RATE / 2)

static float noise_sample(GRand *r)
{
	return (float)g_rand_double_range(r, -1, 1);
}

static void near(double value, double want, double tolerance)
{
	if (fabs(value - want) > tolerance)
		g_error("%g is not %g +- %g", value, want, tolerance);
}

static void test_tone(void)
{
	static float pcm[LONG];
	const double both[] = { 440, 1000 };
	McuTone a, b;

	mcu_tone_init(&a, 440, -10, RATE);
	mcu_tone_init(&b, 1000, -30, RATE);
	mcu_tone_run(&a, pcm, LONG, 0);
	mcu_tone_run(&b, pcm, LONG, 1);
	near(mcu_tone_level(pcm, LONG, 440, RATE), -10, 0.1);
	near(mcu_tone_level(pcm, LONG, 1000, RATE), -30, 0.1);
	g_assert_cmpfloat(mcu_tone_level(pcm, LONG, 700, RATE), <, -90);
	g_assert_cmpfloat(mcu_tone_residual(pcm, LONG, both, 1, RATE), >, -34);
	g_assert_cmpfloat(mcu_tone_residual(pcm, LONG, both, 2, RATE), <, -60);
	memset(pcm, 0, sizeof(pcm));
	near(mcu_tone_level(pcm, LONG, 440, RATE), -120, 0.1);
}

/* a tone survives at its level, and nothing else appears */
static void resample_tone(unsigned in_hz, unsigned out_hz, double hz, double want_db)
{
	g_autoptr(McuResampler) rs = mcu_resampler_new(in_hz, out_hz);
	size_t slot = in_hz / 50, n_out = 0;
	float in[SLOT];
	static float out[RATE + SLOT];
	McuTone t;

	mcu_tone_init(&t, hz, -6, in_hz);
	for (int i = 0; i < 50; i++) {
		mcu_tone_run(&t, in, slot, 0);
		g_assert_cmpuint(mcu_resampler_run(rs, in, slot, out + n_out), ==, out_hz / 50);
		n_out += out_hz / 50;
	}
	/* after the filter has filled */
	near(mcu_tone_level(out + n_out / 2, n_out / 2, hz, out_hz), want_db, 0.2);
	if (want_db > -20)
		g_assert_cmpfloat(mcu_tone_residual(out + n_out / 2, n_out / 2, &hz, 1, out_hz), <,
				  -60);
}

static void test_resample(void)
{
	resample_tone(8000, RATE, 1000, -6);
	resample_tone(8000, RATE, 3000, -6);
	resample_tone(16000, RATE, 440, -6);
	resample_tone(16000, RATE, 6400, -6);
	resample_tone(RATE, 8000, 1000, -6);
	resample_tone(RATE, 8000, 3000, -6);
	resample_tone(RATE, 16000, 6400, -6);
	resample_tone(RATE, RATE, 440, -6);
	g_assert_null(mcu_resampler_new(44100, RATE));
	g_assert_null(mcu_resampler_new(8000, 16000));
}

/* what lies above half of the lower rate must not fold back */
static void test_resample_alias(void)
{
	g_autoptr(McuResampler) rs = mcu_resampler_new(RATE, 8000);
	static float in[RATE], out[8000];
	McuTone t;

	mcu_tone_init(&t, 5000, -6, RATE);
	mcu_tone_run(&t, in, RATE, 0);
	g_assert_cmpuint(mcu_resampler_run(rs, in, RATE, out), ==, 8000);
	g_assert_cmpfloat(mcu_tone_residual(out + 4000, 4000, NULL, 0, 8000), <, -60);
}

static void test_resample_delay(void)
{
	const unsigned rates[][2] = { { 8000, RATE }, { 16000, RATE }, { RATE, 8000 } };

	for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
		g_autoptr(McuResampler) rs = mcu_resampler_new(rates[i][0], rates[i][1]);
		float in[SLOT] = { 0 }, out[SLOT * 6];
		size_t n, peak = 0;

		in[0] = 1;
		n = mcu_resampler_run(rs, in, rates[i][0] / 50, out);
		for (size_t k = 1; k < n; k++) {
			if (fabsf(out[k]) > fabsf(out[peak]))
				peak = k;
		}
		near((double)peak, mcu_resampler_delay(rs), 1);
	}
}

static void test_mix_minus(void)
{
	enum { N = 16 };
	static float bus[N][SLOT], sum[SLOT], minus[SLOT];
	g_autoptr(GRand) r = g_rand_new_with_seed(1);

	memset(sum, 0, sizeof(sum));
	for (int p = 0; p < N; p++) {
		for (int i = 0; i < SLOT; i++)
			bus[p][i] = noise_sample(r);
		mcu_mix_add(sum, bus[p], SLOT);
	}
	for (int p = 0; p < N; p++) {
		mcu_mix_minus(minus, sum, bus[p], SLOT);
		for (int i = 0; i < SLOT; i++) {
			double others = 0;

			for (int q = 0; q < N; q++)
				others += q == p ? 0 : (double)bus[q][i];
			near((double)minus[i], others, 1e-5);
		}
	}
}

static void test_ramp(void)
{
	McuRamp ramp = { 0 };
	float pcm[SLOT];

	for (int slot = 0; slot < 4; slot++) {
		float before = ramp.gain;

		for (int i = 0; i < SLOT; i++)
			pcm[i] = 1;
		mcu_ramp_apply(&ramp, slot < 2 ? 1 : 0, SLOT / 2, pcm, SLOT);
		for (int i = 0; i < SLOT; i++) {
			g_assert_cmpfloat(fabsf(pcm[i] - before), <=, 2.01f / SLOT);
			before = pcm[i];
		}
		g_assert_cmpfloat(ramp.gain, ==, slot < 2 ? 1 : 0);
	}
}

static void limit_tone(double level_db, float *pcm, size_t n)
{
	McuLimiter lim = { 0 };
	McuTone t;

	mcu_tone_init(&t, 300, level_db, RATE);
	mcu_tone_run(&t, pcm, n, 0);
	for (size_t i = 0; i < n; i += SLOT)
		mcu_limiter_run(&lim, pcm + i, SLOT);
}

static void test_limiter(void)
{
	static float pcm[RATE], same[RATE];
	const double hz = 300;
	McuTone t;

	/* transparent below -3 dBFS, to the bit */
	mcu_tone_init(&t, hz, -3.1, RATE);
	mcu_tone_run(&t, same, RATE, 0);
	limit_tone(-3.1, pcm, RATE);
	g_assert_cmpmem(pcm, sizeof(pcm), same, sizeof(same));
	/* 20 dB too loud: within range, no wrap, and still the tone */
	limit_tone(20, pcm, RATE);
	for (int i = 0; i < RATE; i++)
		g_assert_cmpfloat(fabsf(pcm[i]), <=, 1);
	near(mcu_tone_level(pcm + RATE / 2, RATE / 2, hz, RATE), -1, 1);
	g_assert_cmpfloat(mcu_tone_residual(pcm + RATE / 2, RATE / 2, &hz, 1, RATE), <, -30);
}

static void test_limiter_bad_input(void)
{
	float pcm[SLOT] = { 0 };
	McuLimiter lim = { 0 };

	pcm[3] = NAN;
	mcu_limiter_run(&lim, pcm, SLOT);
	g_assert_cmpfloat(pcm[3], ==, 0);
	pcm[7] = NAN;
	pcm[8] = 1e30f;
	mcu_limiter_run(&lim, pcm, SLOT);
	for (int i = 0; i < SLOT; i++)
		g_assert_true(fabsf(pcm[i]) <= 1);
}

/* largest second difference: a jump in value or slope stands out of a smooth tone */
static float roughness(const float *pcm, size_t n)
{
	float worst = 0;

	for (size_t i = 1; i + 1 < n; i++)
		worst = fmaxf(worst, fabsf(pcm[i - 1] - 2 * pcm[i] + pcm[i + 1]));
	return worst;
}

static void stretch_tone(const double *hz, size_t n_hz, int shorter)
{
	static float in[RATE], out[2 * RATE];
	float block[2 * SLOT + MCU_STRETCH_MAX_FRAMES];
	size_t n_out = 0, done = 0;
	McuTone t;

	memset(in, 0, sizeof(in));
	for (size_t k = 0; k < n_hz; k++) {
		mcu_tone_init(&t, hz[k], -12, RATE);
		mcu_tone_run(&t, in, RATE, 1);
	}
	for (size_t at = 0; at + 2 * SLOT <= RATE; at += 2 * SLOT) {
		size_t n;

		memcpy(block, in + at, 2 * SLOT * sizeof(float));
		n = shorter ? mcu_stretch_shorten(block, 2 * SLOT, 0)
			    : mcu_stretch_lengthen(block, 2 * SLOT, 0);
		g_assert_true(shorter ? n <= 2 * SLOT : n >= 2 * SLOT);
		done += n != 2 * SLOT;
		memcpy(out + n_out, block, n * sizeof(float));
		n_out += n;
	}
	g_assert_cmpuint(done, >=, 20);
	/* the tone goes on: no step, its level stays, all else is faint */
	g_assert_cmpfloat(roughness(out, n_out), <, roughness(in, RATE) * 1.2f + 1e-3f);
	for (size_t at = 0; at + RATE / 10 < n_out; at += RATE / 10) {
		for (size_t k = 0; k < n_hz; k++)
			near(mcu_tone_level(out + at, RATE / 10, hz[k], RATE), -12, 1.0);
		g_assert_cmpfloat(mcu_tone_residual(out + at, RATE / 10, hz, n_hz, RATE), <, -28);
	}
}

static void test_stretch(void)
{
	const double high[] = { 1000 }, low[] = { 110 }, odd[] = { 437 },
		     chord[] = { 200, 300, 700 };

	for (int shorter = 0; shorter < 2; shorter++) {
		stretch_tone(high, 1, shorter);
		stretch_tone(low, 1, shorter);
		stretch_tone(odd, 1, shorter);
		stretch_tone(chord, 3, shorter);
	}
}

static void test_stretch_refuses(void)
{
	float pcm[SLOT + MCU_STRETCH_MAX_FRAMES] = { 0 };
	g_autoptr(GRand) r = g_rand_new_with_seed(2);

	/* silence may be cut anywhere */
	g_assert_cmpuint(mcu_stretch_shorten(pcm, SLOT, 0), <, SLOT);
	/* noise has no period; a short piece has no room */
	for (int i = 0; i < SLOT; i++)
		pcm[i] = noise_sample(r);
	g_assert_cmpuint(mcu_stretch_shorten(pcm, SLOT, 0), ==, SLOT);
	g_assert_cmpuint(mcu_stretch_lengthen(pcm, SLOT - 1, 1), ==, SLOT - 1);
}

static void conceal_tone(unsigned rate, double hz)
{
	static float pcm[16000];
	size_t slot = rate / 50;
	McuPlc plc;
	McuTone t;

	mcu_plc_init(&plc, rate);
	mcu_tone_init(&t, hz, -12, rate);
	mcu_tone_run(&t, pcm, rate, 0);
	for (size_t s = 0; s < 50; s++) {
		float *at = pcm + s * slot;

		/* 40 ms are lost now and then */
		if (s % 10 >= 8)
			mcu_plc_lost(&plc, at, slot);
		else
			mcu_plc_good(&plc, at, slot);
	}
	for (size_t at = rate / 5; at + slot <= rate; at += slot)
		g_assert_cmpfloat(mcu_tone_level(pcm + at, slot, hz, rate), >, -16);
	/* a join may be out of phase, but it is no click */
	g_assert_cmpfloat(roughness(pcm, rate), <,
			  0.25f * 2.2f * (float)pow(2 * M_PI * hz / rate, 2) + 0.02f);
}

static void test_plc(void)
{
	conceal_tone(8000, 440);
	conceal_tone(8000, 130);
	conceal_tone(16000, 440);
	conceal_tone(16000, 1000);
}

static void test_plc_fades(void)
{
	static float pcm[8000];
	const double none = 0;
	McuPlc plc;
	McuTone t;

	mcu_plc_init(&plc, 8000);
	mcu_tone_init(&t, 440, -12, 8000);
	mcu_tone_run(&t, pcm, 4000, 0);
	mcu_plc_good(&plc, pcm, 4000);
	for (int i = 0; i < 25; i++)
		mcu_plc_lost(&plc, pcm + 4000 + i * 160, 160);
	g_assert_cmpfloat(mcu_tone_level(pcm + 4000, 320, 440, 8000), >, -14);
	g_assert_cmpfloat(mcu_tone_residual(pcm + 6000, 2000, &none, 0, 8000), <, -45);
	g_assert_cmpfloat(mcu_tone_residual(pcm + 6000, 2000, &none, 0, 8000), >, -90);
}

static void test_noise(void)
{
	static float pcm[8000];
	const uint8_t white[] = { 40 }, coloured[] = { 40, 200, 60, 127 },
		      wild[32] = { 30, 254, 0 };
	McuNoise noise = { 0 };
	double low, high;

	g_assert_cmpint(mcu_noise_set_cn(&noise, white, 0), ==, -EINVAL);
	g_assert_cmpint(mcu_noise_set_cn(&noise, white, sizeof(white)), ==, 0);
	mcu_noise_run(&noise, pcm, 8000);
	near(mcu_tone_residual(pcm, 8000, NULL, 0, 8000), -40, 0.5);
	/* the filter changes the colour, not the level */
	g_assert_cmpint(mcu_noise_set_cn(&noise, coloured, sizeof(coloured)), ==, 0);
	mcu_noise_run(&noise, pcm, 8000);
	near(mcu_tone_residual(pcm, 8000, NULL, 0, 8000), -40, 1.5);
	low = high = 0;
	for (int i = 1; i < 8000; i++) {
		low += fabs((double)pcm[i] + (double)pcm[i - 1]);
		high += fabs((double)pcm[i] - (double)pcm[i - 1]);
	}
	g_assert_cmpfloat(fabs(log(low / high)), >, 0.3);
	g_assert_cmpint(mcu_noise_set_cn(&noise, wild, sizeof(wild)), ==, 0);
	mcu_noise_run(&noise, pcm, 8000);
	for (int i = 0; i < 8000; i++)
		g_assert_true(fabsf(pcm[i]) < 1);
}

/* ITU-T G.711: codes of some values, and coding of every code is its own inverse */
static void test_g711(void)
{
	g_assert_cmphex(mcu_ulaw_encode(0), ==, 0xff);
	g_assert_cmphex(mcu_ulaw_encode(32767), ==, 0x80);
	g_assert_cmphex(mcu_ulaw_encode(-32768), ==, 0x00);
	g_assert_cmphex(mcu_alaw_encode(0), ==, 0xd5);
	g_assert_cmphex(mcu_alaw_encode(32767), ==, 0xaa);
	g_assert_cmphex(mcu_alaw_encode(-32768), ==, 0x2a);
	for (int c = 0; c < 256; c++) {
		if (c != 0x7f) /* minus zero */
			g_assert_cmphex(mcu_ulaw_encode(mcu_ulaw_decode((uint8_t)c)), ==, c);
		g_assert_cmphex(mcu_alaw_encode(mcu_alaw_decode((uint8_t)c)), ==, c);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/tone", test_tone);
	g_test_add_func("/audio/resample/tone", test_resample);
	g_test_add_func("/audio/resample/alias", test_resample_alias);
	g_test_add_func("/audio/resample/delay", test_resample_delay);
	g_test_add_func("/audio/mix-minus", test_mix_minus);
	g_test_add_func("/audio/ramp", test_ramp);
	g_test_add_func("/audio/limiter/range", test_limiter);
	g_test_add_func("/audio/limiter/bad-input", test_limiter_bad_input);
	g_test_add_func("/audio/stretch/tones", test_stretch);
	g_test_add_func("/audio/stretch/refuses", test_stretch_refuses);
	g_test_add_func("/audio/plc/tones", test_plc);
	g_test_add_func("/audio/plc/fades", test_plc_fades);
	g_test_add_func("/audio/noise", test_noise);
	g_test_add_func("/audio/g711", test_g711);
	return g_test_run();
}
