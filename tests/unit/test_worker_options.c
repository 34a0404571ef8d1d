/* mcu/worker/options: Worker1.Start's dictionary. */
#include <glib.h>

#include "worker/options.h"

static GVariant *parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	GVariant *v = g_variant_parse(G_VARIANT_TYPE("a{sv}"), text, NULL, NULL, &error);

	g_assert_no_error(error);
	return v;
}

static void test_update(void)
{
	g_auto(McuWorkerOptions) o;
	g_autoptr(GVariant) v = parse("{'fps': <uint32 15>, 'srtp': <'required'>, 'layout': <'pip'>,"
				      " 'log-level': <'debug'>, 'width': <uint32 640>}");

	mcu_worker_options_init(&o);
	g_assert_cmpint(mcu_worker_options_update(&o, v, NULL), ==, 0);
	g_assert_cmpuint(o.fps, ==, 15);
	g_assert_cmpuint(o.width, ==, 640);
	g_assert_cmpuint(o.height, ==, 720);
	g_assert_cmpint(o.srtp, ==, MCU_SDP_SRTP_REQUIRED);
	g_assert_cmpint(o.log_level, ==, MCU_LOG_DEBUG);
	g_assert_cmpstr(o.layout, ==, "pip");
}

/* What is refused leaves everything as it was. */
static void test_refused(void)
{
	static const char *const bad[] = {
		"{'layout': <'pip'>, 'nonsense': <uint32 1>}",
		"{'layout': <'pip'>, 'fps': <'thirty'>}",
		"{'layout': <'pip'>, 'fps': <uint32 61>}",
		"{'layout': <'pip'>, 'srtp': <'maybe'>}",
		"{'layout': <uint32 3>}",
		"{'layout': <'pip'>, 'width': <uint32 641>}",
		"{'layout': <'pip'>, 'port-min': <uint32 3000>, 'port-max': <uint32 2000>}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(McuWorkerOptions) o;
		g_autoptr(GVariant) v = parse(bad[i]);
		McuDiag d = { 0 };

		mcu_worker_options_init(&o);
		g_assert_cmpint(mcu_worker_options_update(&o, v, &d), ==, -EINVAL);
		g_assert_cmpstr(d.text, !=, "");
		g_assert_cmpstr(o.layout, ==, "auto");
		g_assert_cmpuint(o.fps, ==, 30);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/worker/options/update", test_update);
	g_test_add_func("/worker/options/refused", test_refused);
	return g_test_run();
}
