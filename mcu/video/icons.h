/* Icons as cairo paths, so that no font has to have them. Each is drawn into the square of side
 * `size` at x, y with the current source colour; the source is kept. Thread: any. */
#pragma once
#include <cairo.h>

typedef enum McuIcon {
	MCU_ICON_MICROPHONE_OFF = 1,
	MCU_ICON_CAMERA_OFF,
	MCU_ICON_PAUSE,
	MCU_ICON_NO_SIGNAL,
	MCU_ICON_PERSON,
} McuIcon;

void mcu_icon_draw(cairo_t *cr, McuIcon icon, double x, double y, double size);

/** Closed path of a rectangle with round corners. */
void mcu_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius);

/** Source colour 0xRRGGBB with opacity 0..1. */
void mcu_set_color(cairo_t *cr, unsigned rgb, double alpha);
