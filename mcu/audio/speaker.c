#include "audio/speaker.h"

#define SPEECH_SLOTS 20 /* 400 ms */
#define SPEECH_MAX   30
#define PAUSE_SLOTS  30  /* 600 ms */
#define HOLD_SLOTS   100 /* 2 s */
#define LOUDER_SLOTS 50
#define LOUDER_DB    6.0f
#define SMOOTH       0.1f

static void score_one(const McuSpeakerInput *in)
{
	McuSpeakerScore *s = in->score;

	if (in->speech) {
		if (!s->speech_slots)
			s->level_dbov = in->level_dbov;
		s->level_dbov += SMOOTH * (in->level_dbov - s->level_dbov);
		s->speech_slots += s->speech_slots < SPEECH_MAX;
		s->quiet_slots = 0;
	} else {
		/* pauses between words cost less than speech earns */
		s->quiet_slots += s->quiet_slots < PAUSE_SLOTS;
		if (s->quiet_slots > 10)
			s->speech_slots -= s->speech_slots > 0;
	}
}

static const McuSpeakerInput *find(const McuSpeakerInput *in, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (in[i].id == id)
			return &in[i];
	}
	return NULL;
}

/* loudest of those who have spoken long enough */
static const McuSpeakerInput *challenger(const McuSpeakerInput *in, size_t n, uint32_t speaker)
{
	const McuSpeakerInput *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (in[i].id == speaker || !in[i].speech ||
		    in[i].score->speech_slots < SPEECH_SLOTS)
			continue;
		if (!best || in[i].score->level_dbov > best->score->level_dbov)
			best = &in[i];
	}
	return best;
}

static bool takes_over(const McuSpeaker *speaker, const McuSpeakerInput *now,
		       const McuSpeakerInput *next)
{
	if (!now)
		return true;
	if (next->score->level_dbov > now->score->level_dbov + LOUDER_DB)
		next->score->louder_slots++;
	else
		next->score->louder_slots = 0;
	if (speaker->held_slots < HOLD_SLOTS)
		return false;
	return now->score->quiet_slots >= PAUSE_SLOTS || next->score->louder_slots >= LOUDER_SLOTS;
}

uint32_t mcu_speaker_update(McuSpeaker *speaker, const McuSpeakerInput *in, size_t n)
{
	const McuSpeakerInput *now, *next;

	for (size_t i = 0; i < n; i++)
		score_one(&in[i]);
	now = find(in, n, speaker->id);
	next = challenger(in, n, speaker->id);
	speaker->held_slots += speaker->held_slots < HOLD_SLOTS;
	if (next && takes_over(speaker, now, next)) {
		next->score->louder_slots = 0;
		*speaker = (McuSpeaker){ .id = next->id };
	} else if (!now) {
		speaker->id = 0;
	}
	return speaker->id;
}
