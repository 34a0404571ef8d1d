/* The tables of calls and legs. */
#include <glib.h>

#include "daemon/call_fsm.h"
#include "daemon/leg_fsm.h"

static void test_leg_table(void)
{
	for (int s = 1; s < MCU_LEG_STATE_LAST; s++) {
		g_assert_nonnull(mcu_leg_state_name((McuLegState)s));
		for (int e = 1; e < MCU_LEG_EVENT_LAST; e++) {
			McuLegStep step = mcu_leg_step((McuLegState)s, (McuLegEvent)e);

			g_assert_nonnull(mcu_leg_event_name((McuLegEvent)e));
			g_assert_cmpint(step.action, >=, MCU_LEG_DO_NOTHING);
			g_assert_cmpint(step.action, <, MCU_LEG_ACTION_LAST);
			g_assert_cmpint(step.next, >=, 1);
			g_assert_cmpint(step.next, <, MCU_LEG_STATE_LAST);
			if (s == MCU_LEG_GONE)
				g_assert_cmpint(step.action, ==, MCU_LEG_DO_NOTHING);
			else if (e == MCU_LEG_EV_HANGUP || e == MCU_LEG_EV_ENDED)
				g_assert_cmpint(step.next, ==, MCU_LEG_GONE);
		}
	}
}

/* Wherever the worker is asked something, its answer, its failure and its loss must lead on; an
 * offer of the peer must be answered in every state in which there is a dialog. */
static void test_leg_no_dead_ends(void)
{
	for (int s = 1; s < MCU_LEG_GONE; s++) {
		McuLegState state = (McuLegState)s;
		McuLegStep offer = mcu_leg_step(state, MCU_LEG_EV_OFFER);

		if (mcu_leg_state_asks_worker(state)) {
			g_assert_cmpint(mcu_leg_step(state, MCU_LEG_EV_DONE).next, !=, state);
			g_assert_cmpint(mcu_leg_step(state, MCU_LEG_EV_FAILED).next, !=, state);
			g_assert_cmpint(mcu_leg_step(state, MCU_LEG_EV_WORKER_LOST).next, !=,
					state);
		}
		if (state > MCU_LEG_OUT_DIALLING || state == MCU_LEG_IN_ACCEPTED)
			g_assert_cmpint(offer.action, !=, MCU_LEG_DO_NOTHING);
	}
}

static void test_call_table(void)
{
	for (int s = 1; s < MCU_CALL_STATE_LAST; s++) {
		g_assert_nonnull(mcu_call_state_name((McuCallState)s));
		for (int e = 1; e < MCU_CALL_EVENT_LAST; e++) {
			McuCallStep step = mcu_call_step((McuCallState)s, (McuCallEvent)e);

			if (s >= MCU_CALL_DRAINING) /* no way back from the end */
				g_assert_cmpint(step.next, >=, s);
			g_assert_cmpint(step.action, >=, MCU_CALL_DO_NOTHING);
			if (s < MCU_CALL_ENDED && e == MCU_CALL_EV_FAILED)
				g_assert_cmpint(step.next, ==, MCU_CALL_ENDED);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/daemon/leg/table", test_leg_table);
	g_test_add_func("/daemon/leg/no-dead-ends", test_leg_no_dead_ends);
	g_test_add_func("/daemon/call/table", test_call_table);
	return g_test_run();
}
