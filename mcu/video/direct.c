/* The engine's director: participants and layout -> scene -> stage, and which sources it shows. */
#include "video/engine_priv.h"

#include <string.h>

McuVideoSource *mcu_engine_source_of(McuVideoEngine *e, uint32_t person)
{
	for (guint i = e->source_order->len; i-- > 0;) {
		McuVideoSource *s = g_ptr_array_index(e->source_order, i);

		if (s->person == person)
			return s;
	}
	return NULL;
}

Participant *mcu_engine_participant(McuVideoEngine *e, const char *id)
{
	for (guint i = 0; id && i < e->participants->len; i++) {
		Participant *p = g_ptr_array_index(e->participants, i);

		if (!strcmp(p->id, id))
			return p;
	}
	return NULL;
}

static int order_of(const McuVideoEngine *e, const char *id)
{
	for (int i = 0; e->order && e->order[i]; i++)
		if (!strcmp(e->order[i], id))
			return i + 1;
	return 0;
}

static McuScene *build_scene(McuVideoEngine *e, int64_t now_ns)
{
	McuScenePerson people[MCU_MAX_VIDEO_PARTICIPANTS];
	const Participant *focus = mcu_engine_participant(e, e->focus);
	McuSceneInput in = { .width = e->config.width,
			     .height = e->config.height,
			     .layout = e->layout,
			     .people = people,
			     .n_people = e->participants->len,
			     .focus = focus ? focus->key : 0,
			     .speaker = e->speaker,
			     .now_ns = now_ns };
	McuScene *scene = NULL;

	for (guint i = 0; i < e->participants->len; i++) {
		const Participant *p = g_ptr_array_index(e->participants, i);
		const McuVideoSource *s = mcu_engine_source_of(e, p->key);

		people[i] = (McuScenePerson){ .id = p->key,
					      .source = s ? s->id : 0,
					      .name = p->name,
					      .muted = p->muted,
					      .camera_off = p->camera_off,
					      .hidden = p->hidden,
					      .held = p->held,
					      .speaking = p->speaking,
					      .order = order_of(e, p->id),
					      .spoke_ns = p->spoke_ns };
	}
	/* the size of the canvas was checked when the engine was made */
	if (mcu_scene_build(&in, e->slots, &scene, &e->again_ns) < 0)
		g_assert_not_reached();
	return scene;
}

bool mcu_engine_is_small(const McuVideoEngine *e, int tile_h)
{
	return 2 * tile_h < e->config.height;
}

/* At the last step of the overload ladder such a tile keeps its picture, and is not decoded. */
static bool is_frozen(const McuVideoEngine *e, const McuSceneTile *tile)
{
	return mcu_overload_level(&e->overload) >= MCU_OVERLOAD_FREEZE_IDLE && !tile->speaking &&
	       mcu_engine_is_small(e, tile->rect.h);
}

/* Show the sources of the scene's tiles and hide the others. */
static void update_visibility(McuVideoEngine *e, const McuScene *scene, int64_t now_ns)
{
	for (guint i = 0; i < e->source_order->len; i++) {
		McuVideoSource *s = g_ptr_array_index(e->source_order, i);
		const McuSceneTile *tile = NULL;

		for (size_t t = 0; t < scene->n; t++)
			if (scene->tiles[t].source == s->id && !is_frozen(e, &scene->tiles[t]))
				tile = &scene->tiles[t];
		mcu_video_source_set_visible(s, tile != NULL, tile ? tile->rect.w : 0,
					     tile ? tile->rect.h : 0, now_ns);
		if (s->visible != s->visible_told || s->tile_w != s->told_tile_w ||
		    s->tile_h != s->told_tile_h)
			e->visible_untold = true;
	}
}

void mcu_engine_direct(McuVideoEngine *e)
{
	McuVideoSource *sources[MCU_MAX_SLOTS] = { NULL };
	int64_t now = mcu_engine_now(e);
	McuScene *scene;

	if (!e->dirty && !(e->again_ns && now >= e->again_ns))
		return;
	e->dirty = false;
	scene = build_scene(e, now);
	update_visibility(e, scene, now);
	mcu_engine_apply_overload(e);
	if (e->visible_untold)
		mcu_wake(e->wake);
	if (e->scene && mcu_scene_equal(scene, e->scene)) {
		g_free(scene);
		return;
	}
	for (size_t t = 0; t < scene->n; t++)
		sources[t] =
			g_hash_table_lookup(e->sources, GUINT_TO_POINTER(scene->tiles[t].source));
	mcu_stage_submit(e->stage, scene, sources);
	g_free(e->scene);
	e->scene = scene;
}

void mcu_engine_dirty(McuVideoEngine *e)
{
	e->dirty = true;
	if (e->running)
		mcu_wake(e->wake);
}
