/* What the front doors (http/, sip/) may ask of the daemon: one asynchronous function per verb, and
 * a stream of events. The call table behind it is daemon_priv.h. Thread: main, for everything here.
 *
 *   http/ --verb--> control --IPC--> worker        events --> every subscriber (WebSocket, log)
 */
#pragma once
#include <glib.h>

#include "base/err.h"

typedef struct McuDaemon McuDaemon;

/** Called exactly once per verb, possibly before the verb returns.
 * err 0: `result` is a floating-free GVariant (borrowed) as each verb documents, or NULL.
 * err < 0: `text` says what was found and what was expected; `result` is NULL.
 *   -ENOENT unknown call or participant, -EINVAL bad value, -EEXIST, -EOVERFLOW a limit is reached,
 *   -EBUSY, -ETIMEDOUT the worker did not answer, -EPIPE the worker is gone, -EIO, -ENOTSUP.
 */
typedef void (*McuReplyFn)(void *data, int err, const char *text, GVariant *result);

/* Results named call/participant below are a{sv} whose keys are the JSON members of the REST API.
 */

/** aa{sv}: every call: id s, state s, created s (RFC 3339), participants u, layout s, recording b.
 */
void mcu_control_list_calls(McuDaemon *d, McuReplyFn reply, void *data);
/** a{sv} call, once its worker runs. options: layout s, recording b. -EEXIST, -EOVERFLOW, -EINVAL
 * (the id: 1 to 64 of A-Z a-z 0-9 . _ -). */
void mcu_control_create_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data);
/** a{sv} call with member participants aa{sv}. */
void mcu_control_get_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data);
/** Change a call; options: layout s. Result: the call. */
void mcu_control_update_call(McuDaemon *d, const char *call, GVariant *options, McuReplyFn reply,
			     void *data);
/** BYE to all, recording closed. Result NULL. */
void mcu_control_delete_call(McuDaemon *d, const char *call, McuReplyFn reply, void *data);

/** aa{sv}: id s, name s, uri s, direction s ("in"|"out"), state s ("ringing"|"connected"|"held"),
 * muted b, camera-off b, hidden b, joined s (RFC 3339). */
void mcu_control_list_participants(McuDaemon *d, const char *call, McuReplyFn reply, void *data);
/** options: muted b, camera-off b, hidden b, held b (put on hold by us), name s (1 to 64
 * characters). Result: the participant. */
void mcu_control_update_participant(McuDaemon *d, const char *call, const char *participant,
				    GVariant *options, McuReplyFn reply, void *data);
void mcu_control_kick(McuDaemon *d, const char *call, const char *participant, McuReplyFn reply,
		      void *data);
/** Dial out. options: name s. Result: the participant, at once; its progress comes as events. */
void mcu_control_dial(McuDaemon *d, const char *call, const char *uri, GVariant *options,
		      McuReplyFn reply, void *data);

/** layout a{sv} as Worker1.SetLayout. Result NULL. */
void mcu_control_set_layout(McuDaemon *d, const char *call, GVariant *layout, McuReplyFn reply,
			    void *data);
/** Result a{sv}: path s. */
void mcu_control_start_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data);
void mcu_control_stop_recording(McuDaemon *d, const char *call, McuReplyFn reply, void *data);
/** Result ay: JPEG. width, height 0 = canvas size. */
void mcu_control_snapshot(McuDaemon *d, const char *call, unsigned width, unsigned height,
			  McuReplyFn reply, void *data);
/** Result a{sv}: Worker1.Stats. */
void mcu_control_stats(McuDaemon *d, const char *call, McuReplyFn reply, void *data);

/** True when a further call may be admitted (for /readyz). */
gboolean mcu_control_ready(McuDaemon *d);

/* --- events --- */

/** `event` names: "call-created", "call-ended", "call-restarted", "participant-joined",
 * "participant-left", "participant-updated", "participant-ringing", "dtmf", and Worker1's
 * CallEvents. `detail` a{sv} always holds call s, and participant s where there is one. Borrowed.
 */
typedef void (*McuEventFn)(void *data, const char *event, GVariant *detail);

/** Returns an id for mcu_control_unsubscribe(). */
unsigned mcu_control_subscribe(McuDaemon *d, McuEventFn fn, void *data);
void mcu_control_unsubscribe(McuDaemon *d, unsigned id);
