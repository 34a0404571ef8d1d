/* Media of the call: negotiation for all m= lines, and the clock that drives them.
 *
 *   phone.c <-- SDP text --> McuSdpAgent <--> voice line, video line <-- 10 ms tick
 */
#pragma once
#include "options.h"
#include "report.h"

typedef struct McuMedia McuMedia;

/** `address`: numeric, where media is received. */
int mcu_media_new(const McuCallerOptions *options, McuReport *report, const char *address,
		  McuMedia **ret, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_media_free(McuMedia *media);

/** Our offer, first or again. Owns: caller frees. Errors: as mcu_sdp_agent_make_offer(). */
int mcu_media_offer(McuMedia *media, bool hold, char **ret, McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_media_take_answer(McuMedia *media, const char *sdp, size_t len,
			  McuDiag *reterr) MCU_WARN_UNUSED;
/** The peer's offer -> our answer. Owns: caller frees. */
int mcu_media_answer(McuMedia *media, const char *sdp, size_t len, char **ret,
		     McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_media_rollback(McuMedia *media);

/** The peer asked for a keyframe by INFO. */
void mcu_media_refresh(McuMedia *media);
/** A keyframe is to be asked for by INFO. Reading it resets it. */
bool mcu_media_wants_info(McuMedia *media);

/** The call is over: RTCP BYE when `bye`, then no more packets. */
void mcu_media_stop(McuMedia *media, bool bye);

/** Packets came in. */
bool mcu_media_received(const McuMedia *media);

/** Entry of the timeline: members sent_pictures, marks and tones of the object that is open. */
void mcu_media_timeline(McuMedia *media, JsonBuilder *json);
/** Members audio and video of the object that is open. */
void mcu_media_report(McuMedia *media, JsonBuilder *json);
/** Errors: -ENOENT nothing received; -EIO. */
int mcu_media_snapshot(McuMedia *media, const char *path) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuMedia, mcu_media_free)
