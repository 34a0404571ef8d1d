/* Composition on every back end: like a plain reference painter, and the same by steps as at once.
 */
#include "tests/unit/hw_conformance.h"

#define W 320
#define H 192

/* --- the reference: one pixel at a time, in double --- */

typedef struct Picture {
	double y[H][W], u[H / 2][W / 2], v[H / 2][W / 2];
} Picture;

typedef struct Sample {
	double c[4]; /* y u v a, or b g r a */
} Sample;

static double plane_at(const HwMapping *m, int plane, int step, int offset, double x, double y,
		       int w, int h)
{
	int ix = CLAMP((int)x, 0, w - 1), iy = CLAMP((int)y, 0, h - 1);

	return m->data[plane][iy * m->stride[plane] + ix * step + offset];
}

/* Average of a plane over a box, whole pixels counted by how much of them lies inside; where the
 * box is smaller than a pixel, between the nearest four. */
static double box_average(const HwMapping *m, int plane, int step, int offset, double x, double y,
			  double bw, double bh, int pw, int ph)
{
	double sum = 0, weight = 0;
	double x0 = x - MAX(bw, 1) / 2, x1 = x + MAX(bw, 1) / 2;
	double y0 = y - MAX(bh, 1) / 2, y1 = y + MAX(bh, 1) / 2;

	for (int iy = (int)floor(y0); iy < y1; iy++)
		for (int ix = (int)floor(x0); ix < x1; ix++) {
			double k =
				(MIN(x1, ix + 1) - MAX(x0, ix)) * (MIN(y1, iy + 1) - MAX(y0, iy));

			sum += k * plane_at(m, plane, step, offset, ix, iy, pw, ph);
			weight += k;
		}
	return sum / weight;
}

static int to_even(int v)
{
	return (v + 1) & ~1;
}

/* The source colour for the canvas pixel (or chroma sample, scale 2) at (x, y). */
static double source(const HwMapping *m, int plane, HwRect crop, HwRect dst, int scale, int x,
		     int y)
{
	double kx = (double)crop.w / dst.w, ky = (double)crop.h / dst.h;
	double sx = ((x + 0.5) * scale - dst.x) * kx + crop.x;
	double sy = ((y + 0.5) * scale - dst.y) * ky + crop.y;
	int pw = (m->width + scale - 1) / scale, ph = (m->height + scale - 1) / scale;

	return box_average(m, plane, 1, 0, sx / scale, sy / scale, kx, ky, pw, ph);
}

static Sample source_bgra(const HwMapping *m, HwRect crop, HwRect dst, int scale, int x, int y,
			  double alpha)
{
	Sample s = { 0 };
	double kx = (double)crop.w / dst.w, ky = (double)crop.h / dst.h;

	for (int dy = 0; dy < scale; dy++)
		for (int dx = 0; dx < scale; dx++) {
			double sx = (x * scale + dx + 0.5 - dst.x) * kx + crop.x;
			double sy = (y * scale + dy + 0.5 - dst.y) * ky + crop.y;

			for (int c = 0; c < 4; c++)
				s.c[c] += box_average(m, 0, 4, c, sx, sy, kx, ky, m->width,
						      m->height) *
					  alpha / (255.0 * scale * scale);
		}
	return s;
}

/* BT.709 limited range of premultiplied 0..1 colours; plane 0..2 */
static double yuv709(int plane, Sample s)
{
	double b = s.c[0], g = s.c[1], r = s.c[2], a = s.c[3];
	double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;

	return plane == 0   ? 16 * a + 219 * y
	       : plane == 1 ? 128 * a + 224 * (b - y) / 1.8556
			    : 128 * a + 224 * (r - y) / 1.5748;
}

static void ref_item(Picture *p, const HwDrawItem *item)
{
	HwMapping m = { 0 };
	HwRect d = item->dst, crop = item->crop;
	int x1 = to_even(d.x + d.w), y1 = to_even(d.y + d.h);
	double alpha = item->alpha / 255.0;
	bool bgra = false;

	d.x = to_even(d.x);
	d.y = to_even(d.y);
	d.w = x1 - d.x;
	d.h = y1 - d.y;
	if (item->frame) {
		m = map_frame(item->frame);
		bgra = m.format == HW_FORMAT_BGRA;
		if (!crop.w)
			crop = (HwRect){ 0, 0, m.width, m.height };
	}
	for (int plane = 0; plane < 3; plane++) {
		int scale = plane ? 2 : 1;
		double *px = plane == 0 ? p->y[0] : plane == 1 ? p->u[0] : p->v[0];

		for (int y = MAX(d.y, 0) / scale; y < MIN(y1, H) / scale; y++)
			for (int x = MAX(d.x, 0) / scale; x < MIN(x1, W) / scale; x++) {
				double *at = &px[y * (W / scale) + x], over, cover = alpha;
				Sample s = { { (item->color & 0xff) / 255.0,
					       (item->color >> 8 & 0xff) / 255.0,
					       (item->color >> 16 & 0xff) / 255.0, 1 } };

				if (bgra) {
					s = source_bgra(&m, crop, d, scale, x, y, alpha);
					over = yuv709(plane, s);
					cover = s.c[3];
				} else if (item->frame) {
					over = alpha * source(&m, plane, crop, d, scale, x, y);
				} else {
					over = alpha * yuv709(plane, s);
				}
				*at = over + *at * (1 - cover);
			}
	}
}

static void reference(Picture *p, const HwDrawList *list)
{
	HwDrawItem background = { .dst = { 0, 0, W, H }, .alpha = 255, .color = list->background };

	ref_item(p, &background);
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].alpha && list->items[i].dst.w > 0)
			ref_item(p, &list->items[i]);
}

static double ref_psnr(const Picture *p, HwFrame *canvas, int plane)
{
	HwMapping m = map_frame(canvas);
	int scale = plane ? 2 : 1, w = W / scale, h = H / scale;
	const double *px = plane == 0 ? p->y[0] : plane == 1 ? p->u[0] : p->v[0];
	double sum = 0;

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			double d = px[y * w + x] - m.data[plane][y * m.stride[plane] + x];
			sum += d * d;
		}
	return sum > 0 ? 10 * log10(255.0 * 255.0 * w * h / sum) : 100;
}

/* --- random lists --- */

#define SOURCES 6

typedef struct World {
	HwFrame *sources[SOURCES]; /* camera pictures, two sizes of label */
	GRand *rand;
} World;

static HwFrame *label_frame(int w, int h)
{
	HwFrame *f = new_frame(HW_FORMAT_BGRA, w, h);
	HwMapping m = map_frame(f);

	/* a soft-edged plate, colours premultiplied */
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			uint8_t *px = m.data[0] + y * m.stride[0] + x * 4;
			int a = MIN(255, 16 * MIN(MIN(x, w - 1 - x), MIN(y, h - 1 - y)));

			px[0] = (uint8_t)(a * (x % 64) / 80);
			px[1] = (uint8_t)(a * y / (2 * h));
			px[2] = (uint8_t)(a * 3 / 4);
			px[3] = (uint8_t)a;
		}
	return f;
}

static void world_init(World *w, guint32 seed)
{
	static const int sizes[4][2] = { { 320, 192 }, { 640, 384 }, { 176, 144 }, { 426, 240 } };

	for (int i = 0; i < 4; i++) {
		g_autoptr(McuClip) clip = mcu_clip_new(sizes[i][0], sizes[i][1], seed + (guint32)i);

		w->sources[i] = clip_frame(clip, sizes[i][0], sizes[i][1], 10 * i);
	}
	w->sources[4] = label_frame(96, 20);
	w->sources[5] = label_frame(60, 40);
	w->rand = g_rand_new_with_seed(seed);
}

static void world_done(World *w)
{
	for (int i = 0; i < SOURCES; i++)
		hw_frame_unref(w->sources[i]);
	g_rand_free(w->rand);
}

static HwDrawItem random_item(World *w)
{
	HwDrawItem item = { .alpha = 255 };
	int kind = g_rand_int_range(w->rand, 0, SOURCES + 1);

	item.dst.w = g_rand_int_range(w->rand, 8, W);
	item.dst.h = g_rand_int_range(w->rand, 8, H);
	item.dst.x = g_rand_int_range(w->rand, 0, W - item.dst.w + 1);
	item.dst.y = g_rand_int_range(w->rand, 0, H - item.dst.h + 1);
	if (g_rand_int_range(w->rand, 0, 4) == 0)
		item.alpha = (uint8_t)g_rand_int_range(w->rand, 0, 256);
	if (kind == SOURCES) {
		item.color = g_rand_int(w->rand);
		return item;
	}
	item.frame = w->sources[kind];
	if (kind >= 4) { /* labels are usually drawn as they are */
		item.dst.w = hw_frame_width(item.frame);
		item.dst.h = hw_frame_height(item.frame);
	} else if (g_rand_boolean(w->rand)) {
		item.crop = (HwRect){ 16, 8, hw_frame_width(item.frame) / 4 * 2,
				      hw_frame_height(item.frame) / 4 * 2 };
	}
	return item;
}

static void test_reference(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autofree Picture *expected = g_new0(Picture, 1);
	double worst = 100;
	World w;

	world_init(&w, 7);
	for (int round = 0; round < 40; round++) {
		g_autoptr(HwComposer) comp = NULL;
		g_autoptr(HwFrame) canvas = NULL;
		HwDrawItem items[8];
		HwDrawList list = { items, (size_t)g_rand_int_range(w.rand, 0, 9),
				    g_rand_int(w.rand) };

		for (size_t i = 0; i < list.n; i++)
			items[i] = random_item(&w);
		g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
		g_assert_cmpint(hw_composer_compose(comp, &list, &canvas), ==, 0);
		reference(expected, &list);
		for (int plane = 0; plane < 3; plane++) {
			double psnr = ref_psnr(expected, canvas, plane);

			worst = MIN(worst, psnr);
			g_assert_cmpfloat(psnr, >=, 40);
		}
	}
	g_test_message("worst plane: %.1f dB", worst);
	world_done(&w);
}

static void assert_same(HwFrame *fa, HwFrame *fb)
{
	HwMapping a = map_frame(fa), b = map_frame(fb);

	for (int plane = 0; plane < 3; plane++) {
		int w = plane ? a.width / 2 : a.width, h = plane ? a.height / 2 : a.height;

		for (int y = 0; y < h; y++)
			g_assert_cmpmem(a.data[plane] + y * a.stride[plane], w,
					b.data[plane] + y * b.stride[plane], w);
	}
}

/* Change the list as a meeting does: new pictures, moves, another order, items come and go. */
static void mutate(World *w, HwDrawItem *items, size_t *n)
{
	size_t i = *n ? (size_t)g_rand_int_range(w->rand, 0, (gint32)*n) : 0;
	HwDrawItem kept;

	switch (g_rand_int_range(w->rand, 0, 6)) {
	case 0:
		if (*n < 12)
			items[(*n)++] = random_item(w);
		break;
	case 1:
		if (*n)
			items[i] = items[--*n];
		break;
	case 2:
		if (*n > 1) {
			kept = items[i];
			items[i] = items[0];
			items[0] = kept;
		}
		break;
	case 3:
		if (*n)
			items[i].dst.x = g_rand_int_range(w->rand, -40, W);
		break;
	case 4:
		if (*n)
			items[i].frame = w->sources[g_rand_int_range(w->rand, 0, SOURCES)];
		break;
	default:
		break;
	}
}

static void test_incremental(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (guint32 seed = 0; seed < 12; seed++) {
		g_autoptr(HwComposer) comp = NULL;
		g_autoptr(GQueue) held = g_queue_new(); /* as a slow consumer would */
		HwComposerStats stats;
		HwDrawItem items[12];
		size_t n = 0;
		World w;

		world_init(&w, seed);
		g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
		for (int step = 0; step < 150; step++) {
			g_autoptr(HwComposer) fresh = NULL;
			g_autoptr(HwFrame) once = NULL;
			HwDrawList list = { items, n, step / 60 * 0x334455u };
			HwFrame *canvas = NULL;

			g_assert_cmpint(hw_composer_compose(comp, &list, &canvas), ==, 0);
			g_assert_cmpint(hw_composer_new(device, W, H, &fresh, NULL), ==, 0);
			g_assert_cmpint(hw_composer_compose(fresh, &list, &once), ==, 0);
			assert_same(canvas, once);
			g_queue_push_tail(held, canvas);
			while (g_queue_get_length(held) > (guint)g_rand_int_range(w.rand, 0, 3))
				hw_frame_unref(g_queue_pop_head(held));
			mutate(&w, items, &n);
		}
		hw_composer_stats(comp, &stats);
		g_assert_cmpuint(stats.frames, ==, 150);
		g_assert_cmpuint(stats.unchanged, >, 0);
		g_assert_cmpuint(stats.items_skipped, >, 0);
		g_queue_clear_full(held, (GDestroyNotify)hw_frame_unref);
		world_done(&w);
	}
}

/* --- what is promised one by one --- */

static void test_unchanged(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwComposer) comp = NULL;
	HwFrame *first = NULL, *again = NULL, *other = NULL;
	HwDrawItem item = { .dst = { 0, 0, 64, 64 }, .alpha = 255, .color = 0xff0000 };
	HwDrawList list = { &item, 1, 0x101010 };

	g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
	g_assert_cmpint(hw_composer_compose(comp, &list, &first), ==, 0);
	g_assert_cmpint(hw_composer_compose(comp, &list, &again), ==, 0);
	g_assert_true(first == again);
	g_assert_cmpuint(hw_frame_serial(first), ==, hw_frame_serial(again));
	item.color = 0x00ff00;
	g_assert_cmpint(hw_composer_compose(comp, &list, &other), ==, 0);
	g_assert_true(other != first);
	g_assert_cmpuint(hw_frame_serial(first), !=, hw_frame_serial(other));
	hw_frame_unref(first);
	hw_frame_unref(again);
	hw_frame_unref(other);
}

/* A tile that moves on costs its own pixels and its label's, nothing else. */
static void test_only_changed(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwComposer) comp = NULL;
	HwComposerStats before, after;
	World w;
	HwDrawItem items[9] = { { .dst = { 0, 0, W, H }, .alpha = 255, .color = 0x223344 } };
	HwDrawList list = { items, 9, 0 };

	world_init(&w, 3);
	for (int i = 0; i < 4; i++) {
		items[1 + i] = (HwDrawItem){ .frame = w.sources[0],
					     .dst = { i % 2 * 160, i / 2 * 96, 160, 96 },
					     .alpha = 255 };
		items[5 + i] = (HwDrawItem){ .frame = w.sources[4],
					     .dst = { i % 2 * 160 + 4, i / 2 * 96 + 70, 96, 20 },
					     .alpha = 255 };
	}
	g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
	for (int n = 0; n < 8; n++) {
		g_autoptr(HwFrame) canvas = NULL;

		hw_composer_stats(comp, &before);
		items[2].frame = w.sources[n % 2];
		g_assert_cmpint(hw_composer_compose(comp, &list, &canvas), ==, 0);
		hw_composer_stats(comp, &after);
		if (n == 0)
			continue;
		g_assert_cmpuint(after.items_drawn - before.items_drawn, ==, 2);
		g_assert_cmpuint(after.pixels_drawn - before.pixels_drawn, ==, 160 * 96 + 96 * 20);
	}
	world_done(&w);
}

static void test_held(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autoptr(HwComposer) comp = NULL;
	HwDrawItem item = { .dst = { 0, 0, 64, 64 }, .alpha = 255 };
	HwDrawList list = { &item, 1, 0x101010 };
	HwFrame *held[8] = { 0 };
	int got = 0, r = 0;

	g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
	while (got < 8 && r == 0) {
		item.color = (uint32_t)got;
		r = hw_composer_compose(comp, &list, &held[got]);
		got += r == 0;
	}
	g_assert_cmpint(r, ==, -EAGAIN);
	g_assert_cmpint(got, >=, 3);
	hw_frame_unref(held[0]);
	g_assert_cmpint(hw_composer_compose(comp, &list, &held[0]), ==, 0);
	for (int i = 0; i < got; i++)
		hw_frame_unref(held[i]);
}

/* Frames outlive the composer; bad sizes and lists are refused. */
static void test_edges(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);
	g_autofree HwDrawItem *many = g_new0(HwDrawItem, HW_MAX_ITEMS + 1);
	HwDrawItem far[] = {
		{ .dst = { -1000000, 5, 10, 10 }, .alpha = 255 },
		{ .dst = { G_MAXINT - 3, G_MAXINT - 3, G_MAXINT, G_MAXINT }, .alpha = 255 },
		{ .dst = { G_MININT, G_MININT, G_MAXINT, G_MAXINT }, .alpha = 255 },
		{ .dst = { 5, 5, -4, 8 }, .alpha = 255 },
		{ .dst = { W - 1, H - 1, 4000, 4000 }, .alpha = 255, .color = 0xffffff },
	};
	g_autoptr(HwFrame) canvas = NULL;
	HwComposer *comp = NULL;
	McuDiag diag;

	g_assert_cmpint(hw_composer_new(device, 321, H, &comp, &diag), ==, -EINVAL);
	g_assert_cmpint(hw_composer_new(device, W, HW_MAX_SIZE + 2, &comp, &diag), ==, -EINVAL);
	g_assert_cmpint(hw_composer_new(device, W, H, &comp, &diag), ==, 0);
	g_assert_cmpint(
		hw_composer_compose(comp, &(HwDrawList){ many, HW_MAX_ITEMS + 1, 0 }, &canvas), ==,
		-EINVAL);
	g_assert_cmpint(hw_composer_compose(comp, &(HwDrawList){ far, G_N_ELEMENTS(far), 0xffffff },
					    &canvas),
			==, 0);
	hw_composer_free(comp);
	g_assert_cmpint(map_frame(canvas).data[0][0], ==, 235);
	g_assert_cmpint(map_frame(canvas).data[1][0], ==, 128);
}

/* Fine stripes, shrunk by 4: grey, not stripes again. */
static void test_no_aliasing(gconstpointer data)
{
	g_autoptr(HwDevice) device = open_device(data);

	for (int w = 60; w <= 142; w += 14) {
		g_autoptr(HwComposer) comp = NULL;
		g_autoptr(HwFrame) stripes = new_frame(HW_FORMAT_I420, 640, 384);
		g_autoptr(HwFrame) canvas = NULL;
		HwDrawItem item = { .frame = stripes, .dst = { 0, 0, w, 96 }, .alpha = 255 };
		HwMapping m = map_frame(stripes);
		int low = 255, high = 0;

		for (int y = 0; y < 384; y++)
			for (int x = 0; x < 640; x++)
				m.data[0][y * m.stride[0] + x] = x % 2 ? 235 : 16;
		for (int y = 0; y < 192; y++) {
			memset(m.data[1] + y * m.stride[1], 128, 320);
			memset(m.data[2] + y * m.stride[2], 128, 320);
		}
		g_assert_cmpint(hw_composer_new(device, W, H, &comp, NULL), ==, 0);
		g_assert_cmpint(hw_composer_compose(comp, &(HwDrawList){ &item, 1, 0 }, &canvas),
				==, 0);
		m = map_frame(canvas);
		for (int x = 2; x < w - 2; x++) {
			low = MIN(low, m.data[0][10 * m.stride[0] + x]);
			high = MAX(high, m.data[0][10 * m.stride[0] + x]);
		}
		g_assert_cmpint(high - low, <, 40);
		g_assert_cmpint(abs((high + low) / 2 - 126), <, 12);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_for_all("compose/reference", test_reference);
	add_for_all("compose/incremental", test_incremental);
	add_for_all("compose/unchanged", test_unchanged);
	add_for_all("compose/only-changed", test_only_changed);
	add_for_all("compose/held", test_held);
	add_for_all("compose/edges", test_edges);
	add_for_all("compose/no-aliasing", test_no_aliasing);
	return g_test_run();
}
