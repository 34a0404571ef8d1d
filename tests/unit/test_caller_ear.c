/* The caller's voice and ear: every tone of the grid is heard alone and among others, breaks are
 * found, and nothing is heard that was not said.
 */
#include <math.h>
#include <string.h>

#include "../tools/caller/ear.h"
#include "../tools/caller/voice.h"

#define SLOT 960

static void test_each_tone(void)
{
	static const unsigned rates[] = { 8000, 16000, 48000 };

	for (size_t r = 0; r < G_N_ELEMENTS(rates); r++)
		for (int hz = MCU_VOICE_MIN_HZ; hz <= MCU_VOICE_MAX_HZ; hz += MCU_VOICE_STEP_HZ) {
			g_autoptr(McuEar) ear = mcu_ear_new(hz);
			McuVoice voice;
			float pcm[SLOT];
			size_t n = rates[r] / 50;

			mcu_voice_init(&voice, hz, (int)rates[r], 0, 0);
			for (int i = 0; i < 100; i++) {
				mcu_voice_fill(&voice, pcm, n);
				mcu_ear_hear(ear, pcm, n, rates[r], i * 0.02);
			}
			for (int other = MCU_VOICE_MIN_HZ; other <= MCU_VOICE_MAX_HZ;
			     other += MCU_VOICE_STEP_HZ)
				if (other != hz)
					g_assert_cmpfloat(mcu_ear_heard_s(ear, other), <, 0.05);
			g_assert_cmpfloat(mcu_ear_heard_s(ear, hz), >, 1.9);
			g_assert_cmpuint(mcu_ear_gaps(ear, hz), ==, 0);
			g_assert_cmpfloat(fabs(mcu_ear_level_dbfs(ear, hz) + 18.5), <, 3);
		}
}

/* Nine voices at once, one of them half as loud. */
static void test_chorus(void)
{
	g_autoptr(McuEar) ear = mcu_ear_new(0);
	McuVoice voices[9];
	float pcm[SLOT], sum[SLOT];

	for (int v = 0; v < 9; v++)
		mcu_voice_init(&voices[v], 400 + v * 300, 48000, 0, 0);
	for (int i = 0; i < 200; i++) {
		memset(sum, 0, sizeof(sum));
		for (int v = 0; v < 9; v++) {
			mcu_voice_fill(&voices[v], pcm, SLOT);
			for (int k = 0; k < SLOT; k++)
				sum[k] += v == 4 ? pcm[k] / 2 : pcm[k];
		}
		mcu_ear_hear(ear, sum, SLOT, 48000, i * 0.02);
	}
	for (int v = 0; v < 9; v++) {
		g_assert_cmpfloat(mcu_ear_heard_s(ear, 400 + v * 300), >, 3.9);
		g_assert_cmpuint(mcu_ear_gaps(ear, 400 + v * 300), ==, 0);
	}
	g_assert_cmpfloat(mcu_ear_heard_s(ear, 500), <, 0.05);
}

static void hear_with_break(McuEar *ear, size_t from, size_t to)
{
	McuVoice voice;
	float pcm[SLOT];

	mcu_voice_init(&voice, 700, 48000, 0, 0);
	for (size_t i = 0; i < 100; i++) {
		mcu_voice_fill(&voice, pcm, SLOT);
		for (size_t k = 0; k < SLOT; k++)
			if (i * SLOT + k >= from && i * SLOT + k < to)
				pcm[k] = 0;
		mcu_ear_hear(ear, pcm, SLOT, 48000, (double)i * 0.02);
	}
}

static void test_gaps(void)
{
	for (size_t ms = 0; ms <= 200; ms += 10) {
		g_autoptr(McuEar) ear = mcu_ear_new(0);

		hear_with_break(ear, 48000, 48000 + ms * 48);
		if (ms <= 40)
			g_assert_cmpuint(mcu_ear_gaps(ear, 700), ==, 0);
		else if (ms >= 80)
			g_assert_cmpuint(mcu_ear_gaps(ear, 700), ==, 1);
	}
}

static void test_turns(void)
{
	g_autoptr(McuEar) ear = mcu_ear_new(0);
	McuVoice voice;
	float pcm[SLOT];

	mcu_voice_init(&voice, 1100, 48000, 0.5, 0.5);
	for (int i = 0; i < 200; i++) {
		mcu_voice_fill(&voice, pcm, SLOT);
		mcu_ear_hear(ear, pcm, SLOT, 48000, i * 0.02);
	}
	g_assert_cmpfloat(fabs(mcu_ear_heard_s(ear, 1100) - 2), <, 0.2);
	g_assert_cmpuint(mcu_ear_gaps(ear, 1100), ==, 3);
}

static void test_silence_noise(void)
{
	g_autoptr(McuEar) ear = mcu_ear_new(0);
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	float pcm[SLOT] = { 0 };

	for (int i = 0; i < 100; i++) {
		if (i > 50)
			for (int k = 0; k < SLOT; k++)
				pcm[k] = (float)g_rand_double_range(rand, -0.003, 0.003);
		mcu_ear_hear(ear, pcm, SLOT, 48000, i * 0.02);
	}
	for (int hz = MCU_VOICE_MIN_HZ; hz <= MCU_VOICE_MAX_HZ; hz += MCU_VOICE_STEP_HZ)
		g_assert_cmpfloat(mcu_ear_heard_s(ear, hz), <, 0.1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/caller/ear/each-tone", test_each_tone);
	g_test_add_func("/caller/ear/chorus", test_chorus);
	g_test_add_func("/caller/ear/gaps", test_gaps);
	g_test_add_func("/caller/ear/turns", test_turns);
	g_test_add_func("/caller/ear/silence-noise", test_silence_noise);
	return g_test_run();
}
