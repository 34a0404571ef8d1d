#include "video/icons.h"

#include <glib.h>
#include <math.h>

/* All icons are designed on a field of 24 x 24 with lines 2 wide. */

void mcu_set_color(cairo_t *cr, unsigned rgb, double alpha)
{
	cairo_set_source_rgba(cr, ((rgb >> 16) & 255) / 255.0, ((rgb >> 8) & 255) / 255.0,
			      (rgb & 255) / 255.0, alpha);
}

void mcu_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius)
{
	double r = MIN(radius, MIN(w, h) / 2);

	cairo_new_sub_path(cr);
	cairo_arc(cr, x + w - r, y + r, r, -G_PI_2, 0);
	cairo_arc(cr, x + w - r, y + h - r, r, 0, G_PI_2);
	cairo_arc(cr, x + r, y + h - r, r, G_PI_2, G_PI);
	cairo_arc(cr, x + r, y + r, r, G_PI, 3 * G_PI_2);
	cairo_close_path(cr);
}

static void line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
	cairo_move_to(cr, x1, y1);
	cairo_line_to(cr, x2, y2);
	cairo_stroke(cr);
}

/* The bar through an icon: what is below it is wiped out on both sides, so that it stands free. */
static void bar(cairo_t *cr)
{
	cairo_save(cr);
	cairo_set_operator(cr, CAIRO_OPERATOR_DEST_OUT);
	cairo_set_line_width(cr, 5.4);
	line(cr, 4, 3.4, 20.6, 20);
	cairo_restore(cr);
	cairo_set_line_width(cr, 2);
	line(cr, 3.4, 4, 20, 20.6);
}

static void microphone(cairo_t *cr)
{
	mcu_round_rect(cr, 8.8, 2, 6.4, 12, 3.2);
	cairo_fill(cr);
	cairo_arc_negative(cr, 12, 11, 6.6, G_PI, 0);
	cairo_stroke(cr);
	line(cr, 12, 18, 12, 21.6);
}

static void camera(cairo_t *cr)
{
	mcu_round_rect(cr, 2, 6.2, 13.4, 11.6, 2.6);
	cairo_fill(cr);
	cairo_move_to(cr, 16.8, 10.6);
	cairo_line_to(cr, 22, 7.4);
	cairo_line_to(cr, 22, 16.6);
	cairo_line_to(cr, 16.8, 13.4);
	cairo_close_path(cr);
	cairo_fill(cr);
}

static void pause_bars(cairo_t *cr)
{
	mcu_round_rect(cr, 6, 4.5, 4, 15, 1.4);
	mcu_round_rect(cr, 14, 4.5, 4, 15, 1.4);
	cairo_fill(cr);
}

static void no_signal(cairo_t *cr)
{
	for (int i = 0; i < 3; i++) {
		cairo_arc(cr, 12, 18.4, 4.6 + 4.4 * i, -G_PI_2 - 0.8, -G_PI_2 + 0.8);
		cairo_stroke(cr);
	}
	cairo_arc(cr, 12, 18.4, 1.7, 0, 2 * G_PI);
	cairo_fill(cr);
}

static void person(cairo_t *cr)
{
	cairo_arc(cr, 12, 8, 4.2, 0, 2 * G_PI);
	cairo_fill(cr);
	cairo_arc(cr, 12, 21.4, 7.4, G_PI, 2 * G_PI);
	cairo_close_path(cr);
	cairo_fill(cr);
}

void mcu_icon_draw(cairo_t *cr, McuIcon icon, double x, double y, double size)
{
	static void (*const draw[])(cairo_t *) = {
		[MCU_ICON_MICROPHONE_OFF] = microphone,
		[MCU_ICON_CAMERA_OFF] = camera,
		[MCU_ICON_PAUSE] = pause_bars,
		[MCU_ICON_NO_SIGNAL] = no_signal,
		[MCU_ICON_PERSON] = person,
	};
	cairo_pattern_t *ink = cairo_pattern_reference(cairo_get_source(cr));

	/* a group, so that wiping beside the bar leaves the ground alone */
	cairo_save(cr);
	cairo_push_group(cr);
	cairo_translate(cr, x, y);
	cairo_scale(cr, size / 24, size / 24);
	cairo_set_source(cr, ink);
	cairo_set_line_width(cr, 2);
	cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
	draw[icon](cr);
	if (icon != MCU_ICON_PAUSE && icon != MCU_ICON_PERSON)
		bar(cr);
	cairo_pop_group_to_source(cr);
	cairo_paint(cr);
	cairo_restore(cr);
	cairo_pattern_destroy(ink);
}
