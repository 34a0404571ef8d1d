#include "base/timer.h"

struct McuTimer {
	GSource source; /* allocated by g_source_new() with our size */
	int64_t deadline_ns;
	void (*fn)(void *data);
	void *data;
};

static gboolean dispatch(GSource *source, GSourceFunc unused, gpointer unused_data)
{
	McuTimer *timer = (McuTimer *)source;

	(void)unused;
	(void)unused_data;
	mcu_timer_set(timer, INT64_MAX);
	timer->fn(timer->data);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs funcs = { .dispatch = dispatch };

McuTimer *mcu_timer_new(void (*fn)(void *data), void *data)
{
	McuTimer *timer = (McuTimer *)g_source_new(&funcs, sizeof(*timer));

	timer->fn = fn;
	timer->data = data;
	timer->deadline_ns = INT64_MAX;
	g_source_set_priority(&timer->source, G_PRIORITY_HIGH);
	g_source_attach(&timer->source, g_main_context_get_thread_default());
	return timer;
}

void mcu_timer_free(McuTimer *timer)
{
	if (!timer)
		return;
	g_source_destroy(&timer->source);
	g_source_unref(&timer->source);
}

void mcu_timer_set(McuTimer *timer, int64_t deadline_ns)
{
	if (deadline_ns == timer->deadline_ns)
		return;
	timer->deadline_ns = deadline_ns;
	/* GLib's monotonic time is CLOCK_MONOTONIC in microseconds */
	g_source_set_ready_time(&timer->source,
				deadline_ns == INT64_MAX ? -1 : (deadline_ns + 999) / 1000);
}

void mcu_timer_set_earlier(McuTimer *timer, int64_t deadline_ns)
{
	if (deadline_ns < timer->deadline_ns)
		mcu_timer_set(timer, deadline_ns);
}
