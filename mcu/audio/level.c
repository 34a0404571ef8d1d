#include "audio/level.h"

#include <math.h>
#include <string.h>

typedef float V4 __attribute__((vector_size(16)));

#define BLOCKS           4
#define FLOOR_MIN        -95.0f
#define FLOOR_MAX        -54.0f /* + ABOVE_FLOOR: what is louder is always speech */
#define FLOOR_START      -60.0f
#define FLOOR_RISE       0.06f /* dB per slot: 3 dB per second */
#define ABOVE_FLOOR      9.0f
#define SPEECH_MIN       -65.0f
#define TALK_BEGIN_SLOTS 3
#define TALK_RUN_MAX     10
#define TALK_END_SLOTS   20
#define OPEN_SLOTS       50

float mcu_level_energy(const float *pcm, size_t n)
{
	V4 sums = { 0 }, x;
	float sum;
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		memcpy(&x, pcm + i, sizeof(x));
		sums += x * x;
	}
	sum = sums[0] + sums[1] + (sums[2] + sums[3]);
	for (; i < n; i++)
		sum += pcm[i] * pcm[i];
	return sum;
}

static float to_dbov(float energy, size_t n)
{
	if (!(energy > 0) || !n)
		return MCU_LEVEL_SILENT_DBOV;
	return fmaxf(MCU_LEVEL_SILENT_DBOV, fminf(0, 10 * log10f(energy / (float)n)));
}

float mcu_level_dbov(const float *pcm, size_t n)
{
	return to_dbov(mcu_level_energy(pcm, n), n);
}

static void track_floor(McuVad *vad, float quietest)
{
	if (vad->floor_dbov == 0)
		vad->floor_dbov = FLOOR_START;
	if (quietest < vad->floor_dbov)
		vad->floor_dbov += 0.3f * (quietest - vad->floor_dbov);
	else
		vad->floor_dbov += FLOOR_RISE;
	vad->floor_dbov = fminf(FLOOR_MAX, fmaxf(FLOOR_MIN, vad->floor_dbov));
}

void mcu_vad_update(McuVad *vad, const float *pcm, size_t n)
{
	float loudest = MCU_LEVEL_SILENT_DBOV, quietest = 0;

	vad->level_dbov = MCU_LEVEL_SILENT_DBOV;
	vad->speech = false;
	if (pcm) {
		size_t block = n / BLOCKS;
		float sum = 0;

		for (size_t b = 0; b < BLOCKS; b++) {
			float energy = mcu_level_energy(pcm + b * block, block);
			float level = to_dbov(energy, block);

			sum += energy;
			loudest = fmaxf(loudest, level);
			quietest = fminf(quietest, level);
		}
		vad->level_dbov = to_dbov(sum, n);
		/* digital silence says nothing about the room */
		if (quietest > MCU_LEVEL_SILENT_DBOV)
			track_floor(vad, quietest);
		vad->speech = loudest > SPEECH_MIN && loudest > vad->floor_dbov + ABOVE_FLOOR;
	}
	if (vad->speech) {
		vad->run += vad->run < TALK_RUN_MAX;
		vad->quiet = 0;
		vad->open = true;
	} else {
		vad->run -= vad->run > 0;
		vad->quiet += vad->quiet < OPEN_SLOTS;
		vad->open = vad->open && vad->quiet < OPEN_SLOTS;
	}
	if (vad->run >= TALK_BEGIN_SLOTS)
		vad->talking = true;
	else if (vad->quiet >= TALK_END_SLOTS)
		vad->talking = false;
}
