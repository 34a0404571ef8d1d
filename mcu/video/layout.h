/* Layouts: the rule that says how many tiles there are, where they lie and who they are for. Pure:
 * YAML text in, pixel rectangles out. Who sits in which slot is slots.h; drawing is engine.h.
 *
 *   config/layouts/NAME.yaml --parse--> McuLayout --arrange(count, canvas)--> McuArrangement
 *
 * The file format is described at the head of config/layouts/speaker.yaml.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "hw/hw.h"

/** Most tiles of a scene. */
#define MCU_MAX_SLOTS 25
/** Most variants (`variants:`) of one layout file. */
#define MCU_MAX_LAYOUT_VARIANTS 32
/** Longest layout name, and largest layout file in bytes. */
#define MCU_MAX_LAYOUT_NAME 32
#define MCU_MAX_LAYOUT_FILE 65536
/** Names that are listed. */
#define MCU_MAX_LAYOUT_NAMES 64
/** Smallest side of a canvas and of a tile, in pixels. */
#define MCU_MIN_CANVAS 128
#define MCU_MIN_TILE   4

typedef enum McuFit {
	MCU_FIT_LETTERBOX = 1, /* whole picture, bars where the aspect differs */
	MCU_FIT_CROP,          /* fill the slot, cut what does not fit */
	MCU_FIT_AUTO,          /* crop while at most 30 % of the picture is lost (4:3 in 16:9) */
} McuFit;

typedef enum McuSlotWho {
	MCU_SLOT_SPEAKER = 1, /* the focused participant, else the active speaker */
	MCU_SLOT_ORDER,       /* everybody else, in order */
} McuSlotWho;

const char *mcu_fit_name(McuFit fit);
const char *mcu_slot_who_name(McuSlotWho who);

typedef struct McuSlot {
	HwRect rect; /* even x, y, w, h; inside the canvas */
	McuFit fit;
	McuSlotWho who;
	bool over; /* lies on top of slots before it (picture in picture) */
} McuSlot;

/* Slots in drawing order. Slots without `over` never overlap one another. */
typedef struct McuArrangement {
	size_t n;
	McuSlot slots[MCU_MAX_SLOTS];
} McuArrangement;

/* Immutable, reference-counted. */
typedef struct McuLayout McuLayout;

/** Parse and validate a layout file.
 * Shape: text[len], UTF-8 YAML; `where` names it in errors.   Owns: caller holds one reference.
 * Errors: -EINVAL with line, column, what was found, what was expected; -EOVERFLOW a limit above.
 * Thread: any.
 */
int mcu_layout_parse(const char *text, size_t len, const char *where, McuLayout **ret,
		     McuDiag *reterr) MCU_WARN_UNUSED;

/** Read DIR/NAME.yaml. Errors: as mcu_layout_parse(); -ENOENT no such file; -EINVAL a name that is
 * not 1 to MCU_MAX_LAYOUT_NAME of A-Z a-z 0-9 + - _.   Thread: any but the ticks.
 */
int mcu_layout_load(const char *dir, const char *name, McuLayout **ret,
		    McuDiag *reterr) MCU_WARN_UNUSED;

/** Names that mcu_layout_load() may know in any of `dirs` (NULL-terminated), and "auto"; sorted,
 * each once, at most MCU_MAX_LAYOUT_NAMES. Owns: caller; strings are the array's. Thread: any but
 * the ticks. */
GPtrArray *mcu_layout_names(const char *const *dirs) MCU_WARN_UNUSED;

/** The layout `auto`, which needs no file: the best grid for 1 to MCU_MAX_SLOTS. */
McuLayout *mcu_layout_new_auto(void);

McuLayout *mcu_layout_ref(McuLayout *layout);
void mcu_layout_unref(McuLayout *layout); /* NULL is allowed */

const char *mcu_layout_name(const McuLayout *layout);

/** Most participants that have a tile at once. */
size_t mcu_layout_capacity(const McuLayout *layout);

/** Slots for `count` participants (0 counts as 1; more than the capacity as the capacity).
 * Deterministic. Shape: width, height even, MCU_MIN_CANVAS..HW_MAX_SIZE.
 * Errors: -EINVAL a size out of range.   Thread: any; O(slots).
 */
int mcu_layout_arrange(const McuLayout *layout, size_t count, int width, int height,
		       McuArrangement *ret) MCU_WARN_UNUSED;

/** How a picture of sw x sh pixels (both > 0) is shown in `slot`: which part of it, and where on
 * the canvas. Even values. Near a ratio that scales fast (1/4, 1/2, 3/4, 1, 2), that ratio is used
 * exactly and a few more pixels are cropped.   Thread: any; no allocation.
 */
void mcu_fit_picture(McuFit fit, HwRect slot, int sw, int sh, HwRect *ret_crop, HwRect *ret_dst);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuLayout, mcu_layout_unref)
