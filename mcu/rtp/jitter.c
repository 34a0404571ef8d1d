#include "rtp/jitter.h"

#include <string.h>

#include "base/clock.h"
#include "rtp/delay_estimate.h"

#define SLOTS           MCU_JITTER_SLOTS
#define TICK_NS         (INT64_C(20) * MCU_NS_PER_MS)
#define START_JITTER_NS (INT64_C(20) * MCU_NS_PER_MS)
#define MIN_TARGET_NS   (INT64_C(20) * MCU_NS_PER_MS)
#define MAX_TARGET_NS   (INT64_C(200) * MCU_NS_PER_MS)
/* sequence numbers further ahead, or time further off the arrival times: another stream */
#define MAX_JUMP         1000
#define MAX_TIME_JUMP_NS (INT64_C(3) * MCU_NS_PER_SEC)
/* this many packets late in a row, each after the other: the sender began anew below */
#define MAX_LATE_RUN 15
/* dry for so long: start again as with the first packet */
#define DRY_RESTART_NS MCU_NS_PER_SEC
#define NO_BAD_SEQ     0x10000u

typedef enum SlotState {
	SLOT_EMPTY = 0, /* memory is zeroed */
	SLOT_HELD,
	SLOT_PLAYED,
} SlotState;

typedef struct Slot {
	SlotState state;
	uint16_t seq;
	uint8_t pt;
	bool marker, silence;
	uint32_t ts, duration_ts;
	int64_t ext_ts;
	int64_t arrival_ns;
	size_t len;
	uint8_t bytes[MCU_JITTER_MAX_PAYLOAD];
} Slot;

struct McuJitter {
	McuJitterConfig cfg;
	McuJitterStats stats;
	McuDelayEstimate delay;
	Slot slots[SLOTS];
	unsigned n_held;

	/* the stream as it arrives */
	bool known;
	uint32_t ssrc, bad_seq;
	uint16_t highest_seq, late_seq;
	uint32_t highest_ts;
	int64_t highest_ext_ts, highest_arrival_ns;
	unsigned late_run;

	/* the stream as it is played */
	bool playing, reset_pending, quiet, dry;
	uint16_t next_seq;
	int64_t play_ts; /* where the sound played so far ends */
	uint32_t duration_ts;
	int64_t concealed_ns; /* since the last packet, without using up time */
};

static const char *const kind_names[] = {
	[MCU_JITTER_PACKET] = "packet",       [MCU_JITTER_LOST] = "lost",
	[MCU_JITTER_SILENCE] = "silence",     [MCU_JITTER_UNDERRUN] = "underrun",
	[MCU_JITTER_BUFFERING] = "buffering",
};

const char *mcu_jitter_kind_name(McuJitterKind kind)
{
	return (unsigned)kind < G_N_ELEMENTS(kind_names) && kind_names[kind] ? kind_names[kind]
									     : "unknown";
}

McuJitter *mcu_jitter_new(const McuJitterConfig *config)
{
	McuJitter *j = g_new0(McuJitter, 1);

	g_assert(config->clock_hz > 0);
	j->cfg = *config;
	if (j->cfg.min_target_ns <= 0)
		j->cfg.min_target_ns = MIN_TARGET_NS;
	if (j->cfg.max_target_ns <= 0)
		j->cfg.max_target_ns = MAX_TARGET_NS;
	j->cfg.max_target_ns = MAX(j->cfg.max_target_ns, MAX(j->cfg.min_target_ns, 2 * TICK_NS));
	mcu_jitter_reset(j);
	j->stats.resets = 0;
	return j;
}

void mcu_jitter_free(McuJitter *j)
{
	g_free(j);
}

void mcu_jitter_reset(McuJitter *j)
{
	for (size_t i = 0; i < SLOTS; i++)
		j->slots[i].state = SLOT_EMPTY;
	j->n_held = 0;
	j->known = j->playing = j->quiet = j->dry = false;
	j->reset_pending = true;
	j->bad_seq = NO_BAD_SEQ;
	j->late_run = 0;
	j->duration_ts = j->cfg.clock_hz / 50;
	j->concealed_ns = 0;
	j->stats.resets++;
	mcu_delay_estimate_init(&j->delay, START_JITTER_NS);
}

/* Both halves kept apart: units times 10^9 would overflow after two days. */
static int64_t to_ns(const McuJitter *j, int64_t units)
{
	int64_t hz = j->cfg.clock_hz;

	return units / hz * MCU_NS_PER_SEC + units % hz * MCU_NS_PER_SEC / hz;
}

static uint32_t to_units(const McuJitter *j, int64_t ns)
{
	return (uint32_t)(ns * (int64_t)j->cfg.clock_hz / MCU_NS_PER_SEC);
}

static Slot *slot_of(McuJitter *j, uint16_t seq)
{
	return &j->slots[seq % SLOTS];
}

static bool held(McuJitter *j, uint16_t seq)
{
	Slot *s = slot_of(j, seq);

	return s->state == SLOT_HELD && s->seq == seq;
}

/* How long before its fetching a packet should be able to arrive. */
static int64_t slack_ns(const McuJitter *j)
{
	return MIN(mcu_delay_estimate_quantile(&j->delay), j->cfg.max_target_ns - TICK_NS);
}

/* A packet is fetched up to one tick before it is heard. */
static int64_t target_ns(const McuJitter *j)
{
	return MAX(slack_ns(j) + TICK_NS, j->cfg.min_target_ns);
}

/* --- put --- */

static void begin(McuJitter *j, const McuJitterPacket *p)
{
	if (j->known)
		mcu_jitter_reset(j);
	j->known = true;
	j->ssrc = p->ssrc;
	j->highest_seq = j->next_seq = p->seq;
	j->highest_ts = p->ts;
	j->highest_ext_ts = j->play_ts = 0;
	j->highest_arrival_ns = p->arrival_ns;
}

static bool time_jumped(const McuJitter *j, const McuJitterPacket *p)
{
	int64_t media_ns = to_ns(j, mcu_diff32(p->ts, j->highest_ts));
	int64_t arrival_ns = p->arrival_ns - j->highest_arrival_ns;

	return ABS(media_ns - arrival_ns) > MAX_TIME_JUMP_NS;
}

/* Does the packet belong to the stream as it was so far? Begins a new one where it does not.
 * -EAGAIN: undecided until the next packet. */
static int follow(McuJitter *j, const McuJitterPacket *p)
{
	int16_t ahead = mcu_diff16(p->seq, j->highest_seq);

	if (!j->known || p->ssrc != j->ssrc) {
		begin(j, p);
	} else if (ahead > MAX_JUMP || ahead < -MAX_JUMP) {
		bool confirmed = p->seq == j->bad_seq;

		j->bad_seq = (uint16_t)(p->seq + 1);
		if (!confirmed) {
			j->stats.discarded++;
			return -EAGAIN;
		}
		begin(j, p);
	} else if (ahead > 0 && time_jumped(j, p)) {
		begin(j, p);
	}
	j->bad_seq = NO_BAD_SEQ;
	return 0;
}

/* Count the packet's delay. Returns its extended timestamp. */
static int64_t measure(McuJitter *j, const McuJitterPacket *p)
{
	int64_t ext_ts = j->highest_ext_ts + mcu_diff32(p->ts, j->highest_ts);

	mcu_delay_estimate_add(&j->delay, p->arrival_ns - to_ns(j, ext_ts), p->arrival_ns);
	return ext_ts;
}

/* After its turn: a duplicate if it was played, else late, unless its like go on coming: then the
 * sender has begun anew with lower numbers. 0 = taken as the first packet of a new stream. */
static int refuse_old(McuJitter *j, const McuJitterPacket *p)
{
	Slot *s = slot_of(j, p->seq);

	if (s->state == SLOT_PLAYED && s->seq == p->seq) {
		j->stats.duplicates++;
		return -EEXIST;
	}
	j->late_run = p->seq == (uint16_t)(j->late_seq + 1) ? j->late_run + 1 : 1;
	j->late_seq = p->seq;
	if (j->late_run > MAX_LATE_RUN) {
		begin(j, p);
		return 0;
	}
	j->stats.late++;
	if (!time_jumped(j, p))
		(void)measure(j, p);
	return -ETIMEDOUT;
}

static void store(McuJitter *j, const McuJitterPacket *p, int64_t ext_ts)
{
	Slot *s = slot_of(j, p->seq);

	s->state = SLOT_HELD;
	s->seq = p->seq;
	s->pt = p->pt;
	s->marker = p->marker;
	s->silence = p->silence;
	s->ts = p->ts;
	s->ext_ts = ext_ts;
	s->duration_ts = MIN(p->duration_ts, j->cfg.clock_hz);
	s->arrival_ns = p->arrival_ns;
	s->len = p->len;
	if (p->len)
		memcpy(s->bytes, p->payload, p->len);
	j->n_held++;
}

/* The consumer is so far behind that the slots do not suffice: go on from the new packet. */
static void give_up_held(McuJitter *j, uint16_t seq, int64_t ext_ts)
{
	for (size_t i = 0; i < SLOTS; i++)
		j->slots[i].state = SLOT_EMPTY;
	j->stats.discarded += j->n_held;
	j->n_held = 0;
	j->next_seq = seq;
	j->play_ts = ext_ts;
}

int mcu_jitter_put(McuJitter *j, const McuJitterPacket *p)
{
	int64_t ext_ts;
	int r;

	j->stats.packets++;
	if (p->len > MCU_JITTER_MAX_PAYLOAD) {
		j->stats.discarded++;
		return -EOVERFLOW;
	}
	r = follow(j, p);
	if (r < 0)
		return r;
	if (time_jumped(j, p) || (j->playing && mcu_diff16(p->seq, j->next_seq) < 0)) {
		r = refuse_old(j, p);
		if (r < 0)
			return r;
	}
	if (held(j, p->seq)) {
		j->stats.duplicates++;
		return -EEXIST;
	}
	ext_ts = measure(j, p);
	if (mcu_diff16(p->seq, j->highest_seq) > 0) {
		j->highest_seq = p->seq;
		j->highest_ts = p->ts;
		j->highest_ext_ts = ext_ts;
		j->highest_arrival_ns = p->arrival_ns;
	} else if (p->seq != j->highest_seq) {
		j->stats.reordered++;
	}
	j->late_run = 0;
	if (!j->playing && (j->n_held == 0 || mcu_diff16(p->seq, j->next_seq) < 0)) {
		j->next_seq = p->seq;
		j->play_ts = ext_ts;
	}
	if ((uint16_t)(j->highest_seq - j->next_seq) >= SLOTS)
		give_up_held(j, p->seq, ext_ts);
	store(j, p, ext_ts);
	return 0;
}

/* --- get --- */

static void release(McuJitter *j, Slot *s)
{
	s->state = SLOT_PLAYED;
	j->n_held--;
	j->next_seq = (uint16_t)(s->seq + 1);
}

/* First packet held, from next_seq on. */
static Slot *first_held(McuJitter *j)
{
	for (unsigned i = 0; j->n_held && i < SLOTS; i++)
		if (held(j, (uint16_t)(j->next_seq + i)))
			return slot_of(j, (uint16_t)(j->next_seq + i));
	return NULL;
}

/* Delay that `s` would have if it were the next sound. */
static int64_t delay_of(const McuJitter *j, const Slot *s, int64_t play_ns)
{
	return play_ns - to_ns(j, s->ext_ts) - mcu_delay_estimate_base(&j->delay);
}

static void make_pause(McuJitter *j, McuJitterPiece *ret, McuJitterKind kind, int64_t ns)
{
	*ret = (McuJitterPiece){ .kind = kind,
				 .advice = MCU_JITTER_NORMAL,
				 .duration_ts = to_units(j, CLAMP(ns, MCU_NS_PER_MS, TICK_NS)) };
}

static void make_dry(McuJitter *j, McuJitterPiece *ret)
{
	if (!j->dry && !j->quiet)
		j->stats.underruns++;
	j->dry = true;
	make_pause(j, ret, j->quiet ? MCU_JITTER_SILENCE : MCU_JITTER_UNDERRUN, TICK_NS);
	j->concealed_ns += TICK_NS;
	if (j->concealed_ns >= DRY_RESTART_NS && !j->quiet)
		j->playing = false;
}

/* Between slack (at fetching) and target plus a margin (when heard) nothing is done. One stretch
 * of a pitch period does not lead from one side to the other. */
static McuJitterAdvice advise(McuJitter *j, int64_t delay_ns, int64_t queued_ns)
{
	int64_t target = target_ns(j), above = MAX(10 * MCU_NS_PER_MS, target / 4);

	if (delay_ns - queued_ns < slack_ns(j) ||
	    delay_ns < j->cfg.min_target_ns - 5 * MCU_NS_PER_MS) {
		j->stats.expanded++;
		return MCU_JITTER_EXPAND;
	}
	if (delay_ns <= target + above)
		return MCU_JITTER_NORMAL;
	j->stats.accelerated++;
	return delay_ns > target + 100 * MCU_NS_PER_MS ? MCU_JITTER_ACCELERATE_FAST
						       : MCU_JITTER_ACCELERATE;
}

static uint32_t duration_of(McuJitter *j, const Slot *s)
{
	const Slot *next = slot_of(j, (uint16_t)(s->seq + 1));

	if (s->duration_ts)
		return s->duration_ts;
	if (s->silence)
		return 0;
	if (held(j, (uint16_t)(s->seq + 1)) && next->ext_ts > s->ext_ts &&
	    next->ext_ts - s->ext_ts <= j->cfg.clock_hz / 8)
		return (uint32_t)(next->ext_ts - s->ext_ts);
	return j->duration_ts;
}

static void play(McuJitter *j, Slot *s, int64_t delay_ns, int64_t queued_ns, McuJitterPiece *ret)
{
	uint32_t duration = duration_of(j, s);

	*ret = (McuJitterPiece){ .kind = MCU_JITTER_PACKET,
				 .advice = advise(j, delay_ns, queued_ns),
				 .payload = s->bytes,
				 .len = s->len,
				 .pt = s->pt,
				 .marker = s->marker,
				 .seq = s->seq,
				 .ts = s->ts,
				 .duration_ts = duration,
				 .reset = j->reset_pending,
				 .delay_ns = delay_ns,
				 .arrival_ns = s->arrival_ns };
	j->reset_pending = j->dry = false;
	j->quiet = s->silence;
	j->concealed_ns = 0;
	if (duration)
		j->duration_ts = duration;
	j->play_ts = s->ext_ts + duration;
	j->stats.delay_ms = (double)delay_ns / (double)MCU_NS_PER_MS;
	release(j, s);
}

/* The packets before `s` are missing. Decide what stands for them: true = *ret is one concealed
 * packet; false = nothing (any more), play `s`. */
static bool bridge(McuJitter *j, Slot *s, McuJitterPiece *ret)
{
	uint16_t missing = (uint16_t)(s->seq - j->next_seq);
	int64_t gap_ts = s->ext_ts - j->play_ts, each;

	if (missing == 0)
		return false;
	each = gap_ts / missing;
	/* what was concealed while nothing was there stands for them */
	if (gap_ts <= 0 || j->concealed_ns >= to_ns(j, gap_ts) - TICK_NS / 4) {
		j->next_seq = s->seq;
		if (!j->quiet)
			j->play_ts = s->ext_ts;
		return false;
	}
	/* too much time for that few packets: the sender was quiet */
	if (each > 2 * (int64_t)j->duration_ts) {
		j->next_seq = s->seq;
		return false;
	}
	*ret = (McuJitterPiece){ .kind = MCU_JITTER_LOST,
				 .advice = MCU_JITTER_NORMAL,
				 .pt = s->pt,
				 .seq = j->next_seq,
				 .duration_ts = (uint32_t)MAX(each, 1),
				 .fec = missing == 1 ? s->bytes : NULL,
				 .fec_len = missing == 1 ? s->len : 0 };
	j->stats.lost++;
	j->play_ts += MAX(each, 1);
	j->next_seq++;
	return true;
}

/* Leave packets out when squeezing would take too long. Returns what to play instead of `s`. */
static Slot *cut_excess(McuJitter *j, Slot *s, int64_t play_ns)
{
	if (delay_of(j, s, play_ns) <= j->cfg.max_target_ns + MCU_JITTER_MAX_EXCESS_NS)
		return s;
	while (j->n_held > 1 && delay_of(j, s, play_ns) > target_ns(j)) {
		release(j, s);
		j->stats.discarded++;
		s = first_held(j);
		j->next_seq = s->seq;
	}
	j->play_ts = s->ext_ts;
	return s;
}

/* The first packet decides when playing begins. True: not yet, *ret is a pause. */
static bool still_buffering(McuJitter *j, const Slot *s, int64_t play_ns, McuJitterPiece *ret)
{
	int64_t wait_ns;

	if (j->playing)
		return false;
	wait_ns = target_ns(j) - delay_of(j, s, play_ns);
	if (wait_ns > 0 && j->n_held < SLOTS / 2) {
		make_pause(j, ret, MCU_JITTER_BUFFERING, wait_ns);
		return true;
	}
	j->playing = true;
	j->next_seq = s->seq;
	j->play_ts = s->ext_ts;
	return false;
}

/* A pause in the sender's time is a place to come to the target unheard. True: pause. */
static bool pause_before(McuJitter *j, const Slot *s, int64_t play_ns, McuJitterPiece *ret)
{
	int64_t wait_ns = target_ns(j) - delay_of(j, s, play_ns);

	if (s->ext_ts - j->play_ts <= j->duration_ts / 4 || wait_ns <= MCU_NS_PER_MS)
		return false;
	make_pause(j, ret, MCU_JITTER_SILENCE, wait_ns);
	return true;
}

void mcu_jitter_get(McuJitter *j, int64_t now_ns, int64_t queued_ns, McuJitterPiece *ret)
{
	int64_t play_ns = now_ns + queued_ns;
	Slot *s;

	while ((s = first_held(j))) {
		/* packets without sound fill their sequence number, no more */
		if (s->len == 0 && (s->seq == j->next_seq || !j->playing)) {
			release(j, s);
			continue;
		}
		if (still_buffering(j, s, play_ns, ret))
			return;
		s = cut_excess(j, s, play_ns);
		if (bridge(j, s, ret))
			return;
		if (s->len == 0)
			continue;
		if (!pause_before(j, s, play_ns, ret))
			play(j, s, delay_of(j, s, play_ns), queued_ns, ret);
		return;
	}
	if (j->playing)
		make_dry(j, ret);
	else
		make_pause(j, ret, MCU_JITTER_BUFFERING, TICK_NS);
}

void mcu_jitter_stats(const McuJitter *j, McuJitterStats *ret)
{
	*ret = j->stats;
	ret->target_ms = (double)target_ns(j) / (double)MCU_NS_PER_MS;
	ret->jitter_ms = j->delay.jitter_ns / (double)MCU_NS_PER_MS;
}
