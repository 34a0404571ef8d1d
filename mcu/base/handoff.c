#include "base/handoff.h"

#include <stdatomic.h>

#include "base/ring.h"

/* publish() empties the ring each time, and the reader leaves at most two between two calls. */
#define RETIRED_MAX 4

struct McuHandoff {
	GDestroyNotify free_fn;
	_Atomic(void *) pending; /* published, not yet acquired */
	McuRing *retired;        /* left by the reader, to be freed by the writer */
	void *current;           /* reader only */
};

McuHandoff *mcu_handoff_new(GDestroyNotify free_fn)
{
	McuHandoff *h = g_new0(McuHandoff, 1);

	h->free_fn = free_fn;
	h->retired = mcu_ring_new(RETIRED_MAX, free_fn);
	return h;
}

static void release(McuHandoff *h, void *snapshot)
{
	if (snapshot && h->free_fn)
		h->free_fn(snapshot);
}

void mcu_handoff_free(McuHandoff *h)
{
	if (!h)
		return;
	release(h, atomic_load(&h->pending));
	release(h, h->current);
	mcu_ring_free(h->retired);
	g_free(h);
}

void mcu_handoff_publish(McuHandoff *h, void *snapshot)
{
	g_assert(snapshot);
	mcu_handoff_reap(h);
	release(h, atomic_exchange(&h->pending, snapshot));
}

void mcu_handoff_reap(McuHandoff *h)
{
	void *snapshot;

	while ((snapshot = mcu_ring_pop(h->retired)))
		release(h, snapshot);
}

void *mcu_handoff_acquire(McuHandoff *h)
{
	void *next = atomic_exchange(&h->pending, NULL);

	if (!next)
		return h->current;
	if (h->current) {
		bool kept = mcu_ring_push(h->retired, h->current);
		g_assert(kept);
	}
	h->current = next;
	return next;
}
