/* mcu/rtp/cadence: picture times made even. */
#include <glib.h>
#include <stdlib.h>

#include "rtp/cadence.h"

#define MS INT64_C(1000000)

/* Jitter of a busy sender: steps come out within a millisecond or two of the true interval. */
static void test_jitter(void)
{
	McuCadence c = { 0 };
	GRand *rand = g_rand_new_with_seed(7);
	int64_t last = 0, worst = 0, interval = 33333333;

	for (int i = 0; i < 600; i++) {
		int64_t t = i * interval + g_rand_int_range(rand, -5000, 5000) * INT64_C(1000);
		int64_t out = mcu_cadence_next(&c, t);

		if (i > 100)
			worst = MAX(worst, llabs(out - last - interval));
		g_assert_cmpint(llabs(out - t), <=, interval);
		last = out;
	}
	g_assert_cmpint(worst, <, 2 * MS);
	g_rand_free(rand);
}

/* Half of the pictures left out, later the rate itself halves: never far from what was given. */
static void test_rates(void)
{
	McuCadence c = { 0 };
	int64_t t = 0;

	for (int i = 0; i < 300; i++) {
		t += i % 7 == 3 ? 66 * MS : 33 * MS;
		g_assert_cmpint(llabs(mcu_cadence_next(&c, t) - t), <=, 17 * MS);
	}
	for (int i = 0; i < 300; i++) {
		t += 66 * MS;
		g_assert_cmpint(llabs(mcu_cadence_next(&c, t) - t), <=, 17 * MS);
	}
}

static void test_pause_and_step_back(void)
{
	McuCadence c = { 0 };

	for (int i = 0; i < 10; i++)
		mcu_cadence_next(&c, i * 33 * MS);
	g_assert_cmpint(mcu_cadence_next(&c, 5000 * MS), ==, 5000 * MS);
	g_assert_cmpint(mcu_cadence_next(&c, 100 * MS), ==, 100 * MS);
	g_assert_cmpint(mcu_cadence_next(&c, 100 * MS), ==, 100 * MS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/cadence/jitter", test_jitter);
	g_test_add_func("/rtp/cadence/rates", test_rates);
	g_test_add_func("/rtp/cadence/pause", test_pause_and_step_back);
	return g_test_run();
}
