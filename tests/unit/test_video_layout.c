/* mcu/video/layout: parsing, and what must hold for every layout, number and canvas. */
#include <glib.h>
#include <string.h>

#include "video/layout.h"

#define DIR "config/layouts"

static const char *const names[] = { "auto", "grid", "speaker", "1+5", "1+7", "pip", "single" };
static const int sizes[][2] = { { 1280, 720 }, { 1920, 1080 }, { 640, 360 },
				{ 640, 480 },  { 352, 288 },   { 720, 1280 },
				{ 128, 128 },  { 1366, 768 },  { 4096, 2304 } };

static McuLayout *load(const char *name)
{
	McuLayout *l = NULL;
	McuDiag d = { 0 };

	if (mcu_layout_load(DIR, name, &l, &d) < 0)
		g_error("%s:%u: %s", d.where, d.line, d.text);
	return l;
}

static bool overlap(HwRect a, HwRect b)
{
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static void check_arrangement(const McuLayout *l, const McuArrangement *a, int w, int h,
			      size_t count)
{
	unsigned speakers = 0;

	g_assert_cmpuint(a->n, >=, MIN(count, mcu_layout_capacity(l)));
	g_assert_cmpuint(a->n, <=, MCU_MAX_SLOTS);
	for (size_t i = 0; i < a->n; i++) {
		HwRect r = a->slots[i].rect;

		g_assert_cmpint((r.x | r.y | r.w | r.h) & 1, ==, 0);
		g_assert_true(r.x >= 0 && r.y >= 0 && r.x + r.w <= w && r.y + r.h <= h);
		g_assert_true(r.w >= MCU_MIN_TILE && r.h >= MCU_MIN_TILE);
		g_assert_nonnull(strstr("letterbox crop auto", mcu_fit_name(a->slots[i].fit)));
		speakers += a->slots[i].who == MCU_SLOT_SPEAKER;
		for (size_t j = 0; j < i; j++)
			if (a->slots[i].over == a->slots[j].over)
				g_assert_false(overlap(r, a->slots[j].rect));
	}
	g_assert_cmpuint(speakers, <=, 1);
}

static void test_every_layout(void)
{
	for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
		g_autoptr(McuLayout) l = load(names[n]);

		g_assert_cmpstr(mcu_layout_name(l), ==, names[n]);
		for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
			for (size_t count = 0; count <= 30; count++) {
				McuArrangement a, again;

				g_assert_cmpint(
					mcu_layout_arrange(l, count, sizes[s][0], sizes[s][1], &a),
					==, 0);
				check_arrangement(l, &a, sizes[s][0], sizes[s][1], count);
				g_assert_cmpint(mcu_layout_arrange(l, count, sizes[s][0],
								   sizes[s][1], &again),
						==, 0);
				g_assert_cmpmem(&a, sizeof a, &again, sizeof again);
			}
	}
}

static void test_capacity(void)
{
	const size_t want[] = { 25, 25, 6, 6, 8, 4, 1 };

	for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
		g_autoptr(McuLayout) l = load(names[n]);

		g_assert_cmpuint(mcu_layout_capacity(l), ==, want[n]);
	}
}

static McuArrangement arrange(const McuLayout *l, size_t count)
{
	McuArrangement a;

	g_assert_cmpint(mcu_layout_arrange(l, count, 1280, 720, &a), ==, 0);
	return a;
}

static void test_auto(void)
{
	g_autoptr(McuLayout) l = mcu_layout_new_auto();
	McuArrangement a = arrange(l, 1);

	g_assert_cmpint(a.slots[0].rect.w, ==, 1280);
	g_assert_cmpint(a.slots[0].rect.h, ==, 720);
	/* 2 x 2 fills the canvas but for the gaps */
	a = arrange(l, 4);
	g_assert_cmpint(a.slots[0].rect.w, >=, 610);
	g_assert_cmpint(a.slots[0].rect.y, ==, a.slots[1].rect.y);
	g_assert_cmpint(a.slots[0].rect.x, ==, a.slots[2].rect.x);
	/* 3 + 2: the last row is centred and the block is in the middle */
	a = arrange(l, 5);
	g_assert_cmpint(a.slots[2].rect.y, ==, a.slots[0].rect.y);
	g_assert_cmpint(a.slots[3].rect.y, >, a.slots[0].rect.y);
	g_assert_cmpint(ABS(a.slots[3].rect.x - (1280 - a.slots[4].rect.x - a.slots[4].rect.w)), <=,
			2);
	g_assert_cmpint(ABS(a.slots[0].rect.y - (720 - a.slots[3].rect.y - a.slots[3].rect.h)), <=,
			2);
	/* tiles are 16:9, and no other number of columns gives larger ones */
	for (size_t n = 2; n <= 25; n++) {
		int w, cols = 1;

		a = arrange(l, n);
		w = a.slots[0].rect.w;
		g_assert_cmpint(ABS(w * 9 - a.slots[0].rect.h * 16), <=, 32);
		while (cols < (int)n && a.slots[cols].rect.y == a.slots[0].rect.y)
			cols++;
		for (int c = 1; c <= (int)n; c++) {
			int rows = ((int)n + c - 1) / c;
			int limit = MIN((1272 / c) - 8, ((712 / rows) - 8) * 16 / 9);

			g_assert_cmpint(w + 2, >=, limit);
		}
	}
	/* portrait: two are stacked */
	g_assert_cmpint(mcu_layout_arrange(l, 2, 720, 1280, &a), ==, 0);
	g_assert_cmpint(a.slots[0].rect.x, ==, a.slots[1].rect.x);
}

static void test_speaker_strip(void)
{
	g_autoptr(McuLayout) l = load("speaker");
	McuArrangement a = arrange(l, 3), full = arrange(l, 9);

	g_assert_cmpuint(a.n, ==, 3);
	g_assert_cmpuint(full.n, ==, 6);
	g_assert_cmpint(a.slots[0].who, ==, MCU_SLOT_SPEAKER);
	g_assert_cmpint(a.slots[1].who, ==, MCU_SLOT_ORDER);
	/* two of five cells, in the middle */
	g_assert_cmpint(ABS(a.slots[1].rect.x - (1280 - a.slots[2].rect.x - a.slots[2].rect.w)), <=,
			2);
	g_assert_cmpint(a.slots[1].rect.w, ==, full.slots[1].rect.w);
	g_assert_cmpint(full.slots[5].rect.x + full.slots[5].rect.w, >=, 1268);
}

static void test_bad_sizes(void)
{
	g_autoptr(McuLayout) l = mcu_layout_new_auto();
	McuArrangement a;

	g_assert_cmpint(mcu_layout_arrange(l, 1, 1281, 720, &a), ==, -EINVAL);
	g_assert_cmpint(mcu_layout_arrange(l, 1, 64, 720, &a), ==, -EINVAL);
	g_assert_cmpint(mcu_layout_arrange(l, 1, 1280, 8192, &a), ==, -EINVAL);
	g_assert_cmpint(mcu_layout_arrange(l, 1, 0, -2, &a), ==, -EINVAL);
}

typedef struct Bad {
	const char *yaml, *says;
	unsigned line;
} Bad;

static const Bad bad[] = {
	{ "", "empty", 1 },
	{ "name: a\n", "expected one", 1 },
	{ "name: a\ngrid: round\n", "best | square", 2 },
	{ "name: a\ngrid: best\ncolour: red\n", "found key \"colour\"", 3 },
	{ "name: a\ngrid: best\ngrid: best\n", "twice", 3 },
	{ "name: ../a\ngrid: best\n", "layout name", 1 },
	{ "grid: best\n", "no name", 1 },
	{ "name: a\ngrid: best\nmax: 26\n", "1 to 25", 3 },
	{ "name: a\nmax: 3\nslots: [{x: 0, y: 0, w: 1, h: 1}]\n", "beside grid", 1 },
	{ "name: a\ngrid: best\ngap: 1/2\n", "gap over", 3 },
	{ "name: a\nslots: []\n", "empty list", 2 },
	{ "name: a\nslots: 3\n", "a scalar", 2 },
	{ "name: a\nslots: [{x: 0, y: 0, w: 1}]\n", "without all", 2 },
	{ "name: a\nslots: [{x: 1/2, y: 0, w: 2/3, h: 1}]\n", "leaves the canvas", 2 },
	{ "name: a\nslots: [{x: 3/2, y: 0, w: 1/2, h: 1}]\n", "3/2", 2 },
	{ "name: a\nslots: [{x: 1/0, y: 0, w: 1/2, h: 1}]\n", "1/0", 2 },
	{ "name: a\nslots: [{x: -1, y: 0, w: 1/2, h: 1}]\n", "-1", 2 },
	{ "name: a\nslots: [{x: 0, y: 0, w: 1/100, h: 1}]\n", "smaller", 2 },
	{ "name: a\nslots:\n- {x: 0, y: 0, w: 2/3, h: 1}\n- {x: 1/3, y: 0, w: 2/3, h: 1}\n",
	  "overlap", 4 },
	{ "name: a\nslots:\n- {x: 0, y: 0, w: 1/2, h: 1, over: true}\n- {x: 0, y: 0, w: 1, h: 1}\n",
	  "list it first", 4 },
	{ "name: a\nslots:\n- {x: 0, y: 0, w: 1/2, h: 1, who: speaker}\n"
	  "- {x: 1/2, y: 0, w: 1/2, h: 1, who: speaker}\n",
	  "two slots", 4 },
	{ "name: a\nslots: [{x: 0, y: 0, w: 1, h: 1, strip: horizontal}]\n", "without cells", 2 },
	{ "name: a\nslots: [{x: 0, y: 0, w: 1, h: 1, cells: 3}]\n", "beside strip", 2 },
	{ "name: a\nvariants:\n- upto: 1\n  slots: [{x: 0, y: 0, w: 1, h: 1}]\n", "last variant",
	  3 },
	{ "name: a\nvariants: [{slots: [{x: 0, y: 0, w: 1, h: 1}]}, {slots: [{x: 0, y: 0, w: 1, h: "
	  "1}]}]",
	  "without upto", 2 },
	{ "name: [a\n", "YAML", 2 },
	{ "name: &a\n  b: *a\n", "a mapping", 1 },
};

static void test_errors(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		McuLayout *l = NULL;
		McuDiag d = { 0 };

		g_test_message("%s", bad[i].yaml);
		g_assert_cmpint(
			mcu_layout_parse(bad[i].yaml, strlen(bad[i].yaml), "x.yaml", &l, &d), ==,
			-EINVAL);
		g_test_message("-> %u:%u %s", d.line, d.column, d.text);
		g_assert_null(l);
		g_assert_nonnull(strstr(d.text, bad[i].says));
		g_assert_cmpuint(d.line, ==, bad[i].line);
		g_assert_cmpstr(d.where, ==, "x.yaml");
	}
}

static void test_load_errors(void)
{
	McuLayout *l = NULL;
	McuDiag d = { 0 };

	g_assert_cmpint(mcu_layout_load(DIR, "nosuch", &l, &d), ==, -ENOENT);
	g_assert_cmpint(mcu_layout_load(DIR, "../layouts/auto", &l, &d), ==, -EINVAL);
	g_assert_cmpint(mcu_layout_load(DIR, "", &l, &d), ==, -EINVAL);
}

static void test_names(void)
{
	static const char *const dirs[] = { "/nonexistent", DIR, NULL };
	g_autoptr(GPtrArray) found = mcu_layout_names(dirs);
	g_autofree char *all = NULL;

	g_ptr_array_add(found, NULL);
	all = g_strjoinv(" ", (char **)found->pdata);
	g_assert_cmpstr(all, ==, "1+5 1+7 auto grid pip single speaker");
}

static void test_too_many_slots(void)
{
	g_autoptr(GString) s = g_string_new("name: a\nslots:\n");
	McuLayout *l = NULL;
	McuDiag d = { 0 };

	/* 3 strips of 10 */
	for (int i = 0; i < 3; i++)
		g_string_append_printf(
			s, "- {x: 0, y: %d/3, w: 1, h: 1/3, strip: horizontal, cells: 10}\n", i);
	g_assert_cmpint(mcu_layout_parse(s->str, s->len, "x", &l, &d), ==, -EINVAL);
	g_assert_nonnull(strstr(d.text, "more than 25"));
}

static void test_fit(void)
{
	const HwRect slots[] = { { 0, 0, 632, 356 },
				 { 8, 4, 424, 238 },
				 { 2, 2, 248, 136 },
				 { 0, 0, 1280, 720 },
				 { 0, 0, 416, 700 } };
	const int pics[][2] = { { 640, 360 }, { 1280, 720 }, { 320, 180 },
				{ 352, 288 }, { 640, 480 },  { 720, 1280 },
				{ 161, 91 },  { 2, 2 },      { 4096, 2 } };

	for (size_t i = 0; i < G_N_ELEMENTS(slots); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(pics); j++)
			for (McuFit fit = MCU_FIT_LETTERBOX; fit <= MCU_FIT_AUTO; fit++) {
				HwRect s = slots[i], c, d;
				int sw = pics[j][0], sh = pics[j][1];

				mcu_fit_picture(fit, s, sw, sh, &c, &d);
				g_assert_true(c.w > 0 && c.h > 0 && c.x >= 0 && c.y >= 0);
				g_assert_true(c.x + c.w <= sw && c.y + c.h <= sh);
				g_assert_true(d.x >= s.x && d.y >= s.y && d.x + d.w <= s.x + s.w &&
					      d.y + d.h <= s.y + s.h && d.w > 0 && d.h > 0);
				g_assert_cmpint((c.x | c.y | c.w | c.h | d.x | d.y | d.w | d.h) & 1,
						==, 0);
				if (fit == MCU_FIT_CROP)
					g_assert_true(d.w == s.w && d.h == s.h);
			}
}

static void test_fit_exact_scale(void)
{
	const HwRect slot = { 4, 4, 632, 356 };
	HwRect c, d;

	mcu_fit_picture(MCU_FIT_AUTO, slot, 640, 360, &c, &d);
	g_assert_cmpint(c.w, ==, 632);
	g_assert_cmpint(c.h, ==, 356);
	mcu_fit_picture(MCU_FIT_AUTO, slot, 1280, 720, &c, &d);
	g_assert_cmpint(c.w, ==, 1264);
	g_assert_cmpint(c.h, ==, 712);
	/* a portrait phone is shown whole, 4:3 is cropped */
	mcu_fit_picture(MCU_FIT_AUTO, slot, 720, 1280, &c, &d);
	g_assert_cmpint(d.w, <, 210);
	g_assert_cmpint(c.h, ==, 1280);
	mcu_fit_picture(MCU_FIT_AUTO, slot, 640, 480, &c, &d);
	g_assert_cmpint(d.w, ==, 632);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layout/every", test_every_layout);
	g_test_add_func("/layout/capacity", test_capacity);
	g_test_add_func("/layout/auto", test_auto);
	g_test_add_func("/layout/speaker-strip", test_speaker_strip);
	g_test_add_func("/layout/bad-sizes", test_bad_sizes);
	g_test_add_func("/layout/errors", test_errors);
	g_test_add_func("/layout/load-errors", test_load_errors);
	g_test_add_func("/layout/names", test_names);
	g_test_add_func("/layout/too-many-slots", test_too_many_slots);
	g_test_add_func("/layout/fit", test_fit);
	g_test_add_func("/layout/fit-exact-scale", test_fit_exact_scale);
	return g_test_run();
}
