/* The engine's public face: life, participants, sources, renditions, statistics. The scene is
 * direct.c, housekeeping keep.c; threads are stage.c (label), clock.c (vtick), pool.c (dec) and
 * rendition.c (enc). */
#include "video/engine.h"

#include <string.h>

#include "base/clock.h"
#include "video/engine_priv.h"

#define HOUSEKEEPING_MS 100

const char *mcu_video_source_state_name(McuVideoSourceState state)
{
	static const char *const names[] = { "unknown", "none", "live", "stale" };

	return names[(unsigned)state < G_N_ELEMENTS(names) ? state : 0];
}

const char *mcu_overload_level_name(McuOverloadLevel level)
{
	static const char *const names[] = { "unknown", "none", "skip-loop-filter", "half-rate",
					     "freeze-idle" };

	return names[(unsigned)level < G_N_ELEMENTS(names) ? level : 0];
}

int64_t mcu_engine_now(const McuVideoEngine *e)
{
	return e->config.manual ? e->manual_ns : mcu_now_ns();
}

/* --- life --- */

static void participant_free(void *data)
{
	Participant *p = data;

	g_free(p->id);
	g_free(p->name);
	g_free(p);
}

static void on_wake(void *data, void *unused)
{
	McuVideoEngine *e = data;

	(void)unused;
	if (e->running)
		mcu_engine_dispatch(e);
}

static gboolean on_housekeeping(void *data)
{
	mcu_engine_housekeep(data);
	return G_SOURCE_CONTINUE;
}

static int check_config(const McuVideoEngineConfig *c, McuDiag *reterr)
{
	if ((c->width | c->height) & 1 || MIN(c->width, c->height) < MCU_MIN_CANVAS ||
	    MAX(c->width, c->height) > HW_MAX_SIZE)
		return mcu_diag(reterr, -EINVAL,
				"found canvas %dx%d, expected even sides from %d to %d", c->width,
				c->height, MCU_MIN_CANVAS, HW_MAX_SIZE);
	if (c->fps < 1 || c->fps > HW_MAX_FPS)
		return mcu_diag(reterr, -EINVAL, "found %d frames a second, expected 1 to %d",
				c->fps, HW_MAX_FPS);
	return 0;
}

int mcu_video_engine_new(const McuVideoEngineConfig *config, const McuVideoEvents *events,
			 GMainContext *context, McuVideoEngine **ret, McuDiag *reterr)
{
	McuPlanTexts texts = {
		config->text_waiting ? config->text_waiting : "Waiting for others to join",
		config->text_empty ? config->text_empty : "Waiting for participants",
	};
	g_autoptr(McuVideoEngine) e = NULL;
	int err = check_config(config, reterr);

	if (err < 0)
		return err;
	e = g_new0(McuVideoEngine, 1);
	e->config = *config;
	e->events = events ? *events : (McuVideoEvents){ 0 };
	e->device = hw_device_ref(config->device);
	e->context = context ? g_main_context_ref(context)
			     : g_main_context_ref(g_main_context_default());
	e->participants = g_ptr_array_new_with_free_func(participant_free);
	e->sources =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)mcu_video_source_unref);
	e->source_order = g_ptr_array_new();
	e->renditions = g_ptr_array_new_with_free_func((GDestroyNotify)mcu_rendition_unref);
	e->snapshots = g_array_new(FALSE, FALSE, sizeof(SnapshotWish));
	e->layout = mcu_layout_new_auto();
	e->slots = mcu_slots_new();
	e->wake = mcu_wake_new(e->context, on_wake, e);
	e->stage = mcu_stage_new(config->width, config->height, &texts, !config->manual);
	e->dirty = true;
	err = mcu_frame_clock_new(e->device, config->width, config->height, config->fps, e->stage,
				  &e->clock, reterr);
	if (err < 0)
		return err;
	*ret = g_steal_pointer(&e);
	return 0;
}

void mcu_video_engine_start(McuVideoEngine *e)
{
	unsigned threads =
		e->config.decode_threads ? e->config.decode_threads : g_get_num_processors();

	MCU_ASSERT_THREAD(&e->thread);
	g_assert(!e->running);
	e->running = true;
	e->window_ns = mcu_engine_now(e);
	e->pool = mcu_decode_pool_new(e->config.manual ? 0 : threads);
	mcu_engine_direct(e);
	if (e->config.manual)
		return;
	mcu_frame_clock_start(e->clock);
	e->housekeeping = g_timeout_source_new(HOUSEKEEPING_MS);
	g_source_set_callback(e->housekeeping, on_housekeeping, e, NULL);
	g_source_attach(e->housekeeping, e->context);
}

void mcu_video_engine_stop(McuVideoEngine *e)
{
	MCU_ASSERT_THREAD(&e->thread);
	if (!e->running)
		return;
	e->running = false;
	if (e->housekeeping) {
		g_source_destroy(e->housekeeping);
		g_clear_pointer(&e->housekeeping, g_source_unref);
	}
	mcu_frame_clock_stop(e->clock);
	for (guint i = 0; i < e->renditions->len; i++)
		mcu_rendition_stop(g_ptr_array_index(e->renditions, i));
	mcu_decode_pool_stop(e->pool);
	mcu_stage_stop(e->stage);
	for (guint i = 0; i < e->snapshots->len; i++) {
		SnapshotWish *w = &g_array_index(e->snapshots, SnapshotWish, i);

		w->fn(w->data, NULL);
	}
	g_array_set_size(e->snapshots, 0);
}

void mcu_video_engine_free(McuVideoEngine *e)
{
	if (!e)
		return;
	mcu_video_engine_stop(e);
	g_ptr_array_unref(e->renditions);
	mcu_frame_clock_free(e->clock);
	mcu_decode_pool_free(e->pool);
	mcu_stage_free(e->stage);
	mcu_wake_free(e->wake);
	g_array_unref(e->snapshots);
	g_ptr_array_unref(e->source_order);
	g_hash_table_destroy(e->sources);
	g_ptr_array_unref(e->participants);
	mcu_slots_free(e->slots);
	mcu_layout_unref(e->layout);
	g_free(e->scene);
	g_free(e->focus);
	g_strfreev(e->order);
	g_main_context_unref(e->context);
	hw_device_unref(e->device);
	g_free(e);
}

/* --- participants --- */

static void set_props(Participant *p, const McuVideoParticipant *props)
{
	g_free(p->name);
	p->name = g_strdup(props->name ? props->name : "");
	p->muted = props->muted;
	p->camera_off = props->camera_off;
	p->hidden = props->hidden;
	p->held = props->held;
}

int mcu_video_engine_add_participant(McuVideoEngine *e, const char *id,
				     const McuVideoParticipant *props)
{
	Participant *p;

	MCU_ASSERT_THREAD(&e->thread);
	if (!id || !*id)
		return -EINVAL;
	if (mcu_engine_participant(e, id))
		return -EEXIST;
	if (e->participants->len >= MCU_MAX_VIDEO_PARTICIPANTS)
		return -EOVERFLOW;
	p = g_new0(Participant, 1);
	p->key = ++e->last_key;
	p->id = g_strdup(id);
	set_props(p, props);
	g_ptr_array_add(e->participants, p);
	mcu_engine_dirty(e);
	return 0;
}

int mcu_video_engine_update_participant(McuVideoEngine *e, const char *id,
					const McuVideoParticipant *props)
{
	Participant *p = mcu_engine_participant(e, id);

	MCU_ASSERT_THREAD(&e->thread);
	if (!p)
		return -ENOENT;
	set_props(p, props);
	mcu_engine_dirty(e);
	return 0;
}

void mcu_video_engine_remove_participant(McuVideoEngine *e, const char *id)
{
	Participant *p = mcu_engine_participant(e, id);
	McuVideoSource *s;

	MCU_ASSERT_THREAD(&e->thread);
	if (!p)
		return;
	while ((s = mcu_engine_source_of(e, p->key)))
		mcu_video_engine_remove_source(e, s->id);
	if (e->speaker == p->key)
		e->speaker = 0;
	g_ptr_array_remove(e->participants, p);
	mcu_engine_dirty(e);
}

void mcu_video_engine_set_speaking(McuVideoEngine *e, const char *id, bool speaking)
{
	Participant *p = mcu_engine_participant(e, id);

	MCU_ASSERT_THREAD(&e->thread);
	if (!p || p->speaking == speaking)
		return;
	p->speaking = speaking;
	mcu_engine_dirty(e);
}

void mcu_video_engine_set_active_speaker(McuVideoEngine *e, const char *id)
{
	Participant *p = mcu_engine_participant(e, id);

	MCU_ASSERT_THREAD(&e->thread);
	e->speaker = p ? p->key : 0;
	if (p)
		p->spoke_ns = MAX(1, mcu_engine_now(e));
	mcu_engine_dirty(e);
}

void mcu_video_engine_set_layout(McuVideoEngine *e, McuLayout *layout, const char *focus,
				 const char *const *order)
{
	McuLayout *old = e->layout;

	MCU_ASSERT_THREAD(&e->thread);
	e->layout = mcu_layout_ref(layout);
	mcu_layout_unref(old);
	g_free(e->focus);
	e->focus = focus && *focus ? g_strdup(focus) : NULL;
	g_strfreev(e->order);
	e->order = g_strdupv((char **)order);
	mcu_engine_dirty(e);
}

const char *mcu_video_engine_layout_name(const McuVideoEngine *e)
{
	return mcu_layout_name(e->layout);
}

/* --- sources --- */

static McuVideoSource *find_source(McuVideoEngine *e, uint32_t source)
{
	return g_hash_table_lookup(e->sources, GUINT_TO_POINTER(source));
}

int mcu_video_engine_add_source(McuVideoEngine *e, const char *participant, HwCodec codec,
				uint32_t *ret_source)
{
	const Participant *p = mcu_engine_participant(e, participant);
	McuVideoSource *s;

	MCU_ASSERT_THREAD(&e->thread);
	if (!p)
		return -ENOENT;
	if (e->source_order->len >= MCU_MAX_VIDEO_SOURCES)
		return -EOVERFLOW;
	s = mcu_video_source_new(e->device, ++e->last_source, codec, p->key);
	g_hash_table_insert(e->sources, GUINT_TO_POINTER(s->id), s);
	g_ptr_array_add(e->source_order, s);
	mcu_engine_dirty(e);
	*ret_source = s->id;
	return 0;
}

void mcu_video_engine_remove_source(McuVideoEngine *e, uint32_t source)
{
	McuVideoSource *s = find_source(e, source);

	MCU_ASSERT_THREAD(&e->thread);
	if (!s)
		return;
	atomic_store(&s->removed, true);
	g_ptr_array_remove(e->source_order, s);
	g_hash_table_remove(e->sources, GUINT_TO_POINTER(source));
	mcu_engine_dirty(e);
}

static void ask_when_due(McuVideoEngine *e, McuVideoSource *s)
{
	if (mcu_video_source_key_due(s, mcu_engine_now(e)) && e->events.source_wants_keyframe)
		e->events.source_wants_keyframe(e->events.data, s->id);
}

int mcu_video_engine_push(McuVideoEngine *e, uint32_t source, const void *data, size_t len,
			  int64_t pts_ns, bool keyframe, int64_t arrival_ns)
{
	McuVideoSource *s = find_source(e, source);
	McuQueued au = { .data = (uint8_t *)data,
			 .len = len,
			 .pts_ns = pts_ns,
			 .arrival_ns = arrival_ns > 0 ? arrival_ns : mcu_engine_now(e),
			 .keyframe = keyframe };
	int err;

	MCU_ASSERT_THREAD(&e->thread);
	if (!s || !e->running)
		return -ENOENT;
	if (len > MCU_MAX_ACCESS_UNIT)
		return -EOVERFLOW;
	mcu_engine_direct(e);
	err = mcu_video_source_take(s, &au, mcu_engine_now(e));
	if (err == 0)
		mcu_decode_pool_schedule(e->pool, s);
	ask_when_due(e, s);
	return err;
}

void mcu_video_engine_source_lost(McuVideoEngine *e, uint32_t source)
{
	McuVideoSource *s = find_source(e, source);

	MCU_ASSERT_THREAD(&e->thread);
	if (!s || !s->visible)
		return;
	mcu_video_source_need_key(s, mcu_engine_now(e));
	ask_when_due(e, s);
}

bool mcu_video_engine_source_visible(McuVideoEngine *e, uint32_t source, int *ret_width,
				     int *ret_height)
{
	McuVideoSource *s = find_source(e, source);

	MCU_ASSERT_THREAD(&e->thread);
	if (e->running)
		mcu_engine_direct(e);
	if (!s || !s->visible)
		return false;
	if (ret_width)
		*ret_width = s->tile_w;
	if (ret_height)
		*ret_height = s->tile_h;
	return true;
}

int mcu_video_engine_source_stats(McuVideoEngine *e, uint32_t source, McuVideoSourceStats *ret)
{
	McuVideoSource *s = find_source(e, source);

	MCU_ASSERT_THREAD(&e->thread);
	if (!s)
		return -ENOENT;
	mcu_video_source_stats(s, mcu_engine_now(e), ret);
	return 0;
}

/* --- renditions --- */

static void publish_renditions(McuVideoEngine *e)
{
	mcu_frame_clock_set_renditions(e->clock, (McuRendition *const *)e->renditions->pdata,
				       e->renditions->len);
}

int mcu_video_engine_add_rendition(McuVideoEngine *e, const McuRenditionConfig *config,
				   McuRendition **ret, McuDiag *reterr)
{
	McuRenditionEnv env = { e->device, e->config.width, e->config.height, e->config.fps,
				e->config.manual };
	McuRendition *r;
	int err;

	MCU_ASSERT_THREAD(&e->thread);
	if (e->renditions->len >= MCU_MAX_RENDITIONS)
		return mcu_diag(reterr, -EOVERFLOW, "found more than %d renditions",
				MCU_MAX_RENDITIONS);
	err = mcu_rendition_new(&env, config, &r, reterr);
	if (err < 0)
		return err;
	mcu_rendition_set_engine_fps(r, mcu_frame_clock_fps(e->clock));
	g_ptr_array_add(e->renditions, r);
	publish_renditions(e);
	*ret = r;
	return 0;
}

void mcu_video_engine_remove_rendition(McuVideoEngine *e, McuRendition *r)
{
	MCU_ASSERT_THREAD(&e->thread);
	mcu_rendition_stop(r);
	g_ptr_array_remove(e->renditions, r);
	publish_renditions(e);
}

/* --- what it does --- */

void mcu_video_engine_snapshot(McuVideoEngine *e, McuSnapshotFn fn, void *data)
{
	SnapshotWish wish = { fn, data };

	MCU_ASSERT_THREAD(&e->thread);
	if (e->snapshots->len >= MCU_MAX_SNAPSHOTS) {
		fn(data, NULL);
		return;
	}
	g_array_append_val(e->snapshots, wish);
	mcu_frame_clock_want_snapshot(e->clock, e->wake);
}

void mcu_video_engine_stats(McuVideoEngine *e, McuVideoStats *ret)
{
	McuFrameClockStats c;

	MCU_ASSERT_THREAD(&e->thread);
	mcu_frame_clock_stats(e->clock, &c);
	*ret = (McuVideoStats){ .ticks = c.ticks,
				.skipped = c.skipped,
				.composed = c.composed,
				.unchanged = c.unchanged,
				.failed = c.failed,
				.compose_ns = c.compose_ns,
				.compose_max_ns = c.compose_max_ns,
				.tiles = e->scene ? e->scene->n : 0,
				.label_renders = mcu_stage_renders(e->stage),
				.overload = mcu_overload_level(&e->overload),
				.overload_steps = e->overload.steps,
				.fps = mcu_frame_clock_fps(e->clock) };
}

/* --- by hand --- */

HwFrame *mcu_video_engine_tick_at(McuVideoEngine *e, int64_t now_ns)
{
	HwFrame *canvas;

	g_assert(e->config.manual && e->running);
	e->manual_ns = now_ns;
	mcu_decode_pool_run(e->pool);
	mcu_engine_housekeep(e);
	canvas = mcu_frame_clock_tick(e->clock, now_ns);
	for (guint i = 0; i < e->renditions->len; i++)
		mcu_rendition_run(g_ptr_array_index(e->renditions, i));
	mcu_engine_dispatch(e);
	return canvas;
}
