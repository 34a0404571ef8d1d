#include "rtp/delay_estimate.h"

#include <glib.h>

#include "base/clock.h"

#define BUCKET_NS (INT64_C(500) * MCU_NS_PER_MS)
#define BIN_NS    (INT64_C(5) * MCU_NS_PER_MS)
#define QUANTILE  0.97f
/* packets that the start value weighs, and after which old ones are forgotten */
#define START_WEIGHT 8.0f
#define MEMORY       400.0f

void mcu_delay_estimate_init(McuDelayEstimate *e, int64_t start_ns)
{
	*e = (McuDelayEstimate){ .weight = START_WEIGHT };
	e->share[CLAMP(start_ns / BIN_NS - 1, 0, MCU_DELAY_BINS - 1)] = 1;
}

static void add_min(McuDelayEstimate *e, int64_t transit_ns, int64_t arrival_ns)
{
	/* one step per arrival: after a silence the old figure is still of use */
	if (e->n == 0 || arrival_ns - e->bucket_start_ns >= BUCKET_NS) {
		e->at = e->n ? (e->at + 1) % MCU_DELAY_BUCKETS : 0;
		e->n = MIN(e->n + 1, MCU_DELAY_BUCKETS);
		e->min_ns[e->at] = transit_ns;
		e->bucket_start_ns = arrival_ns;
	} else {
		e->min_ns[e->at] = MIN(e->min_ns[e->at], transit_ns);
	}
}

static void add_share(McuDelayEstimate *e, int64_t over_ns)
{
	int64_t bin = CLAMP(over_ns / BIN_NS, 0, MCU_DELAY_BINS - 1);
	float part;

	e->weight = MIN(e->weight + 1, MEMORY);
	part = 1 / e->weight;
	for (unsigned i = 0; i < MCU_DELAY_BINS; i++)
		e->share[i] *= 1 - part;
	e->share[bin] += part;
}

void mcu_delay_estimate_add(McuDelayEstimate *e, int64_t transit_ns, int64_t arrival_ns)
{
	if (e->any) {
		double d = (double)ABS(transit_ns - e->last_transit_ns);

		e->jitter_ns += (d - e->jitter_ns) / 16;
	}
	e->last_transit_ns = transit_ns;
	e->any = true;
	add_min(e, transit_ns, arrival_ns);
	add_share(e, transit_ns - mcu_delay_estimate_base(e));
}

int64_t mcu_delay_estimate_base(const McuDelayEstimate *e)
{
	int64_t min = INT64_MAX;

	for (unsigned i = 0; i < e->n; i++)
		min = MIN(min, e->min_ns[i]);
	return e->n ? min : 0;
}

int64_t mcu_delay_estimate_quantile(const McuDelayEstimate *e)
{
	float sum = 0;
	unsigned i = 0;

	for (; i < MCU_DELAY_BINS - 1; i++) {
		sum += e->share[i];
		if (sum >= QUANTILE)
			break;
	}
	return (int64_t)(i + 1) * BIN_NS;
}
