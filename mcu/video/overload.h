/* The overload ladder: when the frame rate cannot be kept, do less; when it can again, do more, and
 * the later the more often that went wrong. Pure. */
#pragma once
#include <stdint.h>

#include "video/engine.h"

/* What happened in about one second. */
typedef struct McuOverloadWindow {
	uint64_t wanted; /* deadlines */
	uint64_t missed; /* ticks skipped, canvases overwritten, access units dropped */
} McuOverloadWindow;

/* Zero-initialised. */
typedef struct McuOverload {
	unsigned level;     /* steps taken */
	unsigned bad, good; /* windows in a row */
	unsigned patience;  /* good windows before a step back */
	uint64_t steps;     /* times the level rose */
} McuOverload;

/** One window is over; the level from now on. */
McuOverloadLevel mcu_overload_window(McuOverload *o, const McuOverloadWindow *w);
McuOverloadLevel mcu_overload_level(const McuOverload *o);
