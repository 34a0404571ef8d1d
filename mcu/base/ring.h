/* Bounded single-producer single-consumer ring of pointers: how data crosses threads.
 *
 *   producer --push--> [ . . . . ] --pop--> consumer
 *
 * The drop policy is the producer's: push() refuses when full, and counts it. Lock-free, no
 * allocation after mcu_ring_new(). Not here: waking the consumer (wake.h).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct McuRing McuRing;

/** `capacity` is rounded up to a power of two. `free_fn` frees what is still inside at _free(). */
McuRing *mcu_ring_new(size_t capacity, GDestroyNotify free_fn);

/** Thread: any, once neither producer nor consumer runs any more. NULL is allowed. */
void mcu_ring_free(McuRing *ring);

/** Owns: takes `item` (not NULL) when true is returned; when full, false, counted, caller keeps it.
 * Thread: the producer only.
 */
bool mcu_ring_push(McuRing *ring, void *item) __attribute__((warn_unused_result));

/** Oldest item, or NULL when empty. Owns: caller. Thread: the consumer only. */
void *mcu_ring_pop(McuRing *ring);

/** Oldest item without taking it, or NULL. Thread: the consumer only. */
void *mcu_ring_peek(McuRing *ring);

/** Number of items inside; a moment later it may differ. Thread: any. */
size_t mcu_ring_len(McuRing *ring);

/** How many pushes were refused. Thread: any. */
uint64_t mcu_ring_dropped(McuRing *ring);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuRing, mcu_ring_free)
