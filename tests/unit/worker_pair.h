/* Two calls of mcu/worker in one process, a leg in each, over loopback: real offers and answers,
 * real packets. No daemon, no SIP.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "worker/call.h"

#define PAIR_OPTIONS                                                                              \
	"{'width': <uint32 320>, 'height': <uint32 180>, 'fps': <uint32 15>,"                     \
	" 'bitrate': <uint32 300000>, 'decode-threads': <uint32 1>, 'layout-dir': <''>,"           \
	" 'media-timeout': <uint32 1>, 'log-level': <'error'>}"

typedef struct PairSide {
	McuCall *call;
	GHashTable *events; /* name -> how often */
} PairSide;

typedef struct Pair {
	PairSide a, b; /* each has participant "p" with leg "leg" */
} Pair;

static inline GVariant *pair_dict(const char *text)
{
	g_autoptr(GError) error = NULL;
	GVariant *v = g_variant_parse(G_VARIANT_TYPE("a{sv}"), text, NULL, NULL, &error);

	g_assert_no_error(error);
	return v;
}

static inline void pair_count(PairSide *side, const char *event, GVariant *detail)
{
	unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(side->events, event));

	g_hash_table_insert(side->events, g_strdup(event), GUINT_TO_POINTER(n + 1));
	g_variant_unref(g_variant_ref_sink(detail));
}

static inline void pair_leg_event(void *data, const char *leg, const char *event, GVariant *detail)
{
	(void)leg;
	pair_count(data, event, detail);
}

static inline void pair_call_event(void *data, const char *event, GVariant *detail)
{
	pair_count(data, event, detail);
}

static inline unsigned pair_events(const PairSide *side, const char *event)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(side->events, event));
}

static inline void pair_side_init(PairSide *side, const char *id)
{
	static const McuCallHandler handler = { pair_leg_event, pair_call_event };
	g_autoptr(GVariant) options = pair_dict(PAIR_OPTIONS);
	g_autoptr(GVariant) nothing = g_variant_ref_sink(g_variant_new("a{sv}", NULL));

	side->events = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	side->call = mcu_call_new(id, &handler, side);
	g_assert_cmpint(mcu_call_start(side->call, options, NULL), ==, 0);
	g_assert_cmpint(mcu_call_add_participant(side->call, "p", nothing, NULL), ==, 0);
	g_assert_cmpint(mcu_call_add_leg(side->call, "leg", "p", nothing, NULL), ==, 0);
}

static inline void pair_init(Pair *pair)
{
	pair_side_init(&pair->a, "a");
	pair_side_init(&pair->b, "b");
}

static inline void pair_done(Pair *pair)
{
	mcu_call_free(pair->a.call);
	mcu_call_free(pair->b.call);
	g_hash_table_unref(pair->a.events);
	g_hash_table_unref(pair->b.events);
}

static inline char *pair_offer(PairSide *side, bool hold)
{
	g_autoptr(GVariant) options = pair_dict(hold ? "{'hold': <true>}" : "{}");
	char *offer = NULL;

	g_assert_cmpint(mcu_call_make_offer(side->call, "leg", options, &offer, NULL), ==, 0);
	return offer;
}

static inline char *pair_answer(PairSide *side, const char *offer)
{
	McuDiag why = { 0 };
	char *answer = NULL;
	int r = mcu_call_set_offer(side->call, "leg", offer, &answer, &why);

	g_assert_cmpstr(why.text, ==, "");
	g_assert_cmpint(r, ==, 0);
	return answer;
}

/* `from` offers, `to` answers. */
static inline void pair_negotiate(PairSide *from, PairSide *to, bool hold)
{
	g_autofree char *offer = pair_offer(from, hold), *answer = pair_answer(to, offer);

	g_assert_cmpint(mcu_call_set_answer(from->call, "leg", answer, NULL), ==, 0);
}

static inline GVariant *pair_pick(GVariant *streams, const char *kind)
{
	for (gsize i = 0; i < g_variant_n_children(streams); i++) {
		g_autoptr(GVariant) s = g_variant_get_child_value(streams, i);
		const char *is;

		g_assert_true(g_variant_lookup(s, "kind", "&s", &is));
		if (strcmp(is, kind) == 0)
			return g_steal_pointer(&s);
	}
	return NULL;
}

/* The leg's stream of that kind; NULL = none is open. */
static inline GVariant *pair_stream(const PairSide *side, const char *kind)
{
	g_autoptr(GVariant) stats = g_variant_ref_sink(mcu_call_stats(side->call));
	g_autoptr(GVariant) parts =
		g_variant_lookup_value(stats, "participants", G_VARIANT_TYPE("aa{sv}"));

	for (gsize i = 0; i < g_variant_n_children(parts); i++) {
		g_autoptr(GVariant) part = g_variant_get_child_value(parts, i);
		g_autoptr(GVariant) legs =
			g_variant_lookup_value(part, "legs", G_VARIANT_TYPE("aa{sv}"));
		if (!g_variant_n_children(legs))
			continue;
		g_autoptr(GVariant) leg = g_variant_get_child_value(legs, 0);
		g_autoptr(GVariant) streams =
			g_variant_lookup_value(leg, "streams", G_VARIANT_TYPE("aa{sv}"));
		return pair_pick(streams, kind);
	}
	return NULL;
}

/* A counter of that stream; 0 when there is none. */
static inline uint64_t pair_counter(const PairSide *side, const char *kind, const char *key)
{
	g_autoptr(GVariant) s = pair_stream(side, kind);
	guint64 value = 0;

	if (s)
		(void)g_variant_lookup(s, key, "t", &value);
	return value;
}

static inline char *pair_text(const PairSide *side, const char *kind, const char *key)
{
	g_autoptr(GVariant) s = pair_stream(side, kind);
	char *value = NULL;

	if (s)
		(void)g_variant_lookup(s, key, "s", &value);
	return value;
}

static inline gboolean pair_woken(void *data)
{
	(void)data;
	return G_SOURCE_CONTINUE;
}

/* Run the loop until the condition holds, 10 s at most. */
#define PAIR_UNTIL(condition)                                                                     \
	do {                                                                                      \
		int64_t end_ns = mcu_now_ns() + 10 * MCU_NS_PER_SEC;                              \
		guint waker = g_timeout_add(10, pair_woken, NULL);                                \
		while (!(condition) && mcu_now_ns() < end_ns)                                     \
			g_main_context_iteration(NULL, TRUE);                                     \
		g_source_remove(waker);                                                           \
		g_assert_true(condition);                                                         \
	} while (0)

static inline void pair_run_ms(int64_t ms)
{
	int64_t until_ns = mcu_now_ns() + ms * MCU_NS_PER_MS;

	PAIR_UNTIL(mcu_now_ns() >= until_ns);
}

/* Both kinds arrive and are decoded at `side`, more than before. */
static inline void pair_assert_media(const PairSide *side)
{
	uint64_t sound = pair_counter(side, "audio", "rx-packets");
	uint64_t pictures = pair_counter(side, "video", "decoded");

	PAIR_UNTIL(pair_counter(side, "audio", "rx-packets") > sound + 5);
	PAIR_UNTIL(pair_counter(side, "video", "decoded") != pictures &&
		   pair_counter(side, "video", "decoded") > 0);
}
