/* mcu/base: errors, ring, hand-off, packets, bytes, wake. */
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/handoff.h"
#include "base/job.h"
#include "base/log.h"
#include "base/packet.h"
#include "base/ring.h"
#include "base/thread.h"

static void test_diag(void)
{
	McuDiag d = { 0 };
	g_autofree char *full = NULL, *cut = NULL;

	mcu_diag_where(&d, 3, 7, "mcu.yaml");
	g_assert_cmpint(mcu_diag(&d, -EINVAL, "found %d, expected %s", 5, "a name"), ==, -EINVAL);
	full = mcu_diag_str(&d);
	g_assert_cmpstr(full, ==, "mcu.yaml:3:7: found 5, expected a name");
	g_assert_cmpint(mcu_diag(NULL, -EIO, "nobody listens"), ==, -EIO);

	/* cut in the middle of a two-byte character: no half is left */
	g_autofree char *text = g_strnfill(MCU_DIAG_TEXT_MAX - 2, 'x');
	mcu_diag(&d, -EINVAL, "%sé", text);
	g_assert_true(g_utf8_validate(d.text, -1, NULL));
	g_assert_cmpuint(strlen(d.text), ==, MCU_DIAG_TEXT_MAX - 2);
	cut = mcu_diag_str(&d);
}

static void test_err_names(void)
{
	const int all[] = { EINVAL, EPROTO, EAGAIN,  ENOENT,    EEXIST,    ENOMEM, ENOSPC, EOVERFLOW,
			    ENOTSUP, EACCES, ETIMEDOUT, ECANCELED, EIO,    EBUSY,  EPIPE };

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_assert_cmpint(mcu_err_from_name(mcu_err_name(-all[i])), ==, -all[i]);
	g_assert_cmpint(mcu_err_from_name("nonsense"), ==, -EIO);
}

#define RING_ITEMS 200000

static void *ring_producer(void *data)
{
	for (uintptr_t i = 1; i <= RING_ITEMS; i++)
		while (!mcu_ring_push(data, (void *)i))
			g_thread_yield();
	return NULL;
}

static void test_ring(void)
{
	McuRing *ring = mcu_ring_new(5, NULL);
	GThread *t;

	for (uintptr_t i = 1; i <= 8; i++)
		g_assert_true(mcu_ring_push(ring, (void *)i));
	g_assert_false(mcu_ring_push(ring, (void *)9));
	g_assert_cmpuint(mcu_ring_dropped(ring), ==, 1);
	g_assert_cmpuint(mcu_ring_len(ring), ==, 8);
	for (uintptr_t i = 1; i <= 8; i++)
		g_assert_true(mcu_ring_pop(ring) == (void *)i);
	g_assert_null(mcu_ring_pop(ring));

	t = mcu_thread_start("producer", ring_producer, ring);
	for (uintptr_t want = 1; want <= RING_ITEMS;) {
		void *item = mcu_ring_pop(ring);
		if (!item) {
			g_thread_yield();
			continue;
		}
		g_assert_true(item == (void *)want);
		want++;
	}
	g_thread_join(t);
	mcu_ring_free(ring);
}

static void *handoff_reader(void *data)
{
	int last = 0;

	while (last < 10000) {
		int *now = mcu_handoff_acquire(data);
		if (!now)
			continue;
		g_assert_cmpint(*now, >=, last);
		last = *now;
	}
	return NULL;
}

static void test_handoff(void)
{
	McuHandoff *h = mcu_handoff_new(g_free);
	GThread *t = mcu_thread_start("reader", handoff_reader, h);

	for (int i = 1; i <= 10000; i++) {
		int *v = g_new(int, 1);
		*v = i;
		mcu_handoff_publish(h, v);
	}
	g_thread_join(t);
	mcu_handoff_free(h);
}

static void test_packet(void)
{
	g_autoptr(McuPacket) pkt = mcu_packet_new_copy("abc", 3);

	memcpy(mcu_packet_prepend(pkt, 2), "xy", 2);
	g_assert_cmpuint(pkt->len, ==, 5);
	g_assert_cmpmem(pkt->data, pkt->len, "xyabc", 5);
	g_assert_cmpuint(mcu_packet_headroom(pkt), ==, MCU_PACKET_HEADROOM - 2);
	g_assert_cmpuint(mcu_packet_capacity(pkt), >=, MCU_PACKET_MAX);
	mcu_packet_unref(mcu_packet_ref(pkt));
	g_assert_null(mcu_packet_new_copy("", MCU_PACKET_MAX + 1));
}

static void test_bytes(void)
{
	uint8_t buf[18];
	McuWriter w = mcu_writer(buf, sizeof(buf));
	McuReader r;

	mcu_write_u8(&w, 1);
	mcu_write_u16(&w, 0x0203);
	mcu_write_u24(&w, 0x040506);
	mcu_write_u32(&w, 0x0708090a);
	mcu_write_u64(&w, UINT64_C(0x0b0c0d0e0f101112));
	g_assert_false(w.failed);
	g_assert_cmpuint(mcu_writer_len(&w), ==, 18);
	for (unsigned i = 0; i < 18; i++)
		g_assert_cmpuint(buf[i], ==, i + 1);
	mcu_write_u8(&w, 0);
	g_assert_true(w.failed);

	r = mcu_reader(buf, sizeof(buf));
	g_assert_cmpuint(mcu_read_u8(&r), ==, 1);
	g_assert_cmpuint(mcu_read_u16(&r), ==, 0x0203);
	g_assert_cmpuint(mcu_read_u24(&r), ==, 0x040506);
	g_assert_cmpuint(mcu_read_u32(&r), ==, 0x0708090a);
	g_assert_cmpuint(mcu_read_u64(&r), ==, UINT64_C(0x0b0c0d0e0f101112));
	g_assert_false(r.failed);
	g_assert_cmpuint(mcu_read_u16(&r), ==, 0);
	g_assert_true(r.failed);
}

static void on_wake(void *data, void *unused)
{
	(void)unused;
	++*(int *)data;
}

static void test_wake(void)
{
	int woken = 0;
	McuWake *wake = mcu_wake_new(NULL, on_wake, &woken);

	mcu_wake(wake);
	mcu_wake(wake);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpint(woken, ==, 1);
	mcu_wake(wake);
	g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(woken, ==, 2);
	mcu_wake_free(wake);
}

static void test_log_limit(void)
{
	McuLogLimit limit = { 0 };
	unsigned held = 0;

	g_assert_true(mcu_log_allow(&limit, 2, MCU_NS_PER_SEC * 100, &held));
	g_assert_true(mcu_log_allow(&limit, 2, MCU_NS_PER_SEC * 100, &held));
	g_assert_false(mcu_log_allow(&limit, 2, MCU_NS_PER_SEC * 100, &held));
	limit.window_start_ns -= MCU_NS_PER_SEC * 200;
	g_assert_true(mcu_log_allow(&limit, 2, MCU_NS_PER_SEC * 100, &held));
	g_assert_cmpuint(held, ==, 1);
}

/* --- jobs --- */

typedef struct Sum {
	GThread *worker, *ender;
	unsigned value, sum;
	bool done;
} Sum;

static void sum_up(void *data)
{
	Sum *s = data;

	s->worker = g_thread_self();
	for (unsigned i = 1; i <= s->value; i++)
		s->sum += i;
}

static void sum_done(void *data)
{
	Sum *s = data;

	s->ender = g_thread_self();
	s->done = true;
}

static void test_job(void)
{
	Sum sums[8] = { 0 };

	for (unsigned i = 0; i < G_N_ELEMENTS(sums); i++) {
		sums[i].value = 100 * i;
		mcu_job_run(sum_up, sum_done, &sums[i]);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(sums); i++) {
		while (!sums[i].done)
			g_main_context_iteration(NULL, TRUE);
		g_assert_cmpuint(sums[i].sum, ==, 50 * i * (100 * i + 1));
		g_assert_true(sums[i].worker != g_thread_self());
		g_assert_true(sums[i].ender == g_thread_self());
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/diag", test_diag);
	g_test_add_func("/base/err-names", test_err_names);
	g_test_add_func("/base/ring", test_ring);
	g_test_add_func("/base/handoff", test_handoff);
	g_test_add_func("/base/packet", test_packet);
	g_test_add_func("/base/bytes", test_bytes);
	g_test_add_func("/base/wake", test_wake);
	g_test_add_func("/base/job", test_job);
	g_test_add_func("/base/log-limit", test_log_limit);
	return g_test_run();
}
