/* Inside of daemon/: the call table and its records. */
#pragma once
#include "base/log.h"
#include "daemon/admission.h"
#include "daemon/call_fsm.h"
#include "daemon/daemon.h"
#include "daemon/events.h"
#include "daemon/leg_fsm.h"

#define MCU_MAX_CALL_ID_CHARS          64
#define MCU_MAX_PARTICIPANT_NAME_CHARS 64
/** Restarts of a call's worker that are tried within a minute. */
#define MCU_MAX_RESTARTS        3
#define MCU_RESTART_WINDOW_NS   (60 * MCU_NS_PER_SEC)
#define MCU_NO_ANSWER_TIMEOUT_S 60
/** INFO picture_fast_update to one peer: at most one per this time. */
#define MCU_KEYFRAME_INFO_MIN_NS (1 * MCU_NS_PER_SEC)

struct McuDaemon {
	McuConf *conf;
	McuSpawnFn spawn;
	void *spawn_data;
	const McuSignal *sip;
	void *sip_data;
	McuAdmission *admission;
	McuEvents *events;
	GHashTable *calls;     /* id -> McuCall, owned */
	GHashTable *legs;      /* serial -> McuLeg, owned by their calls */
	GHashTable *by_serial; /* serial -> McuCall */
	uint64_t last_serial;  /* of calls and legs: never reused */
	bool draining;
	void (*drained)(void *data);
	void *drained_data;
	McuLogLimit refused_log;
};

typedef struct McuCall {
	McuDaemon *daemon;
	uint64_t serial;
	char *id;
	McuCallState state;
	GPtrArray *legs; /* McuLeg in order of joining, owned */
	McuWorkerProc *worker;
	int64_t created_us; /* wall clock */
	GVariant *layout;   /* a{sv} of SetLayout, for a restart */
	char *layout_name;
	unsigned last_participant;
	unsigned max_participants; /* as configured when it was created */
	bool auto_created;         /* by the first who dialled in */
	bool had_participant;
	bool record_wanted;                    /* by record.auto or the API; survives a restart */
	char *recording_path;                  /* NULL when not recording */
	int64_t restarts_ns[MCU_MAX_RESTARTS]; /* newest last */
	guint empty_timer;
	char *end_reason;
	int end_err;     /* what those who wait for it to run are told; 0 = -EPIPE */
	GSList *waiters; /* McuWaiter: who created the call and waits for it to run */
} McuCall;

typedef struct McuWaiter {
	McuReplyFn reply;
	void *data;
} McuWaiter;

/* One participant and the one dialog that carries it. */
typedef struct McuLeg {
	McuCall *call;
	uint64_t serial;
	char *participant; /* "p1" */
	char *id;          /* "p1.1" */
	char *name, *uri, *local_address;
	bool outbound;
	McuLegState state;
	const McuSignal *signal;
	void *session; /* NULL once the dialog is no longer ours */
	char *offer;   /* the peer's first offer, or the re-offer that waits for UP */
	char *sdp;     /* argument of the event that is being handled */
	bool want_reoffer;
	bool connected; /* participant-joined was emitted */
	bool held;      /* by the peer */
	bool hold;      /* by us */
	bool muted, camera_off, hidden;
	int64_t joined_us; /* wall clock */
	int64_t keyframe_asked_ns;
	guint backoff_timer, answer_timer;
	unsigned op; /* the one request of the state machine whose answer counts */
	int err;     /* of that request, and what it said */
	char *err_text;
	unsigned end_status;
	char *end_reason;
} McuLeg;

/* --- call.c --- */

/** A{sv} with `call` and, where not NULL, `participant` and `detail`'s members. */
void mcu_call_emit(McuCall *c, const char *event, const char *participant, GVariant *detail);

bool mcu_call_id_valid(const char *id);
McuCall *mcu_call_find(McuDaemon *d, const char *id);
/** Errors: -EINVAL the id, -EEXIST, -EOVERFLOW limits.calls, -ECANCELED draining, -EIO spawn. */
int mcu_call_new(McuDaemon *d, const char *id, GVariant *options, McuCall **ret, McuDiag *reterr);
void mcu_call_free(McuCall *c);
/** `reason` is kept for the event "call-ended". The call may be gone afterwards. */
void mcu_call_end(McuCall *c, const char *reason);
/** A leg is over; forget it. Frees the leg. */
void mcu_call_leg_gone(McuCall *c, McuLeg *leg);
void mcu_call_leg_joined(McuCall *c);
/** The configuration was reloaded: what concerns calls that run. */
void mcu_call_reconfigure(McuCall *c);
/** Ask for a recording now; `reply` as of Worker1.StartRecording, text = the path. */
void mcu_call_record(McuCall *c, McuWorkerReplyFn reply, void *data);
McuLeg *mcu_call_find_leg(McuCall *c, const char *leg_id);
McuLeg *mcu_call_find_participant(McuCall *c, const char *participant);
/** control.h: call a{sv}; `full` = with the participants themselves. */
GVariant *mcu_call_describe(const McuCall *c, bool full);
GVariant *mcu_call_describe_participants(const McuCall *c);
/** Worker1.Start's options: the configuration, and what the call remembers. */
GVariant *mcu_worker_options(const McuConf *conf, const char *layout, unsigned max_participants);
/** record.path + record.name for this call, now; a name that does not exist yet. Owns: caller. */
char *mcu_recording_path(const McuConf *conf, const char *call);

/* --- leg.c --- */

typedef struct McuLegParams {
	const char *name, *uri, *local_address;
	const char *offer; /* inbound only; NULL = we offer */
	void *session;     /* inbound only; taken */
	bool outbound;
} McuLegParams;

/** Adds the leg to the call; feed it WORKER_READY when a worker is there. */
McuLeg *mcu_leg_new(McuCall *c, const McuLegParams *params);
void mcu_leg_free(McuLeg *leg);
/** The leg may be gone afterwards. */
void mcu_leg_feed(McuLeg *leg, McuLegEvent event);
/** `status` is sent to an unanswered INVITE; `reason` goes into the event "participant-left". */
void mcu_leg_hangup(McuLeg *leg, unsigned status, const char *reason);
/** re-INVITE as soon as nothing else is in negotiation. */
void mcu_leg_renegotiate(McuLeg *leg);
void mcu_leg_worker_event(McuLeg *leg, const char *event, GVariant *detail);
GVariant *mcu_leg_props(const McuLeg *leg);    /* of AddParticipant */
GVariant *mcu_leg_describe(const McuLeg *leg); /* control.h: participant a{sv} */
void mcu_leg_emit(McuLeg *leg, const char *event, GVariant *detail);

/* --- what signalling reports (owner = leg) --- */

void mcu_leg_on_offer(void *owner, const char *sdp);
void mcu_leg_on_answer(void *owner, const char *sdp);
void mcu_leg_on_acked(void *owner);
void mcu_leg_on_ringing(void *owner);
void mcu_leg_on_refused(void *owner, unsigned status, const char *phrase);
void mcu_leg_on_ended(void *owner, unsigned status, const char *reason);
void mcu_leg_on_refresh(void *owner);
void mcu_leg_on_keyframe(void *owner);
void mcu_leg_on_dtmf(void *owner, const char *digit, unsigned duration_ms);

/** Wall clock in microseconds as RFC 3339. Owns: caller. */
char *mcu_time_str(int64_t us);
