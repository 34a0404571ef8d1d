/* One-shot timer of a GMainContext on an absolute time of mcu_now_ns(); set again at any time. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct McuTimer McuTimer;

/** Unset at first; `fn(data)` runs in the thread-default context. Thread: the context's. */
McuTimer *mcu_timer_new(void (*fn)(void *data), void *data);

/** NULL is allowed; also from within fn. Thread: the context's, as for all here. */
void mcu_timer_free(McuTimer *timer);

/** Run at deadline_ns (rounded up to a microsecond); INT64_MAX = do not run. Replaces what was set. */
void mcu_timer_set(McuTimer *timer, int64_t deadline_ns);

/** The earlier of what is set and deadline_ns. */
void mcu_timer_set_earlier(McuTimer *timer, int64_t deadline_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuTimer, mcu_timer_free)
