/* mcu/video/label: sizes, elision, scripts, cache. No golden pictures: fonts differ. */
#include <glib.h>
#include <string.h>

#include "video/label.h"

static const char
	*const
		scripts[] = {
			"Ada Lovelace",
			"Łukasz Żółkiewski",
			"山田 太郎",
			"김민준",
			"محمد بن موسى الخوارزمي",
			"דוד בן־גוריון",
			"प्रिया शर्मा",
			"นภัสสร วงศ์ไทย",
			"Σωκράτης Шевченко",
			"🎉👩‍👩‍👧‍👦 Party",
			"a\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87\xcc\x88\xcc\x89"
			"\xcc\x8a", /* a
				       heap
				       of
				       accents
				     */
			"\xe2\x80\xae"
			"abc \xd7\x90\xd7\x91", /* override of direction */
			"not \xff\xfe UTF-8 \xc3",
			"two\nlines\tand\x01"
			"control\xe2\x80\xa9"
			"characters",
			"   ",
			"",
		};

static bool is_blank(HwFrame *frame)
{
	HwMapping m;

	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	for (int y = 0; y < m.height; y++)
		for (int x = 0; x < m.width * 4; x++)
			if (m.data[0][y * m.stride[0] + x])
				return false;
	return true;
}

/* Premultiplied: no colour is larger than the opacity. */
static void check_pixels(HwFrame *frame)
{
	HwMapping m;

	g_assert_cmpint(hw_frame_format(frame), ==, HW_FORMAT_BGRA);
	g_assert_cmpint((hw_frame_width(frame) | hw_frame_height(frame)) & 1, ==, 0);
	g_assert_cmpint(hw_frame_map(frame, &m), ==, 0);
	for (int y = 0; y < m.height; y++)
		for (int x = 0; x < m.width; x++) {
			const uint8_t *p = m.data[0] + y * m.stride[0] + 4 * x;

			g_assert_true(p[0] <= p[3] && p[1] <= p[3] && p[2] <= p[3]);
		}
}

static HwFrame *name(McuLabels *l, const char *text, unsigned marks, int w, int h)
{
	HwFrame *frame = NULL;

	g_assert_cmpint(mcu_labels_name(l, text, marks, w, h, &frame), ==, 0);
	return frame;
}

static void test_scripts(void)
{
	g_autoptr(McuLabels) l = mcu_labels_new(1280, 720);
	const int tiles[][2] = { { 1280, 720 }, { 632, 356 }, { 248, 138 }, { 60, 34 }, { 8, 8 } };

	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++)
		for (size_t t = 0; t < G_N_ELEMENTS(tiles); t++) {
			int w = tiles[t][0], h = tiles[t][1];
			g_autoptr(HwFrame) label = name(l, scripts[i], MCU_MARK_MUTED, w, h);
			g_autoptr(HwFrame) card = NULL;

			if (label) {
				check_pixels(label);
				g_assert_cmpint(hw_frame_width(label), <=,
						w - 2 * mcu_labels_margin(l, h));
				g_assert_cmpint(hw_frame_height(label), <=, 50);
			}
			g_assert_cmpint(mcu_labels_card(l, scripts[i], w, h, &card), ==, 0);
			check_pixels(card);
			g_assert_cmpint(hw_frame_width(card), ==, w);
			g_assert_cmpint(hw_frame_height(card), ==, h);
		}
}

static void test_elision(void)
{
	g_autoptr(McuLabels) l = mcu_labels_new(1280, 720);
	g_autofree char *endless = g_strnfill(100000, 'W');
	g_autoptr(HwFrame) shrt = name(l, "Al", 0, 632, 356), lng = name(l, endless, 0, 632, 356);
	g_autoptr(HwFrame) same = name(l, "Alexandra", 0, 632, 356);
	g_autoptr(HwFrame) narrow = name(l, endless, 0, 248, 138);
	int margin = mcu_labels_margin(l, 356);

	g_assert_cmpint(hw_frame_width(shrt), <, hw_frame_width(same));
	g_assert_cmpint(hw_frame_width(same), <, 200);
	/* as wide as the tile allows, but for less than one character */
	g_assert_cmpint(hw_frame_width(lng), <=, 632 - 2 * margin);
	g_assert_cmpint(hw_frame_width(lng), >, 632 - 2 * margin - 40);
	g_assert_cmpint(hw_frame_height(lng), ==, hw_frame_height(shrt));
	g_assert_cmpint(hw_frame_height(narrow), <, hw_frame_height(shrt));
	g_assert_cmpint(hw_frame_height(narrow), >=, 18); /* still readable */
}

static void test_marks(void)
{
	g_autoptr(McuLabels) l = mcu_labels_new(1280, 720);
	g_autoptr(HwFrame) none = name(l, "", 0, 632, 356), plain = name(l, "Ada", 0, 632, 356);
	g_autoptr(HwFrame) muted = name(l, "Ada", MCU_MARK_MUTED, 632, 356);
	g_autoptr(HwFrame) both = name(l, "Ada", MCU_MARK_MUTED | MCU_MARK_CAMERA_OFF, 632, 356);
	g_autoptr(HwFrame) mark_only = name(l, "", MCU_MARK_MUTED, 632, 356);

	g_assert_null(none);
	g_assert_nonnull(mark_only);
	g_assert_cmpint(hw_frame_width(plain), <, hw_frame_width(muted));
	g_assert_cmpint(hw_frame_width(muted), <, hw_frame_width(both));
	g_assert_cmpint(hw_frame_width(mark_only), <, hw_frame_width(muted));
	g_assert_false(is_blank(mark_only));
}

static void test_other_frames(void)
{
	g_autoptr(McuLabels) l = mcu_labels_new(1280, 720);

	for (int veil = MCU_VEIL_STALE; veil <= (int)MCU_VEIL_HELD; veil++) {
		g_autoptr(HwFrame) f = NULL;

		g_assert_cmpint(mcu_labels_veil(l, (McuVeil)veil, 316, 178, &f), ==, 0);
		g_assert_cmpint(hw_frame_width(f), ==, 316);
		check_pixels(f);
	}
	for (int c = MCU_CORNER_TOP_LEFT; c <= (int)MCU_CORNER_BOTTOM_RIGHT; c++) {
		g_autoptr(HwFrame) f = NULL;
		HwMapping m;
		int x, y;

		g_assert_cmpint(mcu_labels_corner(l, (McuCorner)c, c & 1, &f), ==, 0);
		check_pixels(f);
		/* opaque at the tile's corner, nothing at the opposite one */
		g_assert_cmpint(hw_frame_map(f, &m), ==, 0);
		x = c == MCU_CORNER_TOP_LEFT || c == MCU_CORNER_BOTTOM_LEFT ? 0 : m.width - 1;
		y = c <= (int)MCU_CORNER_TOP_RIGHT ? 0 : m.height - 1;
		g_assert_cmpint(m.data[0][y * m.stride[0] + 4 * x + 3], ==, 255);
		x = m.width - 1 - x;
		y = m.height - 1 - y;
		g_assert_cmpint(m.data[0][y * m.stride[0] + 4 * x + 3], ==, 0);
	}
	for (int discreet = 0; discreet < 2; discreet++) {
		g_autofree char *endless = g_strnfill(3000, 'w');
		g_autoptr(HwFrame) f = NULL, wide = NULL;

		g_assert_cmpint(mcu_labels_line(l, "Waiting", discreet, &f), ==, 0);
		g_assert_false(is_blank(f));
		g_assert_cmpint(mcu_labels_line(l, endless, discreet, &wide), ==, 0);
		g_assert_cmpint(hw_frame_width(wide), <=, 1280);
	}
}

static void test_cache(void)
{
	g_autoptr(McuLabels) l = mcu_labels_new(1280, 720);
	g_autoptr(HwFrame) a = name(l, "Ada", 0, 632, 356), b = name(l, "Ada", 0, 632, 356);
	g_autoptr(HwFrame) c = name(l, "Ada", MCU_MARK_MUTED, 632, 356), d = NULL;

	g_assert_true(a == b);
	g_assert_true(a != c);
	g_assert_cmpuint(mcu_labels_drawn(l), ==, 2);
	for (int i = 0; i < 20; i++) { /* "Ada" is asked for, the muted one is not */
		hw_frame_unref(name(l, "Ada", 0, 632, 356));
		mcu_labels_trim(l);
	}
	g_assert_cmpuint(mcu_labels_drawn(l), ==, 2);
	d = name(l, "Ada", MCU_MARK_MUTED, 632, 356);
	g_assert_cmpuint(mcu_labels_drawn(l), ==, 3);
}

static void test_initials(void)
{
	static const char *const pairs[][2] = {
		{ "Ada Lovelace", "AL" }, { "ada", "A" },       { "Jean-Luc de la Tour", "JT" },
		{ "山田 太郎", "山" },    { "  x  y  ", "XY" }, { "", "" },
		{ "(guest)", "" },        { "🎉 Party", "P" },   { "Ελένη Χ", "ΕΧ" },
		{ "Room 12", "R" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *got = mcu_initials(pairs[i][0]);

		g_assert_cmpstr(got, ==, pairs[i][1]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/label/scripts", test_scripts);
	g_test_add_func("/label/elision", test_elision);
	g_test_add_func("/label/marks", test_marks);
	g_test_add_func("/label/other-frames", test_other_frames);
	g_test_add_func("/label/cache", test_cache);
	g_test_add_func("/label/initials", test_initials);
	return g_test_run();
}
