/* Tests of level, voice activity and the choice of the active speaker. */
#include <glib.h>
#include <math.h>

#include "audio/level.h"
#include "audio/speaker.h"
#include "audio/tone.h"

#define SLOT 960

static void noise(float *pcm, double level_dbov, GRand *r)
{
	double amplitude = pow(10, level_dbov / 20) * sqrt(3);

	for (int i = 0; i < SLOT; i++)
		pcm[i] = (float)g_rand_double_range(r, -amplitude, amplitude);
}

static void test_level(void)
{
	float pcm[SLOT] = { 0 };
	McuTone t;

	g_assert_cmpfloat(mcu_level_dbov(pcm, SLOT), ==, MCU_LEVEL_SILENT_DBOV);
	mcu_tone_init(&t, 1000, -20, 48000);
	mcu_tone_run(&t, pcm, SLOT, 0);
	/* a sine's RMS lies 3 dB below its peak */
	g_assert_cmpfloat_with_epsilon(mcu_level_dbov(pcm, SLOT), -23.01, 0.1);
}

static void test_vad_onset(void)
{
	g_autoptr(GRand) r = g_rand_new_with_seed(3);
	float pcm[SLOT];
	McuVad vad = { 0 };
	McuTone t;

	/* a quiet room is learnt and never taken for speech */
	for (int i = 0; i < 500; i++) {
		noise(pcm, -62, r);
		mcu_vad_update(&vad, pcm, SLOT);
		g_assert_false(vad.open);
	}
	/* a word opens the mix in its own slot, even when it begins in the last 5 ms of it */
	mcu_tone_init(&t, 300, -40, 48000);
	mcu_tone_run(&t, pcm + SLOT * 3 / 4, SLOT / 4, 1);
	mcu_vad_update(&vad, pcm, SLOT);
	g_assert_true(vad.open);
	g_assert_false(vad.talking);
	for (int i = 0; i < 3; i++) {
		mcu_tone_run(&t, pcm, SLOT, 0);
		mcu_vad_update(&vad, pcm, SLOT);
	}
	g_assert_true(vad.talking);
	for (int i = 0; i < 49; i++) {
		noise(pcm, -62, r);
		mcu_vad_update(&vad, pcm, SLOT);
		g_assert_true(vad.open);
	}
	g_assert_false(vad.talking);
	mcu_vad_update(&vad, NULL, SLOT);
	g_assert_false(vad.open);
}

static void test_vad_steady(void)
{
	float pcm[SLOT];
	McuVad vad = { 0 };
	McuTone t;

	/* a minute of one tone stays in the mix */
	mcu_tone_init(&t, 440, -30, 48000);
	for (int i = 0; i < 3000; i++) {
		mcu_tone_run(&t, pcm, SLOT, 0);
		mcu_vad_update(&vad, pcm, SLOT);
		g_assert_true(vad.open);
	}
	g_assert_true(vad.talking);
}

typedef struct Room {
	McuSpeaker speaker;
	McuSpeakerScore score[3];
} Room;

/* `who`: bits of those who speak; level of 1 and 2; result: the speaker */
static uint32_t speak(Room *room, unsigned who, float level1, float level2, int slots)
{
	uint32_t id = 0;

	for (int s = 0; s < slots; s++) {
		McuSpeakerInput in[3];

		for (unsigned i = 0; i < 3; i++)
			in[i] = (McuSpeakerInput){
				.id = i + 1,
				.speech = who >> i & 1,
				.level_dbov = who >> i & 1 ? (i ? level2 : level1) : -90,
				.score = &room->score[i],
			};
		id = mcu_speaker_update(&room->speaker, in, 3);
	}
	return id;
}

static void test_speaker_takes_turns(void)
{
	Room room = { 0 };

	g_assert_cmpuint(speak(&room, 0, 0, 0, 50), ==, 0);
	g_assert_cmpuint(speak(&room, 1, -25, 0, 19), ==, 0);
	g_assert_cmpuint(speak(&room, 1, -25, 0, 1), ==, 1);
	g_assert_cmpuint(speak(&room, 1, -25, 0, 200), ==, 1);
	/* silence changes nothing */
	g_assert_cmpuint(speak(&room, 0, 0, 0, 500), ==, 1);
	/* a cough of 380 ms neither */
	g_assert_cmpuint(speak(&room, 2, 0, -10, 19), ==, 1);
	g_assert_cmpuint(speak(&room, 0, 0, 0, 100), ==, 1);
	g_assert_cmpuint(speak(&room, 2, 0, -30, 20), ==, 2);
}

static void test_speaker_holds(void)
{
	Room room = { 0 };

	g_assert_cmpuint(speak(&room, 1, -25, 0, 20), ==, 1);
	/* 1 falls silent, 2 talks: not before 2 s have passed since 1 became the speaker */
	g_assert_cmpuint(speak(&room, 2, 0, -25, 99), ==, 1);
	g_assert_cmpuint(speak(&room, 2, 0, -25, 1), ==, 2);
}

static void test_speaker_both(void)
{
	Room room = { 0 };

	speak(&room, 1, -25, 0, 300);
	/* as loud as the speaker: he stays, whoever else talks */
	g_assert_cmpuint(speak(&room, 3, -25, -22, 500), ==, 1);
	/* much louder: takes over after a second */
	g_assert_cmpuint(speak(&room, 3, -40, -20, 40), ==, 1);
	g_assert_cmpuint(speak(&room, 3, -40, -20, 60), ==, 2);
}

static void test_speaker_leaves(void)
{
	Room room = { 0 };
	McuSpeakerInput in = { .id = 2, .score = &room.score[1] };

	speak(&room, 1, -25, 0, 30);
	g_assert_cmpuint(mcu_speaker_update(&room.speaker, &in, 1), ==, 0);
	in.speech = true;
	in.level_dbov = -30;
	for (int i = 0; i < 20; i++)
		mcu_speaker_update(&room.speaker, &in, 1);
	g_assert_cmpuint(room.speaker.id, ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audio/level", test_level);
	g_test_add_func("/audio/vad/onset", test_vad_onset);
	g_test_add_func("/audio/vad/steady", test_vad_steady);
	g_test_add_func("/audio/speaker/turns", test_speaker_takes_turns);
	g_test_add_func("/audio/speaker/hold", test_speaker_holds);
	g_test_add_func("/audio/speaker/both", test_speaker_both);
	g_test_add_func("/audio/speaker/leaves", test_speaker_leaves);
	return g_test_run();
}
