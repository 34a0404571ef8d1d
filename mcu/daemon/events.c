#include "daemon/events.h"

typedef struct Subscriber {
	unsigned id;
	McuEventFn fn;
	void *data;
} Subscriber;

struct McuEvents {
	GArray *subscribers; /* ids ascend */
	unsigned last_id;
};

McuEvents *mcu_events_new(void)
{
	McuEvents *e = g_new0(McuEvents, 1);

	e->subscribers = g_array_new(FALSE, FALSE, sizeof(Subscriber));
	return e;
}

void mcu_events_free(McuEvents *e)
{
	if (!e)
		return;
	g_array_unref(e->subscribers);
	g_free(e);
}

unsigned mcu_events_subscribe(McuEvents *e, McuEventFn fn, void *data)
{
	Subscriber s = { .id = ++e->last_id, .fn = fn, .data = data };

	g_array_append_val(e->subscribers, s);
	return s.id;
}

void mcu_events_unsubscribe(McuEvents *e, unsigned id)
{
	for (unsigned i = 0; i < e->subscribers->len; i++) {
		if (g_array_index(e->subscribers, Subscriber, i).id == id) {
			g_array_remove_index(e->subscribers, i);
			return;
		}
	}
}

void mcu_events_emit(McuEvents *e, const char *event, GVariant *detail)
{
	g_autoptr(GVariant) owned = g_variant_ref_sink(detail);
	unsigned told = 0, last = e->last_id;

	/* by id, since a subscriber may change the list */
	for (unsigned i = 0; i < e->subscribers->len;) {
		Subscriber s = g_array_index(e->subscribers, Subscriber, i);

		if (s.id <= told || s.id > last) {
			i++;
			continue;
		}
		told = s.id;
		s.fn(s.data, event, owned);
		i = 0;
	}
}
