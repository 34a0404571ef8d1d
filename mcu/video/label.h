/* Everything on the canvas that is not a camera: names, marks, cards, veils, corners, slates. Pango
 * and cairo draw it into premultiplied BGRA frames, which are cached by what they show.
 *
 * Not here: where it goes (plan.h). Never in vtick: this allocates, and the first use of a script
 * loads its font.
 *
 * Each function gives a new reference to a frame with even sides, or -ENOMEM, or what
 * hw_frame_new() returns. Texts: UTF-8 of any script and direction; what is not UTF-8 is replaced,
 * control characters are spaces, more than MCU_MAX_LABEL_CHARS are cut.
 * Thread: owner only, for everything here.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hw/hw.h"

#define MCU_MAX_LABEL_CHARS 128
/** Most frames that are kept. */
#define MCU_MAX_LABEL_FRAMES 512

/* Colours of the canvas, 0xRRGGBB. */
#define MCU_COLOR_CANVAS   0x15171c
#define MCU_COLOR_TILE     0x23262d
#define MCU_COLOR_SPEAKING 0x4ca6ff

typedef enum McuMark { /* bits */
		       MCU_MARK_MUTED = 1,
		       MCU_MARK_CAMERA_OFF = 2,
} McuMark;

typedef enum McuVeil {
	MCU_VEIL_STALE = 1, /* no new picture */
	MCU_VEIL_HELD,      /* the leg is on hold */
} McuVeil;

typedef enum McuCorner {
	MCU_CORNER_TOP_LEFT = 1,
	MCU_CORNER_TOP_RIGHT,
	MCU_CORNER_BOTTOM_LEFT,
	MCU_CORNER_BOTTOM_RIGHT,
} McuCorner;

typedef struct McuLabels McuLabels;

/** Sizes of texts and lines follow the height of the canvas. */
McuLabels *mcu_labels_new(int canvas_width, int canvas_height);
void mcu_labels_free(McuLabels *l);

/** Name and marks on a translucent ground, at most as wide as the tile less its margin; too long a
 * name ends in an ellipsis. *ret is NULL when there is nothing to show or no room for it. */
int mcu_labels_name(McuLabels *l, const char *name, unsigned marks, int tile_w, int tile_h,
		    HwFrame **ret) MCU_WARN_UNUSED;

/** Distance of the name from the left and lower edge of its tile. */
int mcu_labels_margin(const McuLabels *l, int tile_h);

/** Opaque picture for a tile without one: initials on a colour that follows from the name. */
int mcu_labels_card(McuLabels *l, const char *name, int w, int h, HwFrame **ret) MCU_WARN_UNUSED;

/** Dims a whole tile, with a mark in its middle. */
int mcu_labels_veil(McuLabels *l, McuVeil veil, int w, int h, HwFrame **ret) MCU_WARN_UNUSED;

/** Square that rounds one corner of a tile; with `border` it carries the speaking border's bend. */
int mcu_labels_corner(McuLabels *l, McuCorner corner, bool border, HwFrame **ret) MCU_WARN_UNUSED;

/** Width of the speaking border. Even. */
int mcu_labels_border(const McuLabels *l);

/** One line of text for the whole canvas: `discreet` small on a translucent ground, else large. */
int mcu_labels_line(McuLabels *l, const char *text, bool discreet, HwFrame **ret) MCU_WARN_UNUSED;

/** End of a round: frames that no function gave for some rounds are dropped. */
void mcu_labels_trim(McuLabels *l);

/** How many frames were drawn so far. */
uint64_t mcu_labels_drawn(const McuLabels *l);

/** Up to two characters that stand for a name ("Ada Lovelace" -> "AL"); "" when it has no letter.
 * Owns: caller.   Thread: any. */
char *mcu_initials(const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuLabels, mcu_labels_free)
