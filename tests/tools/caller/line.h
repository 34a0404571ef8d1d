/* One m= line of the call as packets: transport, RTP, RTCP and feedback, a bad network if asked
 * for.
 *
 *   transport --> loss, reordering --> McuRtpReceiver --> on_media (in order)
 *   send ------> McuRtpSender -------> loss, reordering --> transport
 *
 * Not here: what the payload is (voice_line.c, video_line.c), negotiation (media.c).
 */
#pragma once
#include <json-glib/json-glib.h>

#include "impair.h"
#include "net/transport.h"
#include "report.h"
#include "rtp/recv.h"
#include "rtp/send.h"
#include "sdp/agent.h"

typedef struct McuLine McuLine;

typedef struct McuLineHandler {
	/* A packet in order; `restarted`: from another source than the one before. */
	void (*on_media)(void *data, const McuRtpReceived *media, bool restarted);
	void (*on_keyframe_wanted)(void *data); /* by PLI or FIR */
} McuLineHandler;

typedef struct McuLineConfig {
	McuReport *report;   /* borrowed */
	const char *address; /* bound */
	bool video;
	double loss_in, loss_out, reorder;
	McuLineHandler handler;
	void *data;
} McuLineConfig;

int mcu_line_new(const McuLineConfig *config, McuLine **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_line_free(McuLine *line);

/** For mcu_sdp_agent_set_local(); the same at every call. */
const McuSdpLocal *mcu_line_local(const McuLine *line);

/** What was agreed, first or again. */
int mcu_line_apply(McuLine *line, const McuSdpStream *stream, McuDiag *reterr) MCU_WARN_UNUSED;

/** What was agreed last; enabled = false before. */
const McuSdpStream *mcu_line_stream(const McuLine *line);

/** May packets be sent now: agreed, and neither side holds. */
bool mcu_line_may_send(const McuLine *line);

/** While we hold the call: send nothing. */
void mcu_line_set_silent(McuLine *line, bool silent);

/** Send one payload. Owns: borrows it. */
void mcu_line_send(McuLine *line, uint8_t pt, McuPacket *payload, uint32_t media_ts);

/** Ask the peer for a keyframe. False: not by RTCP here, ask by INFO. */
bool mcu_line_ask_keyframe(McuLine *line);

/** Gives out what waited, sends NACK and reports when due: call every 20 ms. */
void mcu_line_tick(McuLine *line, int64_t now_ns);

/** RTCP BYE, and nothing after it. */
void mcu_line_bye(McuLine *line);

uint64_t mcu_line_received(const McuLine *line);

/** Members of the object that is open. */
void mcu_line_report(const McuLine *line, JsonBuilder *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuLine, mcu_line_free)
