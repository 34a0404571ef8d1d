/* mcu/rtp/rate_request: when a source is asked for fewer bits. */
#include <glib.h>

#include "rtp/rate_request.h"

#define MS INT64_C(1000000)
#define FULL 1500000
#define CANVAS (1280 * 720)

static void test_tiles(void)
{
	g_assert_cmpuint(mcu_rate_for_tile(FULL, CANVAS, CANVAS), ==, FULL);
	g_assert_cmpuint(mcu_rate_for_tile(FULL, CANVAS, CANVAS / 2), ==, FULL);
	g_assert_cmpuint(mcu_rate_for_tile(FULL, CANVAS, CANVAS / 4), ==, FULL / 2);
	g_assert_cmpuint(mcu_rate_for_tile(FULL, CANVAS, CANVAS / 9), ==, FULL / 4);
	g_assert_cmpuint(mcu_rate_for_tile(FULL, CANVAS, 0), ==, FULL / 8);
	/* never below what a picture needs */
	g_assert_cmpuint(mcu_rate_for_tile(300000, CANVAS, 0), ==, 150000);
	g_assert_cmpuint(mcu_rate_for_tile(100000, CANVAS, 0), ==, 100000);
}

static void test_asked_until_confirmed(void)
{
	McuRateRequest r = { 0 };

	/* all of it is what the source has been told in SDP */
	mcu_rate_request_set(&r, FULL, FULL);
	g_assert_false(mcu_rate_request_due(&r, 5 * MS));
	mcu_rate_request_set(&r, FULL / 2, FULL);
	g_assert_true(mcu_rate_request_due(&r, 5 * MS));
	g_assert_false(mcu_rate_request_due(&r, 6 * MS));
	g_assert_true(mcu_rate_request_due(&r, 1005 * MS));
	mcu_rate_request_confirm(&r, FULL);
	g_assert_true(mcu_rate_request_due(&r, 2005 * MS));
	mcu_rate_request_confirm(&r, FULL / 2 - 10);
	g_assert_false(mcu_rate_request_due(&r, 3005 * MS));
	/* back to all: has to be said now; a source that never confirms is left alone */
	mcu_rate_request_set(&r, FULL, FULL);
	for (int i = 0; i < MCU_RATE_REQUEST_TRIES; i++)
		g_assert_true(mcu_rate_request_due(&r, (4005 + 1000 * i) * MS));
	g_assert_false(mcu_rate_request_due(&r, 100000 * MS));
	mcu_rate_request_restart(&r);
	g_assert_true(mcu_rate_request_due(&r, 101000 * MS));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/rate-request/tiles", test_tiles);
	g_test_add_func("/rtp/rate-request/asked-until-confirmed", test_asked_until_confirmed);
	return g_test_run();
}
