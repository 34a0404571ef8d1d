/* Counters with one writer and any number of readers. Private to video/. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

static inline uint64_t count_get(_Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* Thread: the writer. */
static inline void count_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, count_get(c) + n, memory_order_relaxed);
}

/* Thread: the writer. */
static inline void count_max(_Atomic uint64_t *c, uint64_t v)
{
	if (v > count_get(c))
		atomic_store_explicit(c, v, memory_order_relaxed);
}
