#include "eye.h"

#include <string.h>

#include "json.h"

#define AGE_MAX_MS      4000
#define DIMMED_CONTRAST 110
/* A mark not read for this long is no longer looked for at its old place. */
#define FORGET_S 0.4

typedef struct Freeze {
	double start_s, duration_s;
} Freeze;

typedef struct Move {
	double at_s;
	HwRect rect;
} Move;

typedef struct Seen {
	McuMarkHit hit; /* the last */
	unsigned pictures, advances, dimmed;
	unsigned recent_pictures, recent_advances;
	double first_s, last_s, advanced_s;
	int age_ms;
	unsigned ages[AGE_MAX_MS], n_ages;
	unsigned n_freezes, n_moves;
	Freeze freezes[MCU_EYE_MAX_EVENTS];
	Move moves[MCU_EYE_MAX_EVENTS];
} Seen;

struct McuEye {
	double period_s, next_search_s;
	int width, height;
	unsigned pictures, sizes, n_seen;
	double first_s, last_s, longest_gap_s;
	Seen *seen[256];
	uint8_t order[256]; /* ids in order of appearance */
};

McuEye *mcu_eye_new(double analyse_fps)
{
	McuEye *eye = g_new0(McuEye, 1);

	eye->period_s = analyse_fps > 0 ? 1 / analyse_fps : 0;
	return eye;
}

void mcu_eye_free(McuEye *eye)
{
	if (!eye)
		return;
	for (int i = 0; i < 256; i++)
		g_free(eye->seen[i]);
	g_free(eye);
}

static void note_freeze(Seen *seen, double now_s)
{
	double still_s = now_s - seen->advanced_s;

	if (still_s <= MCU_EYE_FREEZE_S)
		return;
	if (seen->n_freezes < MCU_EYE_MAX_EVENTS)
		seen->freezes[seen->n_freezes] = (Freeze){ seen->advanced_s, still_s };
	seen->n_freezes++;
}

static bool moved(HwRect a, HwRect b)
{
	int near = MAX(8, a.w / 8);

	return ABS(a.x - b.x) > near || ABS(a.y - b.y) > near || ABS(a.w - b.w) > near;
}

static void note_place(Seen *seen, HwRect rect, double now_s)
{
	const HwRect *last = seen->n_moves
				     ? &seen->moves[MIN(seen->n_moves, MCU_EYE_MAX_EVENTS) - 1].rect
				     : NULL;

	if (last && !moved(*last, rect))
		return;
	if (seen->n_moves < MCU_EYE_MAX_EVENTS)
		seen->moves[seen->n_moves++] = (Move){ now_s, rect };
	else
		seen->moves[MCU_EYE_MAX_EVENTS - 1] = (Move){ now_s, rect };
}

static void note_hit(McuEye *eye, const McuMarkHit *hit, double now_s, int64_t wall_ms)
{
	Seen *seen = eye->seen[hit->mark.id];

	if (!seen) {
		seen = eye->seen[hit->mark.id] = g_new0(Seen, 1);
		eye->order[eye->n_seen++] = hit->mark.id;
		seen->first_s = seen->advanced_s = now_s;
	}
	if (!seen->pictures || hit->mark.clock_ms != seen->hit.mark.clock_ms) {
		note_freeze(seen, now_s);
		seen->advanced_s = now_s;
		seen->advances++;
		seen->recent_advances++;
		if (wall_ms >= 0) {
			seen->age_ms = (uint16_t)((uint64_t)wall_ms - hit->mark.clock_ms);
			seen->ages[MIN(seen->age_ms, AGE_MAX_MS - 1)]++;
			seen->n_ages++;
		}
	}
	note_place(seen, hit->rect, now_s);
	seen->hit = *hit;
	seen->last_s = now_s;
	seen->pictures++;
	seen->recent_pictures++;
	seen->dimmed += hit->contrast < DIMMED_CONTRAST;
}

/* Read the marks at their old places. False when one of them is not there any more. */
static bool follow(McuEye *eye, const HwMapping *pic, double now_s, int64_t wall_ms)
{
	bool complete = true;

	for (unsigned i = 0; i < eye->n_seen; i++) {
		Seen *seen = eye->seen[eye->order[i]];
		McuMarkHit hit;

		if (now_s - seen->last_s > FORGET_S)
			continue;
		if (mcu_mark_read(pic, seen->hit.rect, &hit) == 0 &&
		    hit.mark.id == seen->hit.mark.id)
			note_hit(eye, &hit, now_s, wall_ms);
		else
			complete = false;
	}
	return complete;
}

static int search(McuEye *eye, const HwMapping *pic, double now_s, int64_t wall_ms)
{
	McuMarkHit hits[MCU_MARK_MAX];
	int n = mcu_mark_find(pic, hits, MCU_MARK_MAX);

	for (int i = 0; i < n; i++)
		note_hit(eye, &hits[i], now_s, wall_ms);
	return MIN(n, 0);
}

int mcu_eye_see(McuEye *eye, const HwMapping *pic, double t_s, int64_t wall_ms)
{
	if (!eye->pictures++)
		eye->first_s = eye->next_search_s = t_s;
	else
		eye->longest_gap_s = MAX(eye->longest_gap_s, t_s - eye->last_s);
	eye->last_s = t_s;
	if (pic->width != eye->width || pic->height != eye->height) {
		eye->width = pic->width;
		eye->height = pic->height;
		eye->sizes++;
		eye->next_search_s = t_s;
	}
	if (t_s >= eye->next_search_s) {
		eye->next_search_s = MAX(eye->next_search_s + eye->period_s, t_s);
		return search(eye, pic, t_s, wall_ms);
	}
	if (!follow(eye, pic, t_s, wall_ms))
		eye->next_search_s = MIN(eye->next_search_s, t_s + eye->period_s / 2);
	return 0;
}

static void rect_member(JsonBuilder *json, const char *name, HwRect r)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	json_builder_add_int_value(json, r.x);
	json_builder_add_int_value(json, r.y);
	json_builder_add_int_value(json, r.w);
	json_builder_add_int_value(json, r.h);
	json_builder_end_array(json);
}

/* As fractions of the picture, so that a test need not know its size. */
static void fraction_member(const McuEye *eye, JsonBuilder *json, const char *name, HwRect r)
{
	double values[4] = { (double)r.x / eye->width, (double)r.y / eye->height,
			     (double)r.w / eye->width, (double)r.h / eye->height };

	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (int i = 0; i < 4; i++)
		json_builder_add_double_value(json, round(values[i] * 1000) / 1000);
	json_builder_end_array(json);
}

void mcu_eye_recent(McuEye *eye, JsonBuilder *json)
{
	json_builder_begin_array(json);
	for (unsigned i = 0; i < eye->n_seen; i++) {
		Seen *seen = eye->seen[eye->order[i]];

		if (!seen->recent_pictures)
			continue;
		json_builder_begin_object(json);
		mcu_json_int(json, "id", eye->order[i]);
		mcu_json_int(json, "advances", seen->recent_advances);
		mcu_json_int(json, "pictures", seen->recent_pictures);
		mcu_json_int(json, "age_ms", seen->age_ms);
		mcu_json_bool(json, "dimmed", seen->hit.contrast < DIMMED_CONTRAST);
		fraction_member(eye, json, "tile", mcu_mark_tile(seen->hit.rect));
		json_builder_end_object(json);
		seen->recent_pictures = seen->recent_advances = 0;
	}
	json_builder_end_array(json);
}

static int age_percentile(const Seen *seen, double part)
{
	unsigned sum = 0;

	for (int i = 0; i < AGE_MAX_MS; i++) {
		sum += seen->ages[i];
		if (sum && sum >= part * seen->n_ages)
			return i;
	}
	return AGE_MAX_MS;
}

static void report_ages(const Seen *seen, JsonBuilder *json)
{
	json_builder_set_member_name(json, "age_ms");
	if (!seen->n_ages) {
		json_builder_add_null_value(json);
		return;
	}
	json_builder_begin_object(json);
	mcu_json_int(json, "min", age_percentile(seen, 0));
	mcu_json_int(json, "median", age_percentile(seen, 0.5));
	mcu_json_int(json, "p95", age_percentile(seen, 0.95));
	mcu_json_int(json, "max", age_percentile(seen, 1));
	mcu_json_int(json, "last", seen->age_ms);
	json_builder_end_object(json);
}

static void report_events(const McuEye *eye, const Seen *seen, JsonBuilder *json)
{
	mcu_json_int(json, "freeze_count", seen->n_freezes);
	json_builder_set_member_name(json, "freezes");
	json_builder_begin_array(json);
	for (unsigned i = 0; i < MIN(seen->n_freezes, MCU_EYE_MAX_EVENTS); i++) {
		json_builder_begin_object(json);
		mcu_json_real(json, "at_s", seen->freezes[i].start_s);
		mcu_json_real(json, "ms", seen->freezes[i].duration_s * 1000);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_set_member_name(json, "places");
	json_builder_begin_array(json);
	for (unsigned i = 0; i < seen->n_moves; i++) {
		json_builder_begin_object(json);
		mcu_json_real(json, "at_s", seen->moves[i].at_s);
		fraction_member(eye, json, "tile", mcu_mark_tile(seen->moves[i].rect));
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void report_mark(const McuEye *eye, Seen *seen, double end_s, JsonBuilder *json)
{
	double span_s = seen->last_s - seen->first_s;

	note_freeze(seen, end_s);
	json_builder_begin_object(json);
	mcu_json_int(json, "id", seen->hit.mark.id);
	mcu_json_int(json, "pictures", seen->pictures);
	mcu_json_int(json, "advances", seen->advances);
	mcu_json_real(json, "fps", span_s > 0 ? (seen->advances - 1) / span_s : 0);
	mcu_json_real(json, "first_s", seen->first_s);
	mcu_json_real(json, "last_s", seen->last_s);
	mcu_json_real(json, "advanced_s", seen->advanced_s);
	mcu_json_int(json, "dimmed", seen->dimmed);
	mcu_json_int(json, "contrast", seen->hit.contrast);
	rect_member(json, "mark_px", seen->hit.rect);
	rect_member(json, "tile_px", mcu_mark_tile(seen->hit.rect));
	fraction_member(eye, json, "tile", mcu_mark_tile(seen->hit.rect));
	report_ages(seen, json);
	report_events(eye, seen, json);
	json_builder_end_object(json);
}

void mcu_eye_report(McuEye *eye, double end_s, JsonBuilder *json)
{
	double span_s = eye->last_s - eye->first_s;

	json_builder_begin_object(json);
	mcu_json_int(json, "width", eye->width);
	mcu_json_int(json, "height", eye->height);
	mcu_json_int(json, "sizes", eye->sizes);
	mcu_json_int(json, "pictures", eye->pictures);
	mcu_json_real(json, "fps", span_s > 0 ? (eye->pictures - 1) / span_s : 0);
	mcu_json_real(json, "first_s", eye->first_s);
	mcu_json_real(json, "last_s", eye->last_s);
	mcu_json_real(json, "longest_gap_ms", eye->longest_gap_s * 1000);
	json_builder_set_member_name(json, "marks");
	json_builder_begin_array(json);
	for (unsigned i = 0; i < eye->n_seen; i++)
		report_mark(eye, eye->seen[eye->order[i]], end_s, json);
	json_builder_end_array(json);
	json_builder_end_object(json);
}

unsigned mcu_eye_advances(const McuEye *eye, unsigned id)
{
	return id < 256 && eye->seen[id] ? eye->seen[id]->advances : 0;
}

unsigned mcu_eye_freezes(const McuEye *eye, unsigned id)
{
	return id < 256 && eye->seen[id] ? eye->seen[id]->n_freezes : 0;
}
