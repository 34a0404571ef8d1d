/* The plan: a scene with everything that is needed to draw it, labels rendered, sources looked up.
 * Immutable; made where time does not matter (label), drawn by vtick. Private to video/.
 */
#pragma once
#include "video/label.h"
#include "video/scene.h"
#include "video/source.h"

typedef struct McuPlanTile {
	McuVideoSource *source; /* NULL = card only */
	HwRect rect;
	McuFit fit;
	bool over, full, held, border;
	HwFrame *card;  /* while there is no picture */
	HwFrame *label; /* NULL = none */
	HwRect label_at;
	HwFrame *stale_veil; /* NULL without source */
	HwFrame *held_veil;  /* NULL unless held */
} McuPlanTile;

typedef struct McuPlan {
	int width, height;
	size_t n;
	McuPlanTile tiles[MCU_MAX_SLOTS];
	HwFrame *corners[4],
		*border_corners[4]; /* top left, top right, bottom left, bottom right */
	int border;                 /* width of the speaking border */
	HwFrame *line;              /* of the slate, NULL = none */
	HwRect line_at;
} McuPlan;

/** Texts of the slates. */
typedef struct McuPlanTexts {
	const char *lone, *empty;
} McuPlanTexts;

/** `sources[i]` belongs to scene->tiles[i] (NULL = none); references are taken. What cannot be
 * drawn for lack of memory is left out.   Owns: caller.   Thread: owner of `labels`. */
McuPlan *mcu_plan_new(const McuScene *scene, McuVideoSource *const *sources, McuLabels *labels,
		      const McuPlanTexts *texts);
void mcu_plan_free(McuPlan *plan);

/** Draw list of this moment: newest pictures, those too old dimmed.
 * Shape: items[HW_MAX_ITEMS]; they borrow from the plan until the next call.   Returns how many.
 * Thread: vtick; no allocation, no lock. */
size_t mcu_plan_draw(const McuPlan *plan, int64_t now_ns, HwDrawItem *items);
