/* Evens out the times of pictures: senders stamp them with their own timers' jitter, and a frame
 * clock that ticks at the same rate would show some twice and others not at all. Pure.
 *
 * A second-order loop follows rate and phase; skipped pictures are whole intervals, a pause or a
 * change of rate starts it anew.
 */
#pragma once
#include <stdint.h>

/** Zero-initialised. */
typedef struct McuCadence {
	int64_t in_ns, out_ns; /* last picture: as given, as evened out */
	int64_t interval_ns;   /* 0 = not known */
	unsigned n;            /* pictures since the start */
} McuCadence;

/** The evened-out time of a picture stamped t_ns; never later than half an interval from it. */
int64_t mcu_cadence_next(McuCadence *c, int64_t t_ns);
