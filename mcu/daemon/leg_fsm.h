/* What a leg does between a peer that may speak or hang up at any moment and a worker that answers
 * later or dies: one table of (state, event) -> (action, next state). Pure. leg.c carries it out.
 */
#pragma once
#include <stdbool.h>

typedef enum McuLegState {
	MCU_LEG_IN_WAITING = 1, /* inbound: the worker is not running yet */
	MCU_LEG_IN_PREPARING,   /* inbound: the worker is asked for our answer (or offer) */
	MCU_LEG_IN_ACCEPTED,    /* 200 sent, ACK not seen */
	MCU_LEG_OUT_WAITING,    /* outbound: the worker is not running yet */
	MCU_LEG_OUT_PREPARING,  /* outbound: the worker is asked for our offer */
	MCU_LEG_OUT_DIALLING,   /* INVITE sent */
	MCU_LEG_APPLYING,       /* the worker is given the peer's answer */
	MCU_LEG_UP,             /* nothing in negotiation */
	MCU_LEG_ANSWERING,      /* the worker is asked to answer a re-offer */
	MCU_LEG_COUNTERING, /* the worker is asked for an offer: the peer's re-INVITE had none */
	MCU_LEG_COUNTERED,  /* that offer is sent; the answer comes with the ACK */
	MCU_LEG_OFFERING,   /* the worker is asked for our re-offer */
	MCU_LEG_OFFERED,    /* our re-INVITE is sent */
	MCU_LEG_BACKOFF,    /* glare: wait before the next try */
	MCU_LEG_STALE,      /* a transaction is open whose worker died */
	MCU_LEG_ORPHAN,     /* the worker died; wait for the next */
	MCU_LEG_RECOVERING, /* a fresh worker is asked for an offer */
	MCU_LEG_RE_OFFERED, /* the re-INVITE that moves the media to the fresh worker is sent */
	MCU_LEG_RE_BACKOFF, /* glare with that re-INVITE */
	MCU_LEG_GONE,       /* final */
	MCU_LEG_STATE_LAST,
} McuLegState;

typedef enum McuLegEvent {
	MCU_LEG_EV_WORKER_READY = 1,
	MCU_LEG_EV_WORKER_LOST,
	MCU_LEG_EV_DONE,    /* the worker did what the last action asked */
	MCU_LEG_EV_FAILED,  /* it refused or did not answer */
	MCU_LEG_EV_OFFER,   /* the peer re-offers */
	MCU_LEG_EV_ASK,     /* the peer's re-INVITE asks for an offer */
	MCU_LEG_EV_ANSWER,  /* the peer's answer */
	MCU_LEG_EV_ACKED,   /* ACK without an answer in it */
	MCU_LEG_EV_REFUSED, /* our re-offer was refused */
	MCU_LEG_EV_GLARE,   /* the same, by 491 */
	MCU_LEG_EV_TIMER,   /* back-off is over */
	MCU_LEG_EV_REOFFER, /* we want to change the session */
	MCU_LEG_EV_ENDED,   /* the peer hung up, cancelled, refused or vanished */
	MCU_LEG_EV_HANGUP,  /* we end it */
	MCU_LEG_EVENT_LAST,
} McuLegEvent;

typedef enum McuLegAction {
	MCU_LEG_DO_NOTHING = 1,
	MCU_LEG_DO_PREPARE,    /* AddParticipant, AddLeg, SetOffer (MakeOffer without an offer) */
	MCU_LEG_DO_ACCEPT,     /* 200 with the worker's SDP */
	MCU_LEG_DO_DIAL,       /* INVITE with the worker's SDP */
	MCU_LEG_DO_APPLY,      /* SetAnswer */
	MCU_LEG_DO_ASK_ANSWER, /* SetOffer */
	MCU_LEG_DO_ASK_OFFER,  /* MakeOffer */
	MCU_LEG_DO_REPLY,      /* 200 to the re-INVITE with the worker's SDP */
	MCU_LEG_DO_REFUSE,     /* refuse the re-INVITE with the worker's error */
	MCU_LEG_DO_PENDING,    /* 491 to the re-INVITE */
	MCU_LEG_DO_LATER,      /* 500 with Retry-After to the re-INVITE */
	MCU_LEG_DO_QUEUE,      /* keep the re-offer until UP */
	MCU_LEG_DO_SEND_OFFER, /* re-INVITE with the worker's SDP */
	MCU_LEG_DO_ROLLBACK,   /* Rollback */
	MCU_LEG_DO_BACKOFF,    /* Rollback, start the timer */
	MCU_LEG_DO_KEEP_WANT,  /* SetOffer; our own re-offer follows once UP */
	MCU_LEG_DO_CHECK,      /* is a worker running by now? */
	MCU_LEG_DO_LEAVE,      /* tell the worker, leave the call */
	MCU_LEG_DO_HANGUP,     /* the same, and end the dialog */
	MCU_LEG_ACTION_LAST,
} McuLegAction;

typedef struct McuLegStep {
	McuLegAction action;
	McuLegState next;
} McuLegStep;

/** Total: what a state does not expect changes nothing. */
McuLegStep mcu_leg_step(McuLegState state, McuLegEvent event);

/** True while an answer of the worker is waited for in this state. */
bool mcu_leg_state_asks_worker(McuLegState state);

const char *mcu_leg_state_name(McuLegState state);
const char *mcu_leg_event_name(McuLegEvent event);
