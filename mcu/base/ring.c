#include "base/ring.h"

#include <stdatomic.h>

struct McuRing {
	size_t mask;
	GDestroyNotify free_fn;
	_Atomic uint64_t dropped;

	/* written by the producer */
	_Alignas(64) _Atomic size_t head;
	/* written by the consumer */
	_Alignas(64) _Atomic size_t tail;

	void **slots;
};

McuRing *mcu_ring_new(size_t capacity, GDestroyNotify free_fn)
{
	McuRing *ring = g_aligned_alloc0(1, sizeof(*ring), 64);
	size_t size = 2;

	while (size < capacity)
		size *= 2;
	ring->mask = size - 1;
	ring->free_fn = free_fn;
	ring->slots = g_new0(void *, size);
	return ring;
}

void mcu_ring_free(McuRing *ring)
{
	void *item;

	if (!ring)
		return;
	while ((item = mcu_ring_pop(ring)))
		if (ring->free_fn)
			ring->free_fn(item);
	g_free(ring->slots);
	g_aligned_free(ring);
}

bool mcu_ring_push(McuRing *ring, void *item)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	g_assert(item);
	if (head - tail > ring->mask) {
		atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
		return false;
	}
	ring->slots[head & ring->mask] = item;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

void *mcu_ring_peek(McuRing *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

	return head == tail ? NULL : ring->slots[tail & ring->mask];
}

void *mcu_ring_pop(McuRing *ring)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	void *item = mcu_ring_peek(ring);

	if (item)
		atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return item;
}

size_t mcu_ring_len(McuRing *ring)
{
	/* tail first: head can only grow meanwhile, so the difference never underflows */
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}

uint64_t mcu_ring_dropped(McuRing *ring)
{
	return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}
