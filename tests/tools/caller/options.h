/* Command line of mcu-caller. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/codec.h"
#include "base/err.h"
#include "sdp/agent.h"

typedef struct McuCallerOptions {
	/* signalling */
	char *to, *name, *from, *user, *password, *listen, *transport;
	gboolean answer, no_offer;
	int refuse;
	double duration_s, hold_at_s, hold_for_s, vanish_at_s;
	/* what it sends */
	int mark, tone_hz;
	char *video, *video_file; /* video_file is set when `video` names a file */
	int width, height, fps, bitrate_bps;
	double talk_on_s, talk_off_s;
	char *dtmf;
	/* negotiation */
	char *audio_codecs, *video_codec;
	McuSdpCaps caps;
	gboolean mode0, no_rtcp_mux;
	int max_fs;
	/* the network */
	double loss, loss_in, loss_out, reorder;
	/* what it writes */
	double analyse_fps;
	char *report, *recv_dump, *snapshot, *analyse;
	gboolean quiet, events;
} McuCallerOptions;

/** Prints what is wrong and returns -EINVAL. Strings are UTF-8 in any locale. */
int mcu_caller_options_parse(char **argv, McuCallerOptions *ret) MCU_WARN_UNUSED;
void mcu_caller_options_done(McuCallerOptions *o);
