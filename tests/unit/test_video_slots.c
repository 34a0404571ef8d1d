/* mcu/video/slots: who sits where, and that nobody jumps without need. */
#include <glib.h>
#include <string.h>

#include "video/slots.h"

#define SEC MCU_NS_PER_SEC

typedef struct Meeting {
	McuSlots *slots;
	McuLayout *layout;
	McuSlotPerson people[40];
	size_t n;
	uint32_t focus, speaker;
	int64_t now, again;
	McuArrangement a;
	uint32_t ids[MCU_MAX_SLOTS];
} Meeting;

static void setup(Meeting *m, const char *layout)
{
	memset(m, 0, sizeof *m);
	m->slots = mcu_slots_new();
	m->now = 100 * SEC;
	g_assert_cmpint(mcu_layout_load("config/layouts", layout, &m->layout, NULL), ==, 0);
}

static void done(Meeting *m)
{
	mcu_slots_free(m->slots);
	mcu_layout_unref(m->layout);
}

static void join(Meeting *m, uint32_t id)
{
	m->people[m->n++] = (McuSlotPerson){ .id = id };
}

static void leave(Meeting *m, uint32_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->people[i].id == id) {
			memmove(&m->people[i], &m->people[i + 1],
				(m->n - i - 1) * sizeof m->people[0]);
			m->n--;
			return;
		}
	g_assert_not_reached();
}

static void speaks(Meeting *m, uint32_t id)
{
	m->speaker = id;
	for (size_t i = 0; i < m->n; i++)
		if (m->people[i].id == id)
			m->people[i].spoke_ns = m->now;
}

/* Decide, and check what always holds: nobody twice, nobody unknown or hidden, no free slot while
 * somebody waits. */
static void decide(Meeting *m)
{
	size_t visible = 0, seated = 0;
	McuSlotsInput in = { &m->a, m->people, m->n, m->focus, m->speaker, m->now };

	for (size_t i = 0; i < m->n; i++)
		visible += !m->people[i].hidden;
	g_assert_cmpint(mcu_layout_arrange(m->layout, visible, 1280, 720, &m->a), ==, 0);
	mcu_slots_assign(m->slots, &in, m->ids, &m->again);
	for (size_t i = 0; i < m->a.n; i++) {
		bool known = !m->ids[i];

		for (size_t j = 0; j < m->n; j++)
			known |= m->people[j].id == m->ids[i] && !m->people[j].hidden;
		g_assert_true(known);
		for (size_t j = 0; j < i; j++)
			g_assert_true(!m->ids[i] || m->ids[i] != m->ids[j]);
		seated += m->ids[i] != 0;
	}
	g_assert_cmpuint(seated, ==, MIN(visible, m->a.n));
}

static int where(const Meeting *m, uint32_t id)
{
	for (size_t i = 0; i < m->a.n; i++)
		if (m->ids[i] == id)
			return (int)i;
	return -1;
}

static void test_nobody_jumps(void)
{
	Meeting m;

	setup(&m, "grid");
	for (uint32_t id = 1; id <= 5; id++)
		join(&m, id);
	decide(&m);
	for (uint32_t id = 1; id <= 5; id++)
		g_assert_cmpint(where(&m, id), ==, id - 1);
	leave(&m, 2); /* 4 would fit 2 x 2: line up anew in the same order */
	decide(&m);
	g_assert_cmpuint(m.a.n, ==, 4);
	g_assert_cmpint(where(&m, 3), ==, 1);
	join(&m, 6);
	join(&m, 7);
	decide(&m);
	g_assert_cmpuint(m.a.n, ==, 9);
	g_assert_cmpint(where(&m, 6), ==, 4);
	leave(&m, 3);
	decide(&m);
	g_assert_cmpint(where(&m, 4), ==, 2);
	g_assert_cmpint(where(&m, 7), ==, 5);
	g_assert_cmpuint(m.ids[1], ==, 0);
	join(&m, 8); /* takes the free place, the rest stay */
	decide(&m);
	g_assert_cmpint(where(&m, 8), ==, 1);
	g_assert_cmpint(where(&m, 7), ==, 5);
	done(&m);
}

static void test_speaker_hold(void)
{
	Meeting m;

	setup(&m, "speaker");
	for (uint32_t id = 1; id <= 4; id++)
		join(&m, id);
	decide(&m);
	g_assert_cmpint(where(&m, 1), ==, 0);
	speaks(&m, 3); /* nobody has spoken before: at once */
	decide(&m);
	g_assert_cmpint(where(&m, 3), ==, 0);
	g_assert_cmpint(where(&m, 1), ==, 2); /* swapped */
	g_assert_cmpint(where(&m, 2), ==, 1);
	g_assert_cmpint(where(&m, 4), ==, 3);
	m.now += SEC;
	speaks(&m, 2); /* too early */
	decide(&m);
	g_assert_cmpint(where(&m, 3), ==, 0);
	g_assert_cmpint(m.again, ==, 102 * SEC);
	m.now = m.again;
	decide(&m);
	g_assert_cmpint(where(&m, 2), ==, 0);
	g_assert_cmpint(where(&m, 3), ==, 1);
	g_assert_cmpint(m.again, ==, 0);
	m.speaker = 0; /* silence: stays */
	m.now += 60 * SEC;
	decide(&m);
	g_assert_cmpint(where(&m, 2), ==, 0);
	leave(&m, 2);
	decide(&m);
	g_assert_cmpint(where(&m, 2), ==, -1);
	done(&m);
}

static void test_focus(void)
{
	Meeting m;

	setup(&m, "1+5");
	for (uint32_t id = 1; id <= 8; id++)
		join(&m, id);
	m.focus = 5;
	decide(&m);
	g_assert_cmpint(where(&m, 5), ==, 0);
	speaks(&m, 2);
	m.now += 10 * SEC;
	decide(&m);
	g_assert_cmpint(where(&m, 5), ==, 0);
	m.focus = 77; /* not here: as if there were none */
	decide(&m);
	g_assert_cmpint(where(&m, 2), ==, 0);
	done(&m);
	/* in a grid the focus has the first slot */
	setup(&m, "auto");
	for (uint32_t id = 1; id <= 4; id++)
		join(&m, id);
	decide(&m);
	m.focus = 3;
	decide(&m);
	g_assert_cmpint(where(&m, 3), ==, 0);
	g_assert_cmpint(where(&m, 1), ==, 1);
	done(&m);
}

static void test_order_and_hidden(void)
{
	Meeting m;

	setup(&m, "auto");
	for (uint32_t id = 1; id <= 4; id++)
		join(&m, id);
	decide(&m);
	m.people[3].order = 1; /* 4 first, then 2 */
	m.people[1].order = 2;
	decide(&m);
	g_assert_cmpint(where(&m, 4), ==, 0);
	g_assert_cmpint(where(&m, 2), ==, 1);
	g_assert_cmpint(where(&m, 1), ==, 2);
	m.people[3].hidden = true;
	decide(&m);
	g_assert_cmpuint(m.a.n, ==, 3);
	g_assert_cmpint(where(&m, 4), ==, -1);
	g_assert_cmpint(where(&m, 2), ==, 0);
	done(&m);
}

static void test_more_than_slots(void)
{
	Meeting m;

	setup(&m, "speaker");
	for (uint32_t id = 1; id <= 10; id++)
		join(&m, id);
	decide(&m);
	g_assert_cmpint(where(&m, 9), ==, -1);
	speaks(&m, 9);
	decide(&m);
	g_assert_cmpint(where(&m, 9), ==, 0);
	m.now += 5 * SEC;
	speaks(&m, 10);
	decide(&m);
	g_assert_cmpint(where(&m, 10), ==, 0);
	g_assert_cmpint(where(&m, 9), >, 0); /* has spoken: still shown */
	/* in a grid: the speaker takes the place of the one silent longest, the rest stay */
	done(&m);
	setup(&m, "auto");
	for (uint32_t id = 1; id <= 27; id++)
		join(&m, id);
	decide(&m);
	speaks(&m, 25);
	decide(&m);
	m.now += SEC;
	speaks(&m, 26);
	decide(&m);
	g_assert_cmpint(where(&m, 26), ==, 23);
	g_assert_cmpint(where(&m, 25), ==, 24);
	g_assert_cmpint(where(&m, 24), ==, -1);
	for (uint32_t id = 1; id <= 23; id++)
		g_assert_cmpint(where(&m, id), ==, id - 1);
	done(&m);
}

/* Random joins, leaves and speakers: while the slots stay, only who must move moves. */
static void test_random(void)
{
	static const char *const layouts[] = { "auto", "grid", "speaker", "1+5",
					       "1+7",  "pip",  "single" };

	for (size_t l = 0; l < G_N_ELEMENTS(layouts); l++) {
		g_autoptr(GRand) r = g_rand_new_with_seed((guint32)l);
		uint32_t next = 1;
		Meeting m;

		setup(&m, layouts[l]);
		for (int step = 0; step < 3000; step++) {
			McuArrangement was = m.a;
			uint32_t ids[MCU_MAX_SLOTS];
			unsigned moved = 0;
			int what = g_rand_int_range(r, 0, 4);

			memcpy(ids, m.ids, sizeof ids);
			m.now += SEC / 2;
			if (what == 0 && m.n < 35)
				join(&m, next++);
			else if (what == 1 && m.n)
				leave(&m, m.people[g_rand_int_range(r, 0, (gint32)m.n)].id);
			else if (m.n)
				speaks(&m, m.people[g_rand_int_range(r, 0, (gint32)m.n)].id);
			decide(&m);
			if (was.n != m.a.n || memcmp(&was, &m.a, sizeof was))
				continue;
			for (size_t i = 0; i < m.a.n; i++)
				moved += ids[i] && where(&m, ids[i]) >= 0 &&
					 where(&m, ids[i]) != (int)i;
			/* only a change of the speaker slot moves anybody, and then two */
			g_assert_cmpuint(moved, <=, m.a.slots[0].who == MCU_SLOT_SPEAKER ? 2 : 0);
		}
		done(&m);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slots/nobody-jumps", test_nobody_jumps);
	g_test_add_func("/slots/speaker-hold", test_speaker_hold);
	g_test_add_func("/slots/focus", test_focus);
	g_test_add_func("/slots/order-and-hidden", test_order_and_hidden);
	g_test_add_func("/slots/more-than-slots", test_more_than_slots);
	g_test_add_func("/slots/random", test_random);
	return g_test_run();
}
