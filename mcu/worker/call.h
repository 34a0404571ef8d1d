/* One call: its participants, legs, engines and recording, and the order in which they start and
 * stop. The verbs mirror mcu/ipc/worker.xml; service.h turns them into D-Bus.
 *
 *   service -> call -> participants, legs -> audio engine, video engine, renditions, recording
 *
 * Thread: loop, for everything here.
 */
#pragma once
#include <glib.h>

#include "base/err.h"

typedef struct McuCall McuCall;

/* What the call reports; `detail` is a floating a{sv} that the handler sinks. */
typedef struct McuCallHandler {
	void (*leg_event)(void *data, const char *leg, const char *event, GVariant *detail);
	void (*call_event)(void *data, const char *event, GVariant *detail);
} McuCallHandler;

/** Called once, when an asynchronous verb ends. Errors as the verb documents. */
typedef void (*McuCallDone)(void *data, int err, const char *text, GBytes *bytes);

McuCall *mcu_call_new(const char *id, const McuCallHandler *handler, void *data);

/** NULL is allowed. Everything the call owns is stopped and freed. */
void mcu_call_free(McuCall *call);

/** Open the device and start the engines. options: a{sv} of Worker1.Start.
 * Errors: -EBUSY started already; -EINVAL an option; -ENOENT no such layout; -EIO.
 */
int mcu_call_start(McuCall *call, GVariant *options, McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_call_reconfigure(McuCall *call, GVariant *options, McuDiag *reterr) MCU_WARN_UNUSED;

/** Errors: -EEXIST; -EOVERFLOW max-participants; -EINVAL a property. */
int mcu_call_add_participant(McuCall *call, const char *id, GVariant *props, McuDiag *reterr)
	MCU_WARN_UNUSED;
int mcu_call_update_participant(McuCall *call, const char *id, GVariant *props, McuDiag *reterr)
	MCU_WARN_UNUSED;
int mcu_call_remove_participant(McuCall *call, const char *id, McuDiag *reterr) MCU_WARN_UNUSED;

int mcu_call_add_leg(McuCall *call, const char *leg, const char *participant, GVariant *props,
		     McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_call_remove_leg(McuCall *call, const char *leg, McuDiag *reterr) MCU_WARN_UNUSED;

/** Owns: caller frees *ret_answer.
 * Errors: -EINVAL not SDP; -ENOTSUP no media in common; -EPROTO an offer of ours is pending;
 *         -ENOSPC no port free.
 */
int mcu_call_set_offer(McuCall *call, const char *leg, const char *sdp, char **ret_answer,
		       McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_call_make_offer(McuCall *call, const char *leg, GVariant *options, char **ret_offer,
			McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_call_set_answer(McuCall *call, const char *leg, const char *sdp, McuDiag *reterr)
	MCU_WARN_UNUSED;
int mcu_call_rollback(McuCall *call, const char *leg, McuDiag *reterr) MCU_WARN_UNUSED;
int mcu_call_request_keyframe(McuCall *call, const char *leg, McuDiag *reterr) MCU_WARN_UNUSED;

int mcu_call_set_layout(McuCall *call, GVariant *layout, McuDiag *reterr) MCU_WARN_UNUSED;

/** Errors: -EBUSY recording already; what mcu_recorder_new() says. */
int mcu_call_start_recording(McuCall *call, const char *path, McuDiag *reterr) MCU_WARN_UNUSED;

/** Asynchronous: the file is closed off the loop. -ENOENT when nothing is recorded. */
void mcu_call_stop_recording(McuCall *call, McuCallDone done, void *data);

/** Asynchronous: bytes = JPEG. Errors: -EAGAIN no picture yet; -EIO. */
void mcu_call_snapshot(McuCall *call, unsigned width, unsigned height, McuCallDone done, void *data);

/** a{sv}, floating. Keys: mcu/README.md. */
GVariant *mcu_call_stats(McuCall *call);

/** Recording closed, RTCP BYE sent on every leg, engines stopped; then `done`. */
void mcu_call_stop(McuCall *call, McuCallDone done, void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuCall, mcu_call_free)
