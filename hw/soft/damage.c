#include "hw/soft/damage.h"

#include <string.h>

static bool rect_equal(HwRect a, HwRect b)
{
	return a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h;
}

static bool overlaps(HwRect a, HwRect b)
{
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static bool covers(HwRect outer, HwRect inner)
{
	return outer.x <= inner.x && outer.y <= inner.y && outer.x + outer.w >= inner.x + inner.w &&
	       outer.y + outer.h >= inner.y + inner.h;
}

/* One axis: the place on the canvas from `pos`, `len` long, showing `crop_len` of the source.
 * Edges go to the nearest even number, so that neighbours still meet. */
static bool clip_axis(int64_t pos, int64_t len, int limit, int *crop_pos, int *crop_len,
		      int *ret_pos, int *ret_len)
{
	int64_t a = (pos + 1) & ~INT64_C(1), b = (pos + len + 1) & ~INT64_C(1);
	int64_t from = CLAMP(a, 0, limit), to = CLAMP(b, 0, limit);

	if (len <= 0 || to <= from)
		return false;
	if (*crop_len > 0 && (from != a || to != b)) {
		int64_t skip = (from - a) * *crop_len / (b - a) & ~INT64_C(1);
		int64_t shown = (to - from) * *crop_len / (b - a) & ~INT64_C(1);

		skip = MIN(skip, MAX(*crop_len - 2, 0) & ~1);
		*crop_pos += (int)skip;
		*crop_len = (int)MAX(MIN(shown, *crop_len - skip), 1);
	}
	*ret_pos = (int)from;
	*ret_len = (int)(to - from);
	return true;
}

/* Source part on one axis: inside the picture, even (chroma is shared by two pixels). */
static bool crop_axis(int64_t pos, int64_t len, int size, int *ret_pos, int *ret_len)
{
	int64_t from = CLAMP(pos, 0, size), to = CLAMP(pos + len, 0, size);

	from &= ~INT64_C(1);
	if (to - from < 1)
		return false;
	*ret_pos = (int)from;
	*ret_len = to - from > 1 ? (int)((to - from) & ~INT64_C(1)) : 1;
	return true;
}

static bool normalise(const HwDrawItem *in, int width, int height, HwHeldItem *out)
{
	*out = (HwHeldItem){ .alpha = in->alpha, .opaque = in->alpha == 255 };
	if (!in->alpha)
		return false;
	if (in->frame) {
		HwRect c = in->crop;

		out->serial = hw_frame_serial(in->frame);
		out->opaque = out->opaque && hw_frame_format(in->frame) != HW_FORMAT_BGRA;
		if (!c.w)
			c = (HwRect){ 0, 0, hw_frame_width(in->frame), hw_frame_height(in->frame) };
		if (!crop_axis(c.x, c.w, hw_frame_width(in->frame), &out->crop.x, &out->crop.w) ||
		    !crop_axis(c.y, c.h, hw_frame_height(in->frame), &out->crop.y, &out->crop.h))
			return false;
	} else {
		out->color = in->color & 0xffffff;
	}
	return clip_axis(in->dst.x, in->dst.w, width, &out->crop.x, &out->crop.w, &out->dst.x,
			 &out->dst.w) &&
	       clip_axis(in->dst.y, in->dst.h, height, &out->crop.y, &out->crop.h, &out->dst.y,
			 &out->dst.h);
}

static bool is_hidden(const HwHeld *h, size_t i)
{
	for (size_t k = i + 1; k < h->n; k++)
		if (h->items[k].opaque && covers(h->items[k].dst, h->items[i].dst))
			return true;
	return false;
}

void hw_held_from_list(HwHeld *held, const HwDrawList *list, int width, int height)
{
	size_t kept = 0;

	held->valid = true;
	held->background = list->background & 0xffffff;
	held->n = 0;
	for (unsigned i = 0; i < list->n; i++) {
		if (!normalise(&list->items[i], width, height, &held->items[held->n]))
			continue;
		held->items[held->n++].index = i;
	}
	for (size_t i = 0; i < held->n; i++)
		if (!is_hidden(held, i))
			held->items[kept++] = held->items[i];
	held->n = kept;
}

static bool item_equal(const HwHeldItem *a, const HwHeldItem *b)
{
	return a->serial == b->serial && a->alpha == b->alpha && a->color == b->color &&
	       rect_equal(a->dst, b->dst) && rect_equal(a->crop, b->crop);
}

bool hw_held_equal(const HwHeld *a, const HwHeld *b)
{
	if (!a->valid || !b->valid || a->background != b->background || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!item_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

void hw_held_copy(HwHeld *to, const HwHeld *from)
{
	to->valid = from->valid;
	to->background = from->background;
	to->n = from->n;
	memcpy(to->items, from->items, from->n * sizeof(from->items[0]));
}

/* Rectangles whose content is lost, with the item that is painted over all of each (or -1). */
typedef struct Lost {
	size_t n;
	HwRect rect[2 * HW_MAX_ITEMS];
	int floor[2 * HW_MAX_ITEMS];
} Lost;

static void lose(Lost *lost, const HwHeld *wanted, HwRect rect)
{
	int floor = (int)wanted->n - 1;

	while (floor >= 0 &&
	       !(wanted->items[floor].opaque && covers(wanted->items[floor].dst, rect)))
		floor--;
	lost->rect[lost->n] = rect;
	lost->floor[lost->n++] = floor;
}

/* The items both lists share, in the same order, need no painting; all others do. Outside of the
 * unshared items' rectangles both lists paint the same. */
static void match(const HwHeld *before, const HwHeld *wanted, Lost *lost, bool *paint)
{
	size_t next = 0;

	for (size_t i = 0; i < wanted->n; i++) {
		size_t k = next;

		while (k < before->n && !item_equal(&before->items[k], &wanted->items[i]))
			k++;
		paint[i] = k == before->n;
		if (paint[i])
			continue;
		for (; next < k; next++)
			lose(lost, wanted, before->items[next].dst);
		next = k + 1;
	}
	for (; next < before->n; next++)
		lose(lost, wanted, before->items[next].dst);
}

/* Does item i have to be painted again, given what is painted and lost so far? */
static bool is_touched(const HwHeld *wanted, size_t i, const Lost *lost, const bool *paint)
{
	HwRect dst = wanted->items[i].dst;

	for (size_t k = 0; k < lost->n; k++)
		if ((int)i >= lost->floor[k] && overlaps(dst, lost->rect[k]))
			return true;
	for (size_t k = 0; k < i; k++)
		if (paint[k] && overlaps(dst, wanted->items[k].dst))
			return true;
	return false;
}

void hw_damage(const HwHeld *before, const HwHeld *wanted, int width, int height, HwDamage *ret)
{
	bool grew = true;
	Lost lost = { .n = 0 };

	ret->n_clear = 0;
	memset(ret->paint, 0, sizeof(ret->paint));
	if (!before->valid || before->background != wanted->background) {
		for (size_t i = 0; i < wanted->n; i++)
			ret->paint[i] = true;
		if (wanted->n && covers(wanted->items[0].dst, (HwRect){ 0, 0, width, height }) &&
		    wanted->items[0].opaque)
			return;
		ret->clear[ret->n_clear++] = (HwRect){ 0, 0, width, height };
		return;
	}
	match(before, wanted, &lost, ret->paint);
	while (grew) {
		grew = false;
		for (size_t i = 0; i < wanted->n; i++) {
			if (ret->paint[i] || !is_touched(wanted, i, &lost, ret->paint))
				continue;
			ret->paint[i] = grew = true;
			/* the canvas holds it already: blending again needs what lies under it */
			if (!wanted->items[i].opaque)
				lose(&lost, wanted, wanted->items[i].dst);
		}
	}
	for (size_t k = 0; k < lost.n; k++)
		if (lost.floor[k] < 0)
			ret->clear[ret->n_clear++] = lost.rect[k];
}
