/* Inside of the engine: what engine.c (life, participants, sources, renditions), direct.c (scene)
 * and keep.c (housekeeping) share. All of it belongs to loop. */
#pragma once
#include "base/thread.h"
#include "video/clock.h"
#include "video/engine.h"
#include "video/overload.h"
#include "video/pool.h"
#include "video/scene.h"
#include "video/stage.h"

typedef struct Participant {
	uint32_t key; /* never 0 */
	char *id;
	char *name;
	bool muted, camera_off, hidden, held, speaking;
	int64_t spoke_ns;
} Participant;

typedef struct SnapshotWish {
	McuSnapshotFn fn;
	void *data;
} SnapshotWish;

struct McuVideoEngine {
	McuThreadCheck thread;
	McuVideoEngineConfig config; /* borrowed pointers are not used after _new() */
	McuVideoEvents events;
	HwDevice *device;
	GMainContext *context;
	bool running;
	int64_t manual_ns; /* time, with config.manual */

	/* --- who is there --- */
	GPtrArray *participants; /* Participant, in order of joining */
	GHashTable *sources;     /* id -> McuVideoSource */
	GPtrArray *source_order; /* McuVideoSource, borrowed, in order of adding */
	uint32_t last_key, last_source;
	uint32_t speaker; /* key of the active speaker, 0 = none yet */

	/* --- what is shown --- */
	McuLayout *layout;
	char *focus;  /* id or NULL */
	char **order; /* ids or NULL */
	McuSlots *slots;
	McuScene *scene;
	bool dirty;          /* scene is to be built */
	int64_t again_ns;    /* build at this time at the latest, 0 = not */
	bool visible_untold; /* some source's visibility is to be told */

	/* --- the machinery --- */
	McuStage *stage;
	McuDecodePool *pool;
	McuFrameClock *clock;
	GPtrArray *renditions; /* McuRendition, one reference each */
	McuWake *wake;         /* -> mcu_engine_dispatch() */
	GSource *housekeeping;
	GArray *snapshots; /* SnapshotWish */

	/* --- overload --- */
	McuOverload overload;
	int64_t window_ns;                                         /* start of the window */
	uint64_t window_ticks, window_skipped, window_overwritten; /* counters then */
};

/** Time of the engine. */
int64_t mcu_engine_now(const McuVideoEngine *e);

/** Something the scene depends on has changed. */
void mcu_engine_dirty(McuVideoEngine *e);

/** Build the scene if it has to be, and give it to the stage. */
void mcu_engine_direct(McuVideoEngine *e);

/** Tell what is to be told: visibility, snapshots. Runs on loop, not within a call. */
void mcu_engine_dispatch(McuVideoEngine *e);

/** Ten times a second: keyframes, states of sources, seats that were held, overload. */
void mcu_engine_housekeep(McuVideoEngine *e);

/** Overload level -> what sources, clock and renditions do. */
void mcu_engine_apply_overload(McuVideoEngine *e);
/** Less than half as high as the canvas. */
bool mcu_engine_is_small(const McuVideoEngine *e, int tile_h);

/** The source that is drawn for a participant, or NULL. */
McuVideoSource *mcu_engine_source_of(McuVideoEngine *e, uint32_t person);

Participant *mcu_engine_participant(McuVideoEngine *e, const char *id);
