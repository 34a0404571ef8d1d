#include "daemon/leg_fsm.h"

#include <stddef.h>

#define S(x)  MCU_LEG_##x
#define EV(x) MCU_LEG_EV_##x
#define DO(x) MCU_LEG_DO_##x

typedef struct Row {
	McuLegState state;
	McuLegEvent event;
	McuLegAction action;
	McuLegState next;
} Row;

/* clang-format off */
static const Row rows[] = {
	{ S(IN_WAITING),    EV(WORKER_READY), DO(PREPARE),    S(IN_PREPARING) },

	{ S(IN_PREPARING),  EV(DONE),         DO(ACCEPT),     S(IN_ACCEPTED) },
	{ S(IN_PREPARING),  EV(FAILED),       DO(HANGUP),     S(GONE) },
	{ S(IN_PREPARING),  EV(WORKER_LOST),  DO(NOTHING),    S(IN_WAITING) },

	{ S(IN_ACCEPTED),   EV(ACKED),        DO(NOTHING),    S(UP) },
	{ S(IN_ACCEPTED),   EV(ANSWER),       DO(APPLY),      S(APPLYING) },
	{ S(IN_ACCEPTED),   EV(OFFER),        DO(QUEUE),      S(IN_ACCEPTED) },
	{ S(IN_ACCEPTED),   EV(ASK),          DO(LATER),      S(IN_ACCEPTED) },
	{ S(IN_ACCEPTED),   EV(WORKER_LOST),  DO(NOTHING),    S(STALE) },

	{ S(OUT_WAITING),   EV(WORKER_READY), DO(PREPARE),    S(OUT_PREPARING) },

	{ S(OUT_PREPARING), EV(DONE),         DO(DIAL),       S(OUT_DIALLING) },
	{ S(OUT_PREPARING), EV(FAILED),       DO(HANGUP),     S(GONE) },
	{ S(OUT_PREPARING), EV(WORKER_LOST),  DO(NOTHING),    S(OUT_WAITING) },

	{ S(OUT_DIALLING),  EV(ANSWER),       DO(APPLY),      S(APPLYING) },
	{ S(OUT_DIALLING),  EV(OFFER),        DO(LATER),      S(OUT_DIALLING) },
	{ S(OUT_DIALLING),  EV(ASK),          DO(LATER),      S(OUT_DIALLING) },
	{ S(OUT_DIALLING),  EV(WORKER_LOST),  DO(NOTHING),    S(STALE) },

	{ S(APPLYING),      EV(DONE),         DO(NOTHING),    S(UP) },
	{ S(APPLYING),      EV(FAILED),       DO(HANGUP),     S(GONE) },
	{ S(APPLYING),      EV(OFFER),        DO(QUEUE),      S(APPLYING) },
	{ S(APPLYING),      EV(ASK),          DO(LATER),      S(APPLYING) },
	{ S(APPLYING),      EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },

	{ S(UP),            EV(OFFER),        DO(ASK_ANSWER), S(ANSWERING) },
	{ S(UP),            EV(ASK),          DO(ASK_OFFER),  S(COUNTERING) },
	{ S(UP),            EV(REOFFER),      DO(ASK_OFFER),  S(OFFERING) },
	{ S(UP),            EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },

	{ S(ANSWERING),     EV(DONE),         DO(REPLY),      S(UP) },
	{ S(ANSWERING),     EV(FAILED),       DO(REFUSE),     S(UP) },
	{ S(ANSWERING),     EV(OFFER),        DO(LATER),      S(ANSWERING) },
	{ S(ANSWERING),     EV(ASK),          DO(LATER),      S(ANSWERING) },
	{ S(ANSWERING),     EV(WORKER_LOST),  DO(LATER),      S(ORPHAN) },

	{ S(COUNTERING),    EV(DONE),         DO(REPLY),      S(COUNTERED) },
	{ S(COUNTERING),    EV(FAILED),       DO(REFUSE),     S(UP) },
	{ S(COUNTERING),    EV(OFFER),        DO(LATER),      S(COUNTERING) },
	{ S(COUNTERING),    EV(ASK),          DO(LATER),      S(COUNTERING) },
	{ S(COUNTERING),    EV(WORKER_LOST),  DO(LATER),      S(ORPHAN) },

	{ S(COUNTERED),     EV(ANSWER),       DO(APPLY),      S(APPLYING) },
	{ S(COUNTERED),     EV(ACKED),        DO(ROLLBACK),   S(UP) },
	{ S(COUNTERED),     EV(OFFER),        DO(LATER),      S(COUNTERED) },
	{ S(COUNTERED),     EV(ASK),          DO(LATER),      S(COUNTERED) },
	{ S(COUNTERED),     EV(WORKER_LOST),  DO(NOTHING),    S(STALE) },

	{ S(OFFERING),      EV(DONE),         DO(SEND_OFFER), S(OFFERED) },
	{ S(OFFERING),      EV(FAILED),       DO(NOTHING),    S(UP) },
	{ S(OFFERING),      EV(OFFER),        DO(PENDING),    S(OFFERING) },
	{ S(OFFERING),      EV(ASK),          DO(PENDING),    S(OFFERING) },
	{ S(OFFERING),      EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },

	{ S(OFFERED),       EV(ANSWER),       DO(APPLY),      S(APPLYING) },
	{ S(OFFERED),       EV(REFUSED),      DO(ROLLBACK),   S(UP) },
	{ S(OFFERED),       EV(GLARE),        DO(BACKOFF),    S(BACKOFF) },
	{ S(OFFERED),       EV(OFFER),        DO(PENDING),    S(OFFERED) },
	{ S(OFFERED),       EV(ASK),          DO(PENDING),    S(OFFERED) },
	{ S(OFFERED),       EV(WORKER_LOST),  DO(NOTHING),    S(STALE) },

	{ S(BACKOFF),       EV(TIMER),        DO(ASK_OFFER),  S(OFFERING) },
	{ S(BACKOFF),       EV(OFFER),        DO(KEEP_WANT),  S(ANSWERING) },
	{ S(BACKOFF),       EV(ASK),          DO(ASK_OFFER),  S(COUNTERING) },
	{ S(BACKOFF),       EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },

	{ S(STALE),         EV(ACKED),        DO(CHECK),      S(ORPHAN) },
	{ S(STALE),         EV(ANSWER),       DO(CHECK),      S(ORPHAN) },
	{ S(STALE),         EV(REFUSED),      DO(CHECK),      S(ORPHAN) },
	{ S(STALE),         EV(GLARE),        DO(CHECK),      S(ORPHAN) },
	{ S(STALE),         EV(OFFER),        DO(LATER),      S(STALE) },
	{ S(STALE),         EV(ASK),          DO(LATER),      S(STALE) },

	{ S(ORPHAN),        EV(WORKER_READY), DO(PREPARE),    S(RECOVERING) },
	{ S(ORPHAN),        EV(OFFER),        DO(LATER),      S(ORPHAN) },
	{ S(ORPHAN),        EV(ASK),          DO(LATER),      S(ORPHAN) },

	{ S(RECOVERING),    EV(DONE),         DO(SEND_OFFER), S(RE_OFFERED) },
	{ S(RECOVERING),    EV(FAILED),       DO(HANGUP),     S(GONE) },
	{ S(RECOVERING),    EV(OFFER),        DO(PENDING),    S(RECOVERING) },
	{ S(RECOVERING),    EV(ASK),          DO(PENDING),    S(RECOVERING) },
	{ S(RECOVERING),    EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },

	{ S(RE_OFFERED),    EV(ANSWER),       DO(APPLY),      S(APPLYING) },
	{ S(RE_OFFERED),    EV(REFUSED),      DO(HANGUP),     S(GONE) },
	{ S(RE_OFFERED),    EV(GLARE),        DO(BACKOFF),    S(RE_BACKOFF) },
	{ S(RE_OFFERED),    EV(OFFER),        DO(PENDING),    S(RE_OFFERED) },
	{ S(RE_OFFERED),    EV(ASK),          DO(PENDING),    S(RE_OFFERED) },
	{ S(RE_OFFERED),    EV(WORKER_LOST),  DO(NOTHING),    S(STALE) },

	/* the peer's own re-offer moves the media as well as ours would have */
	{ S(RE_BACKOFF),    EV(TIMER),        DO(ASK_OFFER),  S(RECOVERING) },
	{ S(RE_BACKOFF),    EV(OFFER),        DO(ASK_ANSWER), S(ANSWERING) },
	{ S(RE_BACKOFF),    EV(ASK),          DO(ASK_OFFER),  S(COUNTERING) },
	{ S(RE_BACKOFF),    EV(WORKER_LOST),  DO(NOTHING),    S(ORPHAN) },
};
/* clang-format on */

McuLegStep mcu_leg_step(McuLegState state, McuLegEvent event)
{
	if (state == S(GONE))
		return (McuLegStep){ DO(NOTHING), S(GONE) };
	/* the same wherever it happens */
	if (event == EV(ENDED))
		return (McuLegStep){ DO(LEAVE), S(GONE) };
	if (event == EV(HANGUP))
		return (McuLegStep){ DO(HANGUP), S(GONE) };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].state == state && rows[i].event == event)
			return (McuLegStep){ rows[i].action, rows[i].next };
	return (McuLegStep){ DO(NOTHING), state };
}

bool mcu_leg_state_asks_worker(McuLegState state)
{
	switch (state) {
	case S(IN_PREPARING):
	case S(OUT_PREPARING):
	case S(APPLYING):
	case S(ANSWERING):
	case S(COUNTERING):
	case S(OFFERING):
	case S(RECOVERING):
		return true;
	default:
		return false;
	}
}

const char *mcu_leg_state_name(McuLegState state)
{
	static const char *const names[] = {
		[S(IN_WAITING)] = "in-waiting",
		[S(IN_PREPARING)] = "in-preparing",
		[S(IN_ACCEPTED)] = "in-accepted",
		[S(OUT_WAITING)] = "out-waiting",
		[S(OUT_PREPARING)] = "out-preparing",
		[S(OUT_DIALLING)] = "out-dialling",
		[S(APPLYING)] = "applying",
		[S(UP)] = "up",
		[S(ANSWERING)] = "answering",
		[S(COUNTERING)] = "countering",
		[S(COUNTERED)] = "countered",
		[S(OFFERING)] = "offering",
		[S(OFFERED)] = "offered",
		[S(BACKOFF)] = "backoff",
		[S(STALE)] = "stale",
		[S(ORPHAN)] = "orphan",
		[S(RECOVERING)] = "recovering",
		[S(RE_OFFERED)] = "re-offered",
		[S(RE_BACKOFF)] = "re-backoff",
		[S(GONE)] = "gone",
	};

	return names[state];
}

const char *mcu_leg_event_name(McuLegEvent event)
{
	static const char *const names[] = {
		[EV(WORKER_READY)] = "worker-ready",
		[EV(WORKER_LOST)] = "worker-lost",
		[EV(DONE)] = "done",
		[EV(FAILED)] = "failed",
		[EV(OFFER)] = "offer",
		[EV(ASK)] = "ask",
		[EV(ANSWER)] = "answer",
		[EV(ACKED)] = "acked",
		[EV(REFUSED)] = "refused",
		[EV(GLARE)] = "glare",
		[EV(TIMER)] = "timer",
		[EV(REOFFER)] = "reoffer",
		[EV(ENDED)] = "ended",
		[EV(HANGUP)] = "hangup",
	};

	return names[event];
}
