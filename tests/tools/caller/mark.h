/* Machine-readable marks in a picture: who sent it and when it was made. They survive scaling to a
 * small tile, coding at low rates, dimming and moderate cropping.
 *
 *   +-----------------------+   saturated magenta frame (found in the chroma planes),
 *   | . # # . # . . # .     |   9 x 4 cells of black and white inside (read in the luma plane):
 *   | # . . # # . # . .     |   id 8 bits, clock 16 bits, CRC 12 bits, row by row, highest bit
 * first | . . # . # # . # #     | | # . # . . # # . .     |   The frame is one cell wide: 11 x 6
 * cells in all.
 *   +-----------------------+
 *
 * Placed in a picture of height H: cells of H/18, centred, top edge at 2 H/18. Labels (bottom) and
 * borders (edges) of a tile do not touch it.
 * Pure: no clock, no allocation that outlives a call.
 */
#pragma once
#include "hw/hw.h"

#define MCU_MARK_COLUMNS 9
#define MCU_MARK_ROWS    4
/** Cells of the whole mark, its frame included. */
#define MCU_MARK_CELLS_X (MCU_MARK_COLUMNS + 2)
#define MCU_MARK_CELLS_Y (MCU_MARK_ROWS + 2)
/** Picture height in cells, and cells above the mark. */
#define MCU_MARK_PICTURE_CELLS 18
#define MCU_MARK_TOP_CELLS     2
/** Most marks one picture is searched for. */
#define MCU_MARK_MAX 64

typedef struct McuMark {
	uint8_t id;
	uint16_t clock_ms; /* sender's wall clock in milliseconds, modulo 65536 */
} McuMark;

typedef struct McuMarkHit {
	McuMark mark;
	HwRect rect;      /* the mark with its frame, pixels of the searched picture */
	uint8_t contrast; /* white minus black luma: below 100 the tile is dimmed */
} McuMarkHit;

/** 36 bits as they are drawn, and back: -EINVAL when the CRC differs. */
uint64_t mcu_mark_pack(McuMark mark);
int mcu_mark_unpack(uint64_t bits, McuMark *ret) MCU_WARN_UNUSED;

/** Draw the mark at its standard place. Shape: I420, at least 160x90.
 * Errors: -EINVAL other formats, smaller pictures.
 */
int mcu_mark_draw(const HwMapping *picture, McuMark mark) MCU_WARN_UNUSED;

/** Find all marks, in reading order. Shape: I420; hits[max], max <= MCU_MARK_MAX; marks of at least
 * 44x24 pixels. Returns how many. O(pixels of a chroma plane).
 * Errors: -EINVAL other formats; -ENOMEM.
 */
int mcu_mark_find(const HwMapping *picture, McuMarkHit *hits, size_t max) MCU_WARN_UNUSED;

/** Read the mark where one was found before: a fraction of what a search costs. Errors: -EINVAL no
 * mark just there, or `rect` leaves the picture.
 */
int mcu_mark_read(const HwMapping *picture, HwRect rect, McuMarkHit *ret) MCU_WARN_UNUSED;

/** Where the whole 16:9 picture lies that carries a mark at `mark`: may exceed the canvas when the
 * tile is cropped. */
HwRect mcu_mark_tile(HwRect mark);
