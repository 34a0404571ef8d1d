#include "video/plan.h"

#include "base/clock.h"

/* Most items of one tile: fill, picture, veil, four edges, four corners (or a frame), label. */
#define ITEMS_PER_TILE 12
/* More tiles than that are not shown with a border at once: bounds the draw list. */
#define MAX_BORDERS 8

G_STATIC_ASSERT(MCU_MAX_SLOTS *(ITEMS_PER_TILE - 4) + MAX_BORDERS * 4 + 1 <= HW_MAX_ITEMS);

/* --- making --- */

static void render_tile(McuPlanTile *t, const McuSceneTile *s, McuLabels *labels)
{
	int w = s->rect.w, h = s->rect.h, margin = mcu_labels_margin(labels, h);

	(void)mcu_labels_card(labels, s->name, w, h, &t->card);
	if (t->source)
		(void)mcu_labels_veil(labels, MCU_VEIL_STALE, w, h, &t->stale_veil);
	if (s->held)
		(void)mcu_labels_veil(labels, MCU_VEIL_HELD, w, h, &t->held_veil);
	(void)mcu_labels_name(labels, s->name, s->marks, w, h, &t->label);
	if (t->label)
		t->label_at = (HwRect){ s->rect.x + margin,
					s->rect.y + h - margin - hw_frame_height(t->label),
					hw_frame_width(t->label), hw_frame_height(t->label) };
}

static void render_line(McuPlan *p, const McuScene *scene, McuLabels *labels,
			const McuPlanTexts *texts)
{
	bool empty = scene->slate == MCU_SLATE_EMPTY;
	int w, h;

	if (scene->slate == MCU_SLATE_NONE)
		return;
	(void)mcu_labels_line(labels, empty ? texts->empty : texts->lone, !empty, &p->line);
	if (!p->line)
		return;
	w = MIN(hw_frame_width(p->line), scene->width);
	h = MIN(hw_frame_height(p->line), scene->height);
	p->line_at = (HwRect){ ((scene->width - w) / 2) & ~1,
			       (empty ? (scene->height - h) / 2 : scene->height / 24) & ~1, w, h };
}

McuPlan *mcu_plan_new(const McuScene *scene, McuVideoSource *const *sources, McuLabels *labels,
		      const McuPlanTexts *texts)
{
	McuPlan *p = g_new0(McuPlan, 1);
	unsigned borders = 0;

	p->width = scene->width;
	p->height = scene->height;
	p->border = mcu_labels_border(labels);
	for (int c = 0; c < 4; c++) {
		(void)mcu_labels_corner(labels, (McuCorner)(c + 1), false, &p->corners[c]);
		(void)mcu_labels_corner(labels, (McuCorner)(c + 1), true, &p->border_corners[c]);
	}
	for (size_t i = 0; i < scene->n; i++) {
		const McuSceneTile *s = &scene->tiles[i];
		McuPlanTile *t = &p->tiles[p->n++];

		t->source = sources[i] ? mcu_video_source_ref(sources[i]) : NULL;
		t->rect = s->rect;
		t->fit = s->fit;
		t->over = s->over;
		t->full = s->full;
		t->held = s->held;
		t->border = s->speaking && !s->full && borders++ < MAX_BORDERS;
		render_tile(t, s, labels);
	}
	render_line(p, scene, labels, texts);
	mcu_labels_trim(labels);
	return p;
}

void mcu_plan_free(McuPlan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n; i++) {
		McuPlanTile *t = &plan->tiles[i];

		mcu_video_source_unref(t->source);
		hw_frame_unref(t->card);
		hw_frame_unref(t->label);
		hw_frame_unref(t->stale_veil);
		hw_frame_unref(t->held_veil);
	}
	for (int c = 0; c < 4; c++) {
		hw_frame_unref(plan->corners[c]);
		hw_frame_unref(plan->border_corners[c]);
	}
	hw_frame_unref(plan->line);
	g_free(plan);
}

/* --- drawing --- */

typedef struct Draw {
	HwDrawItem *items;
	size_t n;
} Draw;

static void put_frame(Draw *d, HwFrame *frame, HwRect crop, HwRect dst)
{
	if (frame)
		d->items[d->n++] =
			(HwDrawItem){ .frame = frame, .crop = crop, .dst = dst, .alpha = 255 };
}

static void put_fill(Draw *d, HwRect dst, uint32_t color)
{
	d->items[d->n++] = (HwDrawItem){ .dst = dst, .color = color, .alpha = 255 };
}

static void draw_picture(Draw *d, const McuPlanTile *t, int64_t now_ns)
{
	HwFrame *picture = t->source ? mcu_video_source_picture(t->source, now_ns) : NULL;
	HwRect crop, dst;

	if (!picture) {
		put_frame(d, t->card, (HwRect){ 0 }, t->rect);
		put_frame(d, t->held_veil, (HwRect){ 0 }, t->rect);
		return;
	}
	mcu_fit_picture(t->fit, t->rect, hw_frame_width(picture), hw_frame_height(picture), &crop,
			&dst);
	if (dst.w != t->rect.w || dst.h != t->rect.h)
		put_fill(d, t->rect, MCU_COLOR_TILE);
	put_frame(d, picture, crop, dst);
	if (t->held_veil)
		put_frame(d, t->held_veil, (HwRect){ 0 }, t->rect);
	else if (mcu_video_source_state(t->source, now_ns) == MCU_VIDEO_SOURCE_STALE)
		put_frame(d, t->stale_veil, (HwRect){ 0 }, t->rect);
}

static void draw_border(Draw *d, HwRect r, int b)
{
	put_fill(d, (HwRect){ r.x, r.y, r.w, b }, MCU_COLOR_SPEAKING);
	put_fill(d, (HwRect){ r.x, r.y + r.h - b, r.w, b }, MCU_COLOR_SPEAKING);
	put_fill(d, (HwRect){ r.x, r.y + b, b, r.h - 2 * b }, MCU_COLOR_SPEAKING);
	put_fill(d, (HwRect){ r.x + r.w - b, r.y + b, b, r.h - 2 * b }, MCU_COLOR_SPEAKING);
}

static void draw_corners(Draw *d, HwRect r, HwFrame *const corners[4])
{
	for (int c = 0; c < 4; c++) {
		int w, h;

		if (!corners[c])
			continue;
		w = MIN(hw_frame_width(corners[c]), r.w);
		h = MIN(hw_frame_height(corners[c]), r.h);
		put_frame(
			d, corners[c], (HwRect){ 0 },
			(HwRect){ c & 1 ? r.x + r.w - w : r.x, c & 2 ? r.y + r.h - h : r.y, w, h });
	}
}

size_t mcu_plan_draw(const McuPlan *plan, int64_t now_ns, HwDrawItem *items)
{
	Draw d = { items, 0 };

	for (size_t i = 0; i < plan->n; i++) {
		const McuPlanTile *t = &plan->tiles[i];

		if (t->over)
			put_fill(&d,
				 (HwRect){ t->rect.x - 2, t->rect.y - 2, t->rect.w + 4,
					   t->rect.h + 4 },
				 MCU_COLOR_CANVAS);
		draw_picture(&d, t, now_ns);
		if (t->border)
			draw_border(&d, t->rect, plan->border);
		if (!t->over && !t->full)
			draw_corners(&d, t->rect, t->border ? plan->border_corners : plan->corners);
		put_frame(&d, t->label, (HwRect){ 0 }, t->label_at);
	}
	put_frame(&d, plan->line, (HwRect){ 0 }, plan->line_at);
	return d.n;
}
