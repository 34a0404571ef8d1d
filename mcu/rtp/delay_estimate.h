/* Network delay of one packet stream: smallest transit of the last seconds, distribution of what
 * packets need beyond it, and RFC 3550 jitter. Inside rtp/ only. Pure, no allocation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define MCU_DELAY_BUCKETS 8
#define MCU_DELAY_BINS    64

typedef struct McuDelayEstimate {
	/* smallest transit, in buckets of half a second of arrivals */
	int64_t min_ns[MCU_DELAY_BUCKETS];
	int64_t bucket_start_ns;
	unsigned n, at;
	/* share of packets per 5 ms beyond the smallest transit; sums to 1 */
	float share[MCU_DELAY_BINS];
	float weight; /* of all packets so far, bounded */
	int64_t last_transit_ns;
	bool any;
	double jitter_ns;
} McuDelayEstimate;

/** Begin anew, as if a few packets with `start_ns` of jitter had been seen. */
void mcu_delay_estimate_init(McuDelayEstimate *e, int64_t start_ns);

/** A packet arrived; transit = arrival - media time, on any scale. */
void mcu_delay_estimate_add(McuDelayEstimate *e, int64_t transit_ns, int64_t arrival_ns);

/** Smallest transit of the last 4 s of arrivals. */
int64_t mcu_delay_estimate_base(const McuDelayEstimate *e);

/** Delay beyond the smallest within which 97 % of the packets arrive, in steps of 5 ms. */
int64_t mcu_delay_estimate_quantile(const McuDelayEstimate *e);
