/* The options a call starts with, as mcud sends them in Worker1.Start. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "sdp/agent.h"

typedef struct McuWorkerOptions {
	unsigned width, height, fps;
	unsigned bitrate_bps;
	char *encoder; /* auto | openh264 | x264 */
	char *preset;  /* fastest | fast | medium */
	char *device;  /* back end: soft | mock[:plan] */
	char *layout;
	char *layout_dir; /* "" = the built-in search path */
	char *address;    /* local media address; "" = the one the signalling came in on */
	unsigned port_min, port_max;
	McuSdpSrtp srtp;
	unsigned max_participants;
	unsigned decode_threads; /* 0 = number of cores */
	unsigned jitter_min_ms, jitter_max_ms;
	unsigned media_timeout_s; /* 0 = never */
	McuLogLevel log_level;
} McuWorkerOptions;

/** Defaults of config/mcu.yaml. */
void mcu_worker_options_init(McuWorkerOptions *o);
void mcu_worker_options_done(McuWorkerOptions *o);

/** Take what `dict` (a{sv}) holds over what is in `o`.
 * Errors: -EINVAL unknown key, wrong type or value out of range; `o` is then unchanged.
 */
int mcu_worker_options_update(McuWorkerOptions *o, GVariant *dict, McuDiag *reterr) MCU_WARN_UNUSED;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(McuWorkerOptions, mcu_worker_options_done)
