/* mcu/video/overload: up when it lasts, down with patience, more patience after a relapse. */
#include <glib.h>

#include "video/overload.h"

static McuOverloadLevel windows(McuOverload *o, unsigned n, uint64_t missed)
{
	McuOverloadWindow w = { 30, missed };
	McuOverloadLevel level = mcu_overload_level(o);

	while (n--)
		level = mcu_overload_window(o, &w);
	return level;
}

static void test_ladder(void)
{
	McuOverload o = { 0 };

	g_assert_cmpint(windows(&o, 100, 0), ==, MCU_OVERLOAD_NONE);
	g_assert_cmpint(windows(&o, 1, 15), ==, MCU_OVERLOAD_NONE); /* a hiccup */
	g_assert_cmpint(windows(&o, 1, 0), ==, MCU_OVERLOAD_NONE);
	g_assert_cmpint(windows(&o, 1, 15), ==, MCU_OVERLOAD_NONE);
	g_assert_cmpint(windows(&o, 1, 15), ==, MCU_OVERLOAD_SKIP_LOOP_FILTER);
	g_assert_cmpint(windows(&o, 2, 15), ==, MCU_OVERLOAD_HALF_RATE);
	g_assert_cmpint(windows(&o, 2, 15), ==, MCU_OVERLOAD_FREEZE_IDLE);
	g_assert_cmpint(windows(&o, 20, 30), ==, MCU_OVERLOAD_FREEZE_IDLE);
	g_assert_cmpuint(o.steps, ==, 3);
	g_assert_cmpint(windows(&o, 300, 2), ==, MCU_OVERLOAD_FREEZE_IDLE); /* neither good nor bad */
}

static unsigned windows_until_step_back(McuOverload *o)
{
	McuOverloadLevel level = mcu_overload_level(o);
	unsigned n = 0;

	while (windows(o, 1, 0) == level)
		g_assert_cmpuint(++n, <, 1000);
	return n;
}

static void test_hysteresis(void)
{
	McuOverload o = { 0 };
	unsigned first, second;

	windows(&o, 2, 10);
	first = windows_until_step_back(&o);
	g_assert_cmpuint(first, >=, 5);
	windows(&o, 2, 10); /* too early: next time later */
	second = windows_until_step_back(&o);
	g_assert_cmpuint(second, >=, 2 * first);
	for (int i = 0; i < 10; i++) {
		windows(&o, 2, 10);
		g_assert_cmpuint(windows_until_step_back(&o), <, 200);
	}
	windows(&o, 1000, 0); /* a long good time forgives */
	windows(&o, 2, 10);
	g_assert_cmpuint(windows_until_step_back(&o), ==, first);
}

static void test_nothing_wanted(void)
{
	McuOverload o = { 0 };
	McuOverloadWindow none = { 0, 0 };

	for (int i = 0; i < 10; i++)
		g_assert_cmpint(mcu_overload_window(&o, &none), ==, MCU_OVERLOAD_NONE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/overload/ladder", test_ladder);
	g_test_add_func("/overload/hysteresis", test_hysteresis);
	g_test_add_func("/overload/nothing-wanted", test_nothing_wanted);
	return g_test_run();
}
