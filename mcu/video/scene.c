#include "video/scene.h"

#include <string.h>

#include "video/label.h"

static const McuScenePerson *person(const McuSceneInput *in, uint32_t id)
{
	for (size_t i = 0; i < in->n_people; i++)
		if (in->people[i].id == id)
			return &in->people[i];
	return NULL;
}

static void fill_tile(McuSceneTile *t, const McuSceneInput *in, const McuSlot *slot,
		      const McuScenePerson *p)
{
	t->person = p->id;
	t->source = p->camera_off ? 0 : p->source;
	t->rect = slot->rect;
	t->fit = slot->fit;
	t->over = slot->over;
	t->full = slot->rect.w == in->width && slot->rect.h == in->height;
	t->speaking = p->speaking && !p->held;
	t->held = p->held;
	t->marks = (p->muted ? MCU_MARK_MUTED : 0) |
		   (p->camera_off || !p->source ? MCU_MARK_CAMERA_OFF : 0);
	g_strlcpy(t->name, p->name ? p->name : "", sizeof t->name);
}

static size_t seat_people(const McuSceneInput *in, McuSlotPerson *ret)
{
	size_t visible = 0;

	for (size_t i = 0; i < in->n_people; i++) {
		const McuScenePerson *p = &in->people[i];

		ret[i] = (McuSlotPerson){ p->id, p->hidden, p->order, p->spoke_ns };
		visible += !p->hidden;
	}
	return visible;
}

int mcu_scene_build(const McuSceneInput *in, McuSlots *slots, McuScene **ret, int64_t *ret_again_ns)
{
	McuSlotPerson people[MCU_MAX_SLOT_PEOPLE];
	uint32_t ids[MCU_MAX_SLOTS];
	McuArrangement a;
	McuSlotsInput seats = { &a, people, in->n_people, in->focus, in->speaker, in->now_ns };
	McuScene *scene;
	size_t visible;
	int err;

	g_assert(in->n_people <= MCU_MAX_SLOT_PEOPLE);
	visible = seat_people(in, people);
	err = mcu_layout_arrange(in->layout, visible, in->width, in->height, &a);
	if (err < 0)
		return err;
	mcu_slots_assign(slots, &seats, ids, ret_again_ns);
	scene = g_new0(McuScene, 1);
	scene->width = in->width;
	scene->height = in->height;
	scene->slate = visible == 0   ? MCU_SLATE_EMPTY
		       : visible == 1 ? MCU_SLATE_LONE
				      : MCU_SLATE_NONE;
	for (size_t i = 0; i < a.n; i++)
		if (ids[i])
			fill_tile(&scene->tiles[scene->n++], in, &a.slots[i], person(in, ids[i]));
	*ret = scene;
	return 0;
}

static bool tile_equal(const McuSceneTile *a, const McuSceneTile *b)
{
	return a->person == b->person && a->source == b->source && a->fit == b->fit &&
	       a->marks == b->marks && a->speaking == b->speaking && a->held == b->held &&
	       a->full == b->full && a->over == b->over &&
	       !memcmp(&a->rect, &b->rect, sizeof a->rect) && !strcmp(a->name, b->name);
}

bool mcu_scene_equal(const McuScene *a, const McuScene *b)
{
	if (a->width != b->width || a->height != b->height || a->slate != b->slate || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!tile_equal(&a->tiles[i], &b->tiles[i]))
			return false;
	return true;
}
