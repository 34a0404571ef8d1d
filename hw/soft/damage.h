/* What a canvas holds, and what has to be painted to make it hold something else. Pure.
 *
 *   HwDrawList -> HwHeld (clipped, even, hidden items left out)
 *   HwHeld before, HwHeld wanted -> HwDamage: rectangles to clear, items to paint
 *
 * Items are painted whole, never in part: a part of a scaled picture would differ from the same
 * part of the picture scaled whole. Private to hw/.
 */
#pragma once
#include "hw/ops.h"

typedef struct HwHeldItem {
	uint64_t serial; /* 0: a fill */
	HwRect crop, dst;
	uint32_t color;
	unsigned index; /* in the draw list */
	uint8_t alpha;
	bool opaque;
} HwHeldItem;

typedef struct HwHeld {
	bool valid;
	uint32_t background;
	size_t n;
	HwHeldItem items[HW_MAX_ITEMS];
} HwHeld;

typedef struct HwDamage {
	size_t n_clear;
	HwRect clear[2 * HW_MAX_ITEMS]; /* to background, before any item */
	bool paint[HW_MAX_ITEMS];       /* by item of the wanted HwHeld */
} HwDamage;

/** list->n <= HW_MAX_ITEMS. Total: bad rectangles show nothing. */
void hw_held_from_list(HwHeld *held, const HwDrawList *list, int width, int height);

bool hw_held_equal(const HwHeld *a, const HwHeld *b);

/** Copy without the unused items. */
void hw_held_copy(HwHeld *to, const HwHeld *from);

/** `before` may be invalid (nothing known): everything is painted. */
void hw_damage(const HwHeld *before, const HwHeld *wanted, int width, int height, HwDamage *ret);
