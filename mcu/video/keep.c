/* The engine's housekeeping on loop: what is told, asked again, measured. */
#include "video/engine_priv.h"

#include "base/clock.h"
#include "video/count.h"

#define WINDOW_NS MCU_NS_PER_SEC

/* --- telling --- */

static void tell_visibility(McuVideoEngine *e, McuVideoSource *s)
{
	if (s->visible == s->visible_told && s->tile_w == s->told_tile_w &&
	    s->tile_h == s->told_tile_h)
		return;
	s->visible_told = s->visible;
	s->told_tile_w = s->tile_w;
	s->told_tile_h = s->tile_h;
	if (e->events.source_visible)
		e->events.source_visible(e->events.data, s->id, s->visible, s->tile_w, s->tile_h);
}

static void tell_state(McuVideoEngine *e, McuVideoSource *s, int64_t now_ns)
{
	McuVideoSourceState state = mcu_video_source_state(s, now_ns);
	uint64_t size = atomic_load(&s->size);
	int w = (int)(size >> 32), h = (int)(size & UINT32_MAX);

	if (state == s->told && w == s->told_w && h == s->told_h)
		return;
	s->told = state;
	s->told_w = w;
	s->told_h = h;
	if (e->events.source_state)
		e->events.source_state(e->events.data, s->id, state, w, h);
}

/* A callback may add or remove sources: work on a copy that holds references. */
static GPtrArray *copy_sources(McuVideoEngine *e)
{
	GPtrArray *copy =
		g_ptr_array_new_full(e->source_order->len, (GDestroyNotify)mcu_video_source_unref);

	for (guint i = 0; i < e->source_order->len; i++)
		g_ptr_array_add(copy, mcu_video_source_ref(g_ptr_array_index(e->source_order, i)));
	return copy;
}

static void deliver_snapshot(McuVideoEngine *e)
{
	g_autoptr(HwFrame) frame = mcu_frame_clock_take_snapshot(e->clock);
	g_autoptr(GArray) wishes = NULL;

	if (!frame)
		return;
	wishes = g_steal_pointer(&e->snapshots);
	e->snapshots = g_array_new(FALSE, FALSE, sizeof(SnapshotWish));
	for (guint i = 0; i < wishes->len; i++) {
		SnapshotWish *w = &g_array_index(wishes, SnapshotWish, i);

		w->fn(w->data, frame);
	}
}

void mcu_engine_dispatch(McuVideoEngine *e)
{
	mcu_engine_direct(e);
	if (e->visible_untold) {
		g_autoptr(GPtrArray) sources = copy_sources(e);

		e->visible_untold = false;
		for (guint i = 0; i < sources->len; i++)
			tell_visibility(e, g_ptr_array_index(sources, i));
	}
	deliver_snapshot(e);
}

/* --- overload --- */

static uint64_t overwritten_sum(McuVideoEngine *e)
{
	uint64_t sum = 0;

	for (guint i = 0; i < e->renditions->len; i++)
		sum += mcu_rendition_overwritten(g_ptr_array_index(e->renditions, i));
	return sum;
}

/* Access units were dropped since the last look, because decoding does not keep up. */
static bool take_overflows(McuVideoEngine *e)
{
	bool any = false;

	for (guint i = 0; i < e->source_order->len; i++) {
		McuVideoSource *s = g_ptr_array_index(e->source_order, i);

		any |= s->overflowed;
		s->overflowed = false;
	}
	return any;
}

void mcu_engine_apply_overload(McuVideoEngine *e)
{
	McuOverloadLevel level = mcu_overload_level(&e->overload);
	int fps = level >= MCU_OVERLOAD_HALF_RATE ? MAX(1, e->config.fps / 2) : e->config.fps;

	for (guint i = 0; i < e->source_order->len; i++) {
		McuVideoSource *s = g_ptr_array_index(e->source_order, i);

		atomic_store(&s->skip_loop_filter, level >= MCU_OVERLOAD_SKIP_LOOP_FILTER &&
							   mcu_engine_is_small(e, s->tile_h));
	}
	if (fps == mcu_frame_clock_fps(e->clock))
		return;
	mcu_frame_clock_set_fps(e->clock, fps);
	for (guint i = 0; i < e->renditions->len; i++)
		mcu_rendition_set_engine_fps(g_ptr_array_index(e->renditions, i), fps);
}

static void watch_load(McuVideoEngine *e, int64_t now_ns)
{
	McuOverloadLevel before = mcu_overload_level(&e->overload), level;
	McuFrameClockStats clock;
	McuOverloadWindow w;
	uint64_t overwritten;

	if (now_ns < e->window_ns + WINDOW_NS)
		return;
	mcu_frame_clock_stats(e->clock, &clock);
	overwritten = overwritten_sum(e);
	w.missed = clock.skipped - e->window_skipped;
	w.wanted = clock.ticks - e->window_ticks + w.missed;
	/* removing a rendition takes its count away */
	if (overwritten > e->window_overwritten)
		w.missed += overwritten - e->window_overwritten;
	if (take_overflows(e))
		w.missed += w.wanted / 5;
	e->window_ns = now_ns;
	e->window_ticks = clock.ticks;
	e->window_skipped = clock.skipped;
	e->window_overwritten = overwritten;
	level = mcu_overload_window(&e->overload, &w);
	if (level == before)
		return;
	mcu_engine_apply_overload(e);
	mcu_engine_dirty(e); /* who is decoded depends on it */
	if (e->events.overload)
		e->events.overload(e->events.data, level);
}

/* --- each source --- */

static void measure_fps(McuVideoSource *s, int64_t now_ns)
{
	uint64_t decoded = count_get(&s->decoded);

	if (now_ns < s->fps_ns + WINDOW_NS)
		return;
	if (s->fps_ns)
		s->fps = (double)(decoded - s->fps_decoded) * MCU_NS_PER_SEC /
			 (double)(now_ns - s->fps_ns);
	s->fps_decoded = decoded;
	s->fps_ns = now_ns;
}

static void keep_source(McuVideoEngine *e, McuVideoSource *s, int64_t now_ns)
{
	if (atomic_exchange(&s->failed, false) && s->visible)
		mcu_video_source_need_key(s, now_ns);
	if (mcu_video_source_key_due(s, now_ns) && e->events.source_wants_keyframe)
		e->events.source_wants_keyframe(e->events.data, s->id);
	measure_fps(s, now_ns);
	tell_state(e, s, now_ns);
}

void mcu_engine_housekeep(McuVideoEngine *e)
{
	int64_t now = mcu_engine_now(e);
	g_autoptr(GPtrArray) sources = NULL;

	mcu_engine_dispatch(e);
	mcu_frame_clock_reap(e->clock);
	sources = copy_sources(e);
	for (guint i = 0; i < sources->len; i++)
		if (!atomic_load(&((McuVideoSource *)g_ptr_array_index(sources, i))->removed))
			keep_source(e, g_ptr_array_index(sources, i), now);
	watch_load(e, now);
}
