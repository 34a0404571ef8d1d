/* Threads: naming, a check that a function runs where it must, and waking a GMainContext. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/** Start a named joinable thread (name: at most 15 characters, "vtick", "dec0"). */
GThread *mcu_thread_start(const char *name, GThreadFunc fn, void *data);

/* Remembers which thread may use an object. Zero-initialised: bound at the first check. */
typedef struct McuThreadCheck {
	GThread *owner;
} McuThreadCheck;

#ifdef NDEBUG
#define MCU_ASSERT_THREAD(check) ((void)0)
#else
#define MCU_ASSERT_THREAD(check)                                                                   \
	do {                                                                                       \
		McuThreadCheck *check_ = (check);                                                  \
		if (!check_->owner)                                                                \
			check_->owner = g_thread_self();                                           \
		g_assert(check_->owner == g_thread_self());                                        \
	} while (0)
#endif

/* Wakes a main context from another thread (ticks included: no allocation, no lock of ours, one
 * write(2) at most; wake-ups that were not yet handled are merged). */
typedef struct McuWake McuWake;

/** `fn(data)` runs in `context` (NULL = default) after each mcu_wake(). Thread: the context's. */
McuWake *mcu_wake_new(GMainContext *context, GFunc fn, void *data);

/** fn receives (data, NULL). Thread: the context's; nobody may wake any more. NULL is allowed. */
void mcu_wake_free(McuWake *wake);

/** Thread: any. */
void mcu_wake(McuWake *wake);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuWake, mcu_wake_free)
