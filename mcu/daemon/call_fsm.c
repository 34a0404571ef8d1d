#include "daemon/call_fsm.h"

#define S(x)  MCU_CALL_##x
#define EV(x) MCU_CALL_EV_##x
#define DO(x) MCU_CALL_DO_##x

/* clang-format off */
static const McuCallStep table[MCU_CALL_STATE_LAST][MCU_CALL_EVENT_LAST] = {
	[S(STARTING)] = {
		[EV(STARTED)] = { DO(RESTORE), S(RUNNING) },
		[EV(LOST)]    = { DO(RESPAWN), S(RESTARTING) },
		[EV(FAILED)]  = { DO(FINISH),  S(ENDED) },
		[EV(END)]     = { DO(DRAIN),   S(DRAINING) },
	},
	[S(RUNNING)] = {
		[EV(LOST)]    = { DO(RESPAWN), S(RESTARTING) },
		[EV(FAILED)]  = { DO(FINISH),  S(ENDED) },
		[EV(END)]     = { DO(DRAIN),   S(DRAINING) },
	},
	[S(RESTARTING)] = {
		[EV(STARTED)] = { DO(RESTORE), S(RUNNING) },
		[EV(LOST)]    = { DO(RESPAWN), S(RESTARTING) },
		[EV(FAILED)]  = { DO(FINISH),  S(ENDED) },
		[EV(END)]     = { DO(DRAIN),   S(DRAINING) },
	},
	[S(DRAINING)] = {
		[EV(LOST)]    = { DO(FINISH),  S(ENDED) },
		[EV(FAILED)]  = { DO(FINISH),  S(ENDED) },
		[EV(STOPPED)] = { DO(FINISH),  S(ENDED) },
	},
};
/* clang-format on */

McuCallStep mcu_call_step(McuCallState state, McuCallEvent event)
{
	McuCallStep step = table[state][event];

	return step.action ? step : (McuCallStep){ DO(NOTHING), state };
}

const char *mcu_call_state_name(McuCallState state)
{
	static const char *const names[] = {
		[S(STARTING)] = "starting",     [S(RUNNING)] = "running",
		[S(RESTARTING)] = "restarting", [S(DRAINING)] = "draining",
		[S(ENDED)] = "ended",
	};

	return names[state];
}
