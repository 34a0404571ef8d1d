/* Who is the dominant speaker: one decision per slot. Pure.
 *
 * The speaker of the moment stays while nobody else speaks, and for 2 s at least. Somebody else
 * takes over after 400 ms of speech (shorter sounds, coughs, never do), once the speaker has paused
 * for 600 ms, or by being 6 dB louder for a second.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is remembered of one participant; zero-initialised, kept by the caller. */
typedef struct McuSpeakerScore {
	unsigned speech_slots; /* leaky count */
	unsigned louder_slots;
	unsigned quiet_slots;
	float level_dbov; /* smoothed while speaking */
} McuSpeakerScore;

typedef struct McuSpeakerInput {
	uint32_t id;
	float level_dbov;
	bool speech; /* false when muted */
	McuSpeakerScore *score;
} McuSpeakerInput;

/* Zero-initialised. */
typedef struct McuSpeaker {
	uint32_t id; /* 0 = nobody yet */
	unsigned held_slots;
} McuSpeaker;

/** Decide for one 20 ms slot; result: id of the speaker, 0 = none. One who is not in `in` any more
 * is replaced without waiting.
 */
uint32_t mcu_speaker_update(McuSpeaker *speaker, const McuSpeakerInput *in, size_t n);
