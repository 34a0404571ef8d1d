/* Geometry of layouts: fractions of the canvas -> even pixel rectangles. Parsing is layout_parse.c.
 */
#include "video/layout.h"

#include <string.h>

#include "video/layout_priv.h"

const char *mcu_fit_name(McuFit fit)
{
	static const char *const names[] = { "unknown", "letterbox", "crop", "auto" };

	return names[(unsigned)fit < G_N_ELEMENTS(names) ? fit : 0];
}

const char *mcu_slot_who_name(McuSlotWho who)
{
	static const char *const names[] = { "unknown", "speaker", "order" };

	return names[(unsigned)who < G_N_ELEMENTS(names) ? who : 0];
}

McuLayout *mcu_layout_alloc(const char *name)
{
	McuLayout *l = g_malloc0(sizeof *l + MCU_MAX_LAYOUT_VARIANTS * sizeof(Variant));

	atomic_store(&l->refs, 1);
	g_strlcpy(l->name, name, sizeof l->name);
	l->gap = (Frac){ 1, 90 };
	l->fit = MCU_FIT_AUTO;
	l->grid = GRID_NONE;
	l->grid_max = MCU_MAX_SLOTS;
	return l;
}

McuLayout *mcu_layout_new_auto(void)
{
	McuLayout *l = mcu_layout_alloc("auto");

	l->grid = GRID_BEST;
	return l;
}

McuLayout *mcu_layout_ref(McuLayout *layout)
{
	atomic_fetch_add(&layout->refs, 1);
	return layout;
}

void mcu_layout_unref(McuLayout *layout)
{
	if (layout && atomic_fetch_sub(&layout->refs, 1) == 1)
		g_free(layout);
}

const char *mcu_layout_name(const McuLayout *layout)
{
	return layout->name;
}

static size_t variant_capacity(const Variant *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += v->entries[i].cells;
	return n;
}

size_t mcu_layout_capacity(const McuLayout *layout)
{
	size_t most = 0;

	if (layout->grid != GRID_NONE)
		return layout->grid_max;
	for (size_t i = 0; i < layout->n_variants; i++)
		most = MAX(most, variant_capacity(&layout->variants[i]));
	return most;
}

/* The part of the canvas that fractions speak of: half a gap is kept free around it. */
typedef struct Area {
	int x, y, w, h;
	int half_gap; /* even */
} Area;

static Area area_of(Frac gap, int width, int height)
{
	int64_t side = MIN(width, height);
	int half = (int)(2 * ((2 * side * gap.num + 4 * gap.den) / (8 * gap.den)));

	return (Area){ half, half, width - 2 * half, height - 2 * half, half };
}

/* Nearest even pixel to the fraction num/den of `size` (even). */
static int even_edge(int size, int64_t num, int64_t den)
{
	return (int)(2 * (((int64_t)size * num + den) / (2 * den)));
}

/* Pixels of the fraction a..b of the area in one dimension, less half a gap on both sides. */
static void span(int origin, int size, int half_gap, Frac from, Frac len, int *ret_at,
		 int *ret_size)
{
	int64_t den = from.den * len.den;
	int a = even_edge(size, from.num, from.den);
	int b = even_edge(size, from.num * len.den + len.num * from.den, den);
	int inset = MIN(half_gap, MAX(0, (b - a - MCU_MIN_TILE) / 2) & ~1);

	*ret_at = origin + a + inset;
	*ret_size = b - a - 2 * inset;
}

static HwRect place(const Area *area, const Region *r)
{
	HwRect out;

	span(area->x, area->w, area->half_gap, r->x, r->w, &out.x, &out.w);
	span(area->y, area->h, area->half_gap, r->y, r->h, &out.y, &out.h);
	return out;
}

static bool covers_all(const Region *r)
{
	return r->x.num == 0 && r->y.num == 0 && r->w.num == r->w.den && r->h.num == r->h.den;
}

/* Cell `i` of a strip of which `used` of `cells` cells are shown. */
static Region strip_cell(const Entry *e, unsigned used, unsigned i)
{
	Region r = e->at;
	Frac *at = e->strip == STRIP_HORIZONTAL ? &r.x : &r.y;
	Frac *len = e->strip == STRIP_HORIZONTAL ? &r.w : &r.h;
	/* in half cells, so that an odd number of free cells can be shared */
	int64_t free_halves = 2 * (int64_t)(e->cells - used), halves = 2 * (int64_t)i;

	if (e->align == ALIGN_CENTER)
		halves += free_halves / 2;
	else if (e->align == ALIGN_END)
		halves += free_halves;
	*at = (Frac){ at->num * len->den * 2 * e->cells + len->num * halves * at->den,
		      at->den * len->den * 2 * e->cells };
	*len = (Frac){ len->num, len->den * e->cells };
	return r;
}

static void arrange_variant(const McuLayout *l, size_t count, int width, int height,
			    McuArrangement *ret)
{
	const Variant *v = &l->variants[0];
	Area area = area_of(l->gap, width, height);
	size_t singles = 0, left;

	for (size_t i = 0; i < l->n_variants; i++) {
		v = &l->variants[i];
		if (!v->upto || count <= v->upto)
			break;
	}
	for (size_t i = 0; i < v->n; i++)
		singles += v->entries[i].strip == STRIP_NO;
	left = count > singles ? count - singles : 0;
	for (size_t i = 0; i < v->n; i++) {
		const Entry *e = &v->entries[i];
		unsigned used = e->strip == STRIP_NO ? 1 : (unsigned)MIN(left, e->cells);

		for (unsigned c = 0; c < used; c++) {
			McuSlot *s = &ret->slots[ret->n++];
			Region r = e->strip == STRIP_NO ? e->at : strip_cell(e, used, c);

			*s = (McuSlot){ place(&area, &r), e->fit, e->who, e->over };
			if (covers_all(&r))
				s->rect = (HwRect){ 0, 0, width, height };
		}
		if (e->strip != STRIP_NO)
			left -= used;
	}
}

/* Largest 16:9 tile, sides even, in a cell of w x h. */
static void tile_16_9(int w, int h, int *ret_w, int *ret_h)
{
	if ((int64_t)w * 9 > (int64_t)h * 16)
		w = h * 16 / 9;
	else
		h = w * 9 / 16;
	*ret_w = MAX(w & ~1, MCU_MIN_TILE);
	*ret_h = MAX(h & ~1, MCU_MIN_TILE);
}

/* Number of columns that gives `n` tiles the largest area; of equals, the fullest grid. */
static int best_columns(const Area *a, int n)
{
	int best = 1, best_empty = 0;
	int64_t best_size = -1;

	for (int cols = 1; cols <= n; cols++) {
		int rows = (n + cols - 1) / cols, w, h;
		int empty = rows * cols - n;
		int64_t size;

		tile_16_9(a->w / cols - 2 * a->half_gap, a->h / rows - 2 * a->half_gap, &w, &h);
		size = (int64_t)w * h;
		if (size > best_size || (size == best_size && empty <= best_empty)) {
			best = cols;
			best_size = size;
			best_empty = empty;
		}
	}
	return best;
}

/* Rows of 16:9 tiles as one block in the middle of the canvas; the last row is centred. */
static void arrange_best(const McuLayout *l, int n, int width, int height, McuArrangement *ret)
{
	Area a = area_of(l->gap, width, height);
	int cols = best_columns(&a, n), rows = (n + cols - 1) / cols;
	int w, h, gap = 2 * a.half_gap, top;

	tile_16_9(a.w / cols - gap, a.h / rows - gap, &w, &h);
	top = ((height - rows * (h + gap) + gap) / 2) & ~1;
	for (int i = 0; i < n; i++) {
		int row = i / cols, in_row = MIN(cols, n - row * cols);
		int left = ((width - in_row * (w + gap) + gap) / 2) & ~1;

		ret->slots[i].rect =
			(HwRect){ left + (i % cols) * (w + gap), top + row * (h + gap), w, h };
	}
	ret->n = (size_t)n;
}

static void arrange_square(const McuLayout *l, int n, int width, int height, McuArrangement *ret)
{
	Area a = area_of(l->gap, width, height);
	int64_t side = 1;

	while (side * side < n)
		side++;
	for (int64_t i = 0; i < side * side; i++) {
		Region r = { { i % side, side }, { i / side, side }, { 1, side }, { 1, side } };

		ret->slots[i].rect = place(&a, &r);
	}
	ret->n = (size_t)(side * side);
}

static void arrange_grid(const McuLayout *l, int n, int width, int height, McuArrangement *ret)
{
	if (n == 1) {
		ret->slots[0].rect = (HwRect){ 0, 0, width, height };
		ret->n = 1;
	} else if (l->grid == GRID_BEST) {
		arrange_best(l, n, width, height, ret);
	} else {
		arrange_square(l, n, width, height, ret);
	}
	for (size_t i = 0; i < ret->n; i++) {
		ret->slots[i].fit = l->fit;
		ret->slots[i].who = MCU_SLOT_ORDER;
	}
}

int mcu_layout_arrange(const McuLayout *layout, size_t count, int width, int height,
		       McuArrangement *ret)
{
	McuArrangement out = { 0 };

	if (width < MCU_MIN_CANVAS || height < MCU_MIN_CANVAS || width > HW_MAX_SIZE ||
	    height > HW_MAX_SIZE || (width | height) & 1)
		return -EINVAL;
	count = CLAMP(count, 1, mcu_layout_capacity(layout));
	if (layout->grid == GRID_NONE)
		arrange_variant(layout, count, width, height, &out);
	else
		arrange_grid(layout, (int)count, width, height, &out);
	*ret = out;
	return 0;
}

/* --- a picture in its slot --- */

/* Scale factors with a fast exact kernel, largest first. */
static const Frac exact_scales[] = { { 2, 1 }, { 1, 1 }, { 3, 4 }, { 1, 2 }, { 1, 4 } };

/* Crop of size w x h in the middle of the picture, even. */
static HwRect centred_crop(int sw, int sh, int64_t w, int64_t h)
{
	int cw = (int)MIN(MAX(w & ~INT64_C(1), 2), sw), ch = (int)MIN(MAX(h & ~INT64_C(1), 2), sh);

	return (HwRect){ ((sw - cw) / 2) & ~1, ((sh - ch) / 2) & ~1, cw, ch };
}

static HwRect crop_to_fill(int dw, int dh, int sw, int sh)
{
	for (size_t i = 0; i < G_N_ELEMENTS(exact_scales); i++) {
		Frac s = exact_scales[i];
		int64_t w = dw * s.den, h = dh * s.den; /* times 1/num */

		if (w % (2 * s.num) || h % (2 * s.num))
			continue;
		w /= s.num;
		h /= s.num;
		/* at most 6 % smaller than the largest crop of this aspect */
		if (w <= sw && h <= sh && (w * 100 >= sw * 94 || h * 100 >= sh * 94))
			return centred_crop(sw, sh, w, h);
	}
	if ((int64_t)sw * dh > (int64_t)sh * dw)
		return centred_crop(sw, sh, (int64_t)sh * dw / dh, sh);
	return centred_crop(sw, sh, sw, (int64_t)sw * dh / dw);
}

/* Share of the picture, in percent, that is cut when it fills the slot. */
static int64_t percent_lost(int dw, int dh, int sw, int sh)
{
	int64_t a = (int64_t)sw * dh, b = (int64_t)sh * dw;

	return 100 - 100 * MIN(a, b) / MAX(a, b);
}

void mcu_fit_picture(McuFit fit, HwRect slot, int sw, int sh, HwRect *ret_crop, HwRect *ret_dst)
{
	int64_t lost = percent_lost(slot.w, slot.h, sw, sh);
	HwRect dst = slot;

	if (fit == MCU_FIT_CROP || lost <= 4 || (fit == MCU_FIT_AUTO && lost <= 30)) {
		*ret_crop = crop_to_fill(slot.w, slot.h, sw, sh);
		*ret_dst = slot;
		return;
	}
	if ((int64_t)sw * slot.h > (int64_t)sh * slot.w)
		dst.h = MAX(2, (int)((int64_t)sh * slot.w / sw) & ~1);
	else
		dst.w = MAX(2, (int)((int64_t)sw * slot.h / sh) & ~1);
	dst.x += ((slot.w - dst.w) / 2) & ~1;
	dst.y += ((slot.h - dst.h) / 2) & ~1;
	*ret_crop = centred_crop(sw, sh, sw, sh);
	*ret_dst = dst;
}
