#include "video/clock.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/handoff.h"
#include "video/count.h"

/* Who gets the canvas; a snapshot for vtick. */
typedef struct Outputs {
	size_t n;
	McuRendition *r[MCU_MAX_RENDITIONS];
} Outputs;

struct McuFrameClock {
	McuStage *stage;
	GThread *thread;
	_Atomic bool stopping;
	_Atomic int fps;
	McuHandoff *outputs; /* loop -> vtick */

	/* --- snapshot: loop sets wake, then wanted; vtick sets frame --- */
	McuWake *wake;
	_Atomic bool snapshot_wanted;
	_Atomic(HwFrame *) snapshot;

	/* --- vtick --- */
	HwComposer *composer;
	HwDrawItem items[HW_MAX_ITEMS];
	uint64_t last_serial;

	/* --- counters: vtick --- */
	_Atomic uint64_t ticks, skipped, composed, unchanged, failed, compose_ns, compose_max_ns;
};

static void outputs_free(void *p)
{
	Outputs *o = p;

	for (size_t i = 0; i < o->n; i++)
		mcu_rendition_unref(o->r[i]);
	g_free(o);
}

int mcu_frame_clock_new(HwDevice *device, int width, int height, int fps, McuStage *stage,
			McuFrameClock **ret, McuDiag *reterr)
{
	HwComposer *composer;
	McuFrameClock *c;
	int err = hw_composer_new(device, width, height, &composer, reterr);

	if (err < 0)
		return err;
	c = g_new0(McuFrameClock, 1);
	c->composer = composer;
	c->stage = stage;
	atomic_store(&c->fps, fps);
	c->outputs = mcu_handoff_new(outputs_free);
	*ret = c;
	return 0;
}

void mcu_frame_clock_free(McuFrameClock *c)
{
	if (!c)
		return;
	mcu_frame_clock_stop(c);
	hw_frame_unref(atomic_load(&c->snapshot));
	mcu_handoff_free(c->outputs);
	hw_composer_free(c->composer);
	g_free(c);
}

/* --- the thread --- */

/* The deadline after this one; whole intervals that have passed meanwhile are left out. */
static int64_t next_deadline(McuFrameClock *c, int64_t deadline, int64_t interval, int64_t now)
{
	int64_t late;

	deadline += interval;
	if (now < deadline + interval)
		return deadline;
	late = (now - deadline) / interval;
	count_add(&c->skipped, (uint64_t)late);
	return deadline + late * interval;
}

static void *clock_thread(void *data)
{
	McuFrameClock *c = data;
	int64_t deadline = mcu_now_ns();

	while (!atomic_load(&c->stopping)) {
		int64_t interval = MCU_NS_PER_SEC / atomic_load(&c->fps);

		mcu_sleep_until_ns(deadline);
		hw_frame_unref(mcu_frame_clock_tick(c, deadline));
		deadline = next_deadline(c, deadline, interval, mcu_now_ns());
	}
	return NULL;
}

void mcu_frame_clock_start(McuFrameClock *c)
{
	g_assert(!c->thread);
	c->thread = mcu_thread_start("vtick", clock_thread, c);
}

void mcu_frame_clock_stop(McuFrameClock *c)
{
	atomic_store(&c->stopping, true);
	if (c->thread)
		g_thread_join(g_steal_pointer(&c->thread));
}

/* --- loop --- */

void mcu_frame_clock_set_renditions(McuFrameClock *c, McuRendition *const *r, size_t n)
{
	Outputs *o = g_new0(Outputs, 1);

	g_assert(n <= MCU_MAX_RENDITIONS);
	o->n = n;
	for (size_t i = 0; i < n; i++)
		o->r[i] = mcu_rendition_ref(r[i]);
	mcu_handoff_publish(c->outputs, o);
}

void mcu_frame_clock_reap(McuFrameClock *c)
{
	mcu_handoff_reap(c->outputs);
}

void mcu_frame_clock_set_fps(McuFrameClock *c, int fps)
{
	atomic_store(&c->fps, fps);
}

int mcu_frame_clock_fps(const McuFrameClock *c)
{
	return atomic_load(&c->fps);
}

void mcu_frame_clock_want_snapshot(McuFrameClock *c, McuWake *wake)
{
	c->wake = wake;
	atomic_store(&c->snapshot_wanted, true);
}

HwFrame *mcu_frame_clock_take_snapshot(McuFrameClock *c)
{
	return atomic_exchange(&c->snapshot, NULL);
}

void mcu_frame_clock_stats(McuFrameClock *c, McuFrameClockStats *ret)
{
	*ret = (McuFrameClockStats){
		.ticks = count_get(&c->ticks),
		.skipped = count_get(&c->skipped),
		.composed = count_get(&c->composed),
		.unchanged = count_get(&c->unchanged),
		.failed = count_get(&c->failed),
		.compose_ns = count_get(&c->compose_ns),
		.compose_max_ns = count_get(&c->compose_max_ns),
	};
}

/* --- vtick --- */

static void count_compose(McuFrameClock *c, const HwFrame *canvas, int64_t spent_ns)
{
	count_add(&c->ticks, 1);
	count_add(&c->compose_ns, (uint64_t)spent_ns);
	count_max(&c->compose_max_ns, (uint64_t)spent_ns);
	if (!canvas)
		count_add(&c->failed, 1);
	else if (hw_frame_serial(canvas) == c->last_serial)
		count_add(&c->unchanged, 1);
	else
		count_add(&c->composed, 1);
}

HwFrame *mcu_frame_clock_tick(McuFrameClock *c, int64_t now_ns)
{
	const McuPlan *plan = mcu_stage_plan(c->stage);
	const Outputs *o = mcu_handoff_acquire(c->outputs);
	HwDrawList list = { .items = c->items, .background = MCU_COLOR_CANVAS };
	int64_t start = mcu_now_ns();
	HwFrame *canvas = NULL;

	if (!plan)
		return NULL;
	list.n = mcu_plan_draw(plan, now_ns, c->items);
	if (hw_composer_compose(c->composer, &list, &canvas) < 0)
		canvas = NULL;
	count_compose(c, canvas, mcu_now_ns() - start);
	if (!canvas)
		return NULL;
	c->last_serial = hw_frame_serial(canvas);
	for (size_t i = 0; o && i < o->n; i++)
		mcu_rendition_post(o->r[i], canvas, now_ns);
	if (atomic_exchange(&c->snapshot_wanted, false)) {
		hw_frame_unref(atomic_exchange(&c->snapshot, hw_frame_ref(canvas)));
		mcu_wake(c->wake);
	}
	return canvas;
}
