/* Who wants to hear what happens (WebSockets, the log). Thread: main. */
#pragma once
#include "daemon/control.h"

typedef struct McuEvents McuEvents;

McuEvents *mcu_events_new(void);
void mcu_events_free(McuEvents *e);
unsigned mcu_events_subscribe(McuEvents *e, McuEventFn fn, void *data);
void mcu_events_unsubscribe(McuEvents *e, unsigned id);

/** Tell every subscriber; a subscriber may unsubscribe itself or others meanwhile.
 * Owns: sinks `detail` (a{sv}). */
void mcu_events_emit(McuEvents *e, const char *event, GVariant *detail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuEvents, mcu_events_free)
