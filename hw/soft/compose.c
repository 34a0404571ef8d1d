/* Composition on the CPU.
 *
 *   draw list -> HwHeld -> same as the last canvas? -> that one again
 *                       -> a free canvas, and what it held -> damage -> clear, paint -> canvas
 */
#include "hw/pool.h"
#include "hw/soft/blend.h"
#include "hw/soft/damage.h"
#include "hw/soft/scale.h"
#include "hw/soft/soft.h"

/* three for the caller (shown, encoding, just made) and the last one made */
#define CANVASES 4

typedef struct SoftComposer {
	HwComposer base;
	int width, height;
	HwFramePool *pool;
	HwFrame *last; /* newest canvas; NULL before the first and after an error */
	HwScaler *scaler;
	HwScratch scratch; /* a scaled picture that is then blended */
	HwComposerStats stats;
	uint64_t made[CANVASES]; /* by slot: when, counted in canvases */
	HwHeld held[CANVASES];   /* by slot */
	HwHeld wanted;
	HwDamage damage;
} SoftComposer;

static void soft_destroy(HwComposer *comp)
{
	SoftComposer *c = (SoftComposer *)comp;

	hw_frame_unref(c->last);
	hw_frame_pool_free(c->pool);
	hw_scaler_free(c->scaler);
	hw_scratch_done(&c->scratch);
	g_free(c);
}

static int paint_picture(SoftComposer *c, const HwHeldItem *item, HwFrame *frame,
			 const HwMapping *dst)
{
	HwMapping whole, src, scaled;
	bool same_size = item->crop.w == item->dst.w && item->crop.h == item->dst.h;
	bool bgra;
	int r = hw_frame_map(frame, &whole);

	if (r < 0)
		return r;
	src = hw_mapping_view(&whole, item->crop);
	bgra = src.format == HW_FORMAT_BGRA;
	if (!bgra && item->alpha == 255)
		return hw_scaler_scale(c->scaler, &src, dst);
	if (!same_size || src.format == HW_FORMAT_NV12) {
		r = hw_scratch_picture(&c->scratch, bgra ? HW_FORMAT_BGRA : HW_FORMAT_I420,
				       dst->width, dst->height, &scaled);
		if (r >= 0)
			r = hw_scaler_scale(c->scaler, &src, &scaled);
		if (r < 0)
			return r;
		src = scaled;
	}
	if (bgra)
		hw_blend_bgra(&src, dst, item->alpha);
	else
		hw_blend_i420(&src, dst, item->alpha);
	return 0;
}

static int paint(SoftComposer *c, const HwDrawList *list, const HwMapping *canvas)
{
	for (size_t i = 0; i < c->damage.n_clear; i++) {
		HwMapping dst = hw_mapping_view(canvas, c->damage.clear[i]);

		hw_fill(&dst, c->wanted.background, 255);
	}
	for (size_t i = 0; i < c->wanted.n; i++) {
		const HwHeldItem *item = &c->wanted.items[i];
		HwMapping dst = hw_mapping_view(canvas, item->dst);
		int r = 0;

		if (!c->damage.paint[i]) {
			c->stats.items_skipped++;
			continue;
		}
		if (item->serial)
			r = paint_picture(c, item, list->items[item->index].frame, &dst);
		else
			hw_fill(&dst, item->color, item->alpha);
		if (r < 0)
			return r;
		c->stats.items_drawn++;
		c->stats.pixels_drawn += (uint64_t)item->dst.w * (uint64_t)item->dst.h;
	}
	return 0;
}

/* The free canvas made last: least has changed since. */
static int choose_canvas(SoftComposer *c, HwFrame **ret)
{
	int best = -1;

	for (unsigned i = 0; i < CANVASES; i++)
		if (hw_frame_pool_is_free(c->pool, i) && (best < 0 || c->made[i] > c->made[best]))
			best = (int)i;
	return best < 0 ? -EAGAIN : hw_frame_pool_take(c->pool, (unsigned)best, ret);
}

static int soft_compose(HwComposer *comp, const HwDrawList *list, HwFrame **ret)
{
	SoftComposer *c = (SoftComposer *)comp;
	HwFrame *canvas;
	HwHeld *held;
	int r;

	hw_held_from_list(&c->wanted, list, c->width, c->height);
	c->stats.frames++;
	if (c->last && hw_held_equal(&c->wanted, &c->held[c->last->slot])) {
		c->stats.unchanged++;
		*ret = hw_frame_ref(c->last);
		return 0;
	}
	g_clear_pointer(&c->last, hw_frame_unref);
	r = choose_canvas(c, &canvas);
	if (r < 0)
		return r;
	held = &c->held[canvas->slot];
	hw_damage(held, &c->wanted, c->width, c->height, &c->damage);
	r = paint(c, list, &canvas->map);
	if (r < 0) {
		held->valid = false;
		hw_frame_unref(canvas);
		return r;
	}
	hw_held_copy(held, &c->wanted);
	c->made[canvas->slot] = c->stats.frames;
	c->last = hw_frame_ref(canvas);
	*ret = canvas;
	return 0;
}

static void soft_stats(const HwComposer *comp, HwComposerStats *ret)
{
	*ret = ((const SoftComposer *)comp)->stats;
}

static const HwComposerOps soft_ops = {
	.destroy = soft_destroy,
	.compose = soft_compose,
	.stats = soft_stats,
};

int hw_soft_composer_new(HwDevice *device, int width, int height, HwComposer **ret, McuDiag *reterr)
{
	SoftComposer *c = g_new0(SoftComposer, 1);

	(void)device;
	(void)reterr;
	c->base.ops = &soft_ops;
	c->width = width;
	c->height = height;
	c->pool = hw_frame_pool_new(HW_FORMAT_I420, width, height, CANVASES);
	c->scaler = hw_scaler_new();
	*ret = &c->base;
	return 0;
}
