#include <string.h>

#include "base/clock.h"
#include "daemon/admission.h"
#include "daemon/events.h"

static McuAdmission *make(char *const *allow)
{
	McuAdmission *a = NULL;
	McuDiag diag = { 0 };

	g_assert_cmpint(mcu_admission_new(allow, &a, &diag), ==, 0);
	return a;
}

static void test_cidr(void)
{
	char *allow[] = { (char *)"10.1.0.0/16", (char *)"2001:db8::/32", (char *)"192.0.2.7",
			  NULL };
	g_autoptr(McuAdmission) a = make(allow);
	static const struct {
		const char *address;
		int expected;
	} cases[] = {
		{ "10.1.255.255", 0 },
		{ "10.2.0.0", -EACCES },
		{ "192.0.2.7", 0 },
		{ "192.0.2.8", -EACCES },
		{ "2001:db8:1::5", 0 },
		{ "2001:db9::1", -EACCES },
		{ "::ffff:10.1.2.3", 0 },
		{ "::1", -EACCES },
		{ "", -EACCES },
		{ "not an address", -EACCES },
		{ "10.1.0.0/16", -EACCES },
		{ NULL, -EACCES },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(mcu_admission_check(a, cases[i].address, 0), ==, cases[i].expected);
}

static void test_bad_cidr(void)
{
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0.1/8", "room", "10.0.0.0/", "" };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		char *allow[] = { (char *)bad[i], NULL };
		McuAdmission *a = NULL;
		McuDiag diag = { 0 };

		g_assert_cmpint(mcu_admission_new(allow, &a, &diag), ==, -EINVAL);
		g_assert_nonnull(strstr(diag.text, "sip.allow"));
		g_assert_null(a);
	}
}

static void test_rate(void)
{
	g_autoptr(McuAdmission) a = make(NULL);
	int64_t now_ns = 5 * MCU_NS_PER_SEC;

	for (int i = 0; i < MCU_ADMISSION_BURST; i++)
		g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, 0);
	g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, -EBUSY);
	g_assert_cmpint(mcu_admission_check(a, "192.0.2.2", now_ns), ==, 0);
	now_ns += MCU_NS_PER_SEC;
	for (int i = 0; i < MCU_ADMISSION_PER_SEC; i++)
		g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, 0);
	g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, -EBUSY);
	/* a long silence fills the bucket, no more */
	now_ns += INT64_C(1000000) * MCU_NS_PER_SEC;
	for (int i = 0; i < MCU_ADMISSION_BURST; i++)
		g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, 0);
	g_assert_cmpint(mcu_admission_check(a, "192.0.2.1", now_ns), ==, -EBUSY);
}

static void test_many_sources(void)
{
	g_autoptr(McuAdmission) a = make(NULL);
	unsigned refused = 0;

	/* each drinks its bucket half empty, so none can be forgotten */
	for (unsigned i = 0; i < MCU_MAX_ADMISSION_SOURCES + 200; i++) {
		g_autofree char *address = g_strdup_printf("10.0.%u.%u", i / 256, i % 256);

		refused += mcu_admission_check(a, address, 0) != 0;
	}
	g_assert_cmpuint(refused, ==, 200 - MCU_ADMISSION_BURST);
	/* quiet ones are forgotten, and there is room again */
	g_assert_cmpint(mcu_admission_check(a, "10.9.9.9", 60 * MCU_NS_PER_SEC), ==, 0);
}

/* --- events --- */

typedef struct Hearer {
	McuEvents *events;
	unsigned id, drops, heard;
} Hearer;

static void on_event(void *data, const char *event, GVariant *detail)
{
	Hearer *h = data;

	g_assert_cmpstr(event, ==, "thing");
	g_assert_true(g_variant_is_of_type(detail, G_VARIANT_TYPE_VARDICT));
	h->heard++;
	if (h->drops)
		mcu_events_unsubscribe(h->events, h->drops);
}

static void test_events(void)
{
	g_autoptr(McuEvents) e = mcu_events_new();
	Hearer h[3] = { { .events = e }, { .events = e }, { .events = e } };

	for (int i = 0; i < 3; i++)
		h[i].id = mcu_events_subscribe(e, on_event, &h[i]);
	h[0].drops = h[0].id; /* itself */
	h[1].drops = h[2].id; /* one that has not heard it yet */
	mcu_events_emit(e, "thing", g_variant_new_parsed("@a{sv} {}"));
	g_assert_cmpuint(h[0].heard, ==, 1);
	g_assert_cmpuint(h[1].heard, ==, 1);
	g_assert_cmpuint(h[2].heard, ==, 0);
	mcu_events_emit(e, "thing", g_variant_new_parsed("@a{sv} {}"));
	g_assert_cmpuint(h[0].heard, ==, 1);
	g_assert_cmpuint(h[1].heard, ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/daemon/admission/cidr", test_cidr);
	g_test_add_func("/daemon/admission/bad-cidr", test_bad_cidr);
	g_test_add_func("/daemon/admission/rate", test_rate);
	g_test_add_func("/daemon/admission/many-sources", test_many_sources);
	g_test_add_func("/daemon/events", test_events);
	return g_test_run();
}
