/* Time inside the programs: int64_t nanoseconds of CLOCK_MONOTONIC. Converted at the edges only. */
#pragma once
#include <stdint.h>

#define MCU_NS_PER_SEC INT64_C(1000000000)
#define MCU_NS_PER_MS INT64_C(1000000)
#define MCU_NS_PER_US INT64_C(1000)

/** Now, in nanoseconds of CLOCK_MONOTONIC. Thread: any. */
int64_t mcu_now_ns(void);

/** Wall clock as a 64-bit NTP timestamp (RFC 3550 section 4). Thread: any. */
uint64_t mcu_now_ntp(void);

/** Sleep until an absolute time of mcu_now_ns(). Returns at once when it has passed. Thread: any. */
void mcu_sleep_until_ns(int64_t deadline_ns);

/** Signed distance a - b of two RTP timestamps or other wrapping 32-bit counters. */
static inline int32_t mcu_diff32(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/** Signed distance a - b of two RTP sequence numbers. */
static inline int16_t mcu_diff16(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}
