/* One leg: the negotiation of one signalling session and its streams. Thread: loop. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "base/err.h"
#include "worker/stream.h"

typedef struct McuLeg McuLeg;

typedef struct McuLegParams {
	const char *id;
	const char *address; /* where media is received unless configured otherwise */
	McuStreamEnv env;    /* copied; ctx, cname, clock_map and audio_delay_ns are the leg's own */
} McuLegParams;

McuLeg *mcu_leg_new(const McuLegParams *params);

/** RTCP BYE on every stream. NULL is allowed. */
void mcu_leg_free(McuLeg *leg);

const char *mcu_leg_id(const McuLeg *leg);
const char *mcu_leg_participant(const McuLeg *leg);

/* Offer/answer: errors as the verbs of call.h. On error what was agreed before stays. */
int mcu_leg_set_offer(McuLeg *leg, const char *sdp, char **ret_answer, McuDiag *reterr)
	MCU_WARN_UNUSED;
int mcu_leg_make_offer(McuLeg *leg, bool hold, char **ret_offer, McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_leg_set_answer(McuLeg *leg, const char *sdp, McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_leg_rollback(McuLeg *leg);

/** The peer asked for a keyframe by INFO. */
void mcu_leg_request_keyframe(McuLeg *leg);

/** When the newest packet of any stream arrived; if that was earlier, since when media is expected
 * (the leg was made, a hold ended). */
int64_t mcu_leg_last_media_ns(const McuLeg *leg);

/** The peer is expected to send something. */
bool mcu_leg_expects_media(const McuLeg *leg);

/** a{sv}, floating. */
GVariant *mcu_leg_stats(McuLeg *leg);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuLeg, mcu_leg_free)
