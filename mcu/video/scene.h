/* The scene: which participant is drawn where, with what name and marks. Pure: participants, layout
 * and seats in, one immutable description out. Knows no frames and no threads (plan.h draws it).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "video/layout.h"
#include "video/slots.h"

/** Bytes of a name that are kept, its NUL included. */
#define MCU_MAX_SCENE_NAME 384

typedef struct McuScenePerson {
	uint32_t id;     /* not 0 */
	uint32_t source; /* 0 = none */
	const char *name;
	bool muted, camera_off, hidden, held, speaking;
	int order;        /* from 1; 0 = not in the explicit order */
	int64_t spoke_ns; /* last time as the active speaker; 0 = never */
} McuScenePerson;

typedef struct McuSceneInput {
	int width, height;
	const McuLayout *layout;
	const McuScenePerson *people; /* in order of joining */
	size_t n_people;              /* <= MCU_MAX_SLOT_PEOPLE */
	uint32_t focus, speaker;      /* 0 = none */
	int64_t now_ns;
} McuSceneInput;

typedef enum McuSlate {
	MCU_SLATE_NONE = 1,
	MCU_SLATE_LONE,  /* one participant, a line says that others are awaited */
	MCU_SLATE_EMPTY, /* nobody is there */
} McuSlate;

typedef struct McuSceneTile {
	uint32_t person, source; /* source 0: no camera, or it is off */
	HwRect rect;
	McuFit fit;
	unsigned marks; /* McuMark */
	bool speaking, held;
	bool full; /* covers the canvas: no round corners, no border */
	bool over; /* lies on other tiles */
	char name[MCU_MAX_SCENE_NAME];
} McuSceneTile;

typedef struct McuScene {
	int width, height;
	McuSlate slate;
	size_t n;
	McuSceneTile tiles[MCU_MAX_SLOTS];
} McuScene;

/** Seats everybody (`slots` remembers) and describes the picture.
 * ret_again_ns: when to build again without new input, 0 = never.   Owns: caller (g_free).
 * Errors: -EINVAL as mcu_layout_arrange().   Thread: owner of `slots`.
 */
int mcu_scene_build(const McuSceneInput *in, McuSlots *slots, McuScene **ret,
		    int64_t *ret_again_ns) MCU_WARN_UNUSED;

/** Same picture? */
bool mcu_scene_equal(const McuScene *a, const McuScene *b);
