/* mcu/rtp/jitter: a simulated network and an audio tick, in simulated time. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "rtp/delay_estimate.h"
#include "rtp/jitter.h"

#define MS         MCU_NS_PER_MS
#define SEC        MCU_NS_PER_SEC
#define MAX_FLIGHT 512

typedef struct Net {
	int64_t delay_ns;  /* constant part */
	int64_t jitter_ns; /* uniform 0..jitter */
	unsigned loss_pct;
	double burst_start, burst_stay; /* Gilbert loss; 0 = off */
	double drift_ppm;               /* sender's clock against ours */
	unsigned ptime_ms;
	uint32_t clock_hz;
	int64_t spike_every_ns, spike_ns; /* now and then the network stands still */
} Net;

typedef struct Flight {
	uint16_t seq;
	uint32_t ts;
	int64_t arrival_ns;
} Flight;

typedef struct Sim {
	Net net;
	McuJitter *j;
	Flight flight[MAX_FLIGHT];
	unsigned n_flight;
	uint16_t seq;
	uint32_t ts;
	unsigned sent;
	bool in_burst;
	int64_t next_send_ns, now_ns, fifo_ns, stall_until_ns;
	/* what the listener got */
	unsigned pieces[8];
	int last_seq;
	int64_t played_ns, made_up_ns, max_delay_ns, sum_delay_ns, min_delay_ns;
	unsigned out_of_order;
} Sim;

static void sim_init(Sim *s, Net net)
{
	memset(s, 0, sizeof(*s));
	s->net = net;
	if (!s->net.ptime_ms)
		s->net.ptime_ms = 20;
	if (!s->net.clock_hz)
		s->net.clock_hz = 48000;
	s->j = mcu_jitter_new(&(McuJitterConfig){ .clock_hz = s->net.clock_hz });
	s->seq = 65500;
	s->ts = 0xffff0000;
	s->last_seq = -1;
	s->min_delay_ns = INT64_MAX;
	/* an uptime of weeks, and a tick that is not in step with the packets */
	s->now_ns = s->next_send_ns = 2000000 * SEC;
	s->next_send_ns += 7 * MS;
}

static bool lost(Sim *s)
{
	if (s->net.burst_start > 0)
		s->in_burst = s->in_burst ? g_test_rand_double() < s->net.burst_stay
					  : g_test_rand_double() < s->net.burst_start;
	return s->in_burst || g_test_rand_int_range(0, 100) < (int)s->net.loss_pct;
}

static void send_packets(Sim *s)
{
	while (s->next_send_ns <= s->now_ns) {
		int64_t extra = s->net.jitter_ns
					? (int64_t)(g_test_rand_double() * (double)s->net.jitter_ns)
					: 0;
		int64_t arrival = s->next_send_ns + s->net.delay_ns + extra;

		if (s->net.spike_every_ns &&
		    s->next_send_ns / s->net.spike_every_ns !=
			    (s->next_send_ns - 20 * MS) / s->net.spike_every_ns)
			s->stall_until_ns = s->next_send_ns + s->net.spike_ns;
		arrival = MAX(arrival, s->stall_until_ns);
		if (!lost(s) && s->n_flight < MAX_FLIGHT)
			s->flight[s->n_flight++] = (Flight){ s->seq, s->ts, arrival };
		s->sent++;
		s->seq++;
		s->ts += s->net.clock_hz / 1000 * s->net.ptime_ms;
		s->next_send_ns +=
			(int64_t)((double)(s->net.ptime_ms * MS) * (1 - s->net.drift_ppm / 1e6));
	}
}

static void deliver(Sim *s)
{
	for (;;) {
		unsigned first = 0;

		for (unsigned i = 1; i < s->n_flight; i++)
			if (s->flight[i].arrival_ns < s->flight[first].arrival_ns)
				first = i;
		if (s->n_flight == 0 || s->flight[first].arrival_ns > s->now_ns)
			return;
		Flight f = s->flight[first];
		s->flight[first] = s->flight[--s->n_flight];
		(void)mcu_jitter_put(
			s->j,
			&(McuJitterPacket){ .ssrc = 1,
					    .seq = f.seq,
					    .ts = f.ts,
					    .pt = 96,
					    .duration_ts = s->net.clock_hz / 1000 * s->net.ptime_ms,
					    .payload = (const uint8_t *)&f.seq,
					    .len = sizeof(f.seq),
					    .arrival_ns = f.arrival_ns });
	}
}

static void play_piece(Sim *s, const McuJitterPiece *p)
{
	int64_t ns = (int64_t)p->duration_ts * SEC / s->net.clock_hz;

	s->pieces[p->kind]++;
	if (p->kind == MCU_JITTER_PACKET) {
		uint16_t seq;

		memcpy(&seq, p->payload, sizeof(seq));
		g_assert_cmpuint(seq, ==, p->seq);
		if (s->last_seq >= 0 && mcu_diff16(seq, (uint16_t)s->last_seq) <= 0)
			s->out_of_order++;
		s->last_seq = seq;
		/* a pitch period of about 6 ms */
		if (p->advice == MCU_JITTER_EXPAND)
			ns += 6 * MS;
		else if (p->advice == MCU_JITTER_ACCELERATE)
			ns -= 6 * MS;
		else if (p->advice == MCU_JITTER_ACCELERATE_FAST)
			ns -= 10 * MS;
		s->played_ns += ns;
		s->max_delay_ns = MAX(s->max_delay_ns, p->delay_ns);
		s->min_delay_ns = MIN(s->min_delay_ns, p->delay_ns);
		s->sum_delay_ns += p->delay_ns;
	} else {
		s->made_up_ns += ns;
	}
	s->fifo_ns += ns;
}

static void run(Sim *s, int64_t ns)
{
	for (int64_t end = s->now_ns + ns; s->now_ns < end; s->now_ns += 20 * MS) {
		unsigned pieces = 0;

		send_packets(s);
		deliver(s);
		while (s->fifo_ns < 20 * MS) {
			McuJitterPiece p;

			mcu_jitter_get(s->j, s->now_ns, s->fifo_ns, &p);
			g_assert_cmpuint(p.duration_ts, >, 0);
			play_piece(s, &p);
			g_assert_cmpuint(++pieces, <, 200);
		}
		s->fifo_ns -= 20 * MS;
	}
}

/* Forget the figures of the start. */
static void settle(Sim *s, int64_t ns)
{
	run(s, ns);
	memset(s->pieces, 0, sizeof(s->pieces));
	s->max_delay_ns = s->sum_delay_ns = s->made_up_ns = s->played_ns = 0;
	s->min_delay_ns = INT64_MAX;
}

static double mean_delay_ms(const Sim *s)
{
	return (double)s->sum_delay_ns / (double)s->pieces[MCU_JITTER_PACKET] / (double)MS;
}

static void test_clean(void)
{
	Sim s;
	McuJitterStats st;

	sim_init(&s, (Net){ .delay_ns = 30 * MS });
	settle(&s, 20 * SEC);
	run(&s, 60 * SEC);
	g_assert_cmpuint(s.pieces[MCU_JITTER_PACKET], >=, 2995);
	g_assert_cmpuint(s.pieces[MCU_JITTER_LOST], ==, 0);
	g_assert_cmpuint(s.pieces[MCU_JITTER_UNDERRUN], ==, 0);
	g_assert_cmpfloat(mean_delay_ms(&s), <=, 36);
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpfloat(st.target_ms, ==, 25);
	g_assert_cmpfloat(st.jitter_ms, <, 1);
	g_assert_cmpuint(st.resets, ==, 0);
	mcu_jitter_free(s.j);
}

/* Every packet that arrives is played; every one that does not is concealed, once. */
static void test_loss(void)
{
	Sim s;
	McuJitterStats st;

	sim_init(&s, (Net){ .delay_ns = 30 * MS, .loss_pct = 10 });
	settle(&s, 10 * SEC);
	unsigned sent = s.sent;
	run(&s, 60 * SEC);
	sent = s.sent - sent;
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpuint(s.pieces[MCU_JITTER_PACKET], >, sent * 85 / 100);
	/* lost ones stand either as LOST or as the underrun they caused at the low delay */
	unsigned concealed = s.pieces[MCU_JITTER_LOST] + s.pieces[MCU_JITTER_UNDERRUN];
	g_assert_cmpuint(concealed, >, sent * 7 / 100);
	g_assert_cmpuint(concealed, <, sent * 13 / 100);
	g_assert_cmpuint(st.late, ==, 0);
	g_assert_cmpuint(s.out_of_order, ==, 0);
	g_assert_cmpfloat(mean_delay_ms(&s), <=, 40);
	mcu_jitter_free(s.j);
}

static void test_burst_loss(void)
{
	Sim s;

	sim_init(&s, (Net){ .delay_ns = 30 * MS, .burst_start = 0.01, .burst_stay = 0.8 });
	settle(&s, 10 * SEC);
	run(&s, 120 * SEC);
	g_assert_cmpuint(s.out_of_order, ==, 0);
	g_assert_cmpuint(s.pieces[MCU_JITTER_PACKET], >, 5000);
	g_assert_cmpfloat(mean_delay_ms(&s), <=, 45);
	mcu_jitter_free(s.j);
}

/* Jitter of 80 ms reorders packets, too. The target follows, few packets come late. */
static void test_jitter(void)
{
	Sim s;
	McuJitterStats st, before;

	sim_init(&s, (Net){ .delay_ns = 50 * MS, .jitter_ns = 80 * MS });
	settle(&s, 20 * SEC);
	mcu_jitter_stats(s.j, &before);
	run(&s, 120 * SEC);
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpfloat(st.target_ms, >=, 85);
	g_assert_cmpfloat(st.target_ms, <=, 105);
	g_assert_cmpuint(st.late - before.late, <, 6000 * 3 / 100);
	g_assert_cmpuint(st.reordered, >, 500);
	g_assert_cmpuint(s.out_of_order, ==, 0);
	g_assert_cmpfloat(mean_delay_ms(&s), <=, 110);

	/* calm again: the delay comes down without leaving anything out */
	s.net.jitter_ns = 0;
	settle(&s, 40 * SEC);
	run(&s, 20 * SEC);
	g_assert_cmpfloat(mean_delay_ms(&s), <=, 36);
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpuint(st.discarded, ==, 0);
	mcu_jitter_free(s.j);
}

/* +-200 ppm for ten minutes: the delay stays, nothing is left out, and the drift of 120 ms shows
 * as stretches of one kind. */
static void test_drift(void)
{
	static const double ppm[] = { 200, -200 };

	for (unsigned i = 0; i < 2; i++) {
		Sim s;
		McuJitterStats st, before;
		uint64_t right, wrong;

		sim_init(&s,
			 (Net){ .delay_ns = 30 * MS, .jitter_ns = 4 * MS, .drift_ppm = ppm[i] });
		settle(&s, 30 * SEC);
		mcu_jitter_stats(s.j, &before);
		run(&s, 600 * SEC);
		mcu_jitter_stats(s.j, &st);
		right = ppm[i] > 0 ? st.accelerated - before.accelerated
				   : st.expanded - before.expanded;
		wrong = ppm[i] > 0 ? st.expanded - before.expanded
				   : st.accelerated - before.accelerated;
		g_assert_cmpuint(right, >=, 15);
		g_assert_cmpuint(right, <=, 40);
		g_assert_cmpuint(wrong, <=, 5);
		g_assert_cmpuint(st.discarded, ==, 0);
		g_assert_cmpuint(st.lost + st.underruns - before.lost - before.underruns, <=, 3);
		g_assert_cmpint(s.max_delay_ns, <, 45 * MS);
		g_assert_cmpint(s.min_delay_ns, >, 5 * MS);
		mcu_jitter_free(s.j);
	}
}

static void test_packet_times(void)
{
	static const unsigned ptimes[] = { 10, 20, 30, 40, 60 };

	for (unsigned i = 0; i < G_N_ELEMENTS(ptimes); i++) {
		for (unsigned hz = 8000; hz <= 48000; hz += 40000) {
			Sim s;

			sim_init(&s, (Net){ .delay_ns = 30 * MS,
					    .jitter_ns = 10 * MS,
					    .ptime_ms = ptimes[i],
					    .clock_hz = hz });
			settle(&s, 20 * SEC);
			run(&s, 60 * SEC);
			g_assert_cmpint(ABS(s.played_ns - 60 * SEC), <, SEC);
			g_assert_cmpint(s.made_up_ns, <, 400 * MS);
			g_assert_cmpuint(s.out_of_order, ==, 0);
			mcu_jitter_free(s.j);
		}
	}
}

/* The network stands still for 400 ms once in a while: it is heard out, and the delay that this
 * leaves is squeezed away again; after two seconds of standing still it is cut. */
static void test_stalls(void)
{
	Sim s;
	McuJitterStats st;

	sim_init(&s,
		 (Net){ .delay_ns = 30 * MS, .spike_every_ns = 30 * SEC, .spike_ns = 400 * MS });
	run(&s, 25 * SEC);
	settle(&s, 60 * SEC);
	run(&s, 15 * SEC);
	g_assert_cmpuint(s.out_of_order, ==, 0);
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpfloat(st.delay_ms, <, 60);
	g_assert_cmpuint(st.resets, ==, 0);
	mcu_jitter_free(s.j);

	sim_init(&s, (Net){ .delay_ns = 30 * MS, .spike_every_ns = 30 * SEC, .spike_ns = 2 * SEC });
	run(&s, 80 * SEC);
	mcu_jitter_stats(s.j, &st);
	g_assert_cmpuint(st.discarded, >, 30);
	g_assert_cmpfloat(st.delay_ms, <, 260);
	g_assert_cmpuint(s.out_of_order, ==, 0);
	mcu_jitter_free(s.j);
}

/* --- single steps --- */

static int put(McuJitter *j, uint32_t ssrc, uint16_t seq, uint32_t ts, int64_t at)
{
	return mcu_jitter_put(j, &(McuJitterPacket){ .ssrc = ssrc,
						     .seq = seq,
						     .ts = ts,
						     .duration_ts = 960,
						     .payload = (const uint8_t *)"abc",
						     .len = 3,
						     .arrival_ns = at });
}

static McuJitterPiece get(McuJitter *j, int64_t now)
{
	McuJitterPiece p;

	mcu_jitter_get(j, now, 0, &p);
	return p;
}

static McuJitter *started(void)
{
	McuJitter *j = mcu_jitter_new(&(McuJitterConfig){ .clock_hz = 48000 });
	McuJitterPiece p;

	g_assert_cmpint(get(j, 0).kind, ==, MCU_JITTER_BUFFERING);
	for (uint16_t i = 0; i < 3; i++)
		g_assert_cmpint(put(j, 1, i, i * 960u, i * 20 * MS), ==, 0);
	g_assert_cmpint(get(j, 20 * MS).kind, ==, MCU_JITTER_BUFFERING);
	p = get(j, 40 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_PACKET);
	g_assert_true(p.reset);
	g_assert_cmpuint(p.seq, ==, 0);
	g_assert_cmpint(p.delay_ns, ==, 40 * MS);
	return j;
}

static void test_duplicates_and_late(void)
{
	g_autoptr(McuJitter) j = started();
	McuJitterStats st;

	g_assert_cmpint(put(j, 1, 1, 960, 41 * MS), ==, -EEXIST); /* held */
	g_assert_cmpint(put(j, 1, 0, 0, 41 * MS), ==, -EEXIST);   /* played */
	g_assert_false(get(j, 60 * MS).reset);
	g_assert_cmpint(get(j, 80 * MS).kind, ==, MCU_JITTER_PACKET);
	g_assert_cmpint(put(j, 1, 4, 4 * 960, 90 * MS), ==, 0);
	g_assert_cmpint(get(j, 100 * MS).kind, ==, MCU_JITTER_LOST);
	g_assert_cmpint(put(j, 1, 3, 3 * 960, 110 * MS), ==, -ETIMEDOUT);
	g_assert_cmpint(get(j, 120 * MS).seq, ==, 4);
	mcu_jitter_stats(j, &st);
	g_assert_cmpuint(st.duplicates, ==, 2);
	g_assert_cmpuint(st.late, ==, 1);
	g_assert_cmpuint(st.lost, ==, 1);
}

/* One packet missing: the next one is there for FEC; two missing: only for the second. */
static void test_fec(void)
{
	g_autoptr(McuJitter) j = started();
	McuJitterPiece p;

	(void)get(j, 60 * MS);
	(void)get(j, 80 * MS);
	g_assert_cmpint(put(j, 1, 5, 5 * 960, 100 * MS), ==, 0);
	p = get(j, 100 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_LOST);
	g_assert_cmpuint(p.duration_ts, ==, 960);
	g_assert_null(p.fec);
	p = get(j, 120 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_LOST);
	g_assert_cmpmem(p.fec, p.fec_len, "abc", 3);
	p = get(j, 140 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_PACKET);
	g_assert_cmpuint(p.seq, ==, 5);
}

/* What was concealed while nothing was there is not concealed a second time. */
static void test_underrun_counts(void)
{
	g_autoptr(McuJitter) j = started();

	(void)get(j, 60 * MS);
	(void)get(j, 80 * MS);
	g_assert_cmpint(get(j, 100 * MS).kind, ==, MCU_JITTER_UNDERRUN);
	g_assert_cmpint(put(j, 1, 4, 4 * 960, 105 * MS), ==, 0);
	g_assert_cmpuint(get(j, 120 * MS).seq, ==, 4);
	/* dry for long: buffering as at the start, and on again with what comes */
	for (unsigned i = 0; i < 60; i++)
		(void)get(j, (140 + 20 * i) * MS);
	g_assert_cmpint(get(j, 1400 * MS).kind, ==, MCU_JITTER_BUFFERING);
	g_assert_cmpint(put(j, 1, 5, 5 * 960 + 60 * 960, 1400 * MS), ==, 0);
	g_assert_cmpint(get(j, 1460 * MS).kind, ==, MCU_JITTER_PACKET);
}

/* DTX: numbers go on, time jumps; the pause is silence, and re-aligns the delay. */
static void test_silence(void)
{
	g_autoptr(McuJitter) j = started();
	McuJitterPiece p;
	McuJitterStats st;

	(void)get(j, 60 * MS);
	(void)get(j, 80 * MS);
	g_assert_cmpint(mcu_jitter_put(j, &(McuJitterPacket){ .ssrc = 1,
							      .seq = 3,
							      .ts = 3 * 960,
							      .silence = true,
							      .payload = (const uint8_t *)"s",
							      .len = 1,
							      .arrival_ns = 85 * MS }),
			==, 0);
	p = get(j, 100 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_PACKET);
	g_assert_cmpuint(p.duration_ts, ==, 0);
	for (unsigned i = 0; i < 100; i++)
		g_assert_cmpint(get(j, (100 + 20 * i) * MS).kind, ==, MCU_JITTER_SILENCE);
	/* talk again, 2 s later on both clocks */
	g_assert_cmpint(put(j, 1, 4, 3 * 960 + 96000, 2060 * MS), ==, 0);
	p = get(j, 2060 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_SILENCE);
	g_assert_cmpint(get(j, 2110 * MS).kind, ==, MCU_JITTER_PACKET);
	mcu_jitter_stats(j, &st);
	g_assert_cmpuint(st.lost, ==, 0);
	g_assert_cmpuint(st.underruns, ==, 0);
}

/* A telephone event uses up numbers but no sound. */
static void test_filler(void)
{
	g_autoptr(McuJitter) j = started();
	McuJitterStats st;

	(void)get(j, 60 * MS);
	(void)get(j, 80 * MS);
	g_assert_cmpint(mcu_jitter_put(j, &(McuJitterPacket){ .ssrc = 1,
							      .seq = 3,
							      .ts = 3 * 960,
							      .arrival_ns = 65 * MS }),
			==, 0);
	g_assert_cmpint(put(j, 1, 4, 4 * 960, 80 * MS), ==, 0);
	(void)get(j, 100 * MS);
	g_assert_cmpuint(get(j, 130 * MS).seq, ==, 4);
	mcu_jitter_stats(j, &st);
	g_assert_cmpuint(st.lost, ==, 0);
}

static void test_new_source(void)
{
	g_autoptr(McuJitter) j = started();
	McuJitterPiece p;

	g_assert_cmpint(put(j, 2, 7000, 123456, 60 * MS), ==, 0);
	g_assert_cmpint(get(j, 60 * MS).kind, ==, MCU_JITTER_BUFFERING);
	p = get(j, 100 * MS);
	g_assert_cmpuint(p.seq, ==, 7000);
	g_assert_true(p.reset);

	/* the same SSRC begins anew, far off: believed at the second packet */
	g_assert_cmpint(put(j, 2, 30000, 1, 120 * MS), ==, -EAGAIN);
	g_assert_cmpint(put(j, 2, 30001, 961, 140 * MS), ==, 0);
	p = get(j, 200 * MS);
	g_assert_cmpuint(p.seq, ==, 30001);
	g_assert_true(p.reset);

	/* time jumps while numbers go on */
	g_assert_cmpint(put(j, 2, 30002, 5000000, 160 * MS), ==, 0);
	p = get(j, 220 * MS);
	g_assert_cmpuint(p.ts, ==, 5000000);
	g_assert_true(p.reset);

	/* numbers begin anew a little below: believed once they go on */
	int taken = 0;
	for (uint16_t i = 0; i < 20; i++)
		taken += put(j, 2, (uint16_t)(29900 + i), 5000960 + i * 960u,
			     (240 + i * 20) * MS) == 0;
	g_assert_cmpint(taken, >, 0);
	g_assert_true(get(j, 800 * MS).reset);
}

static void test_limits(void)
{
	g_autoptr(McuJitter) j = started();
	static const uint8_t big[MCU_JITTER_MAX_PAYLOAD + 1];
	McuJitterStats st;

	g_assert_cmpint(mcu_jitter_put(j, &(McuJitterPacket){ .ssrc = 1,
							      .seq = 3,
							      .payload = big,
							      .len = sizeof(big) }),
			==, -EOVERFLOW);
	/* nobody fetches: bounded, and it goes on with the newest */
	for (uint16_t i = 3; i < 1000; i++)
		g_assert_cmpint(put(j, 1, i, i * 960u, i * 20 * MS), ==, 0);
	McuJitterPiece p = get(j, 20000 * MS);
	g_assert_cmpint(p.kind, ==, MCU_JITTER_PACKET);
	g_assert_cmpuint(p.seq, >, 1000 - MCU_JITTER_SLOTS);
	mcu_jitter_stats(j, &st);
	g_assert_cmpuint(st.discarded, >, 800);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/jitter/clean", test_clean);
	g_test_add_func("/rtp/jitter/loss", test_loss);
	g_test_add_func("/rtp/jitter/burst-loss", test_burst_loss);
	g_test_add_func("/rtp/jitter/jitter", test_jitter);
	g_test_add_func("/rtp/jitter/drift", test_drift);
	g_test_add_func("/rtp/jitter/packet-times", test_packet_times);
	g_test_add_func("/rtp/jitter/stalls", test_stalls);
	g_test_add_func("/rtp/jitter/duplicates-and-late", test_duplicates_and_late);
	g_test_add_func("/rtp/jitter/fec", test_fec);
	g_test_add_func("/rtp/jitter/underrun-counts", test_underrun_counts);
	g_test_add_func("/rtp/jitter/silence", test_silence);
	g_test_add_func("/rtp/jitter/filler", test_filler);
	g_test_add_func("/rtp/jitter/new-source", test_new_source);
	g_test_add_func("/rtp/jitter/limits", test_limits);
	return g_test_run();
}
