#include "video/slots.h"

#include <string.h>

/* Line-up: the shown participants by slot; what is kept between two decisions. */
struct McuSlots {
	McuArrangement arrangement; /* of the last decision */
	uint32_t ids[MCU_MAX_SLOTS];
	uint64_t order_hash; /* of explicit order and focus: a change lines up anew */
	uint32_t main;       /* who has the speaker slot, or would have it */
	int64_t main_since_ns;
};

McuSlots *mcu_slots_new(void)
{
	return g_new0(McuSlots, 1);
}

void mcu_slots_free(McuSlots *s)
{
	g_free(s);
}

static const McuSlotPerson *person(const McuSlotsInput *in, uint32_t id)
{
	for (size_t i = 0; id && i < in->n_people; i++)
		if (in->people[i].id == id && !in->people[i].hidden)
			return &in->people[i];
	return NULL;
}

static bool same_rects(const McuArrangement *a, const McuArrangement *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (memcmp(&a->slots[i].rect, &b->slots[i].rect, sizeof(HwRect)) ||
		    a->slots[i].who != b->slots[i].who)
			return false;
	return true;
}

/* Index of the slot for the speaker, or -1. */
static int speaker_slot(const McuArrangement *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->slots[i].who == MCU_SLOT_SPEAKER)
			return (int)i;
	return -1;
}

static uint64_t order_hash(const McuSlotsInput *in)
{
	uint64_t h = 1469598103934665603u ^ in->focus;

	for (size_t i = 0; i < in->n_people; i++)
		if (in->people[i].order) {
			h = (h ^ in->people[i].id) * 1099511628211u;
			h = (h ^ (uint64_t)in->people[i].order) * 1099511628211u;
		}
	return h;
}

/* The first in line: explicit order, then order of joining. */
static uint32_t first_person(const McuSlotsInput *in)
{
	const McuSlotPerson *best = NULL;

	for (size_t i = 0; i < in->n_people; i++) {
		const McuSlotPerson *p = &in->people[i];

		if (!p->hidden && (!best || (p->order && (!best->order || p->order < best->order))))
			best = p;
	}
	return best ? best->id : 0;
}

/* Keep or change who has the floor. Returns when a waiting speaker may take it, or 0. */
static int64_t choose_main(McuSlots *s, const McuSlotsInput *in)
{
	const McuSlotPerson *focus = person(in, in->focus), *speaker = person(in, in->speaker);
	uint32_t next = s->main;

	if (focus)
		next = focus->id;
	else if (!person(in, s->main))
		next = speaker ? speaker->id : first_person(in);
	else if (speaker && speaker->id != s->main) {
		if (in->now_ns < s->main_since_ns + MCU_SPEAKER_HOLD_NS)
			return s->main_since_ns + MCU_SPEAKER_HOLD_NS;
		next = speaker->id;
	}
	if (next != s->main) {
		/* someone who only fills an empty place gives way at once */
		bool spoke = focus || (speaker && speaker->id == next);

		s->main = next;
		s->main_since_ns = spoke ? in->now_ns : in->now_ns - MCU_SPEAKER_HOLD_NS;
	}
	return 0;
}

/* --- the line of everybody but who has the speaker slot --- */

typedef struct Line {
	const McuSlotPerson *p[MCU_MAX_SLOT_PEOPLE];
	int was[MCU_MAX_SLOT_PEOPLE]; /* slot in the last decision, MCU_MAX_SLOTS = none */
	size_t n;
} Line;

static int slot_before(const McuSlots *s, uint32_t id)
{
	for (size_t i = 0; i < s->arrangement.n; i++)
		if (s->ids[i] == id)
			return (int)i;
	return MCU_MAX_SLOTS;
}

static void fill_line(const McuSlots *s, const McuSlotsInput *in, uint32_t except, Line *line)
{
	line->n = 0;
	for (size_t i = 0; i < in->n_people && line->n < MCU_MAX_SLOT_PEOPLE; i++) {
		const McuSlotPerson *p = &in->people[i];

		if (p->hidden || p->id == except)
			continue;
		line->p[line->n] = p;
		line->was[line->n++] = slot_before(s, p->id);
	}
}

/* True when a belongs before b in a new line-up; equal ones keep the order of joining. */
static bool before(const Line *line, size_t a, size_t b, uint32_t first)
{
	const McuSlotPerson *pa = line->p[a], *pb = line->p[b];

	if ((pa->id == first) != (pb->id == first))
		return pa->id == first;
	if (pa->order != pb->order)
		return pa->order && (!pb->order || pa->order < pb->order);
	return line->was[a] < line->was[b];
}

/* Insertion sort: stable, and the line is nearly sorted. */
static void sort_line(Line *line, uint32_t first)
{
	for (size_t i = 1; i < line->n; i++)
		for (size_t j = i; j > 0 && before(line, j, j - 1, first); j--) {
			const McuSlotPerson *p = line->p[j];
			int was = line->was[j];

			line->p[j] = line->p[j - 1];
			line->was[j] = line->was[j - 1];
			line->p[j - 1] = p;
			line->was[j - 1] = was;
		}
}

static bool is_seated(const McuArrangement *a, const uint32_t *ids, uint32_t id)
{
	for (size_t i = 0; i < a->n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Everybody who was seated keeps the slot, the rest take free ones in line. */
static void seat_stable(const McuArrangement *a, const Line *line, uint32_t *ids)
{
	size_t free_slot = 0;

	for (size_t i = 0; i < line->n; i++)
		if (line->was[i] < (int)a->n && ids[line->was[i]] == 0)
			ids[line->was[i]] = line->p[i]->id;
	for (size_t i = 0; i < line->n; i++) {
		if (is_seated(a, ids, line->p[i]->id))
			continue;
		while (free_slot < a->n && ids[free_slot])
			free_slot++;
		if (free_slot == a->n)
			break;
		ids[free_slot] = line->p[i]->id;
	}
}

static void seat_anew(const McuArrangement *a, const Line *line, uint32_t *ids)
{
	size_t slot = 0;

	for (size_t i = 0; i < line->n; i++) {
		while (slot < a->n && ids[slot])
			slot++;
		if (slot == a->n)
			break;
		ids[slot] = line->p[i]->id;
	}
}

/* The seated one (not in `order`, not `keep`) who has been silent longest; -1 = none. */
static int quietest_slot(const McuSlotsInput *in, const uint32_t *ids, uint32_t keep)
{
	int quietest = -1;
	int64_t since = INT64_MAX;

	for (size_t i = 0; i < in->arrangement->n; i++) {
		const McuSlotPerson *p = person(in, ids[i]);

		/* of equally silent ones the last slot */
		if (p && !p->order && p->id != keep && p->spoke_ns <= since) {
			since = p->spoke_ns;
			quietest = (int)i;
		}
	}
	return quietest;
}

/* Who speaks and has no tile, or spoke after one who has, gets it. */
static void show_recent(const McuSlotsInput *in, const Line *line, uint32_t keep, uint32_t *ids)
{
	for (size_t round = 0; round < in->arrangement->n; round++) {
		const McuSlotPerson *latest = NULL;
		int slot;

		for (size_t i = 0; i < line->n; i++)
			if (!is_seated(in->arrangement, ids, line->p[i]->id) &&
			    (!latest || line->p[i]->spoke_ns > latest->spoke_ns))
				latest = line->p[i];
		if (!latest || latest->spoke_ns == 0)
			return;
		slot = quietest_slot(in, ids, keep);
		if (slot < 0 || person(in, ids[slot])->spoke_ns >= latest->spoke_ns)
			return;
		ids[slot] = latest->id;
	}
}

void mcu_slots_assign(McuSlots *s, const McuSlotsInput *in, uint32_t ret_ids[MCU_MAX_SLOTS],
		      int64_t *ret_again_ns)
{
	const McuArrangement *a = in->arrangement;
	uint64_t hash = order_hash(in);
	uint32_t ids[MCU_MAX_SLOTS] = { 0 }, first = in->focus;
	int64_t again = choose_main(s, in);
	int big = speaker_slot(a);
	bool stable = same_rects(a, &s->arrangement) && hash == s->order_hash;
	Line line;

	fill_line(s, in, big >= 0 ? s->main : 0, &line);
	if (big >= 0) {
		uint32_t was = stable ? s->ids[big] : 0;

		ids[big] = s->main;
		/* who leaves the speaker slot takes the place of who enters it */
		for (size_t i = 0; was && was != s->main && i < line.n; i++)
			if (line.p[i]->id == was)
				line.was[i] = slot_before(s, s->main);
		first = 0;
	}
	if (stable) {
		seat_stable(a, &line, ids);
	} else {
		sort_line(&line, first);
		seat_anew(a, &line, ids);
	}
	show_recent(in, &line, big >= 0 ? s->main : first, ids);
	memcpy(s->ids, ids, sizeof ids);
	memcpy(ret_ids, ids, sizeof ids);
	s->arrangement = *a;
	s->order_hash = hash;
	*ret_again_ns = again;
}
