/* The values of /metrics: one round asks the daemon for its calls and each call for its statistics.
 *
 *   scrapes (any number) --> round: list calls --> stats of each --> text, good for a second
 *
 * A call that does not answer within ROUND_MS is left out; its late answer meets a finished round.
 */
#include "http/http_priv.h"

#define ROUND_MS 2000
#define FRESH_US G_USEC_PER_SEC

typedef struct Waiter {
	McuCollectFn done;
	void *data;
} Waiter;

/* Reference-counted: the collector while it runs, and every question that is not answered. */
typedef struct Round {
	McuHttpCollect *collect; /* NULL once finished */
	unsigned pending;
	unsigned timer;
	GVariant *calls;
	GHashTable *stats; /* call id -> GVariant */
} Round;

typedef struct Question {
	Round *round;
	char *call;
} Question;

struct McuHttpCollect {
	McuHttpServer *server;
	GQueue waiters; /* Waiter; bounded by MCU_MAX_HTTP_REQUESTS */
	Round *round;   /* or NULL */
	char *text;
	gint64 made_us;
};

static void round_clear(void *data)
{
	Round *round = data;

	g_clear_pointer(&round->calls, g_variant_unref);
	g_hash_table_unref(round->stats);
}

static void round_unref(Round *round)
{
	g_rc_box_release_full(round, round_clear);
}

static void tell_waiters(McuHttpCollect *c, const char *text)
{
	Waiter *w;

	while ((w = g_queue_pop_head(&c->waiters))) {
		w->done(w->data, text);
		g_free(w);
	}
}

static void round_end(Round *round)
{
	McuHttpCollect *c = round->collect;

	if (round->timer)
		g_source_remove(round->timer);
	round->timer = 0;
	round->collect = NULL;
	c->round = NULL;
	round_unref(round);
}

static void round_finish(Round *round)
{
	McuHttpCollect *c = round->collect;
	McuMetricsInput in = {
		.counts = &c->server->counts,
		.event_subscribers = mcu_http_events_subscribers(c->server->events),
		.ready = mcu_control_ready(c->server->daemon),
		.calls = round->calls,
		.stats = round->stats,
	};

	g_free(c->text);
	c->text = mcu_metrics_text(&in);
	c->made_us = g_get_monotonic_time();
	round_end(round);
	tell_waiters(c, c->text);
}

static gboolean on_late(gpointer data)
{
	Round *round = data;

	round->timer = 0;
	round_finish(round);
	return G_SOURCE_REMOVE;
}

static void answered(Round *round)
{
	if (--round->pending == 0 && round->collect)
		round_finish(round);
	round_unref(round);
}

static void on_stats(void *data, int err, const char *text, GVariant *result)
{
	Question *q = data;

	(void)text;
	if (err == 0 && result)
		g_hash_table_insert(q->round->stats, g_steal_pointer(&q->call),
				    g_variant_ref(result));
	answered(q->round);
	g_free(q->call);
	g_free(q);
}

static void ask_stats(Round *round, const char *call)
{
	Question *q = g_new0(Question, 1);

	q->round = g_rc_box_acquire(round);
	q->call = g_strdup(call);
	round->pending++;
	mcu_control_stats(round->collect->server->daemon, call, on_stats, q);
}

static void on_calls(void *data, int err, const char *text, GVariant *result)
{
	Round *round = data;
	GVariantIter iter;
	GVariant *call;

	(void)text;
	if (err == 0 && result && round->collect) {
		round->calls = g_variant_ref(result);
		g_variant_iter_init(&iter, result);
		while ((call = g_variant_iter_next_value(&iter))) {
			const char *id = NULL;

			if (g_variant_lookup(call, "id", "&s", &id))
				ask_stats(round, id);
			g_variant_unref(call);
		}
	}
	answered(round);
}

void mcu_http_collect(McuHttpCollect *c, McuCollectFn done, void *data)
{
	Round *round;

	if (c->text && g_get_monotonic_time() - c->made_us < FRESH_US) {
		done(data, c->text);
		return;
	}
	Waiter *w = g_new(Waiter, 1);
	*w = (Waiter){ done, data };
	g_queue_push_tail(&c->waiters, w);
	if (c->round)
		return;
	round = g_rc_box_new0(Round);
	round->collect = c;
	round->stats = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     (GDestroyNotify)g_variant_unref);
	round->timer = g_timeout_add(ROUND_MS, on_late, round);
	round->pending = 1;
	c->round = round;
	mcu_control_list_calls(c->server->daemon, on_calls, g_rc_box_acquire(round));
}

McuHttpCollect *mcu_http_collect_new(McuHttpServer *server)
{
	McuHttpCollect *c = g_new0(McuHttpCollect, 1);

	c->server = server;
	g_queue_init(&c->waiters);
	return c;
}

void mcu_http_collect_free(McuHttpCollect *c)
{
	if (!c)
		return;
	if (c->round)
		round_end(c->round);
	tell_waiters(c, NULL);
	g_free(c->text);
	g_free(c);
}
