#include "base/clock.h"

#include <errno.h>
#include <time.h>

/* Seconds between the NTP era (1900) and the Unix epoch. */
#define NTP_UNIX_OFFSET UINT64_C(2208988800)

int64_t mcu_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * MCU_NS_PER_SEC + ts.tv_nsec;
}

uint64_t mcu_now_ntp(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (((uint64_t)ts.tv_sec + NTP_UNIX_OFFSET) << 32) |
	       (((uint64_t)ts.tv_nsec << 32) / (uint64_t)MCU_NS_PER_SEC);
}

void mcu_sleep_until_ns(int64_t deadline_ns)
{
	struct timespec ts = {
		.tv_sec = deadline_ns / MCU_NS_PER_SEC,
		.tv_nsec = deadline_ns % MCU_NS_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}
