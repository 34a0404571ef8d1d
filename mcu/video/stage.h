/* The thread `label`: turns the newest scene into a plan, off loop and off vtick, since fonts may
 * have to be loaded. Private to video/.
 *
 *   loop --scene, newest wins--> label --McuHandoff--> vtick
 */
#pragma once
#include "video/plan.h"

typedef struct McuStage McuStage;

/** Texts are copied. `threaded` false: submit() does the work itself.   Thread: loop. */
McuStage *mcu_stage_new(int width, int height, const McuPlanTexts *texts, bool threaded);
/** Joins the thread.   Thread: loop. */
void mcu_stage_stop(McuStage *stage);
/** After stop(), and when vtick has ended. */
void mcu_stage_free(McuStage *stage);

/** Owns: borrows the scene, takes references of sources[i] (of scene->tiles[i]; NULL = none).
 * Thread: loop. */
void mcu_stage_submit(McuStage *stage, const McuScene *scene, McuVideoSource *const *sources);

/** The newest plan, valid until the next call; NULL before the first.   Thread: vtick. */
const McuPlan *mcu_stage_plan(McuStage *stage);

/** Frames drawn.   Thread: any. */
uint64_t mcu_stage_renders(McuStage *stage);
