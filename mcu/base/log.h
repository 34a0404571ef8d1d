/* Logging: levels, a context per object ("call/participant/part"), journal fields under systemd,
 * one line per message on stderr otherwise. Only daemon/ sip/ http/ livekit/ worker/ ctl/ log
 * above debug (STYLE.md). Never log keys, passwords or tokens.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef enum McuLogLevel {
	MCU_LOG_ERROR = 1,
	MCU_LOG_WARNING,
	MCU_LOG_INFO,
	MCU_LOG_DEBUG,
} McuLogLevel;

/** Name in the configuration ("error", "warning", "info", "debug"). */
const char *mcu_log_level_name(McuLogLevel level);

/** 0 and the level, or -EINVAL. */
int mcu_log_level_parse(const char *name, McuLogLevel *ret_level) MCU_WARN_UNUSED;

/** Set program name and threshold, and route GLib's own messages here. Thread: main, at start;
 * the level may be set again at any time.
 */
void mcu_log_setup(const char *program, McuLogLevel level);

bool mcu_log_enabled(McuLogLevel level);

/** Write one line; control characters become blanks. `ctx` is "call/participant/part" or NULL. Thread: any but the ticks. */
void mcu_log(McuLogLevel level, const char *ctx, const char *fmt, ...) MCU_PRINTF(3, 4);

#define mcu_error(ctx, ...) mcu_log(MCU_LOG_ERROR, ctx, __VA_ARGS__)
#define mcu_warning(ctx, ...) mcu_log(MCU_LOG_WARNING, ctx, __VA_ARGS__)
#define mcu_info(ctx, ...) mcu_log(MCU_LOG_INFO, ctx, __VA_ARGS__)
#define mcu_debug(ctx, ...)                                                                        \
	do {                                                                                       \
		if (mcu_log_enabled(MCU_LOG_DEBUG))                                                \
			mcu_log(MCU_LOG_DEBUG, ctx, __VA_ARGS__);                                  \
	} while (0)

/* At most `burst` messages per `interval_ns`; for what a peer can trigger. Zero-initialised state
 * belongs to the object that logs. */
typedef struct McuLogLimit {
	int64_t window_start_ns;
	unsigned in_window;
	unsigned suppressed;
} McuLogLimit;

/** True when a message may be written now; *ret_suppressed = how many were held back before it. */
bool mcu_log_allow(McuLogLimit *limit, unsigned burst, int64_t interval_ns,
		   unsigned *ret_suppressed);
