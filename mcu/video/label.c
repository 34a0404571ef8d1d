/* Drawing and caching of labels. One entry of the cache is one frame; its key is a text that holds
 * everything its content depends on. */
#include "video/label.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "video/icons.h"

/* A frame that was not asked for in this many rounds is dropped. */
#define KEEP_ROUNDS 8
/* Small texts cannot be read below this many pixels. */
#define MIN_FONT_PX 11

typedef struct Entry {
	HwFrame *frame;
	uint64_t round; /* in which it was last asked for */
} Entry;

struct McuLabels {
	int canvas_w, canvas_h;
	PangoFontMap *fonts;
	PangoContext *pango;
	GHashTable *cache; /* key -> Entry */
	uint64_t round, drawn;
};

static void entry_free(void *p)
{
	Entry *e = p;

	hw_frame_unref(e->frame);
	g_free(e);
}

McuLabels *mcu_labels_new(int canvas_width, int canvas_height)
{
	McuLabels *l = g_new0(McuLabels, 1);
	cairo_font_options_t *options = cairo_font_options_create();

	l->canvas_w = canvas_width;
	l->canvas_h = canvas_height;
	l->fonts = pango_cairo_font_map_new();
	l->pango = pango_font_map_create_context(l->fonts);
	/* no subpixel colours: the canvas is 4:2:0 */
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
	pango_cairo_context_set_font_options(l->pango, options);
	cairo_font_options_destroy(options);
	l->cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	return l;
}

void mcu_labels_free(McuLabels *l)
{
	if (!l)
		return;
	g_hash_table_destroy(l->cache);
	g_object_unref(l->pango);
	g_object_unref(l->fonts);
	g_free(l);
}

uint64_t mcu_labels_drawn(const McuLabels *l)
{
	return l->drawn;
}

static gboolean is_old(void *key, void *value, void *data)
{
	const Entry *e = value;
	const McuLabels *l = data;
	uint64_t keep = g_hash_table_size(l->cache) > MCU_MAX_LABEL_FRAMES ? 1 : KEEP_ROUNDS;

	(void)key;
	return e->round + keep <= l->round;
}

void mcu_labels_trim(McuLabels *l)
{
	l->round++;
	g_hash_table_foreach_remove(l->cache, is_old, l);
}

/* Reference to what is cached under `key`, or NULL. */
static HwFrame *lookup(McuLabels *l, const char *key)
{
	Entry *e = g_hash_table_lookup(l->cache, key);

	if (!e)
		return NULL;
	e->round = l->round;
	return hw_frame_ref(e->frame);
}

static int even(double v)
{
	return 2 * (int)ceil(v / 2);
}

/* --- canvas to draw on --- */

typedef struct Sheet {
	HwFrame *frame;
	cairo_t *cr;
	int w, h;
} Sheet;

static int sheet_open(Sheet *s, double w, double h)
{
	HwMapping map;
	cairo_surface_t *surface;
	int err;

	*s = (Sheet){ .w = MAX(2, even(w)), .h = MAX(2, even(h)) };
	err = hw_frame_new(HW_FORMAT_BGRA, s->w, s->h, &s->frame);
	if (err == 0)
		err = hw_frame_map(s->frame, &map);
	if (err < 0) {
		g_clear_pointer(&s->frame, hw_frame_unref);
		return err;
	}
	for (int y = 0; y < s->h; y++)
		memset(map.data[0] + (size_t)y * map.stride[0], 0, (size_t)s->w * 4);
	surface = cairo_image_surface_create_for_data(map.data[0], CAIRO_FORMAT_ARGB32, s->w, s->h,
						      map.stride[0]);
	s->cr = cairo_create(surface);
	cairo_surface_destroy(surface);
	return 0;
}

/* Finish drawing, put the frame into the cache under `key` and give a reference. */
static int sheet_close(McuLabels *l, Sheet *s, const char *key, HwFrame **ret)
{
	bool ok = cairo_status(s->cr) == CAIRO_STATUS_SUCCESS;
	Entry *e;

	cairo_surface_flush(cairo_get_target(s->cr));
	cairo_destroy(s->cr);
	if (!ok) {
		hw_frame_unref(s->frame);
		return -ENOMEM;
	}
	e = g_new(Entry, 1);
	*e = (Entry){ s->frame, l->round };
	g_hash_table_replace(l->cache, g_strdup(key), e);
	l->drawn++;
	*ret = hw_frame_ref(s->frame);
	return 0;
}

/* --- text --- */

/* UTF-8 without control characters, at most MCU_MAX_LABEL_CHARS, without space at its ends. */
static char *clean_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(
		text ? text : "", text ? (gssize)strnlen(text, 4 * MCU_MAX_LABEL_CHARS) : 0);
	GString *out = g_string_new(NULL);
	unsigned n = 0;

	for (const char *s = valid; *s && n < MCU_MAX_LABEL_CHARS; s = g_utf8_next_char(s), n++) {
		gunichar c = g_utf8_get_char(s);

		g_string_append_unichar(
			out, g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c);
	}
	return g_strstrip(g_string_free(out, FALSE));
}

static PangoLayout *text_layout(McuLabels *l, const char *text, double px, PangoWeight weight)
{
	PangoLayout *layout = pango_layout_new(l->pango);
	PangoFontDescription *font = pango_font_description_from_string(
		"Inter, Noto Sans, DejaVu Sans, Liberation Sans, sans-serif");

	pango_font_description_set_weight(font, weight);
	pango_font_description_set_absolute_size(font, px * PANGO_SCALE);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_single_paragraph_mode(layout, TRUE);
	pango_layout_set_text(layout, text, -1);
	return layout;
}

/* Elide to at most `max_w` pixels; the size it then has. */
static void fit_text(PangoLayout *layout, double max_w, int *ret_w, int *ret_h)
{
	pango_layout_get_pixel_size(layout, ret_w, ret_h);
	if (*ret_w <= max_w)
		return;
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	pango_layout_set_width(layout, (int)(max_w * PANGO_SCALE));
	pango_layout_get_pixel_size(layout, ret_w, ret_h);
	*ret_w = MIN(*ret_w, (int)max_w);
}

static double px_of_canvas(const McuLabels *l, double at_720)
{
	return at_720 * MIN(l->canvas_h, l->canvas_w) / 720.0;
}

static double font_px(const McuLabels *l, int tile_h)
{
	double px = CLAMP(tile_h * 0.05, px_of_canvas(l, 13), px_of_canvas(l, 25));

	return round(MAX(px, MIN_FONT_PX));
}

int mcu_labels_margin(const McuLabels *l, int tile_h)
{
	return even(font_px(l, tile_h) * 0.45);
}

/* --- names --- */

static unsigned mark_icons(unsigned marks, McuIcon icons[2])
{
	unsigned n = 0;

	if (marks & MCU_MARK_MUTED)
		icons[n++] = MCU_ICON_MICROPHONE_OFF;
	if (marks & MCU_MARK_CAMERA_OFF)
		icons[n++] = MCU_ICON_CAMERA_OFF;
	return n;
}

static int draw_name(McuLabels *l, const char *name, unsigned marks, int tile_w, int tile_h,
		     const char *key, HwFrame **ret)
{
	double px = font_px(l, tile_h), pad = px * 0.6, icon = px * 1.15, between = px * 0.4;
	double room = tile_w - 2.0 * mcu_labels_margin(l, tile_h);
	McuIcon icons[2];
	unsigned n_icons = mark_icons(marks, icons);
	double icons_w =
		n_icons * icon + (n_icons && *name ? between : 0) + (n_icons > 1 ? between : 0);
	g_autoptr(PangoLayout) layout = text_layout(l, name, px, PANGO_WEIGHT_MEDIUM);
	int text_w = 0, text_h = 0, err;
	double w, h = even(px * 1.75), x = pad;
	Sheet s;

	if (room - 2 * pad - icons_w < px * 2)
		return 0; /* no room for a character and an ellipsis */
	if (*name)
		fit_text(layout, room - 2 * pad - icons_w, &text_w, &text_h);
	w = MIN(text_w + 2 * pad + icons_w, room);
	err = sheet_open(&s, floor(w / 2) * 2, h);
	if (err < 0)
		return err;
	mcu_set_color(s.cr, 0x0c0d10, 0.66);
	mcu_round_rect(s.cr, 0, 0, s.w, s.h, s.h * 0.28);
	cairo_fill(s.cr);
	for (unsigned i = 0; i < n_icons; i++) {
		mcu_set_color(s.cr, icons[i] == MCU_ICON_MICROPHONE_OFF ? 0xff6b63 : 0xd5d8de, 1);
		mcu_icon_draw(s.cr, icons[i], x, (s.h - icon) / 2, icon);
		x += icon + between;
	}
	mcu_set_color(s.cr, 0xffffff, 1);
	cairo_move_to(s.cr, x, (s.h - text_h) / 2.0);
	pango_cairo_show_layout(s.cr, layout);
	return sheet_close(l, &s, key, ret);
}

int mcu_labels_name(McuLabels *l, const char *name, unsigned marks, int tile_w, int tile_h,
		    HwFrame **ret)
{
	g_autofree char *text = clean_text(name);
	g_autofree char *key = g_strdup_printf("name %u %d %d %s", marks, tile_w, tile_h, text);
	HwFrame *frame = lookup(l, key);
	int err = 0;

	if (!frame && (*text || marks))
		err = draw_name(l, text, marks, tile_w, tile_h, key, &frame);
	if (err == 0)
		*ret = frame;
	return err;
}

/* --- cards --- */

/* Letters of scripts with capitals stand for words; others say enough alone. */
static bool has_case(gunichar c)
{
	return g_unichar_toupper(c) != g_unichar_tolower(c);
}

char *mcu_initials(const char *name)
{
	g_autofree char *text = clean_text(name);
	g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
	gunichar first = 0, last = 0;
	GString *out = g_string_new(NULL);

	for (char **w = words; *w; w++) {
		gunichar c = g_utf8_get_char(*w);

		if (!c || !g_unichar_isalnum(c))
			continue;
		if (!first)
			first = c;
		else
			last = c;
	}
	if (first)
		g_string_append_unichar(out, g_unichar_toupper(first));
	if (last && has_case(first) && has_case(last))
		g_string_append_unichar(out, g_unichar_toupper(last));
	return g_string_free(out, FALSE);
}

static unsigned card_color(const char *text)
{
	static const unsigned colors[] = { 0x3b6fd4, 0x7a55c7, 0xb5487f, 0xc2563c,
					   0xa87a1f, 0x3f8f57, 0x23878c, 0x5f6b80 };

	return colors[g_str_hash(text) % G_N_ELEMENTS(colors)];
}

/* `a` with `share` of `b` in it. */
static unsigned mix_color(unsigned a, unsigned b, double share)
{
	unsigned out = 0;

	for (int shift = 0; shift <= 16; shift += 8) {
		double x = (a >> shift) & 255, y = (b >> shift) & 255;

		out |= (unsigned)lround(x + (y - x) * share) << shift;
	}
	return out;
}

static void draw_centred(cairo_t *cr, PangoLayout *layout, double x, double y)
{
	PangoRectangle ink, box;

	pango_layout_get_pixel_extents(layout, &ink, &box);
	cairo_move_to(cr, x - box.x - box.width / 2.0, y - ink.y - ink.height / 2.0);
	pango_cairo_show_layout(cr, layout);
}

int mcu_labels_card(McuLabels *l, const char *name, int w, int h, HwFrame **ret)
{
	g_autofree char *text = clean_text(name), *initials = mcu_initials(name);
	g_autofree char *key = g_strdup_printf("card %d %d %s", w, h, text);
	unsigned color = card_color(text);
	double d = MIN(w, h) * 0.44;
	Sheet s;
	int err;

	if ((*ret = lookup(l, key)))
		return 0;
	err = sheet_open(&s, w, h);
	if (err < 0)
		return err;
	mcu_set_color(s.cr, mix_color(MCU_COLOR_TILE, color, 0.22), 1);
	cairo_paint(s.cr);
	mcu_set_color(s.cr, color, 1);
	cairo_arc(s.cr, w / 2.0, h / 2.0, d / 2, 0, 2 * G_PI);
	cairo_fill(s.cr);
	mcu_set_color(s.cr, 0xffffff, 0.96);
	if (*initials) {
		g_autoptr(PangoLayout) layout =
			text_layout(l, initials, MAX(d * 0.40, 4), PANGO_WEIGHT_MEDIUM);

		draw_centred(s.cr, layout, w / 2.0, h / 2.0);
	} else {
		mcu_icon_draw(s.cr, MCU_ICON_PERSON, w / 2.0 - d * 0.3, h / 2.0 - d * 0.31,
			      d * 0.6);
	}
	return sheet_close(l, &s, key, ret);
}

/* --- veils, corners, lines --- */

int mcu_labels_veil(McuLabels *l, McuVeil veil, int w, int h, HwFrame **ret)
{
	g_autofree char *key = g_strdup_printf("veil %d %d %d", veil, w, h);
	double icon = CLAMP(MIN(w, h) * 0.24, 8, px_of_canvas(l, 96)), d = icon * 1.7;
	Sheet s;
	int err;

	if ((*ret = lookup(l, key)))
		return 0;
	err = sheet_open(&s, w, h);
	if (err < 0)
		return err;
	mcu_set_color(s.cr, 0x101216, 0.62);
	cairo_paint(s.cr);
	mcu_set_color(s.cr, 0x000000, 0.45);
	cairo_arc(s.cr, w / 2.0, h / 2.0, d / 2, 0, 2 * G_PI);
	cairo_fill(s.cr);
	mcu_set_color(s.cr, 0xffffff, 0.92);
	mcu_icon_draw(s.cr, veil == MCU_VEIL_HELD ? MCU_ICON_PAUSE : MCU_ICON_NO_SIGNAL,
		      (w - icon) / 2, (h - icon) / 2, icon);
	return sheet_close(l, &s, key, ret);
}

int mcu_labels_border(const McuLabels *l)
{
	return MAX(2, 2 * (int)round(px_of_canvas(l, 4) / 2));
}

int mcu_labels_corner(McuLabels *l, McuCorner corner, bool border, HwFrame **ret)
{
	bool right = corner == MCU_CORNER_TOP_RIGHT || corner == MCU_CORNER_BOTTOM_RIGHT;
	bool bottom = corner == MCU_CORNER_BOTTOM_LEFT || corner == MCU_CORNER_BOTTOM_RIGHT;
	g_autofree char *key = g_strdup_printf("corner %d %d", corner, border);
	double r = MAX(even(px_of_canvas(l, 12)), mcu_labels_border(l)),
	       line = mcu_labels_border(l);
	Sheet s;
	int err;

	if ((*ret = lookup(l, key)))
		return 0;
	err = sheet_open(&s, r, r);
	if (err < 0)
		return err;
	/* drawn as the top left one, turned over */
	cairo_translate(s.cr, right ? r : 0, bottom ? r : 0);
	cairo_scale(s.cr, right ? -1 : 1, bottom ? -1 : 1);
	mcu_set_color(s.cr, MCU_COLOR_CANVAS, 1);
	cairo_rectangle(s.cr, 0, 0, r, r);
	cairo_move_to(s.cr, r, r);
	cairo_arc_negative(s.cr, r, r, r, 3 * G_PI_2, G_PI);
	cairo_close_path(s.cr);
	cairo_set_fill_rule(s.cr, CAIRO_FILL_RULE_EVEN_ODD);
	cairo_fill(s.cr);
	if (border) {
		mcu_set_color(s.cr, MCU_COLOR_SPEAKING, 1);
		cairo_set_line_width(s.cr, line);
		cairo_arc(s.cr, r, r, r - line / 2, G_PI, 3 * G_PI_2);
		cairo_stroke(s.cr);
	}
	return sheet_close(l, &s, key, ret);
}

int mcu_labels_line(McuLabels *l, const char *text, bool discreet, HwFrame **ret)
{
	g_autofree char *clean = clean_text(text);
	g_autofree char *key = g_strdup_printf("line %d %s", discreet, clean);
	double px = MAX(px_of_canvas(l, discreet ? 20 : 34), MIN_FONT_PX), pad = px * 0.8;
	g_autoptr(PangoLayout) layout = NULL;
	int w, h, err;
	Sheet s;

	if ((*ret = lookup(l, key)))
		return 0;
	layout = text_layout(l, clean, px, discreet ? PANGO_WEIGHT_MEDIUM : PANGO_WEIGHT_NORMAL);
	fit_text(layout, l->canvas_w * 0.9 - 2 * pad, &w, &h);
	err = sheet_open(&s, w + 2 * pad, h + pad);
	if (err < 0)
		return err;
	if (discreet) {
		mcu_set_color(s.cr, 0x0c0d10, 0.6);
		mcu_round_rect(s.cr, 0, 0, s.w, s.h, s.h / 2.0);
		cairo_fill(s.cr);
	}
	mcu_set_color(s.cr, discreet ? 0xe8eaee : 0xc3c8d1, 1);
	cairo_move_to(s.cr, pad, (s.h - h) / 2.0);
	pango_cairo_show_layout(s.cr, layout);
	return sheet_close(l, &s, key, ret);
}
