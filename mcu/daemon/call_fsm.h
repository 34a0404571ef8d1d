/* The life of a call as one table. Pure; call.c carries it out. */
#pragma once

typedef enum McuCallState {
	MCU_CALL_STARTING = 1, /* its first worker is being started */
	MCU_CALL_RUNNING,
	MCU_CALL_RESTARTING, /* the worker died; a fresh one is being started */
	MCU_CALL_DRAINING,   /* everybody is sent away; the recording is being closed */
	MCU_CALL_ENDED,      /* final */
	MCU_CALL_STATE_LAST,
} McuCallState;

typedef enum McuCallEvent {
	MCU_CALL_EV_STARTED = 1,
	MCU_CALL_EV_LOST,    /* the worker is gone; a restart is allowed */
	MCU_CALL_EV_FAILED,  /* the worker is gone; too often, or it refused to start */
	MCU_CALL_EV_END,     /* deleted, empty, or the daemon stops */
	MCU_CALL_EV_STOPPED, /* the worker has stopped, or took too long */
	MCU_CALL_EVENT_LAST,
} McuCallEvent;

typedef enum McuCallAction {
	MCU_CALL_DO_NOTHING = 1,
	MCU_CALL_DO_RESTORE, /* layout and recording as asked for; let the legs negotiate */
	MCU_CALL_DO_RESPAWN, /* legs wait; start a fresh worker */
	MCU_CALL_DO_DRAIN,   /* hang up, Stop */
	MCU_CALL_DO_FINISH,  /* hang up whoever is left, forget the call */
	MCU_CALL_ACTION_LAST,
} McuCallAction;

typedef struct McuCallStep {
	McuCallAction action;
	McuCallState next;
} McuCallStep;

/** Total: what a state does not expect changes nothing. */
McuCallStep mcu_call_step(McuCallState state, McuCallEvent event);

const char *mcu_call_state_name(McuCallState state);
