/* Objects of the audio engine, shared by its loop side (engine.c, plan.c) and its tick (tick.c).
 *
 * Everything is made and freed in loop. What the tick works with is listed in an immutable plan
 * that holds a reference on each object; replaced plans come back through the hand-off and drop
 * theirs.
 */
#pragma once
#include <stdatomic.h>

#include "audio/engine.h"
#include "audio/inbox.h"
#include "audio/level.h"
#include "audio/mixer.h"
#include "audio/receiver.h"
#include "audio/sender.h"
#include "audio/speaker.h"
#include "base/handoff.h"
#include "base/ring.h"
#include "base/thread.h"

#define OUT_ITEMS 256
#define OUT_IDS   48 /* listeners per item; more take further items */

/* One participant. */
typedef struct AudioPart {
	unsigned refs; /* loop */
	uint32_t id;
	_Atomic bool muted;

	/* --- loop */
	bool told_talking;

	/* --- atick */
	McuVad vad;
	McuSpeakerScore score;
	McuRamp ramp;
	McuLimiter limiter;
	bool has_bus;     /* bus holds sound of this slot */
	bool contributes; /* and it is in the mix */
	bool has_minus;   /* minus was made in this slot */
	bool allowed;     /* not one too many */
	float rank_dbov;  /* smoothed level, decides when too many talk */
	float bus[MCU_AUDIO_SLOT_FRAMES];
	float minus[MCU_AUDIO_SLOT_FRAMES];

	/* --- atick writes, loop reads */
	_Atomic int level_dbov;
	_Atomic bool talking;
} AudioPart;

typedef struct AudioSourceCounters {
	_Atomic uint64_t received, lost, late, dropped, fec, concealed, expanded, accelerated;
	_Atomic unsigned codec, jitter_ms, target_ms, delay_ms;
	_Atomic int level_dbov;
} AudioSourceCounters;

typedef struct AudioSource {
	unsigned refs; /* loop */
	uint32_t id;
	AudioPart *part;                   /* holds a reference */
	McuAudioPt pts[MCU_AUDIO_MAX_PTS]; /* loop */
	size_t n_pts;
	uint64_t refused; /* loop: ring full */
	McuInbox inbox;
	McuAudioReceiver *receiver; /* atick */
	McuRamp ramp;               /* atick */
	_Atomic bool faded;         /* atick has played the end of a removed source */
	AudioSourceCounters counters;
} AudioSource;

/* All listeners with the same parameters: they can share an encode. */
typedef struct AudioGroup {
	unsigned refs; /* loop */
	McuAudioSendParams params;
	McuAudioSender *shared; /* atick: of the whole mix */
	_Atomic unsigned loss_percent;
} AudioGroup;

/* The listeners of a group that belong to one participant: they need the same mix-minus. */
typedef struct AudioVoice {
	unsigned refs;     /* loop */
	AudioGroup *group; /* holds a reference */
	AudioPart *part;   /* likewise; NULL = hears everybody */

	/* --- atick */
	McuAudioSender *own; /* of the mix-minus; NULL without part */
	bool on_own;         /* its listeners get `own` now */
	bool greeted;        /* its first listener has begun */
	unsigned same_slots; /* slots since both mixes are equal */
} AudioVoice;

/* loop only */
typedef struct AudioListener {
	uint32_t id;
	AudioVoice *voice; /* holds a reference */
	bool hold;
	bool sent;        /* next_ts is valid */
	uint32_t next_ts; /* without a gap */
	unsigned loss_percent;
	McuAudioListenerStats stats;
} AudioListener;

typedef struct PlanVoice {
	AudioVoice *voice;
	unsigned n_ids;
	uint32_t *ids; /* listeners that are not on hold */
} PlanVoice;

typedef struct PlanGroup {
	AudioGroup *group;
	unsigned n_voices;
	PlanVoice *voices;
} PlanGroup;

typedef struct Plan {
	unsigned n_parts, n_sources, n_leaving, n_groups;
	AudioPart **parts;
	AudioSource **sources;
	AudioSource **leaving; /* play one last slot, fading */
	PlanGroup *groups;
	uint32_t *ids; /* all of the voices' */
	PlanVoice *voices;
} Plan;

/* One encoded packet on its way to loop. */
typedef struct OutItem {
	McuAudioEncoded enc; /* payload points into bytes */
	bool shared;
	unsigned n_ids;
	uint32_t ids[OUT_IDS];
	uint8_t bytes[MCU_AUDIO_MAX_PAYLOAD];
} OutItem;

struct McuAudioEngine {
	McuAudioConfig config;
	McuAudioHandler handler;
	void *data;

	/* --- loop */
	McuThreadCheck check;
	GHashTable *parts, *sources, *listeners; /* by id */
	GPtrArray *leaving;                      /* AudioSource, until faded */
	McuWake *wake;
	GThread *thread;
	uint32_t told_speaker;

	/* --- across */
	McuHandoff *plans;
	McuRing *out, *spare; /* OutItem: atick -> loop, and back */
	_Atomic bool stop;
	_Atomic uint32_t speaker_id;
	_Atomic bool news; /* speaker or talking changed, or a removed source has faded */
	_Atomic(McuAudioTap) tap;
	_Atomic(void *) tap_data;
	_Atomic bool in_tap;
	_Atomic unsigned mixed, encodes, tick_max_us;
	_Atomic uint64_t encodes_total, ticks, late_ticks, skipped_ticks, dropped, tick_sum_us;

	/* --- atick */
	uint64_t slot; /* number of the next one, from 1 */
	McuSpeaker speaker;
	McuLimiter limiter;
	float total[MCU_AUDIO_SLOT_FRAMES]; /* sum of all buses */
	float mix[MCU_AUDIO_SLOT_FRAMES];   /* the same, limited */
	float scratch[MCU_AUDIO_SLOT_FRAMES];
	uint8_t payload[MCU_AUDIO_MAX_PAYLOAD];
	uint32_t ids[MCU_MAX_AUDIO_LISTENERS];
	McuSpeakerInput speaker_in[MCU_MAX_AUDIO_PARTS];

	OutItem *items;
};

/* objects.c, loop */
AudioPart *mcu_audio_part_new(uint32_t id);
AudioPart *mcu_audio_part_ref(AudioPart *part);
void mcu_audio_part_unref(AudioPart *part);
AudioSource *mcu_audio_source_new(uint32_t id, AudioPart *part, McuAudioReceiver *receiver);
AudioSource *mcu_audio_source_ref(AudioSource *source);
void mcu_audio_source_unref(AudioSource *source);
AudioGroup *mcu_audio_group_new(const McuAudioSendParams *params, unsigned complexity);
AudioGroup *mcu_audio_group_ref(AudioGroup *group);
void mcu_audio_group_unref(AudioGroup *group);
AudioVoice *mcu_audio_voice_new(AudioGroup *group, AudioPart *part, unsigned complexity);
AudioVoice *mcu_audio_voice_ref(AudioVoice *voice);
void mcu_audio_voice_unref(AudioVoice *voice);

/* plan.c, loop: a plan of what the tables hold now */
Plan *mcu_audio_plan_new(McuAudioEngine *engine);
void mcu_audio_plan_free(Plan *plan);

/* engine.c, loop: make the tick work with what the tables hold now */
void mcu_audio_engine_publish(McuAudioEngine *engine);

/* engine_run.c, loop: tell the handler what the tick has made */
void mcu_audio_engine_drain(McuAudioEngine *engine);

/* tick.c, atick: make the slot that begins at slot_ns */
void mcu_audio_tick(McuAudioEngine *engine, const Plan *plan, int64_t slot_ns);

/* tick_send.c, atick: encode what the listeners of the plan hear */
void mcu_audio_tick_send(McuAudioEngine *engine, const Plan *plan, int64_t slot_ns);
